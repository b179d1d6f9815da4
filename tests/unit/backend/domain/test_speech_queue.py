from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.speech_queue import (
    MAX_WAITING,
    Priority,
    SpeechQueue,
    Utterance,
    add,
    advance,
    make_call,
    wake_at,
    withdraw,
)

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def call(name: str, seconds: float = 0, *, duration_s: float = 5) -> Utterance:
    return make_call(name, subject=f"ticket-{name}", now=at(seconds), duration_s=duration_s)


def announcement(name: str, seconds: float = 0, *, duration_s: float = 20) -> Utterance:
    return Utterance(
        id=name,
        subject=name,
        priority=Priority.ANNOUNCEMENT,
        queued_at=at(seconds),
        expires_at=at(seconds + 300),
        duration_s=duration_s,
    )


def filled(*utterances: Utterance) -> SpeechQueue:
    queue = SpeechQueue()
    for utterance in utterances:
        queue = add(queue, utterance)
    return queue


def test_a_call_starts_at_once() -> None:
    turn = advance(filled(call("a")), at(0))
    assert turn.start is not None
    assert turn.start.id == "a"
    assert turn.cut is None


def test_calls_keep_their_pace() -> None:
    turn = advance(filled(call("a"), call("b", 1)), at(1))
    for seconds in (2, 6, 9.9):
        assert advance(turn.queue, at(seconds)).start is None
    following = advance(turn.queue, at(10)).start
    assert following is not None
    assert following.id == "b"
    assert wake_at(turn.queue) == at(10)


def test_a_long_call_is_let_finish() -> None:
    turn = advance(filled(call("a", duration_s=14), call("b")), at(0))
    assert advance(turn.queue, at(14.5)).start is None
    assert advance(turn.queue, at(15)).start is not None


def test_old_calls_are_dropped() -> None:
    queue = filled(call("old"), call("new", 30))
    turn = advance(queue, at(60))
    assert turn.start is not None
    assert turn.start.id == "new"
    assert turn.queue.dropped == 1


def test_a_call_cuts_an_announcement_which_is_said_again() -> None:
    turn = advance(filled(announcement("news")), at(0))
    turn = advance(add(turn.queue, call("a", 3)), at(3))
    assert turn.start is not None
    assert turn.cut is not None
    assert (turn.start.id, turn.cut.id) == ("a", "news")
    assert advance(turn.queue, at(8.5)).start is None
    again = advance(turn.queue, at(9)).start
    assert again is not None
    assert again.id == "news"


def test_an_announcement_waits_until_no_call_does() -> None:
    turn = advance(filled(announcement("news"), call("a"), call("b")), at(0))
    assert turn.start is not None
    assert turn.start.id == "a"
    turn = advance(turn.queue, at(9))
    assert turn.start is not None
    assert turn.start.id == "b"


def test_a_call_after_an_announcement_starts_at_once() -> None:
    turn = advance(filled(announcement("news", duration_s=3)), at(0))
    turn = advance(add(turn.queue, call("a", 3)), at(3))
    assert turn.start is not None


def test_called_again_takes_the_older_place_away() -> None:
    first, again = call("1"), make_call("2", subject="ticket-1", now=at(5), duration_s=5)
    assert [each.id for each in add(filled(first), again).waiting] == ["2"]


def test_the_same_message_twice_is_one() -> None:
    assert len(filled(call("a"), call("a")).waiting) == 1
    turn = advance(filled(call("a")), at(0))
    assert add(turn.queue, call("a")) == turn.queue


def test_a_call_undone_is_not_said() -> None:
    queue = withdraw(filled(call("a"), call("b")), "ticket-a")
    assert [each.id for each in queue.waiting] == ["b"]
    assert withdraw(queue, "ticket-unknown") == queue


def test_the_queue_is_bounded() -> None:
    queue = filled(announcement("news"), *(call(str(number), number) for number in range(250)))
    assert len(queue.waiting) == MAX_WAITING
    assert queue.dropped == 51
    assert queue.waiting[-1].id == "249"


def test_an_empty_queue_sleeps() -> None:
    assert wake_at(SpeechQueue()) is None
    assert advance(SpeechQueue(), at(0)).start is None
    turn = advance(filled(call("a")), at(0))
    assert wake_at(turn.queue) == at(5)
    assert wake_at(advance(turn.queue, at(5)).queue) is None


ARRIVALS = st.lists(
    st.tuples(
        st.sampled_from(["call", "announcement"]),
        st.floats(0, 20, allow_nan=False),
        st.floats(0.5, 20, allow_nan=False),
    ),
    max_size=30,
)


@given(ARRIVALS, st.floats(0, 12, allow_nan=False))
def test_whatever_comes_the_voice_keeps_its_rules(
    arrivals: list[tuple[str, float, float]], gap_s: float
) -> None:
    queue, now_s = SpeechQueue(), 0.0
    pending = []
    for number, (kind, wait_s, duration_s) in enumerate(arrivals):
        now_s += wait_s
        make = call if kind == "call" else announcement
        pending.append(make(str(number), now_s, duration_s=duration_s))
    said: list[tuple[Utterance, datetime, datetime]] = []
    last = pending[-1].queued_at if pending else START
    now = START
    while now <= last + timedelta(seconds=400):
        while pending and pending[0].queued_at <= now:
            queue = add(queue, pending.pop(0))
        turn = advance(queue, now, gap_s=gap_s)
        if turn.cut:
            assert turn.cut.priority is Priority.ANNOUNCEMENT
            assert turn.start is not None
            assert turn.start.priority is Priority.CALL
            said[-1] = (turn.cut, said[-1][1], now)
        if turn.start:
            assert now < turn.start.expires_at
            said.append((turn.start, now, now + timedelta(seconds=turn.start.duration_s)))
        queue = turn.queue
        woken = wake_at(queue, gap_s=gap_s)
        assert woken is None or woken > now or queue.waiting
        now += timedelta(seconds=0.5)
    for (_, _, ended), (_, started, _) in itertools.pairwise(said):
        assert started >= ended
    calls = [(started, ended) for each, started, ended in said if each.priority is Priority.CALL]
    for (before, _), (after, _) in itertools.pairwise(calls):
        assert after - before >= timedelta(seconds=gap_s)
    assert len({each.id for each, _, _ in said if each.priority is Priority.CALL}) == len(calls)
    assert not queue.waiting
