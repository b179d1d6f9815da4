from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.outbox import UNDER_WAY, Breaker, MessageState, Pace, PartyFailures
from backend.storage.outbox_tables import BREAKER_STATES, OUTBOX_STATES, UNDER_WAY_STATES

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tries", "middle_s"), [(1, 1), (2, 2), (3, 5), (4, 15), (5, 30), (6, 60), (7, 60), (500, 60)]
)
def test_pauses_grow_to_a_minute_and_spread_by_a_fifth(tries: int, middle_s: int) -> None:
    pace = Pace()
    spans = [
        pace.pause(tries, chance=chance, retry_after_s=None).total_seconds()
        for chance in (0.0, 0.5, 0.999_999)
    ]
    assert spans == pytest.approx([0.8 * middle_s, middle_s, 1.2 * middle_s], rel=1e-4)


def test_who_asks_for_a_longer_pause_gets_it() -> None:
    assert Pace().pause(1, chance=0.5, retry_after_s=45) == timedelta(seconds=45)
    assert Pace().pause(6, chance=0.5, retry_after_s=3) == timedelta(seconds=60)


def test_tests_do_not_wait() -> None:
    assert Pace(speed=60).pause(6, chance=0.5, retry_after_s=None) == timedelta(seconds=1)
    assert Pace(speed=60).lease == timedelta(seconds=1)


def test_five_failures_in_half_a_minute_open() -> None:
    pace, failures, now = Pace(), PartyFailures(), NOW
    for count in range(1, 6):
        assert not failures.opens(pace)
        failures = failures.add(1, now=now, pace=pace)
        assert failures.count == count
        now += timedelta(seconds=7)
    assert failures.opens(pace)
    assert failures.add(1, now=now, pace=pace).count == 1, "the window is over"


def test_tables_and_machine_know_the_same_states() -> None:
    assert set(OUTBOX_STATES) == {state.value for state in MessageState}
    assert tuple(state.value for state in UNDER_WAY) == UNDER_WAY_STATES
    assert tuple(state.value for state in Breaker) == BREAKER_STATES
