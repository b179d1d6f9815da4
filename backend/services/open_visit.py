"""One visit with its person, opened by a member of staff; opening is audited."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from backend.domain.catalogue import Catalogue
from backend.domain.patient_category import Category, find_category
from backend.domain.scan import OnBehalfFacts, PersonFacts
from backend.errors import VisitNotFound
from backend.events import Event
from backend.services.list_today import DeskVisit, load_desk_visits, visits_query
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.search_visits import find_people
from backend.services.show_evidence import count_evidence
from backend.storage.crypto import Keys
from backend.storage.kiosk_tables import Kiosk
from backend.storage.number_tables import PrintRequest
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit

MAX_PRINTS = 3


@dataclass(frozen=True, kw_only=True)
class ShownPrint:
    """`state` as of the request: pending, taken, or what the printer said."""

    id: str
    agent: str
    state: str
    reason: str | None
    requested_at: datetime


@dataclass(frozen=True, kw_only=True)
class OpenedVisit:
    """`coverage` is what the look-up said; `group` the code of the priority group."""

    visit: DeskVisit
    person: PersonFacts | None
    on_behalf: OnBehalfFacts | None
    group: str | None
    declared: bool
    verified: bool
    provisional: bool
    use_insurance: bool
    coverage: str | None
    known_to_his: bool
    category: Category | None
    """None: nothing can be proposed yet; `category_reason` says why."""
    category_reason: str | None
    category_confirmed: bool
    evidence: int
    """Failed look-ups of the insurance that are proved."""
    prints: Sequence[ShownPrint]


def open_visit(resources: Resources, visit_id: str, *, staff: Caller) -> OpenedVisit:
    """Of any day that is kept. Raises VisitNotFound, StorageUnavailable."""
    catalogue = resources.catalogue.get()

    def read(unit: UnitOfWork) -> OpenedVisit:
        opened = load_opened(unit.connection, resources.keys, catalogue, visit_id)
        if opened.person is not None:
            subject = f"visit:{visit_id}"
            detail = {"why": "opened"}
            unit.audit(Event.PERSON_READ, actor=staff.actor, subject=subject, detail=detail)
        return opened

    return resources.database.transact(read)


def load_opened(
    connection: Connection, keys: Keys, catalogue: Catalogue, visit_id: str
) -> OpenedVisit:
    """Whoever shows this has left an audit row in the same transaction. Raises VisitNotFound."""
    query = visits_query().where(Visit.id == visit_id, Visit.facility_id == catalogue.facility_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise VisitNotFound
    (visit,) = load_desk_visits(connection, catalogue, [row])
    people = find_people(connection, keys, [row.person_id] if row.person_id else [])
    return OpenedVisit(
        visit=visit,
        person=people.get(row.person_id),
        on_behalf=_on_behalf(keys, row),
        group=row.priority_group,
        declared=row.priority_declared,
        verified=row.verified,
        provisional=row.provisional,
        use_insurance=row.use_insurance,
        coverage=row.coverage_outcome,
        known_to_his=row.known_to_his,
        category=find_category(row.category_code, on=row.day),
        category_reason=row.category_reason,
        category_confirmed=row.category_confirmed,
        evidence=count_evidence(connection, visit_id),
        prints=_prints(connection, visit_id),
    )


def _on_behalf(keys: Keys, row: Any) -> OnBehalfFacts | None:
    if row.sealed_on_behalf is None:
        return None
    return OnBehalfFacts(**json.loads(keys.unseal(row.sealed_on_behalf, context=f"visit:{row.id}")))


def _prints(connection: Connection, visit_id: str) -> list[ShownPrint]:
    rows = connection.execute(
        select(PrintRequest.__table__, Kiosk.name)
        .join(Kiosk, Kiosk.id == PrintRequest.agent_id)
        .where(PrintRequest.visit_id == visit_id)
        .order_by(PrintRequest.requested_at.desc(), PrintRequest.id.desc())
        .limit(MAX_PRINTS)
    )
    return [
        ShownPrint(
            id=row.id,
            agent=row.name,
            state=row.state,
            reason=row.reason,
            requested_at=row.requested_at,
        )
        for row in rows
    ]
