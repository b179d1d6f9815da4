from __future__ import annotations

from datetime import date

import pytest

from backend.domain.data_requests import (
    DAYS,
    RequestKind,
    answer_by,
    done_by,
    next_due,
    urgency_of,
)

MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (23, 25),  # Monday → Wednesday
        (26, 30),  # Thursday → Monday
        (27, 31),  # Friday → Tuesday
        (28, 31),  # Saturday → Tuesday
        (29, 31),  # Sunday → Tuesday
    ],
)
def test_two_working_days_to_answer(received: int, expected: int) -> None:
    day = date(2026, 11, received)
    assert (answer_by(day) - MONDAY).days == expected - 23


def test_ten_or_fifteen_days_to_do_it() -> None:
    assert set(DAYS) == set(RequestKind)
    assert done_by(RequestKind.VIEW, MONDAY) == date(2026, 12, 3)
    assert done_by(RequestKind.CORRECT, MONDAY) == date(2026, 12, 3)
    for kind in (RequestKind.WITHDRAW, RequestKind.LIMIT, RequestKind.OBJECT, RequestKind.DELETE):
        assert done_by(kind, MONDAY) == date(2026, 12, 8)


def test_what_is_next() -> None:
    limits = {"answer_by": date(2026, 11, 25), "done_by": date(2026, 12, 3)}
    assert next_due(answered=False, ended=False, **limits) == limits["answer_by"]
    assert next_due(answered=True, ended=False, **limits) == limits["done_by"]
    assert next_due(answered=True, ended=True, **limits) is None


@pytest.mark.parametrize(
    ("today", "expected"),
    [(20, "calm"), (23, "soon"), (25, "soon"), (26, "late")],
)
def test_how_pressing_it_is(today: int, expected: str) -> None:
    assert urgency_of(date(2026, 11, 25), today=date(2026, 11, today)) == expected
    assert urgency_of(None, today=MONDAY) == "done"
