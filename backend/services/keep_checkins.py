"""Check-in tables as staff see them: which are late, which need somebody, what the portal said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, case, func, select, update

from backend.domain.checkin_table.states import (
    MAY_BE_SENT_AGAIN,
    NEEDS_PERSON,
    CheckinState,
    check_checkin_move,
)
from backend.errors import ReasonMissing, VisitNotFound
from backend.events import Event
from backend.services.queue_checkin import send_checkin_again
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.storage.insurance_tables import CheckinDocument
from backend.storage.number_tables import Ticket
from backend.storage.visit_tables import Visit

MAX_LISTED = 100
MAX_REASON_CHARS = 200
SHOWN_FOR = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class ListedCheckin:
    """Nobody is named: the number of the ticket leads to the visit."""

    id: str
    visit_id: str
    number: str
    position: int
    state: CheckinState
    standard: str | None
    findings: Sequence[dict[str, str]]
    result_code: str | None
    transaction_id: str | None
    reason: str | None
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    received_at: datetime | None
    judged_at: datetime | None
    judged_by: str | None
    is_late: bool
    is_last: bool
    """No later correction of this visit's table was queued."""

    @property
    def may_be_sent_again(self) -> bool:
        return self.is_last and self.state in MAY_BE_SENT_AGAIN

    @property
    def may_be_judged(self) -> bool:
        return self.state in {
            CheckinState.RECEIVED, CheckinState.UNKNOWN, CheckinState.ACCEPTED,
            CheckinState.FAULTY,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CheckinBoard:
    """`counts` of today, by state; `open` need somebody or are late, the oldest first."""

    open: Sequence[ListedCheckin]
    latest: Sequence[ListedCheckin]
    counts: dict[str, int]
    late: int


def look_at_checkins(resources: Resources) -> CheckinBoard:
    """Raises StorageUnavailable."""
    database = resources.database
    now = database.clock()
    table = CheckinDocument
    today = resources.catalogue.get().today(now)
    needs = [state.value for state in NEEDS_PERSON]
    is_late = (table.state == CheckinState.QUEUED.value) & (table.due_at < now)
    mine = _query(database).where(table.created_at > now - SHOWN_FOR)
    with database.read() as connection:
        open_rows = connection.execute(
            mine.where(table.state.in_(needs) | is_late).order_by(table.id).limit(MAX_LISTED)
        ).all()
        latest = connection.execute(mine.order_by(table.id.desc()).limit(MAX_LISTED)).all()
        counts = connection.execute(
            select(table.state, func.count(), func.sum(case((is_late, 1), else_=0)))
            .join(Visit, Visit.id == table.visit_id)
            .where(table.facility_id == database.facility_id, Visit.day == today)
            .group_by(table.state)
        ).all()
    return CheckinBoard(
        open=[each for each in (_listed(row, now) for row in open_rows) if each.is_last],
        latest=[_listed(row, now) for row in latest],
        counts={row[0]: row[1] for row in counts},
        late=sum(int(row[2] or 0) for row in counts),
    )


def get_checkin(resources: Resources, document_id: str) -> ListedCheckin:
    """Raises VisitNotFound, StorageUnavailable."""
    database = resources.database
    with database.read() as connection:
        row = connection.execute(
            _query(database).where(CheckinDocument.id == document_id)
        ).one_or_none()
    if row is None:
        raise VisitNotFound
    return _listed(row, database.clock())


def read_document(resources: Resources, document_id: str, *, staff: Caller) -> tuple[bytes, str]:
    """The XML as it was built last and what the gateway wrote; looking is audited.

    Raises VisitNotFound, also for a table that was never built; StorageUnavailable.
    """
    with resources.database.write() as unit:
        row = unit.connection.execute(
            select(
                CheckinDocument.visit_id,
                CheckinDocument.sealed,
                CheckinDocument.sealed_message,
            ).where(
                CheckinDocument.id == document_id,
                CheckinDocument.facility_id == unit.facility_id,
            )
        ).one_or_none()
        if row is None or row.sealed is None:
            raise VisitNotFound
        unit.audit(
            Event.CHECKIN_READ,
            actor=staff.actor,
            subject=f"visit:{row.visit_id}",
            detail={"document": document_id},
        )
    document = resources.keys.unseal(row.sealed, context=f"checkin:{document_id}")
    if row.sealed_message is None:
        return document, ""
    message = resources.keys.unseal(row.sealed_message, context=f"reply:{document_id}")
    return document, message.decode()


def judge_checkin(
    resources: Resources, document_id: str, state: CheckinState, *, staff: Caller
) -> None:
    """What a person saw on the portal: accepted or faulty. Raises VisitNotFound,
    MoveNotAllowed, StorageUnavailable.
    """
    with resources.database.write() as unit:
        table = CheckinDocument
        row = unit.connection.execute(
            select(table.state, table.visit_id)
            .where(table.id == document_id, table.facility_id == unit.facility_id)
            .with_for_update()
        ).one_or_none()
        if row is None:
            raise VisitNotFound
        check_checkin_move(CheckinState(row.state), state)
        unit.connection.execute(
            update(table)
            .where(table.id == document_id)
            .values(state=state.value, judged_at=unit.now, judged_by=staff.name)
        )
        detail = {"document": document_id, "state": state.value}
        subject = f"visit:{row.visit_id}"
        unit.audit(Event.CHECKIN_JUDGED, actor=staff.actor, subject=subject, detail=detail)
        unit.publish(
            Event.CHECKIN_CHANGED, subject=subject, detail={"visits": [row.visit_id], **detail}
        )


def correct_checkin(resources: Resources, document_id: str, *, reason: str, staff: Caller) -> str:
    """Sends the table again as it is now; the id of the correction.

    Raises ReasonMissing, VisitNotFound, ChangedMeanwhile, StorageUnavailable.
    """
    reason = reason.strip()[:MAX_REASON_CHARS]
    if not reason:
        raise ReasonMissing
    catalogue = resources.catalogue.get()
    return resources.database.transact(
        lambda unit: send_checkin_again(unit, catalogue, document_id, reason=reason, staff=staff)
    )


def count_checkin_troubles(database: Database) -> tuple[int, int]:
    """Late ones, and those that need somebody: what the board of help calls shows."""
    table, now = CheckinDocument, database.clock()
    newer = table.__table__.alias("newer")
    is_last = ~(
        select(newer.c.id)
        .where(newer.c.visit_id == table.visit_id, newer.c.position > table.position)
        .exists()
    )
    with database.read() as connection:
        late = connection.scalar(
            select(func.count()).where(
                table.facility_id == database.facility_id,
                table.state == CheckinState.QUEUED.value,
                table.due_at < now,
            )
        )
        needs = connection.scalar(
            select(func.count()).where(
                table.facility_id == database.facility_id,
                table.created_at > now - SHOWN_FOR,
                table.state.in_([state.value for state in NEEDS_PERSON]),
                is_last,
            )
        )
    return late or 0, needs or 0


def _query(database: Database) -> Select[Any]:
    table = CheckinDocument
    newest = (
        select(func.max(table.position))
        .where(table.visit_id == Visit.id)
        .correlate(Visit)
        .scalar_subquery()
    )
    return (
        select(table.__table__, Ticket.number, newest.label("newest"))
        .join(Visit, Visit.id == table.visit_id)
        .join(Ticket, Ticket.visit_id == table.visit_id)
        .where(table.facility_id == database.facility_id)
    )


def _listed(row: Any, now: datetime) -> ListedCheckin:
    state = CheckinState(row.state)
    return ListedCheckin(
        id=row.id,
        visit_id=row.visit_id,
        number=row.number,
        position=row.position,
        state=state,
        standard=row.standard,
        findings=row.findings,
        result_code=row.result_code,
        transaction_id=row.transaction_id,
        reason=row.reason,
        created_at=row.created_at,
        due_at=row.due_at,
        sent_at=row.sent_at,
        received_at=row.received_at,
        judged_at=row.judged_at,
        judged_by=row.judged_by,
        is_late=state is CheckinState.QUEUED and row.due_at < now,
        is_last=row.position == row.newest,
    )
