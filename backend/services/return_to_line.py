"""A patient scans the ticket at any kiosk: back after a missed turn, from outside, or with results."""

from __future__ import annotations

from typing import Any

from backend.domain.catalogue import Catalogue
from backend.domain.returning import find_step_to_return_to, may_return
from backend.domain.visit import HoldReason, StepState
from backend.errors import ReturnNotAllowed
from backend.services.act_on_step import rejoin
from backend.services.answer_once import answer_once
from backend.services.find_own_visit import lock_own_visit
from backend.services.go_on import ready_with_results
from backend.services.keep_act import Act
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_visit import load_visit, visit_to_text
from backend.storage.queues import get_steps, lock_queues
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork


def return_to_line(
    resources: Resources, visit_id: str, *, scan_id: str, kiosk: Caller, intent: Intent
) -> Answer:
    """The visit, waiting again: after a missed turn behind the next few of its lane (QU-10),
    after a moment outside where it was.

    Raises ScanExpired, VisitNotFound; ReturnNotAllowed when there is nothing to come back from,
    or it was missed too long ago or too often, and staff decide; StorageUnavailable.
    """
    catalogue = resources.catalogue.get()

    def work(unit: UnitOfWork) -> Answer:
        stored, _ = lock_own_visit(
            resources, catalogue, visit_id, scan_id=scan_id, kiosk=kiosk, unit=unit
        )
        come_back(unit, catalogue, stored.steps, caller=kiosk, source="kiosk")
        unit.flush()
        visit = load_visit(unit.connection, catalogue, visit_id, existing=True)
        return Answer(status=200, body=visit_to_text(visit, catalogue, now=unit.now))

    return answer_once(resources.database, intent, work)


def come_back(
    unit: UnitOfWork, catalogue: Catalogue, steps: Any, *, caller: Caller, source: str
) -> None:
    """The visit is locked. Raises ReturnNotAllowed."""
    step = find_step_to_return_to(steps, catalogue.settings, now=unit.now)
    if step is None:
        raise ReturnNotAllowed
    lock_queues(unit, [step.queue_id])
    step = get_steps(unit.connection, [step.id], facility_id=unit.facility_id, day=step.day)[
        step.id
    ]
    act = Act(
        unit, catalogue, kind="return", caller=caller, room_id=None, reason="scan", source=source
    )
    if not may_return(step, catalogue.settings, now=unit.now):
        raise ReturnNotAllowed
    if step.state == StepState.MISSED:
        rejoin(unit, catalogue, act, step, returns=step.returns + 1)
    elif step.hold_reason == HoldReason.STEPPED_OUT:
        act.move(step, StepState.WAITING)
    else:
        ready_with_results(act, step, now=unit.now)
    act.close(subject=f"step:{step.id}")
