from __future__ import annotations

import pytest

from kiosk_ui.presenters.keypad import grouped
from kiosk_ui.presenters.wording import day, vnd


@pytest.mark.parametrize(
    ("iso", "shown"),
    [("1951-11-22", "22/11/1951"), ("1951-11", "11/1951"), ("1951", "1951"), ("", "")],
)
def test_days_are_as_precise_as_they_came(iso: str, shown: str) -> None:
    assert day(iso) == shown


@pytest.mark.parametrize(
    ("amount", "vi", "en"),
    [
        (0, "0\u00a0đ", "0\u00a0VND"),
        (950, "950\u00a0đ", "950\u00a0VND"),
        (45_000, "45.000\u00a0đ", "45,000\u00a0VND"),
        (1_234_567, "1.234.567\u00a0đ", "1,234,567\u00a0VND"),
    ],
)
def test_money_is_written_as_each_language_does(amount: int, vi: str, en: str) -> None:
    assert (vnd(amount, "vi"), vnd(amount, "en")) == (vi, en)


@pytest.mark.parametrize(
    ("digits", "shown"),
    [
        ("", ""),
        ("0", "0"),
        ("079", "079"),
        ("0790", "079 0"),
        ("079085000000", "079 085 000 000"),
    ],
)
def test_digits_stand_in_groups(digits: str, shown: str) -> None:
    assert grouped(digits, (3, 3, 3)) == shown


def test_a_date_being_typed() -> None:
    assert [grouped("12041985"[:n], (2, 2), "/") for n in (2, 3, 8)] == ["12", "12/0", "12/04/1985"]
