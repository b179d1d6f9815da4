from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.offline_numbers import list_letters
from backend.domain.queueing import (
    PRACTICE_PREFIX,
    CallRun,
    Lane,
    Waiting,
    arrival_key,
    choose_room,
    count_ahead,
    find_next_call,
    find_wait_range_min,
    format_number,
    get_letter,
)
from backend.domain.settings import FacilitySettings

START = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
SETTINGS = FacilitySettings()


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def read_waiting(text: str) -> list[Waiting]:
    """`N1@0 P1@3`: lane, number, key in minutes."""
    return [
        Waiting(number=int(number), lane=Lane(lane), key_at=at(int(minute)))
        for lane, number, minute in re.findall(r"([EPRBN])(\d+)@(\d+)", text)
    ]


def call_all(waiting: list[Waiting], minutes: list[int], settings: FacilitySettings) -> str:
    run, called, left = CallRun(), [], list(waiting)
    for minute in minutes:
        answer = find_next_call(left, run, now=at(minute), settings=settings)
        assert answer is not None
        left.remove(answer.ticket)
        run = answer.run
        called.append(f"{answer.ticket.lane}{answer.ticket.number}")
    return " ".join(called)


@pytest.mark.parametrize(
    ("waiting", "minutes", "p_max", "expected"),
    [
        pytest.param("N1@0 N2@1 N3@2", [5, 10, 15], 2, "N1 N2 N3", id="V1"),
        pytest.param(
            "N1@0 N2@1 N3@2 P1@3 P2@4 P3@5 P4@6", [10] * 7, 2, "P1 P2 N1 P3 P4 N2 N3", id="V2"
        ),
        pytest.param(
            "N1@0 N2@1 N3@2 P1@3 P2@4 P3@5 P4@6", [10] * 7, 1, "P1 N1 P2 N2 P3 N3 P4", id="V3"
        ),
        pytest.param("N1@0 N2@1 N3@2 R1@8 R2@9", [10] * 5, 2, "R1 N1 R2 N2 N3", id="V4"),
        pytest.param(
            "N1@0 P1@60 P2@61 P3@62 N2@55", [70, 71, 72, 73, 74], 2, "N1 P1 P2 N2 P3", id="V5"
        ),
        pytest.param("B1@20 N1@10 N2@30", [40, 41, 42], 2, "N1 B1 N2", id="V6"),
        pytest.param("N1@0 E1@39 P1@5", [40, 41, 42], 2, "E1 P1 N1", id="V7"),
        pytest.param("P1@3 P2@4 P3@5", [10, 11, 12], 2, "P1 P2 P3", id="V8"),
    ],
)
def test_order_of_calling(waiting: str, minutes: list[int], p_max: int, expected: str) -> None:
    settings = replace(SETTINGS, priority_in_a_row=p_max)
    assert call_all(read_waiting(waiting), minutes, settings) == expected


def test_nobody_waiting_is_no_call() -> None:
    assert find_next_call([], CallRun(), now=START, settings=SETTINGS) is None


def test_guard_calls_do_not_follow_each_other() -> None:
    waiting = read_waiting("N1@0 N2@1 P1@80 P2@81")
    assert call_all(waiting, [90, 91, 92, 93], SETTINGS) == "N1 P1 N2 P2"


counts = st.fixed_dictionaries({lane: st.integers(0, 12) for lane in Lane})


@given(counts, st.sampled_from(Lane), st.integers(1, 3), st.integers(1, 3))
def test_people_ahead_is_what_calling_everybody_gives(
    waiting: dict[Lane, int], lane: Lane, p_max: int, r_max: int
) -> None:
    settings = replace(SETTINGS, priority_in_a_row=p_max, results_in_a_row=r_max)
    left = [
        Waiting(number=number, lane=each, key_at=at(0))
        for each, count in waiting.items()
        for number in range(count)
    ]
    newcomer = Waiting(number=999, lane=lane, key_at=at(0.5))
    left.append(newcomer)
    run, ahead = CallRun(), 0
    while True:
        answer = find_next_call(left, run, now=at(1), settings=settings)
        assert answer is not None
        if answer.ticket is newcomer:
            break
        left.remove(answer.ticket)
        run, ahead = answer.run, ahead + 1
    assert count_ahead(lane, Counter(waiting), settings) == ahead


def test_booked_people_are_ordered_by_their_hour() -> None:
    slot = at(120)
    assert arrival_key(Lane.BOOKED, now=at(100), slot_start=slot, settings=SETTINGS) == at(90)
    assert arrival_key(Lane.NORMAL, now=at(100), slot_start=slot, settings=SETTINGS) == at(100)


@pytest.mark.parametrize(
    ("lane", "service_letter", "expected"),
    [("N", None, "A"), ("N", "K", "K"), ("P", "K", "U"), ("B", None, "H"), ("E", None, "A")],
)
def test_letters(lane: str, service_letter: str | None, expected: str) -> None:
    assert get_letter(Lane(lane), service_letter=service_letter, settings=SETTINGS) == expected


def test_room_with_the_fewest_then_the_lowest_code() -> None:
    codes = {"a": "102", "b": "101", "c": "103"}
    assert choose_room({"a": 2, "b": 2, "c": 3}, codes) == "b"
    assert choose_room({"a": 2, "b": 2, "c": 1}, codes) == "c"
    assert choose_room({}, codes) is None


@pytest.mark.parametrize(
    ("ahead", "minutes", "expected"),
    [(0, 5, (0, 5)), (4, 5, (15, 25)), (10, 6, (45, 75)), (1, 3, (0, 5)), (9, None, None)],
)
def test_wait_range(ahead: int, minutes: int | None, expected: tuple[int, int] | None) -> None:
    assert find_wait_range_min(ahead, minutes) == expected


@pytest.mark.parametrize(("number", "text"), [(1, "A001"), (12, "A012"), (1234, "A1234")])
def test_numbers_have_three_digits_or_more(number: int, text: str) -> None:
    assert format_number("A", number) == text


def test_a_lesson_has_letters_that_nobody_else_gives() -> None:
    lesson = get_letter(Lane.NORMAL, service_letter="C", settings=SETTINGS, practice=True)
    assert lesson == "LC"
    assert not any(letter.startswith(PRACTICE_PREFIX) for letter in list_letters())
