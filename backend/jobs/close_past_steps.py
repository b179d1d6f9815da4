"""Nobody waits overnight: steps of past days that are still open end."""

from __future__ import annotations

from sqlalchemy import select

from backend.domain.visit import OPEN_STATES, STEP_MOVES, StepState
from backend.errors import MoveNotAllowed
from backend.events import Event
from backend.services.move_step import move_step
from backend.services.resources import Resources
from backend.storage.queue_tables import Step

BATCH = 500


def close_past_steps(resources: Resources) -> int:
    """Ends up to BATCH steps; returns how many. Whoever was being served counts as done."""
    today = resources.catalogue.get().today(resources.database.clock())
    closed = 0
    with resources.database.write() as unit:
        steps = unit.connection.execute(
            select(Step.__table__)
            .where(
                Step.facility_id == unit.facility_id,
                Step.day < today,
                Step.state.in_(sorted(OPEN_STATES)),
            )
            .limit(BATCH)
        ).all()
        for step in steps:
            cancels = StepState.CANCELLED in STEP_MOVES[StepState(step.state)]
            to = StepState.CANCELLED if cancels else StepState.DONE
            try:
                move_step(unit, step, to, source="job")
            except MoveNotAllowed:
                continue  # another worker was faster
            closed += 1
        if closed:
            unit.audit(
                Event.STEPS_EXPIRED,
                actor="job:close_past_steps",
                subject=f"facility:{unit.facility_id}",
                detail={"count": closed},
            )
    return closed
