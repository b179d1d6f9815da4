from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity.ages import Answer, age_on, is_at_least, is_under
from backend.domain.identity.models import BirthDate

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("birth", "years", "answer"),
    [
        ("1951-11-21", 75, Answer.YES),
        ("1951-11-22", 75, Answer.NO),
        ("1946-11-21", 80, Answer.YES),
        ("1951", 75, Answer.ASK),
        ("1950", 75, Answer.YES),
        ("1952", 75, Answer.NO),
        ("1951-10", 75, Answer.YES),
        ("1951-11", 75, Answer.ASK),
        ("1951-12", 75, Answer.NO),
    ],
)
def test_at_least(birth: str, years: int, answer: Answer) -> None:
    assert is_at_least(years, BirthDate.from_iso(birth), on=TODAY) is answer


@pytest.mark.parametrize(
    ("birth", "answer"),
    [
        ("2020-11-22", Answer.YES),
        ("2020-11-21", Answer.NO),
        ("2021", Answer.YES),
        ("2020", Answer.ASK),
        ("2019", Answer.NO),
    ],
)
def test_under_six(birth: str, answer: Answer) -> None:
    assert is_under(6, BirthDate.from_iso(birth), on=TODAY) is answer


def test_a_leap_day_birthday_falls_on_the_first_of_march() -> None:
    born_on = date(2020, 2, 29)

    assert age_on(born_on, date(2026, 2, 28)) == 5
    assert age_on(born_on, date(2026, 3, 1)) == 6
    assert age_on(born_on, date(2024, 2, 29)) == 4


@given(st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.integers(0, 120))
def test_a_full_date_is_never_asked_about(born_on: date, years: int) -> None:
    full = BirthDate(year=born_on.year, month=born_on.month, day=born_on.day)
    answer = is_at_least(years, full, on=TODAY)

    assert answer is not Answer.ASK
    # Whatever a vaguer date answers for sure is true of the full one.
    for vague in (BirthDate(year=born_on.year), BirthDate(year=born_on.year, month=born_on.month)):
        assert is_at_least(years, vague, on=TODAY) in {answer, Answer.ASK}
