from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.returning import (
    find_return_deadline,
    find_step_to_return_to,
    get_current_step,
    may_return,
)
from backend.domain.settings import FacilitySettings
from backend.domain.visit import HoldReason, StepState

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SETTINGS = FacilitySettings()


@dataclass(frozen=True, kw_only=True)
class Step:
    state: str
    kind: str = "examination"
    hold_reason: str | None = None
    state_at: datetime = NOW
    returns: int = 0


def held(reason: HoldReason, kind: str = "examination") -> Step:
    return Step(state="hold", hold_reason=reason.value, kind=kind)


EARLIER = held(HoldReason.EARLIER_STEP)
RESULTS = held(HoldReason.RESULTS, "return")
AWAY = held(HoldReason.STEPPED_OUT)
MISSED = Step(state="missed")
DONE, WAITING, CALLED = (Step(state=state) for state in ("done", "waiting", "called"))


@pytest.mark.parametrize(
    ("steps", "current"),
    [
        ([WAITING, EARLIER], WAITING),
        ([EARLIER, WAITING], WAITING),
        ([WAITING, CALLED], CALLED),
        ([DONE, RESULTS], RESULTS),
        ([RESULTS, WAITING], WAITING),
        ([EARLIER, MISSED], MISSED),
        ([DONE, Step(state="cancelled")], Step(state="cancelled")),
    ],
)
def test_where_the_patient_has_to_be(steps: list[Step], current: Step) -> None:
    assert get_current_step(steps) == current


def test_what_a_scan_brings_back() -> None:
    def find(*steps: Step) -> Step | None:
        return find_step_to_return_to(steps, SETTINGS, now=NOW)

    assert find(RESULTS, AWAY, MISSED) is MISSED
    assert find(RESULTS, AWAY) is AWAY
    assert find(DONE, RESULTS) is RESULTS
    assert find(DONE, WAITING, EARLIER, held(HoldReason.STAFF)) is None
    too_often = Step(state="missed", returns=2)
    assert find(too_often) is None
    assert find(too_often, RESULTS) is RESULTS


@pytest.mark.parametrize(("minutes", "allowed"), [(0, True), (60, True), (61, False)])
def test_a_missed_turn_comes_back_within_the_hour(minutes: int, allowed: bool) -> None:
    now = NOW + timedelta(minutes=minutes)
    assert may_return(MISSED, SETTINGS, now=now) is allowed
    assert find_return_deadline(MISSED, SETTINGS) == NOW + timedelta(minutes=60)


def test_every_open_state_has_a_place_in_the_order() -> None:
    for state in StepState:
        assert get_current_step([Step(state=state.value)]).state == state
