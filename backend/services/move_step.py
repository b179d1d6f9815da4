"""One move of a step along the state machine, with its time stamp and the places it gives back."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from sqlalchemy import update

from backend.domain.ids import new_id
from backend.domain.visit import HoldReason, StepState, check_step_move, check_undo_move, find_mark
from backend.errors import ChangedMeanwhile
from backend.storage.queue_tables import Step, StepChange
from backend.storage.repositories import give_place_back
from backend.storage.unit_of_work import UnitOfWork


def move_step(
    unit: UnitOfWork,
    step: Any,
    to: StepState,
    *,
    source: str,
    at: datetime | None = None,
    reason: str | None = None,
    hold: HoldReason | None = None,
    undo: bool = False,
    through: StepState | None = None,
    **values: Any,
) -> int:
    """The step's new version. `step` is a row of the step table; `values` are other columns that
    change with the move.

    A move is checked against the state the row shows, `undo` against the way back. `through` is a
    state it passes at the same moment: both moves leave their change. Raises MoveNotAllowed;
    ChangedMeanwhile when somebody else changed the step since the row was read.
    """
    state = StepState(step.state)
    if undo:
        check_undo_move(state, to)
    elif through is not None:
        check_step_move(state, through)
        check_step_move(through, to)
    elif to is not state or to not in KEEPS_STATE:
        check_step_move(state, to)
    moment = at or unit.now
    stations = [state, *([through] if through else []), to]
    version: int = step.version + len(stations) - 1
    values |= {
        "state": to.value,
        "hold_reason": hold.value if hold else None,
        "version": version,
    }
    if to is not state:
        values.setdefault("state_at", moment)
    if to is StepState.WAITING:
        values.setdefault("calls", 0)
    moved = unit.connection.execute(
        update(Step).where(Step.id == step.id, Step.version == step.version).values(values)
    ).rowcount
    if not moved:
        raise ChangedMeanwhile("That number is changed at this very moment")
    if to is StepState.CANCELLED:
        for scope in step.quota_scopes:
            give_place_back(unit, scope, day=step.day)
    for before, after in itertools.pairwise(stations):
        unit.add(
            StepChange,
            id=new_id(),
            visit_id=step.visit_id,
            step_id=step.id,
            mark=None if undo or after is before else find_mark(step.kind, before, after),
            from_state=before.value,
            to_state=after.value,
            at=moment,
            source=source,
            reason=reason,
            room_id=values.get("room_id", step.room_id),
        )
    return version


KEEPS_STATE = frozenset({StepState.WAITING, StepState.HOLD, StepState.MISSED, StepState.CALLED})
"""A step may change its room, lane or number of calls without moving."""
