from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity.models import BirthDate, Identity


@pytest.mark.parametrize(
    ("iso", "precision", "earliest", "latest"),
    [
        ("1985-09-05", "day", date(1985, 9, 5), date(1985, 9, 5)),
        ("2024-02", "month", date(2024, 2, 1), date(2024, 2, 29)),
        ("1950", "year", date(1950, 1, 1), date(1950, 12, 31)),
    ],
)
def test_birth_date(iso: str, precision: str, earliest: date, latest: date) -> None:
    birth_date = BirthDate.from_iso(iso)

    assert birth_date.isoformat() == iso
    assert birth_date.precision == precision
    assert (birth_date.earliest, birth_date.latest) == (earliest, latest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "85",
        "1985-9-5",
        "1985-13",
        "1985-02-30",
        "0000",
        "1899",
        "1985-00",
        "1985-01-00",
        "１９８５",
    ],
)
def test_no_birth_date(text: str) -> None:
    with pytest.raises(ValueError) as error:
        BirthDate.from_iso(text)
    assert "1985" not in str(error.value)


def test_a_day_needs_its_month() -> None:
    with pytest.raises(ValueError):
        BirthDate(year=1985, day=5)


@pytest.mark.parametrize(
    ("one", "other", "agrees"),
    [
        ("1950", "1950-03-04", True),
        ("1950-03", "1950-03-04", True),
        ("1950-03-04", "1950-03-04", True),
        ("1950-04", "1950-03-04", False),
        ("1951", "1950-12-31", False),
    ],
)
def test_agreement(one: str, other: str, agrees: bool) -> None:
    first, second = BirthDate.from_iso(one), BirthDate.from_iso(other)

    assert first.agrees_with(second) is agrees
    assert second.agrees_with(first) is agrees


@given(st.dates(date(1900, 1, 1)))
def test_iso_round_trip(day: date) -> None:
    assert BirthDate.from_iso(day.isoformat()).earliest == day


def test_nothing_personal_in_repr() -> None:
    shown = repr(Identity(id_number="079085000000", birth_date=BirthDate(year=1985)))

    assert "079085" not in shown
    assert "1985" not in shown + repr(BirthDate(year=1985))
