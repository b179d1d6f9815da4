from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reports.periods import MONTHS, SIGNED_SPANS, Period, Span, find_last_due

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAYS = st.dates(min_value=date(2001, 1, 1), max_value=date(2190, 12, 31))
SPANS = st.sampled_from(list(Span))


@given(SPANS, DAYS)
def test_a_day_lies_in_one_period_of_each_span(span: Span, day: date) -> None:
    period = Period.of(span, day)
    assert period.first <= day <= period.last
    assert all(Period.of(span, each) == period for each in (period.first, period.last))
    assert period.next.previous == period == period.previous.next
    assert period.previous.last + timedelta(days=1) == period.first


@given(SPANS, DAYS)
def test_days_and_months_fill_it(span: Span, day: date) -> None:
    period = Period.of(span, day)
    assert period.days[0] == period.first
    assert period.days[-1] == period.last
    assert len(period.months) == MONTHS.get(span, 0)
    if period.months:
        months = [Period.of(Span.MONTH, first) for first in period.months]
        assert [each for month in months for each in month.days] == period.days


@given(SPANS, DAYS)
def test_the_year_before_begins_alike(span: Span, day: date) -> None:
    period = Period.of(span, day)
    before = period.year_before
    assert before == Period.of(span, before.first)
    assert 364 <= (period.first - before.first).days <= 366
    if span in {Span.DAY, Span.WEEK}:
        assert before.first.weekday() == period.first.weekday()


@pytest.mark.parametrize(
    ("span", "day", "due"),
    [
        (Span.DAY, date(2026, 11, 26), datetime(2026, 11, 26, 15)),
        (Span.WEEK, date(2026, 11, 23), datetime(2026, 11, 27, 15)),
        (Span.WEEK, date(2026, 11, 29), datetime(2026, 11, 27, 15)),
        (Span.MONTH, date(2026, 11, 26), datetime(2026, 11, 29, 15)),
        (Span.MONTH, date(2028, 2, 1), datetime(2028, 2, 28, 15)),
        (Span.MONTH, date(2026, 12, 31), datetime(2026, 12, 30, 15)),
    ],
)
def test_deadlines_of_the_plans(span: Span, day: date, due: datetime) -> None:
    assert Period.of(span, day).due_at(ZONE) == due.replace(tzinfo=ZONE)


def test_nobody_asks_for_quarters_and_years() -> None:
    assert Period.of(Span.QUARTER, date(2026, 11, 26)).due_at(ZONE) is None
    assert Period.of(Span.YEAR, date(2026, 11, 26)).due_at(ZONE) is None


def test_due_changes_at_the_very_minute() -> None:
    deadline = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
    before = find_last_due(Span.DAY, now=deadline - timedelta(seconds=1), zone=ZONE)
    assert before.first == date(2026, 11, 25)
    assert find_last_due(Span.DAY, now=deadline, zone=ZONE).first == date(2026, 11, 26)


@given(st.sampled_from(SIGNED_SPANS), st.datetimes(datetime(2001, 1, 1), datetime(2190, 1, 1)))
def test_the_newest_due_is_due_and_the_next_is_not(span: Span, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    due = find_last_due(span, now=now, zone=ZONE)
    due_at, next_due_at = due.due_at(ZONE), due.next.due_at(ZONE)
    assert due_at is not None
    assert next_due_at is not None
    assert due_at <= now < next_due_at


def test_bounds_are_the_facilitys_midnights() -> None:
    since, until = Period.of(Span.DAY, date(2026, 11, 26)).bounds(ZONE)
    assert since == datetime(2026, 11, 25, 17, tzinfo=UTC)
    assert until - since == timedelta(days=1)
