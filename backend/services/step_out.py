"""The phone page: away for a moment, and back. The place in line stays what it was.

The address of the page is the only key: whoever holds it holds the ticket. Nothing here depends
on how often it is sent: being away already, or back already, is the answer wished for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, func, select

from backend.domain.catalogue import Catalogue
from backend.domain.visit import HoldReason, StepState
from backend.errors import StepOutNotAllowed, VisitNotFound
from backend.services.keep_act import Act
from backend.services.resources import Resources
from backend.storage.queue_tables import Step, StepChange
from backend.storage.queues import get_steps
from backend.storage.repositories import lock_visit
from backend.storage.unit_of_work import UnitOfWork

Work: TypeAlias = Callable[[UnitOfWork, Catalogue, Sequence[Any]], None]

SOURCE = "phone"
STEP_OUT = "step_out"
STEP_IN = "step_in"


@dataclass(frozen=True, kw_only=True)
class Phone:
    """Known by the visit alone: the page asks for no account and no name."""

    visit_id: str

    @property
    def actor(self) -> str:
        return f"phone:{self.visit_id}"


def step_out(resources: Resources, visit_id: str) -> None:
    """The waiting step is set aside with its place: it is not called until the patient is back.

    Raises VisitNotFound; StepOutNotAllowed when it does not wait or was left too often;
    StorageUnavailable.
    """

    def work(unit: UnitOfWork, catalogue: Catalogue, steps: Sequence[Any]) -> None:
        if _find(steps, StepState.HOLD, HoldReason.STEPPED_OUT) is not None:
            return
        if any(step.state in {StepState.CALLED, StepState.SERVING} for step in steps):
            raise StepOutNotAllowed
        step = _find(steps, StepState.WAITING)
        if step is None or count_step_outs(unit.connection, step.id) >= (
            catalogue.settings.step_outs_allowed
        ):
            raise StepOutNotAllowed
        _move(unit, catalogue, step, StepState.HOLD, kind=STEP_OUT, hold=HoldReason.STEPPED_OUT)

    _work(resources, visit_id, work)


def step_in(resources: Resources, visit_id: str) -> None:
    """Back where they were. Raises VisitNotFound, StorageUnavailable."""

    def work(unit: UnitOfWork, catalogue: Catalogue, steps: Sequence[Any]) -> None:
        step = _find(steps, StepState.HOLD, HoldReason.STEPPED_OUT)
        if step is not None:
            _move(unit, catalogue, step, StepState.WAITING, kind=STEP_IN)

    _work(resources, visit_id, work)


def count_step_outs(connection: Connection, step_id: str) -> int:
    return int(
        connection.scalar(
            select(func.count())
            .select_from(StepChange)
            .where(
                StepChange.step_id == step_id,
                StepChange.source == SOURCE,
                StepChange.to_state == StepState.HOLD.value,
            )
        )
        or 0
    )


def _work(resources: Resources, visit_id: str, work: Work) -> None:
    catalogue = resources.catalogue.get()

    def transaction(unit: UnitOfWork) -> None:
        stored = lock_visit(unit, visit_id)
        today = catalogue.today(unit.now)
        if stored.visit.day != today:
            raise VisitNotFound
        # The rows are held: a room that is calling one of them finishes first, and is seen.
        ids = sorted(step.id for step in stored.steps)
        unit.connection.execute(
            select(Step.id)
            .where(Step.id.in_(ids))
            .order_by(Step.id)
            .with_for_update(key_share=True)
        )
        rows = get_steps(unit.connection, ids, facility_id=unit.facility_id, day=today)
        work(unit, catalogue, sorted(rows.values(), key=lambda step: step.position))

    resources.database.transact(transaction)


def _find(steps: Sequence[Any], state: StepState, hold: HoldReason | None = None) -> Any | None:
    return next((step for step in steps if step.state == state and step.hold_reason == hold), None)


def _move(
    unit: UnitOfWork,
    catalogue: Catalogue,
    step: Any,
    to: StepState,
    *,
    kind: str,
    hold: HoldReason | None = None,
) -> None:
    act = Act(
        unit, catalogue, kind=kind, caller=Phone(visit_id=step.visit_id), room_id=None,
        source=SOURCE,
    )  # fmt: skip
    act.move(step, to, hold=hold)
    act.close(subject=f"step:{step.id}")
