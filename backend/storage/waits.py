"""What rooms took and what patients were told, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from backend.domain.paces import Pace, Paces
from backend.domain.rooms import RoomState
from backend.domain.visit import StepState
from backend.domain.waits import Case, Change, Promise, find_case
from backend.storage.queue_tables import Call, RoomDay, Step, StepChange, WaitHistory
from backend.storage.unit_of_work import UnitOfWork

UNDO = "undo"
"""Reason of a change that takes another one back."""
BATCH = 500

_PACES = select(
    WaitHistory.room_id,
    WaitHistory.hour,
    WaitHistory.cases,
    WaitHistory.median_s,
).where(WaitHistory.facility_id == bindparam("facility_id"))

_RESTING = select(RoomDay.room_id).where(
    RoomDay.facility_id == bindparam("facility_id"),
    RoomDay.day == bindparam("day"),
    RoomDay.state != RoomState.OPEN.value,
)


def load_paces(connection: Connection, facility_id: str, *, day: date) -> Paces:
    rows = connection.execute(_PACES, {"facility_id": facility_id})
    resting = connection.scalars(_RESTING, {"facility_id": facility_id, "day": day})
    return Paces(
        by_hour={
            (room, hour): Pace(cases=cases, median_s=median_s)
            for room, hour, cases, median_s in rows
        },
        resting=frozenset(resting),
    )


_DONE_BETWEEN = (
    select(StepChange.step_id)
    .where(
        StepChange.facility_id == bindparam("facility_id"),
        StepChange.to_state == StepState.DONE.value,
        StepChange.at >= bindparam("start"),
        StepChange.at < bindparam("end"),
        StepChange.source != "job",
    )
    .distinct()
)

_CHANGES = (
    select(
        StepChange.step_id,
        StepChange.to_state,
        StepChange.at,
        StepChange.room_id,
        StepChange.reason,
    )
    .where(StepChange.step_id.in_(bindparam("steps", expanding=True)))
    # Ids are in the order of writing: what a room did while the server was away comes later
    # with an earlier time.
    .order_by(StepChange.step_id, StepChange.id)
)


def list_cases(
    connection: Connection, facility_id: str, *, start: datetime, end: datetime
) -> Iterator[Case]:
    """What every step took that was done in this span. A step that a job closed says nothing."""
    values = {"facility_id": facility_id, "start": start, "end": end}
    done = list(connection.scalars(_DONE_BETWEEN, values))
    for first in range(0, len(done), BATCH):
        rows = connection.execute(_CHANGES, {"steps": done[first : first + BATCH]})
        for _, changes in groupby(rows, key=lambda row: row.step_id):
            case = find_case(_read_change(row) for row in changes)
            if case is not None:
                yield case


def _read_change(row: Any) -> Change:
    return Change(
        to=StepState(row.to_state), at=row.at, room_id=row.room_id, undo=row.reason == UNDO
    )


def find_learned_at(connection: Connection, facility_id: str, hour: int) -> datetime | None:
    """When this hour was counted last; None for never, and for an hour without any case."""
    return connection.scalar(
        select(WaitHistory.at)
        .where(WaitHistory.facility_id == facility_id, WaitHistory.hour == hour)
        .order_by(WaitHistory.at.desc())
        .limit(1)
    )


def save_paces(unit: UnitOfWork, hour: int, paces: Sequence[tuple[str, Pace]]) -> None:
    """What every room did at this hour, in place of what was known before."""
    for room_id, pace in sorted(paces):
        values = {"cases": pace.cases, "median_s": pace.median_s, "at": unit.now}
        key = {"facility_id": unit.facility_id, "room_id": room_id, "hour": hour}
        unit.connection.execute(
            unit.insert_into(WaitHistory)
            .values(key | values)
            .on_conflict_do_update(index_elements=list(key), set_=values)
        )
    unit.connection.execute(
        delete(WaitHistory).where(
            WaitHistory.facility_id == unit.facility_id,
            WaitHistory.hour == hour,
            WaitHistory.at < unit.now,
        )
    )


_PROMISES = (
    select(
        Call.room_id,
        Call.called_at,
        StepChange.at.label("told_at"),
        Step.wait_low_min,
        Step.wait_high_min,
    )
    .join(Step, Step.id == Call.step_id)
    .join(
        StepChange,
        (StepChange.step_id == Call.step_id) & StepChange.from_state.is_(None),
    )
    .where(
        Call.facility_id == bindparam("facility_id"),
        Call.day == bindparam("day"),
        Call.room_id.in_(bindparam("rooms", expanding=True)),
        Call.attempt == 1,
        Call.undone_at.is_(None),
        Call.lane != "E",
        Step.wait_low_min.is_not(None),
    )
    .order_by(Call.step_id, Call.called_at, Call.id)
)


def list_promises(
    connection: Connection, facility_id: str, rooms: Sequence[str], *, day: date
) -> Iterator[tuple[str, Promise]]:
    """What was told, and the first call of each step, by room. Emergencies are left out."""
    values = {"facility_id": facility_id, "rooms": list(rooms), "day": day}
    rows = connection.execute(_PROMISES.add_columns(Call.step_id), values)
    for _, calls in groupby(rows, key=lambda row: row.step_id):
        first = next(iter(calls))
        yield (
            first.room_id,
            Promise(
                low_min=first.wait_low_min,
                high_min=first.wait_high_min,
                waited=first.called_at - first.told_at,
            ),
        )
