from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.halls import (
    Alarm,
    Line,
    LoadLevel,
    find_alarms,
    forecast_end,
    judge_load,
    rank_alarms,
)
from backend.domain.rooms import RoomState

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
AIMS = (35, 50, 65)


@pytest.mark.parametrize(
    ("seen", "level"),
    [
        (0, LoadLevel.LIGHT), (34, LoadLevel.LIGHT), (35, LoadLevel.AIMED), (49, LoadLevel.AIMED),
        (50, LoadLevel.HIGH), (64, LoadLevel.HIGH), (65, LoadLevel.NEVER), (200, LoadLevel.NEVER),
    ],
)  # fmt: skip
def test_load_against_its_three_marks(seen: int, level: LoadLevel) -> None:
    assert judge_load(seen, AIMS) is level


@pytest.mark.parametrize(
    ("level", "wait_min", "own", "state", "alarms"),
    [
        (LoadLevel.AIMED, 60, 9, RoomState.OPEN, []),
        (LoadLevel.AIMED, 61, 9, RoomState.OPEN, [Alarm.WAIT]),
        (LoadLevel.HIGH, 61, 9, RoomState.OPEN, [Alarm.WAIT, Alarm.LOAD_HIGH]),
        (LoadLevel.NEVER, 0, 0, RoomState.OPEN, [Alarm.LOAD_NEVER]),
        (LoadLevel.LIGHT, 5, 1, RoomState.PAUSED, [Alarm.NOT_CALLING]),
        (LoadLevel.LIGHT, 5, 0, RoomState.CLOSED, []),
    ],
)
def test_what_brings_a_room_to_the_top(
    level: LoadLevel, wait_min: int, own: int, state: RoomState, alarms: list[Alarm]
) -> None:
    found = find_alarms(
        level=level,
        longest_wait=timedelta(minutes=wait_min),
        own_waiting=own,
        state=state,
        wait_limit_min=60,
    )
    assert found == alarms


def test_the_worst_comes_first() -> None:
    ranks = [rank_alarms([alarm]) for alarm in Alarm] + [rank_alarms([])]
    assert ranks == sorted(set(ranks))


def test_a_room_takes_its_share_of_shared_lines() -> None:
    lines = [Line(waiting=4, rooms=1), Line(waiting=6, rooms=3)]
    assert forecast_end(lines, 5, now=NOW) == NOW + timedelta(minutes=30)
    assert forecast_end(lines, None, now=NOW) is None


@given(
    st.lists(st.builds(Line, waiting=st.integers(0, 500), rooms=st.integers(0, 30)), max_size=6),
    st.floats(0.5, 60),
)
def test_more_rooms_never_take_longer(lines: list[Line], minutes: float) -> None:
    more = [Line(waiting=line.waiting, rooms=line.rooms + 1) for line in lines]
    now, later = forecast_end(more, minutes, now=NOW), forecast_end(lines, minutes, now=NOW)
    assert now is not None
    assert later is not None
    assert NOW <= now <= later
