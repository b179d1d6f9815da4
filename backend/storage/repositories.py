"""Rows behind the use cases. Statements are built once: building one costs more than running it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Executable,
    Row,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    select,
    update,
)

from backend.domain.identity.phones import phone_key
from backend.domain.ids import new_id
from backend.domain.placement import Limit
from backend.domain.queueing import Lane
from backend.domain.scan import PersonFacts, ScanContent
from backend.errors import IdempotencyKeyReused, ScanExpired, VisitNotFound
from backend.storage.catalogue_tables import Quota
from backend.storage.crypto import Keys
from backend.storage.number_tables import Series, Ticket
from backend.storage.queue_tables import OPEN_STEP_STATES, Step
from backend.storage.request_tables import IdempotencyKey
from backend.storage.unit_of_work import ConflictInsert, UnitOfWork
from backend.storage.visit_tables import Person, PersonKey, Scan, Visit

OPEN = Step.state.in_(OPEN_STEP_STATES)


# --- answers given once --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One wish of one caller: the same key and body mean the same wish."""

    caller: str
    key: str
    body_hash: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the caller gets: HTTP status and JSON text."""

    status: int
    body: str


_FIND_ANSWER = select(IdempotencyKey.body_hash, IdempotencyKey.status, IdempotencyKey.reply).where(
    IdempotencyKey.caller == bindparam("caller"),
    IdempotencyKey.key == bindparam("key"),
)


def find_answer(unit: UnitOfWork, intent: Intent) -> Answer | None:
    """The first answer to this wish. Raises IdempotencyKeyReused for another body."""
    row = unit.connection.execute(
        _FIND_ANSWER, {"caller": intent.caller, "key": intent.key}
    ).one_or_none()
    if row is None:
        return None
    if row.body_hash != intent.body_hash:
        raise IdempotencyKeyReused
    return Answer(status=row.status, body=row.reply)


def save_answer(unit: UnitOfWork, intent: Intent, answer: Answer) -> None:
    """Somebody else may have answered the same wish meanwhile: then the flush fails."""
    unit.add(
        IdempotencyKey,
        caller=intent.caller,
        key=intent.key,
        body_hash=intent.body_hash,
        status=answer.status,
        reply=answer.body,
        created_at=unit.now,
    )


# --- scans ---------------------------------------------------------------------------------------

_GET_SCAN = select(Scan.sealed).where(
    Scan.id == bindparam("scan_id"),
    Scan.kiosk_id == bindparam("kiosk_id"),
    Scan.expires_at > bindparam("now"),
)


def get_scan(
    connection: Connection, keys: Keys, scan_id: str, *, kiosk_id: str, now: datetime
) -> ScanContent:
    """Raises ScanExpired: unknown, too old, or of another kiosk."""
    sealed = connection.scalar(_GET_SCAN, {"scan_id": scan_id, "kiosk_id": kiosk_id, "now": now})
    if sealed is None:
        raise ScanExpired
    return ScanContent.from_json(json.loads(keys.unseal(sealed, context=f"scan:{scan_id}")))


def save_scan(
    unit: UnitOfWork,
    keys: Keys,
    content: ScanContent,
    *,
    kiosk_id: str,
    kind: str,
    outcome: str,
    expires_at: datetime,
) -> str:
    """Returns the new scan's id."""
    scan_id = new_id()
    text = json.dumps(content.to_json(), ensure_ascii=False)
    unit.add(
        Scan,
        id=scan_id,
        kiosk_id=kiosk_id,
        kind=kind,
        outcome=outcome,
        sealed=keys.seal(text.encode(), context=f"scan:{scan_id}"),
        created_at=unit.now,
        expires_at=expires_at,
    )
    return scan_id


# --- people --------------------------------------------------------------------------------------


def hash_person(keys: Keys, person: PersonFacts) -> list[str]:
    """Everything this person can be found by, the most certain first.

    A name with birth date finds people only who have no number at all: two people may share it.
    """
    if person.numbers or person.his_ref:
        named = [("his", person.his_ref)] if person.his_ref else []
        return [keys.hash("person", *pair) for pair in [*named, *sorted(person.numbers.items())]]
    parts = (person.name_key, person.birth_date or "", person.gender or "")
    return [keys.hash("person", "name", *parts)]


def hash_phone(keys: Keys, scan: ScanContent) -> str | None:
    """The phone that came with a check-in; whoever brought the patient can be called back."""
    written = scan.on_behalf.phone if scan.on_behalf else scan.person and scan.person.phone
    key = phone_key(written) if written else None
    return keys.hash("phone", key) if key else None


_FIND_PEOPLE = (
    select(
        PersonKey.key_hash,
        PersonKey.person_id,
        Step.visit_id,
        Step.service_id,
    )
    .join_from(
        PersonKey,
        Step,
        and_(
            Step.facility_id == PersonKey.facility_id,
            Step.person_id == PersonKey.person_id,
            Step.day == bindparam("day"),
            OPEN,
        ),
        isouter=True,
    )
    .where(
        PersonKey.facility_id == bindparam("facility_id"),
        PersonKey.key_hash.in_(bindparam("hashes", expanding=True)),
    )
)


@dataclass(frozen=True, kw_only=True)
class KnownPerson:
    """`id` is None for somebody new. `open_visits` maps a service to today's open visit for it."""

    id: str | None
    hashes: Sequence[str]
    missing_hashes: Sequence[str]
    open_visits: Mapping[str, str]


def find_person(
    connection: Connection, keys: Keys, person: PersonFacts, *, facility_id: str, day: date
) -> KnownPerson:
    """Who this is here. Cards that led to different people before are not merged, but an open
    visit of any of them counts: one number per person.
    """
    hashes = hash_person(keys, person)
    rows = connection.execute(
        _FIND_PEOPLE, {"facility_id": facility_id, "day": day, "hashes": hashes}
    ).all()
    people = {row.key_hash: row.person_id for row in rows}
    return KnownPerson(
        id=next((people[each] for each in hashes if each in people), None),
        hashes=hashes,
        missing_hashes=[each for each in hashes if each not in people],
        open_visits={row.service_id: row.visit_id for row in rows if row.visit_id},
    )


_TOUCH_PERSON = (
    update(Person)
    .where(Person.id == bindparam("known_id"))
    .values(
        last_seen_at=bindparam("now"),
        sealed=bindparam("new_sealed"),
        his_ref=func.coalesce(bindparam("new_ref"), Person.his_ref),
    )
)


def save_person(unit: UnitOfWork, keys: Keys, known: KnownPerson, person: PersonFacts) -> str:
    """The person's id. Somebody else may store the same person meanwhile: then the flush fails."""
    person_id = known.id or new_id()
    text = json.dumps(vars(person), ensure_ascii=False)
    sealed = keys.seal(text.encode(), context=f"person:{person_id}")
    if known.id is None:
        unit.add(
            Person,
            id=person_id,
            his_ref=person.his_ref,
            sealed=sealed,
            last_seen_at=unit.now,
        )
    else:
        values = {
            "known_id": person_id,
            "now": unit.now,
            "new_sealed": sealed,
            "new_ref": person.his_ref,
        }
        unit.connection.execute(_TOUCH_PERSON, values)
    # In one order for everybody: two people with overlapping keys must not wait for each other.
    for key_hash in sorted(known.missing_hashes):
        unit.add(PersonKey, key_hash=key_hash, person_id=person_id)
    return person_id


def get_person(connection: Connection, keys: Keys, person_id: str) -> PersonFacts:
    """Raises VisitNotFound when the link to the person has been purged."""
    sealed = connection.scalar(select(Person.sealed).where(Person.id == person_id))
    if sealed is None:
        raise VisitNotFound
    return PersonFacts(**json.loads(keys.unseal(sealed, context=f"person:{person_id}")))


def find_people(
    connection: Connection, keys: Keys, person_ids: Iterable[str]
) -> dict[str, PersonFacts]:
    """Those of these people that are still known, in one query."""
    people = select(Person.id, Person.sealed).where(Person.id.in_(sorted(set(person_ids))))
    return {
        id_: PersonFacts(**json.loads(keys.unseal(sealed, context=f"person:{id_}")))
        for id_, sealed in connection.execute(people)
    }


# --- queues, limits, numbers ---------------------------------------------------------------------

_COUNT_WAITING = (
    select(
        Step.queue_id,
        Step.lane,
        func.count(),
        func.sum(case((Step.queue_key_at <= bindparam("key_at"), 1), else_=0)),
    )
    .where(
        Step.queue_id.in_(bindparam("queues", expanding=True)),
        Step.day == bindparam("day"),
        # Spelled out so that PostgreSQL sees it belongs to the partial index.
        literal_column("step.state = 'waiting'"),
    )
    .group_by(Step.queue_id, Step.lane)
)


@dataclass(frozen=True, kw_only=True)
class QueueLoad:
    """People who wait in one queue, by lane; `earlier` only those with a key not after mine."""

    total: Mapping[Lane, int]
    earlier: Mapping[Lane, int]

    @property
    def people(self) -> int:
        return sum(self.total.values())

    def ahead_of(self, lane: Lane) -> Mapping[Lane, int]:
        """Counts for `count_ahead`: within a lane the key decides, and between B and N."""
        booked_or_normal = (Lane.BOOKED, Lane.NORMAL)
        keyed = booked_or_normal if lane in booked_or_normal else (lane,)
        return {**self.total, **{each: self.earlier.get(each, 0) for each in keyed}}


EMPTY_QUEUE = QueueLoad(total={}, earlier={})


def count_waiting(
    connection: Connection, queues: Iterable[str], *, day: date, key_at: datetime
) -> dict[str, QueueLoad]:
    """Who waits in these queues; queues nobody waits in are missing."""
    total: dict[str, Counter[Lane]] = {}
    earlier: dict[str, Counter[Lane]] = {}
    rows = connection.execute(
        _COUNT_WAITING, {"queues": sorted(set(queues)), "day": day, "key_at": key_at}
    )
    for queue_id, lane, people, before in rows:
        total.setdefault(queue_id, Counter())[Lane(lane)] = people
        earlier.setdefault(queue_id, Counter())[Lane(lane)] = int(before)
    return {queue: QueueLoad(total=total[queue], earlier=earlier[queue]) for queue in total}


@cache
def _take_place(insert_into: Callable[[Any], ConflictInsert]) -> Executable:
    quota = insert_into(Quota)
    return quota.on_conflict_do_update(
        index_elements=["facility_id", "day", "scope"],
        set_={"taken": Quota.taken + 1, "capacity": quota.excluded.capacity},
        where=Quota.taken < quota.excluded.capacity,
    )


def take_place(unit: UnitOfWork, limit: Limit, *, day: date) -> bool:
    """One place of a limited thing, or False when all are taken. Atomic among all takers."""
    if limit.capacity <= 0:
        return False
    row = {
        "facility_id": unit.facility_id,
        "day": day,
        "scope": limit.scope,
        "capacity": limit.capacity,
        "taken": 1,
    }
    return unit.connection.execute(_take_place(unit.insert_into), row).rowcount == 1


def give_place_back(unit: UnitOfWork, scope: str, *, day: date) -> None:
    unit.connection.execute(
        update(Quota)
        .where(
            Quota.facility_id == unit.facility_id,
            Quota.day == day,
            Quota.scope == scope,
            Quota.taken > 0,
        )
        .values(taken=Quota.taken - 1)
    )


@cache
def _take_number(insert_into: Callable[[Any], ConflictInsert]) -> Executable:
    return (
        insert_into(Series)
        .on_conflict_do_update(
            index_elements=["facility_id", "letter", "day"],
            set_={"last": Series.last + 1},
        )
        .returning(Series.last)
    )


def take_number(unit: UnitOfWork, letter: str, *, day: date) -> int:
    """The next number of the series.

    Everybody else who needs this series waits until the transaction ends, so take it last.
    """
    row = {"facility_id": unit.facility_id, "letter": letter, "day": day, "last": 1}
    return int(unit.connection.execute(_take_number(unit.insert_into), row).scalar_one())


# --- visits --------------------------------------------------------------------------------------

_GET_VISIT = select(
    Visit.__table__,
    Ticket.content,
    Ticket.number,
    Ticket.token,
    Ticket.print_state,
).join_from(Visit, Ticket, Ticket.visit_id == Visit.id)

_GET_ONE_VISIT = _GET_VISIT.where(
    Visit.id == bindparam("visit_id"), Visit.facility_id == bindparam("facility_id")
)
_LIST_STEPS = (
    select(Step.__table__).where(Step.visit_id == bindparam("visit_id")).order_by(Step.position)
)


@dataclass(frozen=True, kw_only=True)
class StoredVisit:
    """A visit with its ticket (`visit`), and its steps in order."""

    visit: Row[Any]
    steps: Sequence[Row[Any]]

    @property
    def lane(self) -> str:
        """What other systems hear of this person stays in order."""
        return str(self.visit.person_id or self.visit.id)


def get_visit(connection: Connection, visit_id: str, *, facility_id: str) -> StoredVisit:
    """Raises VisitNotFound."""
    row = connection.execute(
        _GET_ONE_VISIT, {"visit_id": visit_id, "facility_id": facility_id}
    ).one_or_none()
    if row is None:
        raise VisitNotFound
    steps = connection.execute(_LIST_STEPS, {"visit_id": visit_id}).all()
    return StoredVisit(visit=row, steps=steps)


def lock_visit(unit: UnitOfWork, visit_id: str) -> StoredVisit:
    """The visit, and nobody else changes it until this transaction ends. Raises VisitNotFound.

    Rows that refer to it may be written meanwhile: a room that holds a queue writes the changes
    of its steps, and whoever holds the visit may be waiting for that queue.
    """
    unit.connection.execute(
        select(Visit.id).where(Visit.id == visit_id).with_for_update(key_share=True)
    )
    return get_visit(unit.connection, visit_id, facility_id=unit.facility_id)
