"""Queues as rows: who is next, who waits, what was called. One index probe per lane and queue.

Calling from a queue is done by one member of staff at a time: they hold its lock until the
commit, so that the order is the rule's and nobody is called twice. Patients who take numbers,
change or leave do not wait for that lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Row,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from backend.domain.queueing import (
    CallRun,
    Lane,
    Waiting,
    calls_that_matter,
    replay_run,
)
from backend.domain.rooms import RoomState, RoomToday
from backend.domain.settings import FacilitySettings
from backend.errors import StepNotFound
from backend.storage.catalogue_tables import Room, Service
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import STEP_AWAY, STEP_IN_SIGHT, Call, RoomDay, Step
from backend.storage.unit_of_work import UnitOfWork

MAX_SHOWN = 200
"""People of one queue that are looked at one by one; more are only counted."""

_STEP = Step.__table__.c
WAITING: ColumnElement[bool] = literal_column("step.state = 'waiting'")
IN_SIGHT: ColumnElement[bool] = literal_column(STEP_IN_SIGHT)
AWAY: ColumnElement[bool] = literal_column(STEP_AWAY)
"""Spelled out so that both databases see that they belong to a partial index."""


def lock_queues(unit: UnitOfWork, queues: Sequence[str]) -> None:
    """Nobody else calls from these queues until the transaction ends.

    Locks catalogue rows, in one order for everybody, so that foreign keys do not wait for them.
    The time of the transaction is taken under the lock: calls are ordered by it.
    """
    for statement in _LOCKS[: 1 if len(queues) == 1 else 2]:
        locked = unit.connection.execute(statement, {"ids": list(queues)}).all()
        if len(locked) == len(queues):
            break
    unit.take_time()


_LOCKS = [
    select(table.id)
    .where(table.id.in_(bindparam("ids", expanding=True)))
    .order_by(table.id)
    .with_for_update(key_share=True)
    for table in (Room, Service)
]


_LOCK_STEP = (
    select(Step.__table__, Ticket.number)
    .join(Ticket, Ticket.visit_id == Step.visit_id)
    .where(Step.id == bindparam("step_id"))
    .with_for_update(of=Step.__table__)
)


def lock_step(unit: UnitOfWork, step_id: str) -> Row[Any]:
    """A step that is there, with the `number` on its ticket, as it is once nobody changes it."""
    return unit.connection.execute(_LOCK_STEP, {"step_id": step_id}).one()


@lru_cache(maxsize=32)
def _first_of_each(queues: int) -> Executable:
    """The first `limit` of each lane in each of so many queues."""
    parts = [
        select(
            select(_STEP.id, _STEP.lane, _STEP.queue_key_at)
            .where(
                _STEP.queue_id == bindparam(f"queue_{index}"),
                _STEP.day == bindparam("day"),
                _STEP.lane == lane.value,
                WAITING,
            )
            .order_by(_STEP.queue_key_at, _STEP.id)
            .limit(bindparam("limit"))
            .subquery()
        )
        for index in range(queues)
        for lane in Lane
    ]
    return union_all(*parts)


def list_waiting(
    connection: Connection, queues: Sequence[str], *, day: date, limit: int = MAX_SHOWN
) -> list[Waiting]:
    """Who waits in these queues: the first `limit` of each lane and queue, in no order.

    With a limit of 1 these are the heads, all that the next call depends on.
    """
    values = {f"queue_{index}": queue for index, queue in enumerate(queues)}
    rows = connection.execute(_first_of_each(len(queues)), values | {"day": day, "limit": limit})
    return [Waiting(id=id_, number=id_, lane=Lane(lane), key_at=key) for id_, lane, key in rows]


_RECENT_CALLS = (
    select(Call.lane, Call.by_guard)
    .where(
        Call.queue_id.in_(bindparam("queues", expanding=True)),
        Call.day == bindparam("day"),
        Call.attempt == 1,
        Call.undone_at.is_(None),
    )
    .order_by(Call.called_at.desc(), Call.id.desc())
    .limit(bindparam("count"))
)


def get_run(
    connection: Connection, queues: Sequence[str], *, day: date, settings: FacilitySettings
) -> CallRun:
    """What the last calls from these queues leave for the next one."""
    values = {"queues": list(queues), "day": day, "count": calls_that_matter(settings)}
    calls = connection.execute(_RECENT_CALLS, values).all()
    return replay_run((Lane(lane), by_guard) for lane, by_guard in reversed(calls))


_GET_STEPS = (
    select(Step.__table__, Ticket.number)
    .join(Ticket, Ticket.visit_id == Step.visit_id)
    .where(
        Step.id.in_(bindparam("ids", expanding=True)),
        Step.facility_id == bindparam("facility_id"),
        Step.day == bindparam("day"),
    )
    .order_by(Step.id)
)


def get_steps(
    connection: Connection, ids: Sequence[str], *, facility_id: str, day: date
) -> dict[str, Row[Any]]:
    """Today's steps with the `number` on their ticket. Raises StepNotFound for any other id."""
    values = {"ids": list(ids), "facility_id": facility_id, "day": day}
    rows = {row.id: row for row in connection.execute(_GET_STEPS, values)}
    if any(each not in rows for each in ids):
        raise StepNotFound
    return rows


_LAST_CALL = (
    select(Call.id)
    .where(
        Call.room_id == bindparam("room_id"),
        Call.day == bindparam("day"),
        Call.attempt == 1,
        Call.undone_at.is_(None),
    )
    .order_by(Call.called_at.desc(), Call.id.desc())
    .limit(1)
)


def find_last_call_id(connection: Connection, room_id: str, *, day: date) -> str | None:
    """The newest call of the room today that stands: pages say which one they have seen."""
    return connection.scalar(_LAST_CALL, {"room_id": room_id, "day": day})


_CALLING_STATE = select(
    select(RoomDay.state)
    .where(RoomDay.room_id == bindparam("room_id"), RoomDay.day == bindparam("day"))
    .scalar_subquery(),
    _LAST_CALL.scalar_subquery(),
)


def get_calling_state(
    connection: Connection, room_id: str, *, day: date
) -> tuple[RoomState, str | None]:
    """Whether the room calls today, and its newest call that stands."""
    state, call_id = connection.execute(_CALLING_STATE, {"room_id": room_id, "day": day}).one()
    return RoomState(state or RoomState.OPEN), call_id


def get_room_today(connection: Connection, room_id: str, *, day: date) -> RoomToday:
    return find_rooms_today(connection, [room_id], day=day).get(room_id, RoomToday())


_ROOMS_TODAY = select(RoomDay.__table__).where(
    RoomDay.room_id.in_(bindparam("rooms", expanding=True)),
    RoomDay.day == bindparam("day"),
)


def find_rooms_today(
    connection: Connection, rooms: Sequence[str], *, day: date
) -> dict[str, RoomToday]:
    """How these rooms work today; those that are as the catalogue says are missing."""
    rows = connection.execute(_ROOMS_TODAY, {"rooms": list(rooms), "day": day})
    return {
        row.room_id: RoomToday(
            state=RoomState(row.state),
            reason=row.reason,
            until=row.until,
            practitioner_id=row.practitioner_id,
        )
        for row in rows
    }


def count_by_lane(connection: Connection, queues: Sequence[str], *, day: date) -> dict[Lane, int]:
    rows = connection.execute(
        select(_STEP.lane, func.count())
        .where(_STEP.queue_id.in_(list(queues)), _STEP.day == day, WAITING)
        .group_by(_STEP.lane)
    )
    return {Lane(lane): count for lane, count in rows}
