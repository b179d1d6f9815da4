from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from his_adapter.errors import BrokenReply
from his_adapter.models import Gender, VisitStatus
from his_adapter.sql_views.columns import Columns

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def column(value: object) -> Columns:
    return Columns("patient", {"x": value}, HANOI)


@pytest.mark.parametrize(
    ("read", "value", "wanted"),
    [
        (lambda row: row.text("x"), "Nguye\u0302\u0303n ", "Nguyễn"),
        (lambda row: row.text("x"), 42, "42"),
        (lambda row: row.find_text("x"), "  ", None),
        (lambda row: row.refs("x"), "a, b,", ("a", "b")),
        (lambda row: row.refs("x"), None, ()),
        (lambda row: row.integer("x"), Decimal("45000.00"), 45000),
        (lambda row: row.find_integer("x"), None, None),
        (lambda row: row.flag("x"), 1, True),
        (lambda row: row.moment("x"), datetime(2026, 1, 5, 9), datetime(2026, 1, 5, 2, tzinfo=UTC)),
        (lambda row: row.moment("x"), "2026-01-05T02:00:00+00:00", datetime(2026, 1, 5, 2, tzinfo=UTC)),
        (lambda row: row.day("x"), "2026-01-05", date(2026, 1, 5)),
        (lambda row: row.day("x"), datetime(2026, 1, 5, 9), date(2026, 1, 5)),
        (lambda row: row.clock_time("x"), "07:30", time(7, 30)),
        (lambda row: row.birth_date("x").isoformat(), "1950", "1950"),
        (lambda row: row.birth_date("x").isoformat(), date(1950, 3, 4), "1950-03-04"),
        (lambda row: row.choice("x", VisitStatus), "ARRIVED", VisitStatus.ARRIVED),
        (lambda row: row.mapped("x", {"1": Gender.MALE}, empty=Gender.UNKNOWN), 1, Gender.MALE),
        (lambda row: row.mapped("x", {}, empty=Gender.UNKNOWN), None, Gender.UNKNOWN),
        (lambda row: row.body("x"), memoryview(b"%PDF"), b"%PDF"),
    ],
)  # fmt: skip
def test_what_was_agreed(read: Callable[[Columns], Any], value: object, wanted: object) -> None:
    assert read(column(value)) == wanted


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda row: row.text("x"), None),
        (lambda row: row.text("x"), b"bytes"),
        (lambda row: row.text("x"), "x" * 20_001),
        (lambda row: row.text("x"), "a\x00b"),
        (lambda row: row.text("y"), "no such column"),
        (lambda row: row.integer("x"), "45000"),
        (lambda row: row.integer("x"), 1.5),
        (lambda row: row.integer("x"), float("nan")),
        (lambda row: row.integer("x"), Decimal("NaN")),
        (lambda row: row.integer("x"), 10**13),
        (lambda row: row.integer("x"), True),
        (lambda row: row.amount("x"), -1),
        (lambda row: row.flag("x"), "yes"),
        (lambda row: row.moment("x"), None),
        (lambda row: row.moment("x"), "yesterday"),
        (lambda row: row.moment("x"), date(2026, 1, 5)),
        (lambda row: row.day("x"), "05/01/2026"),
        (lambda row: row.clock_time("x"), "7h30"),
        (lambda row: row.birth_date("x"), "04/03/1950"),
        (lambda row: row.birth_date("x"), date(1800, 1, 1)),
        (lambda row: row.choice("x", VisitStatus), "here"),
        (lambda row: row.mapped("x", {"1": Gender.MALE}, empty=Gender.UNKNOWN), "2"),
        (lambda row: row.body("x"), "text"),
        (lambda row: row.body("x"), b"x" * 10_000_001),
    ],
)
def test_anything_else_is_a_broken_reply_without_its_value(
    read: Callable[[Columns], Any], value: object
) -> None:
    with pytest.raises(BrokenReply) as caught:
        read(column(value))
    assert str(value)[:200] not in str(caught.value)
    assert "patient" in str(caught.value)
