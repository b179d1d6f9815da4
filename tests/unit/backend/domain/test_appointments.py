from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend.domain.appointments import ArrivalState, judge_arrival, may_arrive
from backend.domain.settings import FacilitySettings

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("minutes", "state"),
    [
        (-31, "early"),
        (-30, "on_time"),
        (0, "on_time"),
        (15, "on_time"),
        (16, "late"),
        (-24 * 60, "wrong_day"),
        (24 * 60, "wrong_day"),
        (15 * 60 - 1, "late"),
        (15 * 60, "wrong_day"),  # midnight in Vietnam, not in UTC
    ],
)
def test_when_somebody_comes(minutes: int, state: str) -> None:
    now = START + timedelta(minutes=minutes)
    judged = judge_arrival(START, now=now, zone=ZONE, is_here=True, settings=FacilitySettings())
    assert judged == state


def test_another_facility_is_said_whatever_the_time() -> None:
    judged = judge_arrival(START, now=START, zone=ZONE, is_here=False, settings=FacilitySettings())
    assert judged is ArrivalState.OTHER_FACILITY


def test_who_may_arrive() -> None:
    assert {state for state in ArrivalState if may_arrive(state)} == {
        ArrivalState.ON_TIME,
        ArrivalState.LATE,
    }
