"""A missed or held ticket goes back in line from the desk; staff decide, no limit applies."""

from __future__ import annotations

import json

from backend.domain.visit import HoldReason, StepState
from backend.errors import ReturnNotAllowed, StepNotFound
from backend.services.act_on_step import rejoin
from backend.services.answer_once import answer_once
from backend.services.decide_at_desk import lock_visit_of_today
from backend.services.keep_act import Act, check_version
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.queues import get_steps, lock_queues
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork


def resume_at_desk(
    resources: Resources, visit_id: str, step_id: str, *, seen: int, staff: Caller, intent: Intent
) -> Answer:
    """After a missed turn behind the next few of the lane, from a hold at the old place.

    Raises VisitNotFound, StepNotFound; ChangedMeanwhile when the page showed another version;
    ReturnNotAllowed for a step that is neither missed nor held by anybody but the way itself.
    """
    catalogue = resources.catalogue.get()

    def work(unit: UnitOfWork) -> Answer:
        stored = lock_visit_of_today(unit, catalogue, visit_id)
        known = next((step for step in stored.steps if step.id == step_id), None)
        if known is None:
            raise StepNotFound
        lock_queues(unit, [known.queue_id])
        step = get_steps(
            unit.connection, [step_id], facility_id=unit.facility_id, day=stored.visit.day
        )[step_id]
        check_version(step, seen)
        act = Act(
            unit, catalogue, kind="resume", caller=staff, room_id=None, reason="patient_asked",
            source="reception",
        )  # fmt: skip
        by_hand = {HoldReason.STAFF, HoldReason.STEPPED_OUT}
        if step.state == StepState.MISSED:
            rejoin(unit, catalogue, act, step, returns=step.returns)
        elif step.state == StepState.HOLD and step.hold_reason in by_hand:
            act.move(step, StepState.WAITING)
        else:
            raise ReturnNotAllowed
        act.close(subject=f"step:{step_id}")
        unit.flush()
        return Answer(
            status=200, body=json.dumps({"id": visit_id, "version": stored.visit.version})
        )

    return answer_once(resources.database, intent, work)
