from __future__ import annotations

import threading

import pytest

from backend.services.remote_party import OPEN_FOR_S, NoAnswer, RemoteParty
from his_adapter.errors import NotFound, Unavailable


class Ticks:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def fail() -> str:
    raise Unavailable("down")


def deny() -> str:
    raise NotFound("nothing there")


def test_an_answer_in_time_is_an_answer() -> None:
    party = RemoteParty("test")
    assert party.ask(lambda: "yes").wait(5) == "yes"
    party.close()


def test_a_slow_answer_is_handed_over_later() -> None:
    party = RemoteParty("test")
    may_answer, handed = threading.Event(), threading.Event()
    late: list[str] = []

    def slow() -> str:
        may_answer.wait(10)
        return "late"

    def use(answer: str) -> None:
        late.append(answer)
        handed.set()

    pending = party.ask(slow)
    with pytest.raises(NoAnswer):
        pending.wait(0.01)
    pending.when_late(use)
    may_answer.set()
    assert handed.wait(10)
    assert late == ["late"]
    party.close()


def test_after_failures_in_a_row_nobody_waits_until_one_try_succeeds() -> None:
    ticks = Ticks()
    party = RemoteParty("test", ticks=ticks)
    for _ in range(3):
        with pytest.raises(NoAnswer):
            party.ask(fail).wait(5)
    asked: list[int] = []
    with pytest.raises(NoAnswer):
        party.ask(lambda: asked.append(1)).wait(5)
    assert asked == []
    ticks.now_s += OPEN_FOR_S
    with pytest.raises(NoAnswer):
        party.ask(fail).wait(5)
    with pytest.raises(NoAnswer):
        party.ask(lambda: "closed again").wait(5)
    ticks.now_s += OPEN_FOR_S
    assert party.ask(lambda: "back").wait(5) == "back"
    assert party.ask(lambda: "still").wait(5) == "still"
    party.close()


def test_bad_news_is_no_failure() -> None:
    party = RemoteParty("test")
    for _ in range(5):
        with pytest.raises(NotFound):
            party.ask(deny).wait(5)
    assert party.ask(lambda: "yes").wait(5) == "yes"
    party.close()


def test_nothing_queues_behind_calls_that_hang() -> None:
    party = RemoteParty("test", max_calls=2)
    hanging = threading.Event()
    for _ in range(2):
        party.ask(lambda: hanging.wait(10))
    with pytest.raises(NoAnswer):
        party.ask(lambda: "me too").wait(5)
    hanging.set()
    party.close()


def test_after_closing_there_is_no_answer() -> None:
    party = RemoteParty("test")
    party.close()
    with pytest.raises(NoAnswer):
        party.ask(lambda: "yes").wait(5)


def test_closing_waits_until_a_late_answer_is_used() -> None:
    """Whoever writes it down still has a database then."""
    party = RemoteParty("test")
    may_answer, using, may_use = threading.Event(), threading.Event(), threading.Event()
    used: list[bool] = []

    def use(_: bool) -> None:
        using.set()
        may_use.wait(10)
        used.append(True)

    party.ask(lambda: may_answer.wait(10)).when_late(use)
    may_answer.set()
    assert using.wait(10)
    threading.Timer(0.05, may_use.set).start()
    party.close(within_s=60)
    assert used == [True]


def test_closing_does_not_wait_without_end() -> None:
    party = RemoteParty("test")
    hanging = threading.Event()
    party.ask(lambda: hanging.wait(10))
    party.close(within_s=0.05)
    hanging.set()
