"""A declared priority stands, or not, once staff have looked (QU-03)."""

from __future__ import annotations

from typing import Any

from backend.domain.catalogue import Catalogue
from backend.domain.desk import LETS_STAND, PriorityReason
from backend.domain.identity.models import BirthDate
from backend.domain.priority import judge_age
from backend.domain.queueing import Lane
from backend.domain.ticket import Note
from backend.domain.visit import HoldReason, StepKind, StepState
from backend.errors import NothingToConfirm
from backend.events import Event
from backend.services.decide_at_desk import change_visit_row, decide_once, tell
from backend.services.move_step import move_step
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.queues import get_steps, lock_queues
from backend.storage.repositories import Answer, Intent, StoredVisit, get_person
from backend.storage.unit_of_work import UnitOfWork

_IN_LINE = frozenset({StepState.WAITING, StepState.HOLD, StepState.MISSED})


def confirm_priority(
    resources: Resources,
    visit_id: str,
    reason: PriorityReason,
    *,
    seen: int,
    staff: Caller,
    intent: Intent,
) -> Answer:
    """With a reason that lets it stand the lane stays; with any other the ticket waits in its
    normal lane from the time it came, unless the birth date alone gives priority.

    Raises NothingToConfirm when nothing is declared, and as `decide_once` does.
    """

    def decide(unit: UnitOfWork, catalogue: Catalogue, stored: StoredVisit) -> None:
        if not stored.visit.priority_declared:
            raise NothingToConfirm
        if reason in LETS_STAND:
            change_visit_row(unit, stored, Note.SHOW_PAPERS, priority_declared=False)
            tell(
                unit, catalogue, Event.PRIORITY_CONFIRMED, stored, staff=staff, reason=reason.value
            )
            return
        by_age = _find_age_group(resources, unit, catalogue, stored)
        lane = Lane.PRIORITY if by_age else Lane.NORMAL
        change_visit_row(
            unit,
            stored,
            Note.SHOW_PAPERS,
            priority_declared=False,
            priority_group=by_age,
            lane=lane.value,
        )
        if by_age is None:
            _change_lanes(unit, stored, reason)
        tell(
            unit,
            catalogue,
            Event.PRIORITY_LOWERED,
            stored,
            staff=staff,
            reason=reason.value,
            lane=lane.value,
        )

    return decide_once(resources, visit_id, decide, seen=seen, intent=intent)


def _find_age_group(
    resources: Resources, unit: UnitOfWork, catalogue: Catalogue, stored: StoredVisit
) -> str | None:
    """Somebody of 82 who also said "pregnant" by mistake keeps the priority of their age."""
    if stored.visit.person_id is None:
        return None
    person = get_person(unit.connection, resources.keys, stored.visit.person_id)
    born = BirthDate.from_iso(person.birth_date) if person.birth_date else None
    verdict = judge_age(born, catalogue.priority_groups, on=stored.visit.day)
    return verdict.group.code if verdict.group else None


def _change_lanes(unit: UnitOfWork, stored: StoredVisit, reason: PriorityReason) -> None:
    """Steps that are in line or still to come; who was called meanwhile is not called back."""
    lock_queues(unit, sorted({step.queue_id for step in stored.steps}))
    fresh = get_steps(
        unit.connection,
        [step.id for step in stored.steps],
        facility_id=unit.facility_id,
        day=stored.visit.day,
    )
    for step in fresh.values():
        if StepState(step.state) in _IN_LINE and step.lane == Lane.PRIORITY:
            _change_lane(unit, step, reason)


def _change_lane(unit: UnitOfWork, step: Any, reason: PriorityReason) -> None:
    lane = Lane.RESULTS if step.kind == StepKind.RETURN else Lane.NORMAL
    move_step(
        unit,
        step,
        StepState(step.state),
        source="reception",
        reason=reason.value,
        hold=HoldReason(step.hold_reason) if step.hold_reason else None,
        lane=lane.value,
        calls=step.calls,
    )
