"""What a board shows, as rows: the last calls of its rooms, and who is near their turn.

A board asks for many rooms at once: each query is one probe of an index per room or queue, and
all probes go in one statement, so that a hall costs the database a handful of round trips.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Row,
    bindparam,
    literal_column,
    select,
    union_all,
)

from backend.domain.queueing import Lane
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import Call, Step

CALLS_PER_ROOM = 8
QUEUES_AT_ONCE = 90
"""SQLite takes 500 parts in one statement: a part for each lane of each queue."""

_STEP = Step.__table__.c
_CALL = Call.__table__.c
_TICKET = Ticket.__table__.c
_WAITING: ColumnElement[bool] = literal_column("step.state = 'waiting'")
"""Spelled out so that PostgreSQL sees that it belongs to the partial index."""


@lru_cache(maxsize=64)
def _last_of_each(rooms: int) -> Executable:
    parts = [
        select(
            select(
                _CALL.id,
                _CALL.room_id,
                _CALL.step_id,
                _CALL.number,
                _CALL.lane,
                _CALL.attempt,
                _CALL.called_at,
                _STEP.state,
                _STEP.room_id.label("step_room_id"),
                _STEP.service_id,
                _STEP.person_id,
            )
            .select_from(Call.__table__.join(Step.__table__))
            .where(
                _CALL.room_id == bindparam(f"room_{index}"),
                _CALL.day == bindparam("day"),
                _CALL.undone_at.is_(None),
            )
            .order_by(_CALL.called_at.desc(), _CALL.id.desc())
            .limit(CALLS_PER_ROOM)
            .subquery()
        )
        for index in range(rooms)
    ]
    return union_all(*parts)


def list_last_calls(
    connection: Connection, rooms: Sequence[str], *, day: date
) -> Sequence[Row[Any]]:
    """The last CALLS_PER_ROOM calls of each room that stand, with their step as it is now."""
    if not rooms:
        return []
    values = {f"room_{index}": room for index, room in enumerate(rooms)}
    return connection.execute(_last_of_each(len(rooms)), values | {"day": day}).all()


@lru_cache(maxsize=64)
def _heads_of_each(queues: int) -> Executable:
    parts = [
        select(
            select(_STEP.id, _STEP.queue_id, _STEP.lane, _STEP.queue_key_at, _TICKET.number)
            .select_from(Step.__table__.join(Ticket.__table__, _TICKET.visit_id == _STEP.visit_id))
            .where(
                _STEP.queue_id == bindparam(f"queue_{index}"),
                _STEP.day == bindparam("day"),
                _STEP.lane == lane.value,
                _WAITING,
            )
            .order_by(_STEP.queue_key_at, _STEP.id)
            .limit(bindparam("limit"))
            .subquery()
        )
        for index in range(queues)
        for lane in Lane
    ]
    return union_all(*parts)


def list_heads(
    connection: Connection, queues: Sequence[str], *, day: date, limit: int
) -> Sequence[Row[Any]]:
    """The first `limit` who wait in each lane of each queue, in no order."""
    return _in_batches(connection, _heads_of_each, queues, day=day, limit=limit)


@lru_cache(maxsize=64)
def _calls_of_each(queues: int) -> Executable:
    parts = [
        select(
            select(_CALL.id, _CALL.queue_id, _CALL.lane, _CALL.by_guard, _CALL.called_at)
            .where(
                _CALL.queue_id == bindparam(f"queue_{index}"),
                _CALL.day == bindparam("day"),
                _CALL.attempt == 1,
                _CALL.undone_at.is_(None),
            )
            .order_by(_CALL.called_at.desc(), _CALL.id.desc())
            .limit(bindparam("limit"))
            .subquery()
        )
        for index in range(queues)
    ]
    return union_all(*parts)


def list_queue_calls(
    connection: Connection, queues: Sequence[str], *, day: date, limit: int
) -> Sequence[Row[Any]]:
    """The last `limit` calls from each queue, in no order: what the next call depends on."""
    return _in_batches(connection, _calls_of_each, queues, day=day, limit=limit)


def _in_batches(
    connection: Connection,
    make_statement: Callable[[int], Executable],
    queues: Sequence[str],
    *,
    day: date,
    limit: int,
) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    for start in range(0, len(queues), QUEUES_AT_ONCE):
        batch = queues[start : start + QUEUES_AT_ONCE]
        values = {f"queue_{index}": queue for index, queue in enumerate(batch)}
        statement = make_statement(len(batch))
        rows += connection.execute(statement, values | {"day": day, "limit": limit}).all()
    return rows
