"""One move of a step along the state machine, with its time stamp and the places it gives back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update

from backend.domain.ids import new_id
from backend.domain.visit import MARKS, StepState, check_step_move
from backend.errors import MoveNotAllowed
from backend.storage import tables
from backend.storage.repositories import give_place_back
from backend.storage.unit_of_work import UnitOfWork


def move_step(
    unit: UnitOfWork, step: Any, to: StepState, *, source: str, at: datetime | None = None
) -> None:
    """`step` is a row of the step table. Raises MoveNotAllowed, also when it moved meanwhile."""
    state = StepState(step.state)
    check_step_move(state, to)
    moved = unit.connection.execute(
        update(tables.Step)
        .where(tables.Step.id == step.id, tables.Step.state == state.value)
        .values(state=to.value)
    ).rowcount
    if not moved:
        raise MoveNotAllowed
    if to is StepState.CANCELLED:
        for scope in step.quota_scopes:
            give_place_back(unit, scope, day=step.day)
    unit.add(
        tables.StepChange,
        id=new_id(),
        visit_id=step.visit_id,
        step_id=step.id,
        mark=MARKS.get((state, to)),
        from_state=state.value,
        to_state=to.value,
        at=at or unit.now,
        source=source,
    )
