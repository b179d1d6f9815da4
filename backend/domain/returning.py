"""Coming back to a line after a missed turn, with results, or from a moment outside. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from backend.domain.settings import FacilitySettings
from backend.domain.visit import OPEN_STATES, HoldReason, StepKind, StepState


class StepNow(Protocol):
    """What a step must say of itself, as a row or as it is shown; states as their words."""

    @property
    def state(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def hold_reason(self) -> str | None: ...
    @property
    def state_at(self) -> datetime: ...
    @property
    def returns(self) -> int: ...


AnyStep = TypeVar("AnyStep", bound=StepNow)

_BY_NEED = (
    StepState.CALLED,
    StepState.SERVING,
    StepState.WAITING,
    StepState.MISSED,
    StepState.HOLD,
)


def get_current_step(steps: Sequence[AnyStep]) -> AnyStep:
    """Where the patient has to be now: called before served, before waiting, missed, on hold.

    What waits for an earlier step comes last. Of the same kind the first counts, and when all is
    over the last step. A visit has at least one.
    """
    still_open = [step for step in steps if StepState(step.state) in OPEN_STATES]
    if not still_open:
        return steps[-1]
    return min(
        still_open,
        key=lambda step: (
            step.hold_reason == HoldReason.EARLIER_STEP,
            _BY_NEED.index(StepState(step.state)),
        ),
    )


def find_step_to_return_to(
    steps: Sequence[AnyStep], settings: FacilitySettings, *, now: datetime
) -> AnyStep | None:
    """A missed step, else one left for a moment, else the way back with results.

    None when there is nothing to come back from, or staff have to decide.
    """
    allowed = [step for step in steps if may_return(step, settings, now=now)]
    order = (StepState.MISSED, HoldReason.STEPPED_OUT, HoldReason.RESULTS)
    return min(allowed, key=lambda step: order.index(step.hold_reason or step.state), default=None)


def waits_for_results(step: StepNow) -> bool:
    return step.kind == StepKind.RETURN and step.hold_reason == HoldReason.RESULTS


def find_return_deadline(step: StepNow, settings: FacilitySettings) -> datetime | None:
    """Until when a missed step may come back by itself; None when that is no longer allowed."""
    if step.state != StepState.MISSED or step.returns >= settings.returns_allowed:
        return None
    return step.state_at + timedelta(minutes=settings.return_within_min)


def may_return(step: StepNow, settings: FacilitySettings, *, now: datetime) -> bool:
    """Whether the patient may put this step back in line without asking anybody."""
    if step.state == StepState.MISSED:
        deadline = find_return_deadline(step, settings)
        return deadline is not None and now <= deadline
    return step.hold_reason == HoldReason.STEPPED_OUT or waits_for_results(step)
