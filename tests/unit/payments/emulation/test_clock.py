from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from payments.emulation.clock import EmulatedClock

START = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)


class Hands:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def test_time_follows_its_base_and_jumps_ahead() -> None:
    hands = Hands()
    clock = EmulatedClock(hands)
    clock.advance(600)
    hands.now += timedelta(seconds=5)
    assert clock() == START + timedelta(seconds=605)


def test_a_faster_clock_does_not_jump_when_it_changes_its_pace() -> None:
    hands = Hands()
    clock = EmulatedClock(hands)
    hands.now += timedelta(seconds=10)
    clock.run_at(60)
    assert clock() == START + timedelta(seconds=10)
    hands.now += timedelta(seconds=2)
    assert clock() == START + timedelta(seconds=130)


def test_whoever_watches_is_told_of_each_change() -> None:
    clock, told = EmulatedClock(), []
    clock.watch(lambda: told.append(1))
    clock.advance(1)
    clock.run_at(2)
    assert told == [1, 1]


@pytest.mark.parametrize("seconds", [-1, 1e12, float("nan")])
def test_time_never_runs_backwards(seconds: float) -> None:
    with pytest.raises(ValueError):
        EmulatedClock().advance(seconds)


@pytest.mark.parametrize("speed", [0, -1, 1e9, float("nan")])
def test_a_clock_never_stands_still(speed: float) -> None:
    with pytest.raises(ValueError):
        EmulatedClock().run_at(speed)
