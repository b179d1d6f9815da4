"""Finds today's visit of a person: by queue number, by a number of theirs, by phone, by name.

Numbers are found by their keyed hash. Names are sealed: those of today are opened in batches,
here and only for the moment of the search. Whoever is shown leaves an audit row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from backend.domain.catalogue import Catalogue
from backend.domain.desk import SearchWish, matches_name, read_search
from backend.domain.scan import PersonFacts
from backend.events import Event
from backend.services.list_today import DeskVisit, load_desk_visits, visits_query
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.crypto import Keys
from backend.storage.number_tables import Number, Ticket
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Person, PersonKey, Visit

MAX_FOUND = 30
BATCH = 500
MAX_OPENED = 6_000
"""Names of one day that are looked at; a search that would need more says it is not complete."""


@dataclass(frozen=True, kw_only=True)
class FoundVisit:
    """`person` is None once the link to them has been purged."""

    visit: DeskVisit
    person: PersonFacts | None


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """`understood` False: the text means nothing that can be looked for."""

    items: Sequence[FoundVisit]
    complete: bool
    understood: bool = True


def search_visits(resources: Resources, untrusted_text: str, *, staff: Caller) -> SearchResult:
    """The newest first. Raises StorageUnavailable."""
    catalogue = resources.catalogue.get()
    today = catalogue.today(resources.database.clock())
    wish = read_search(untrusted_text, today=today)
    if wish.is_empty:
        return SearchResult(items=[], complete=True, understood=False)

    def search(unit: UnitOfWork) -> SearchResult:
        ids, complete = _find_ids(unit, resources.keys, wish, today)
        items = _load(unit.connection, resources.keys, catalogue, ids)
        for item in items:
            if item.person is not None:
                unit.audit(
                    Event.PERSON_READ,
                    actor=staff.actor,
                    subject=f"visit:{item.visit.id}",
                    detail={"why": "search"},
                )
        return SearchResult(items=items, complete=complete)

    return resources.database.transact(search)


def _find_ids(
    unit: UnitOfWork, keys: Keys, wish: SearchWish, today: date
) -> tuple[list[str], bool]:
    """The newest `MAX_FOUND` visits, and whether these are all."""
    mine = (Visit.facility_id == unit.facility_id, Visit.day == today)
    if wish.name is not None:
        return _find_by_name(unit.connection, keys, wish.name, mine)
    query = select(Visit.id).where(*mine).order_by(Visit.id.desc()).limit(MAX_FOUND + 1)
    if wish.number is not None:
        query = query.join(Number, Number.visit_id == Visit.id).where(
            Number.facility_id == unit.facility_id,
            Number.day == today,
            Number.number == wish.number,
        )
        if wish.letter is not None:
            query = query.where(Number.letter == wish.letter)
    elif wish.token is not None:
        query = query.join(Ticket, Ticket.visit_id == Visit.id).where(Ticket.token == wish.token)
    else:
        hashes = [keys.hash("person", kind, number) for kind, number in wish.person_numbers]
        people = select(PersonKey.person_id).where(
            PersonKey.facility_id == unit.facility_id, PersonKey.key_hash.in_(hashes)
        )
        same: ColumnElement[bool] = Visit.person_id.in_(people)
        if wish.phone is not None:
            same = same | (Visit.phone_hash == keys.hash("phone", wish.phone))
        query = query.where(same)
    ids = list(unit.connection.scalars(query))
    return ids[:MAX_FOUND], len(ids) <= MAX_FOUND


def _find_by_name(
    connection: Connection, keys: Keys, wanted: str, mine: Any
) -> tuple[list[str], bool]:
    found: list[str] = []
    opened = 0
    for rows in _batches(connection, mine):
        for row in rows:
            if len(found) == MAX_FOUND or opened == MAX_OPENED:
                return found, False
            opened += 1
            if matches_name(_open(keys, row.person_id, row.sealed).name_key, wanted):
                found.append(row.id)
    return found, True


def _batches(connection: Connection, mine: Any) -> Iterator[Sequence[Any]]:
    before: str | None = None
    while True:
        query = (
            select(Visit.id, Visit.person_id, Person.sealed)
            .join(Person, Person.id == Visit.person_id)
            .where(*mine)
            .order_by(Visit.id.desc())
            .limit(BATCH)
        )
        if before is not None:
            query = query.where(Visit.id < before)
        rows = connection.execute(query).all()
        yield rows
        if len(rows) < BATCH:
            return
        before = rows[-1].id


def _open(keys: Keys, person_id: str, sealed: bytes) -> PersonFacts:
    return PersonFacts(**json.loads(keys.unseal(sealed, context=f"person:{person_id}")))


def _load(
    connection: Connection, keys: Keys, catalogue: Catalogue, ids: Sequence[str]
) -> list[FoundVisit]:
    rows = connection.execute(visits_query().where(Visit.id.in_(list(ids)))).all()
    visits = load_desk_visits(connection, catalogue, rows)
    people = find_people(connection, keys, [row.person_id for row in rows if row.person_id])
    return [
        FoundVisit(visit=visit, person=people.get(row.person_id))
        for visit, row in zip(visits, rows, strict=True)
    ]


def find_people(
    connection: Connection, keys: Keys, ids: Sequence[str]
) -> dict[str | None, PersonFacts]:
    rows = connection.execute(select(Person.id, Person.sealed).where(Person.id.in_(list(ids))))
    return {row.id: _open(keys, row.id, row.sealed) for row in rows}
