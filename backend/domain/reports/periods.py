"""Days, weeks, months, quarters, years: what belongs together, what came before, what is due when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo


class Span(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


SIGNED_SPANS = (Span.DAY, Span.WEEK, Span.MONTH)
"""The hospitals' plans ask for these three, signed, by a deadline."""
DUE_AT = time(15)
FRIDAY = 4
MONTHS = {Span.MONTH: 1, Span.QUARTER: 3, Span.YEAR: 12}
FIRST_YEAR, LAST_YEAR = 2000, 2199


@dataclass(frozen=True, kw_only=True, order=True)
class Period:
    """`first` is the first day of its span; make one by `of`."""

    first: date
    span: Span

    @classmethod
    def of(cls, span: Span, day: date) -> Self:
        """The one that `day` lies in. Weeks begin on Monday."""
        match span:
            case Span.DAY:
                first = day
            case Span.WEEK:
                first = day - timedelta(days=day.weekday())
            case Span.MONTH:
                first = day.replace(day=1)
            case Span.QUARTER:
                first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
            case Span.YEAR:
                first = day.replace(month=1, day=1)
        return cls(span=span, first=first)

    @property
    def last(self) -> date:
        return self.next.first - timedelta(days=1)

    @property
    def days(self) -> list[date]:
        return [
            self.first + timedelta(days=each) for each in range((self.last - self.first).days + 1)
        ]

    @property
    def months(self) -> list[date]:
        """First days of the months of a month, quarter or year; none of shorter ones."""
        return [_add_months(self.first, each) for each in range(MONTHS.get(self.span, 0))]

    @property
    def next(self) -> Self:
        return self._moved(1)

    @property
    def previous(self) -> Self:
        return self._moved(-1)

    @property
    def year_before(self) -> Self:
        """Days and weeks are held against the same weekday: 52 weeks before."""
        if self.span in MONTHS:
            return type(self)(span=self.span, first=_add_months(self.first, -12))
        return type(self)(span=self.span, first=self.first - timedelta(weeks=52))

    def due_at(self, zone: ZoneInfo) -> datetime | None:
        """When its report is to be signed, in the facility's own time; None where nobody asks.

        Each day, Friday of the week, the day before the last of the month: at 15:00, by the plans.
        """
        match self.span:
            case Span.DAY:
                day = self.first
            case Span.WEEK:
                day = self.first + timedelta(days=FRIDAY)
            case Span.MONTH:
                day = self.last - timedelta(days=1)
            case _:
                return None
        return datetime.combine(day, DUE_AT, tzinfo=zone)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first moment, and the first after it."""
        return (
            datetime.combine(self.first, time(0), tzinfo=zone),
            datetime.combine(self.next.first, time(0), tzinfo=zone),
        )

    def _moved(self, count: int) -> Self:
        match self.span:
            case Span.DAY:
                first = self.first + timedelta(days=count)
            case Span.WEEK:
                first = self.first + timedelta(weeks=count)
            case _:
                first = _add_months(self.first, count * MONTHS[self.span])
        return type(self)(span=self.span, first=first)


def find_last_due(span: Span, *, now: datetime, zone: ZoneInfo) -> Period:
    """Of a span that is signed: the newest period whose deadline has passed."""
    period = Period.of(span, now.astimezone(zone).date())
    due_at = period.due_at(zone)
    return period if due_at is not None and due_at <= now else period.previous


def _add_months(day: date, count: int) -> date:
    months = day.year * 12 + day.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)
