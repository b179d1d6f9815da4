from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.catalogue import Catalogue, Room, Service
from backend.domain.opening import Session
from backend.domain.paces import Pace, Paces
from backend.domain.queueing import find_wait_range_min
from backend.domain.settings import FacilitySettings, Words
from backend.domain.visit import StepState
from backend.domain.waits import (
    LONGEST_CASE,
    Change,
    Promise,
    find_case,
    find_median_s,
    find_minutes_each,
    find_wait_min,
    judge_promises,
)

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
HOUR = 8
WORDS = Words(vi="", en="")


def make_room(code: str, *, is_open: bool = True) -> Room:
    session = Session(
        id=code, room_id=code, weekday=0, name="day", opens_at=time(7), closes_at=time(17),
        limit=None,
    )  # fmt: skip
    return Room(
        id=code, his_ref=code, department_id=None, code=code, name=WORDS, floor="1",
        landmark=WORDS, sessions=(session,) if is_open else (), closed_days=frozenset(),
    )  # fmt: skip


def make_service(*rooms: str, minutes: int | None = 5, pooled: bool = True) -> Service:
    return Service(
        id="s", his_ref="s", department_id="d", code="S", name=WORDS, kind="examination",
        price_vnd=0, insurance_price_vnd=None, pooled=pooled, by_doctor=False, by_hour=False,
        minutes=minutes, gender=None, age_min_years=None, age_max_years=None, sensitive=False,
        series_letter=None, visit_kinds=(), room_ids=rooms,
    )  # fmt: skip


def make_catalogue(*rooms: Room, paces: Paces | None = None) -> Catalogue:
    return Catalogue(
        facility_id="main", facility_name=WORDS, zone=ZoneInfo("Asia/Ho_Chi_Minh"), hotline="",
        settings=FacilitySettings(), version=1, as_of=None, departments={},
        rooms={room.id: room for room in rooms}, services={}, every_service={}, practitioners={},
        priority_groups=(), paces=paces or Paces(),
    )  # fmt: skip


def knows(minutes: float, cases: int = 10) -> Pace:
    return Pace(cases=cases, median_s=round(minutes * 60))


def test_a_room_with_a_history_is_believed_more_than_its_plan() -> None:
    room = make_room("101")
    catalogue = make_catalogue(room, paces=Paces(by_hour={("101", HOUR): knows(8)}))
    assert find_minutes_each(catalogue, make_service("101"), room, now=NOW) == 8
    assert find_wait_min(catalogue, make_service("101"), room, 10, now=NOW) == (60, 100)


def test_the_hour_of_the_day_counts_in_the_facility_s_zone() -> None:
    room = make_room("101")
    catalogue = make_catalogue(room, paces=Paces(by_hour={("101", HOUR + 1): knows(8)}))
    assert find_minutes_each(catalogue, make_service("101"), room, now=NOW) == 5
    later = NOW + timedelta(hours=1)
    assert find_minutes_each(catalogue, make_service("101"), room, now=later) == 8


@pytest.mark.parametrize(("cases", "expected"), [(9, 5), (10, 8)])
def test_few_cases_say_nothing(cases: int, expected: float) -> None:
    room = make_room("101")
    catalogue = make_catalogue(room, paces=Paces(by_hour={("101", HOUR): knows(8, cases)}))
    assert find_minutes_each(catalogue, make_service("101"), room, now=NOW) == expected


def test_hidden_without_history_and_without_a_plan() -> None:
    room = make_room("101")
    assert (
        find_wait_min(make_catalogue(room), make_service("101", minutes=None), room, 3, now=NOW)
        is None
    )


def test_rooms_of_a_pooled_line_work_together() -> None:
    rooms = [make_room("101"), make_room("102"), make_room("103", is_open=False)]
    paces = Paces(by_hour={(room.id, HOUR): knows(8) for room in rooms})
    catalogue = make_catalogue(*rooms, paces=paces)
    service = make_service("101", "102", "103")
    assert find_minutes_each(catalogue, service, None, now=NOW) == pytest.approx(4)
    resting = replace(catalogue, paces=replace(paces, resting=frozenset({"102"})))
    assert find_minutes_each(resting, service, None, now=NOW) == pytest.approx(8)
    nobody = replace(catalogue, paces=replace(paces, resting=frozenset({"101", "102"})))
    assert find_minutes_each(nobody, service, None, now=NOW) == pytest.approx(8 / 3)


def test_a_new_room_of_a_pooled_line_works_as_planned() -> None:
    catalogue = make_catalogue(
        make_room("101"), make_room("102"), paces=Paces(by_hour={("101", HOUR): knows(10)})
    )
    assert find_minutes_each(catalogue, make_service("101", "102"), None, now=NOW) == pytest.approx(
        1 / (1 / 10 + 1 / 5)
    )
    unplanned = make_service("101", "102", minutes=None)
    assert find_minutes_each(catalogue, unplanned, None, now=NOW) == pytest.approx(5)


@given(
    ahead=st.integers(0, 500),
    medians=st.lists(st.floats(0.01, 240), min_size=1, max_size=6),
)
def test_ranges_are_a_quarter_to_each_side_in_steps_of_five(
    ahead: int, medians: list[float]
) -> None:
    rooms = [make_room(str(number)) for number in range(len(medians))]
    paces = {(room.id, HOUR): knows(median) for room, median in zip(rooms, medians, strict=True)}
    catalogue = make_catalogue(*rooms, paces=Paces(by_hour=paces))
    service = make_service(*(room.id for room in rooms))
    each = find_minutes_each(catalogue, service, None, now=NOW)
    assert each is not None
    assert 0 < each <= max(*medians, 0.5) + 1 / 60
    found = find_wait_min(catalogue, service, None, ahead, now=NOW)
    assert found is not None
    low, high = found
    expected = ahead * each
    assert low % 5 == high % 5 == 0
    assert 0 <= low <= expected * 0.75 + 1e-6
    assert low > expected * 0.75 - 5
    assert max(expected * 1.25 - 1e-6, 5) <= high < max(expected * 1.25 + 5, 5 + 1e-6)
    assert find_wait_range_min(ahead + 1, each) >= (low, high)  # type: ignore[operator]  # a pace is known


# --- cases ---------------------------------------------------------------------------------------

W, C, S, H = StepState.WAITING, StepState.CALLED, StepState.SERVING, StepState.HOLD
M, D, X = StepState.MISSED, StepState.DONE, StepState.CANCELLED


def changes(*moves: tuple[StepState, float] | tuple[StepState, float, str]) -> list[Change]:
    return [
        Change(
            to=move[0],
            at=NOW + timedelta(minutes=move[1]),
            room_id=None if move[0] is W else "101",
            undo=len(move) > 2,
        )
        for move in moves
    ]


@pytest.mark.parametrize(
    ("moves", "minutes"),
    [
        pytest.param([(W, 0), (C, 10), (S, 12), (D, 20)], 10, id="from the call to the way out"),
        pytest.param([(W, 0), (C, 10), (S, 20), (D, 20)], 10, id="nobody pressed in"),
        pytest.param([(W, 0), (C, 10), (C, 11), (S, 12), (D, 20)], 10, id="called again"),
        pytest.param(
            [(W, 0), (C, 10), (M, 15), (W, 20), (C, 30), (S, 31), (D, 40)], 10, id="missed before"
        ),
        pytest.param(
            [(W, 0), (C, 10), (S, 11), (H, 15), (C, 40), (S, 40), (D, 45)], 10, id="held between"
        ),
        pytest.param([(W, 0), (C, 10), (S, 14), (D, 14), (C, 15, "undo"), (S, 18), (D, 20)], 10,
                     id="done taken back"),
        pytest.param([(W, 0), (C, 1), (W, 2, "undo"), (C, 10), (S, 11), (D, 20)], 10,
                     id="call taken back"),
        pytest.param([(W, 0), (C, 1), (W, 2), (C, 10), (S, 11), (D, 20)], 10, id="back in line"),
        pytest.param([(W, 90), (C, 10), (S, 20), (D, 20)], 10, id="handed in after an outage"),
        pytest.param([(W, 0), (C, 10), (S, 11)], None, id="still in the room"),
        pytest.param([(W, 0), (C, 10), (S, 11), (D, 20), (S, 21, "undo")], None, id="not done"),
        pytest.param([(W, 0), (X, 5)], None, id="gone"),
        pytest.param([(W, 0), (C, 10), (S, 11), (D, 9)], None, id="a clock that ran back"),
        pytest.param([(W, 0), (C, 10), (S, 11), (D, 251)], None, id="forgot to press"),
        pytest.param([(D, 20)], None, id="done without a call"),
        pytest.param([], None, id="nothing"),
    ],
)  # fmt: skip
def test_what_a_case_took(moves: list[tuple[StepState, float]], minutes: float | None) -> None:
    case = find_case(changes(*moves))
    assert (case and case.took) == (None if minutes is None else timedelta(minutes=minutes))
    assert case is None or case.room_id == "101"


_ANY_CHANGE = st.builds(
    Change,
    to=st.sampled_from(StepState),
    at=st.integers(-300, 300).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    room_id=st.sampled_from([None, "101", "102"]),
    undo=st.booleans(),
)


@given(st.lists(_ANY_CHANGE, max_size=12))
def test_whatever_was_written_a_case_is_a_positive_span_in_a_room(moves: list[Change]) -> None:
    case = find_case(moves)
    if case is not None:
        assert timedelta(0) < case.took <= LONGEST_CASE
        assert case.room_id in {"101", "102"}
        assert any(move.to is D for move in moves)


def test_median_of_nothing() -> None:
    assert find_median_s([]) is None
    assert judge_promises([]) is None


def test_promises_are_judged_by_what_happened() -> None:
    promises = [
        Promise(low_min=15, high_min=25, waited=timedelta(minutes=minutes))
        for minutes in (15, 25, 40, 10)
    ]
    accuracy = judge_promises(promises)
    assert accuracy is not None
    assert (accuracy.cases, accuracy.kept, accuracy.share_kept) == (4, 2, 0.5)
    assert accuracy.mean_error_min == pytest.approx(2.5)
    assert accuracy.median_error_min == pytest.approx(0)
