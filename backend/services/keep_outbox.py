"""What staff see of the outbox and do with dead letters. Every deed is audited.

A dead letter is corrected where its data live, then replayed: a payload holds nothing but ids.
Several records in the HIS: the right one is chosen here. A wrong name or number: corrected at
reception. A person who is gone, a HIS that cannot do it: done by hand there, then discarded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select, update

from backend.domain.outbox import (
    DEAD_LETTERS,
    UNDER_WAY,
    Breaker,
    CallGroup,
    MessageState,
    Pace,
)
from backend.errors import (
    MessageNotFound,
    NotADeadLetter,
    ReasonMissing,
    VisitNotFound,
    WrongRecord,
)
from backend.events import Event
from backend.services.deliveries.check_in import make_query
from backend.services.resources import Resources
from backend.services.settle_messages import PARTY_FAULTS
from backend.storage.database import Database
from backend.storage.number_tables import Ticket
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.parties import list_party_states
from backend.storage.repositories import get_person
from backend.storage.unit_of_work import EXPIRES_AFTER, UnitOfWork
from backend.storage.visit_tables import Person, Visit
from his_adapter.errors import MultipleMatches
from his_adapter.models import PatientMatch

MAX_LISTED = 200
NOBODY_ASKED = timedelta(minutes=10)
"""Questions come with patients: what was not tried for so long says nothing of now."""
MAX_REASON_CHARS = 200
AWAY_TOO_LONG_S = 300.0
CANDIDATES_WAIT_S = 5.0
MAX_CANDIDATES = 10


@dataclass(frozen=True, kw_only=True)
class ListedMessage:
    """Ids, codes and times: nothing here tells who it is about."""

    id: str
    party: str
    kind: str
    state: str
    attempts: int
    last_error: str | None
    visit_id: str | None
    number: str | None
    """Of the ticket, for staff who hold one in hand."""
    created_at: datetime
    sent_at: datetime | None
    next_at: datetime
    expires_at: datetime
    settled_at: datetime | None

    @property
    def is_dead_letter(self) -> bool:
        return self.state in DEAD_LETTERS

    @property
    def can_choose(self) -> bool:
        """The HIS knows several people: somebody may say which it is."""
        return self.last_error == MultipleMatches.code and self.visit_id is not None


@dataclass(frozen=True, kw_only=True)
class PartyOverview:
    party: str
    depth: int = 0
    """Under way: sent without anybody's help."""
    unknown: int = 0
    dead: int = 0
    oldest_at: datetime | None = None
    delivered: int = 0
    breakers: dict[str, str] = field(default_factory=dict)
    away_since: datetime | None = None
    last_error: str | None = None

    @property
    def fault(self) -> str | None:
        """What somebody has to put right there, or between here and there."""
        is_fault = self.away_since is not None and self.last_error in PARTY_FAULTS
        return self.last_error if is_fault else None

    def away_s(self, now: datetime) -> float:
        return 0.0 if self.away_since is None else (now - self.away_since).total_seconds()


def list_messages(
    database: Database, *, states: Sequence[str] = (), limit: int = MAX_LISTED
) -> list[ListedMessage]:
    """The oldest first; without `states` all that are not settled."""
    message = OutboxMessage
    wanted = message.state.in_(states) if states else message.settled_at.is_(None)
    query = (
        select(*_COLUMNS, Ticket.number)
        .outerjoin(Ticket, Ticket.visit_id == message.visit_id)
        .where(message.facility_id == database.facility_id, wanted)
        .order_by(message.id)
        .limit(limit)
    )
    with database.read() as connection:
        return [ListedMessage(**row) for row in connection.execute(query).mappings()]


def get_message(database: Database, message_id: str) -> ListedMessage:
    """Raises MessageNotFound."""
    query = (
        select(*_COLUMNS, Ticket.number)
        .outerjoin(Ticket, Ticket.visit_id == OutboxMessage.visit_id)
        .where(
            OutboxMessage.id == message_id,
            OutboxMessage.facility_id == database.facility_id,
        )
    )
    with database.read() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise MessageNotFound
    return ListedMessage(**row)


_COLUMNS = [
    OutboxMessage.__table__.c[name]
    for name in (
        "id", "party", "kind", "state", "attempts", "last_error", "visit_id", "created_at", "sent_at",
        "next_at", "expires_at", "settled_at",
    )
]  # fmt: skip


def look_at_outbox(database: Database) -> list[PartyOverview]:
    """How things are with each party, also with those nothing was sent to yet."""
    message = OutboxMessage
    is_under_way = message.state.in_(UNDER_WAY)
    query = (
        select(
            message.party,
            func.count(case((is_under_way, 1))).label("depth"),
            func.count(case((message.state == MessageState.UNKNOWN, 1))).label("unknown"),
            func.count(case((message.state.in_(DEAD_LETTERS), 1))).label("dead"),
            func.min(case((is_under_way, message.created_at))).label("oldest_at"),
        )
        .where(message.facility_id == database.facility_id, message.settled_at.is_(None))
        .group_by(message.party)
    )
    now = database.clock()
    with database.read() as connection:
        found = {row.party: dict(row._mapping) for row in connection.execute(query)}  # noqa: SLF001  # SQLAlchemy's public name
        rows = list_party_states(connection, facility_id=database.facility_id)
    for row in rows:
        facts = found.setdefault(row.party, {"party": row.party})
        is_stale = row.call_group == CallGroup.READ and (
            row.probe_at is None or now - row.probe_at > NOBODY_ASKED
        )
        breaker = Breaker.CLOSED if is_stale else Breaker(row.breaker)
        facts.setdefault("breakers", {})[row.call_group] = breaker.value
        facts["delivered"] = facts.get("delivered", 0) + row.delivered
        if breaker is not Breaker.CLOSED and row.opened_at is not None:
            before = facts.get("away_since") or row.opened_at
            facts["away_since"] = min(before, row.opened_at)
            facts["last_error"] = row.last_error
    found.setdefault("his", {"party": "his"})
    return [PartyOverview(**found[party]) for party in sorted(found)]


def replay_message(database: Database, message_id: str, *, actor: str) -> None:
    """Sends a dead letter again, with the key it had. Raises MessageNotFound, NotADeadLetter."""
    with database.write() as unit:
        _replay(unit, _lock(unit, message_id), actor=actor)


def replay_all_dead(database: Database, *, actor: str) -> int:
    """Sends all dead letters again, in batches; returns how many."""
    replayed = 0
    while messages := list_messages(database, states=DEAD_LETTERS):
        with database.write() as unit:
            for each in messages:
                row = _find(unit, each.id)
                if row is not None and row.state in DEAD_LETTERS:
                    _replay(unit, row, actor=actor)
                    replayed += 1
    return replayed


def discard_message(database: Database, message_id: str, *, reason: str, actor: str) -> None:
    """Nobody sends it any more; whatever waited for it goes on.

    Raises MessageNotFound, NotADeadLetter, ReasonMissing.
    """
    reason = " ".join(reason.split())
    if not reason or len(reason) > MAX_REASON_CHARS or not reason.isprintable():
        raise ReasonMissing
    with database.write() as unit:
        row = _lock(unit, message_id)
        unit.connection.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == row.id)
            .values(state=MessageState.DISCARDED, settled_at=unit.now)
        )
        _tell(unit, Event.OUTBOX_DISCARDED, row, actor=actor, detail={"reason": reason})


def list_candidates(resources: Resources, message_id: str, *, actor: str) -> list[PatientMatch]:
    """The people the HIS may mean, masked as it shows them. Audited as a look at a person.

    Raises MessageNotFound, NotADeadLetter, VisitNotFound; NoAnswer when the HIS is away.
    """
    database = resources.database
    with database.write() as unit:
        row = _lock(unit, message_id)
        person_id = unit.connection.scalar(select(Visit.person_id).where(Visit.id == row.visit_id))
        if person_id is None:
            raise VisitNotFound
        person = get_person(unit.connection, resources.keys, person_id)
        detail = {"why": "outbox"}
        subject = f"visit:{row.visit_id}"
        unit.audit(Event.PERSON_READ, actor=actor, subject=subject, detail=detail)
    query = make_query(person)
    pending = resources.his_party.ask(
        lambda: resources.his.find_patients(query, limit=MAX_CANDIDATES)
    )
    try:
        return list(pending.wait(CANDIDATES_WAIT_S).items)
    except MultipleMatches:
        # It does not say which ones: they are looked for by name and birth date alone.
        by_name = type(query)(
            identifiers=(),
            full_name=query.full_name,
            birth_date=query.birth_date,
            gender=query.gender,
        )
        if by_name.birth_date is None:
            return []
        again = resources.his_party.ask(
            lambda: resources.his.find_patients(by_name, limit=MAX_CANDIDATES)
        )
        return list(again.wait(CANDIDATES_WAIT_S).items)


def choose_patient(resources: Resources, message_id: str, *, ref: str, actor: str) -> None:
    """The record of the HIS that is meant is remembered for the person, then the letter goes again.

    Only one of the candidates may be chosen: who writes another reference into the form gets
    WrongRecord. Raises as `list_candidates` does.
    """
    if ref not in {match.ref for match in list_candidates(resources, message_id, actor=actor)}:
        raise WrongRecord
    with resources.database.write() as unit:
        row = _lock(unit, message_id)
        person_id = unit.connection.scalar(select(Visit.person_id).where(Visit.id == row.visit_id))
        unit.connection.execute(update(Person).where(Person.id == person_id).values(his_ref=ref))
        _replay(unit, row, actor=actor, detail={"chosen": True})


def _find(unit: UnitOfWork, message_id: str) -> Any:
    return unit.connection.execute(
        select(*_COLUMNS)
        .where(
            OutboxMessage.id == message_id,
            OutboxMessage.facility_id == unit.facility_id,
        )
        .with_for_update()
    ).one_or_none()


def _lock(unit: UnitOfWork, message_id: str) -> Any:
    row = _find(unit, message_id)
    if row is None:
        raise MessageNotFound
    if row.state not in DEAD_LETTERS:
        raise NotADeadLetter
    return row


def _replay(
    unit: UnitOfWork, row: Any, *, actor: str, detail: dict[str, Any] | None = None
) -> None:
    unit.connection.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == row.id)
        .values(
            state=MessageState.NEW,
            next_at=unit.now,
            expires_at=unit.now + EXPIRES_AFTER,
            failed_alone=0,
        )
    )
    _tell(unit, Event.OUTBOX_REPLAYED, row, actor=actor, detail=detail or {})


def _tell(unit: UnitOfWork, event: Event, row: Any, *, actor: str, detail: dict[str, Any]) -> None:
    facts = {"message": row.id, "kind": row.kind, "error": row.last_error}
    unit.audit(event, actor=actor, subject=f"outbox:{row.id}", detail=facts | detail)
    unit.publish(event, subject=f"outbox:{row.id}", detail=facts)


@dataclass(frozen=True, kw_only=True)
class OutboxAlarm:
    """`away`: a party has not answered for too long; `dead`: letters wait for a person; the code
    of a fault of the party: it is told at once, because it does not end by itself.
    """

    kind: str
    party: str
    minutes: int = 0
    count: int = 0


def list_outbox_alarms(database: Database, *, pace: Pace | None = None) -> list[OutboxAlarm]:
    """What the board of help calls shows as long as it lasts."""
    speed = (pace or Pace()).speed
    now = database.clock()
    alarms = []
    for party in look_at_outbox(database):
        if party.fault is not None:
            alarms.append(OutboxAlarm(kind=party.fault, party=party.party))
        elif party.away_s(now) * speed > AWAY_TOO_LONG_S:
            minutes = int(party.away_s(now) // 60)
            alarms.append(OutboxAlarm(kind="away", party=party.party, minutes=minutes))
        if party.dead:
            alarms.append(OutboxAlarm(kind="dead", party=party.party, count=party.dead))
    return alarms
