from __future__ import annotations

import pytest

from kiosk_ui.presenters.tally import MOST_KEPT, Tally, p95, summarise


@pytest.mark.parametrize(
    ("times", "expected"),
    [([7.0], 7.0), (list(range(1, 101)), 95), (list(range(1, 21)), 19), ([3.0, 1.0, 2.0], 3.0)],
)
def test_of_a_hundred_answers_ninety_five_were_not_slower(
    times: list[float], expected: float
) -> None:
    assert p95(times) == expected


def test_times_are_told_once_by_step() -> None:
    tally = Tally()
    for waited_s in (0.1, 0.2, 0.3):
        tally.note_time("scan", waited_s)
    tally.note_time("print", 1.5)
    tally.note_time(None, 99.0)
    told = summarise(tally.take_times())
    assert [(each.step, each.count, each.p95_ms) for each in told] == [
        ("print", 1, 1500.0),
        ("scan", 3, 300.0),
    ]
    assert summarise(tally.take_times()) == []


def test_what_was_not_heard_is_told_with_the_next() -> None:
    tally = Tally()
    tally.note_time("scan", 0.1)
    taken = tally.take_times()
    tally.note_time("scan", 0.4)
    tally.give_back(taken)
    assert tally.take_times() == {"scan": [100.0, 400.0]}


def test_a_machine_alone_for_a_day_keeps_the_newest() -> None:
    tally = Tally()
    for n in range(MOST_KEPT + 10):
        tally.note_time("scan", n / 1000)
    [times] = tally.take_times().values()
    assert len(times) == MOST_KEPT
    assert times[-1] == MOST_KEPT + 9
