from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reports.steps import Move, StepTimes, read_moves
from backend.domain.visit import STEP_MOVES, StepState

EIGHT = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)
S = StepState


def moves(*pairs: tuple[StepState, int], source: str = "caller") -> list[Move]:
    return [
        Move(
            to=state,
            at=EIGHT + timedelta(minutes=minute),
            source=source if index else "kiosk",
            room_id="r1" if state is S.CALLED else None,
        )
        for index, (state, minute) in enumerate(pairs)
    ]


def read(*pairs: tuple[StepState, int], source: str = "caller") -> StepTimes:
    times = read_moves(moves(*pairs, source=source))
    assert times is not None
    return times


def minutes(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds() / 60


def test_a_plain_way() -> None:
    times = read((S.WAITING, 0), (S.CALLED, 20), (S.SERVING, 22), (S.DONE, 30))
    assert minutes(times.waited) == 20
    assert minutes(times.served) == 10
    assert times.done_at == EIGHT + timedelta(minutes=30)
    assert (times.source, times.room_id, times.calls) == ("kiosk", "r1", 1)


def test_time_on_hold_is_no_waiting() -> None:
    times = read((S.HOLD, 0), (S.WAITING, 30), (S.HOLD, 35), (S.WAITING, 50), (S.CALLED, 60))
    assert minutes(times.waited) == 15
    assert times.joined_at == EIGHT + timedelta(minutes=30)
    assert times.served is None


def test_a_missed_turn_counts_the_wait_until_the_first_call() -> None:
    times = read(
        (S.WAITING, 0), (S.CALLED, 20), (S.MISSED, 25), (S.WAITING, 40), (S.CALLED, 50),
        (S.SERVING, 51), (S.DONE, 55),
    )  # fmt: skip
    assert minutes(times.waited) == 20
    assert minutes(times.served) == 5
    assert (times.missed, times.returned, times.calls) == (1, 1, 2)


def test_what_was_taken_back_never_was() -> None:
    called = moves((S.WAITING, 0), (S.CALLED, 5))
    undo = Move(
        to=S.WAITING, at=EIGHT + timedelta(minutes=6), source="caller", room_id=None, undo=True
    )
    later = moves((S.WAITING, 0), (S.CALLED, 30), (S.DONE, 40))[1:]
    times = read_moves([*called, undo, *later])
    assert times is not None
    assert minutes(times.waited) == 30
    assert times.calls == 1


def test_what_a_job_closed_ended_nobody_knows_when() -> None:
    served = read((S.WAITING, 0), (S.CALLED, 5), (S.SERVING, 6), (S.DONE, 900), source="job")
    assert (served.done_at, served.served, served.expired) == (None, None, True)
    waiting = read((S.WAITING, 0), (S.CANCELLED, 900), source="job")
    assert (waiting.cancelled, waiting.expired, waiting.waited) == (False, True, None)


def test_a_clock_set_back_measures_nothing() -> None:
    assert read((S.WAITING, 10), (S.CALLED, 5), (S.DONE, 20)).waited is None


def test_no_move_is_no_step() -> None:
    assert read_moves([]) is None


@st.composite
def ways(draw: st.DrawFn) -> list[Move]:
    """Any way a step can really go, in time."""
    state, minute = S.WAITING, 0
    pairs = [(state, minute)]
    for _ in range(draw(st.integers(0, 12))):
        choices = sorted(STEP_MOVES[state])
        if not choices:
            break
        state = draw(st.sampled_from(choices))
        minute += draw(st.integers(0, 120))
        pairs.append((state, minute))
    return moves(*pairs)


@given(ways())
def test_whatever_happens_times_fit_between_beginning_and_end(way: list[Move]) -> None:
    times = read_moves(way)
    assert times is not None
    whole = way[-1].at - way[0].at
    spans = [span for span in (times.waited, times.served) if span is not None]
    assert all(timedelta(0) <= span for span in spans)
    assert sum(spans, timedelta(0)) <= whole
    assert times.returned <= times.missed <= times.calls or not times.calls
