"""The standard in force is data."""

from __future__ import annotations

from datetime import date

import pytest

from backend.domain.checkin_table.standard import (
    NoStandard,
    code_lists_on,
    get_standard,
    load_schema,
    standard_on,
)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2025, 1, 1), "qd3176"),
        (date(2026, 6, 30), "qd3176"),
        (date(2026, 7, 1), "qd1931"),
        (date(2027, 1, 1), "qd1931"),
    ],
)
def test_the_newest_in_force_holds(day: date, name: str) -> None:
    standard = standard_on(day)
    assert standard.id == name
    assert len(standard.fields) == 26
    assert load_schema(name) is not None


def test_before_the_first_there_is_none() -> None:
    for ask in (standard_on, code_lists_on):
        with pytest.raises(NoStandard):
            ask(date(2024, 12, 31))
    with pytest.raises(NoStandard):
        get_standard("qd4210")


def test_code_lists_are_dated() -> None:
    assert "16" not in code_lists_on(date(2026, 7, 31)).care_types
    assert "16" in code_lists_on(date(2026, 8, 1)).care_types
    assert len(code_lists_on(date(2026, 8, 1)).patient_categories) == 27
