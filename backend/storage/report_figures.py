"""Figures of reports as rows: written whole for a day or month, read by cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from backend.domain.reports.figures import Book, Cut, Figures
from backend.domain.reports.periods import Period, Span
from backend.storage.base import Base
from backend.storage.queue_tables import StepChange
from backend.storage.report_tables import ReportCursor, ReportFigure, ReportRoll
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit

SUMS = {Span.DAY: (Span.MONTH,), Span.MONTH: (Span.QUARTER, Span.YEAR)}
"""What is added up of what."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
OVERLAP_MS = 5 * 60_000
"""Rows whose ids are so much older may still be committed after newer ones, or by a host whose
clock is behind."""


@dataclass(frozen=True, kw_only=True)
class Roll:
    first_day: date
    counted_at: datetime
    took_ms: int


def save_day(unit: UnitOfWork, day: Period, book: Book, *, at: datetime, took_ms: int) -> bool:
    """In place of what was there; False when somebody counted later than `at` already.

    `at` is when the reading began, so that of two at once the newer view stays. Its month is
    stale from here on.
    """
    key = _key(unit, day)
    values = {"counted_at": at, "took_ms": took_ms}
    written = unit.connection.execute(
        unit.insert_into(ReportRoll)
        .values(key | values)
        .on_conflict_do_update(
            index_elements=list(key), set_=values, where=ReportRoll.counted_at <= at
        )
    )
    if written.rowcount == 0:
        return False
    _replace(unit, key, book)
    _spoil(unit, day)
    return True


def save_sum(
    unit: UnitOfWork, period: Period, book: Book, *, stale: int, at: datetime, took_ms: int
) -> bool:
    """`stale` is what the period's was before its parts were read: parts that were counted since
    leave it stale. False when another worker has added the same parts up.
    """
    key = _key(unit, period)
    written = unit.connection.execute(
        update(ReportRoll)
        .where(*_where(ReportRoll, key), ReportRoll.stale >= stale)
        .values(counted_at=at, took_ms=took_ms, stale=ReportRoll.stale - stale)
    )
    if written.rowcount == 0:
        return False
    _replace(unit, key, book)
    _spoil(unit, period)
    return True


def _spoil(unit: UnitOfWork, part: Period) -> None:
    """What it is a part of has to be added up again."""
    for span in SUMS.get(part.span, ()):
        key = _key(unit, Period.of(span, part.first))
        unit.connection.execute(
            unit.insert_into(ReportRoll)
            .values(key | {"counted_at": NEVER, "took_ms": 0, "stale": 1})
            .on_conflict_do_update(index_elements=list(key), set_={"stale": ReportRoll.stale + 1})
        )


def _key(unit: UnitOfWork, period: Period) -> dict[str, Any]:
    return {
        "facility_id": unit.facility_id,
        "span": period.span.value,
        "first_day": period.first,
    }


def _where(table: type[Base], key: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [getattr(table, name) == value for name, value in key.items()]


def _replace(unit: UnitOfWork, key: Mapping[str, Any], book: Book) -> None:
    unit.connection.execute(delete(ReportFigure).where(*_where(ReportFigure, key)))
    rows = [
        {**key, "cut": cut.value, "key": name, "figures": figures.to_json()}
        for (cut, name), figures in sorted(book.items())
    ]
    if rows:
        unit.connection.execute(insert(ReportFigure), rows)


def load_book(
    connection: Connection,
    facility_id: str,
    span: Span,
    first_days: Sequence[date],
    cuts: Sequence[Cut],
) -> Book:
    """Days or months added up, as far as they were counted."""
    book: Book = {}
    for _, cut, key, figures in _read(connection, facility_id, span, first_days, cuts):
        page = book.get((Cut(cut), key))
        if page is None:
            page = book[Cut(cut), key] = Figures()
        page.merge_json(figures)
    return book


def load_each(
    connection: Connection,
    facility_id: str,
    span: Span,
    first_days: Sequence[date],
    cut: Cut,
) -> dict[date, dict[str, Figures]]:
    """Of each day or month the figures of one cut, by key."""
    found: dict[date, dict[str, Figures]] = {}
    for first_day, _, key, figures in _read(connection, facility_id, span, first_days, [cut]):
        found.setdefault(first_day, {})[key] = Figures.from_json(figures)
    return found


def _read(
    connection: Connection,
    facility_id: str,
    span: Span,
    first_days: Sequence[date],
    cuts: Sequence[Cut],
) -> Iterable[tuple[date, str, str, dict[str, Any]]]:
    return connection.execute(
        select(
            ReportFigure.first_day, ReportFigure.cut, ReportFigure.key, ReportFigure.figures
        ).where(
            ReportFigure.facility_id == facility_id,
            ReportFigure.span == span.value,
            ReportFigure.first_day.in_(list(first_days)),
            ReportFigure.cut.in_([cut.value for cut in cuts]),
        )
    )


def list_rolls(
    connection: Connection, facility_id: str, span: Span, *, since: date, until: date
) -> dict[date, Roll]:
    """Both days inclusive."""
    rows = connection.execute(
        select(ReportRoll.first_day, ReportRoll.counted_at, ReportRoll.took_ms).where(
            ReportRoll.facility_id == facility_id,
            ReportRoll.span == span.value,
            ReportRoll.first_day >= since,
            ReportRoll.first_day <= until,
        )
    )
    return {
        row.first_day: Roll(first_day=row.first_day, counted_at=row.counted_at, took_ms=row.took_ms)
        for row in rows
    }


def list_stale(
    connection: Connection, facility_id: str, span: Span, *, counted_until: datetime
) -> dict[date, int]:
    """First days of periods, and how often a part of them was counted since they were added up.
    Those that were added up after `counted_until` are left for later.
    """
    rows = connection.execute(
        select(ReportRoll.first_day, ReportRoll.stale).where(
            ReportRoll.facility_id == facility_id,
            ReportRoll.span == span.value,
            ReportRoll.stale > 0,
            ReportRoll.counted_at <= counted_until,
        )
    )
    return {row.first_day: row.stale for row in rows}


# --- which days are new ----------------------------------------------------------------------------


def find_newest_change(connection: Connection) -> str | None:
    """Ids are ordered by time."""
    return connection.scalar(select(func.max(StepChange.id)))


def find_cursor(connection: Connection, facility_id: str) -> str | None:
    return connection.scalar(
        select(ReportCursor.seen_id).where(ReportCursor.facility_id == facility_id)
    )


def save_cursor(unit: UnitOfWork, seen_id: str) -> None:
    key = {"facility_id": unit.facility_id}
    unit.connection.execute(
        unit.insert_into(ReportCursor)
        .values(key | {"seen_id": seen_id})
        .on_conflict_do_update(index_elements=list(key), set_={"seen_id": seen_id})
    )


def list_touched_days(connection: Connection, facility_id: str, *, seen_id: str) -> set[date]:
    """Days of visits whose steps changed since; those that changed just before, too."""
    change = StepChange
    days = connection.scalars(
        select(Visit.day)
        .join(change, change.visit_id == Visit.id)
        .where(change.facility_id == facility_id, change.id > _before(seen_id))
        .distinct()
    )
    return set(days)


def _before(seen_id: str) -> str:
    """The least id of five minutes earlier: an id begins with its milliseconds in 12 digits."""
    milliseconds = max(int(seen_id[:12], 16) - OVERLAP_MS, 0)
    return f"{milliseconds:012x}"


def list_visited_days(
    connection: Connection, facility_id: str, *, since: date, until: date
) -> list[date]:
    """Days with visits, both inclusive, newest first: one look at the index for each."""
    found: list[date] = []
    visit = Visit
    day = until + timedelta(days=1)
    while True:
        newest = connection.scalar(
            select(func.max(visit.day)).where(
                visit.facility_id == facility_id, visit.day < day, visit.day >= since
            )
        )
        if newest is None:
            return found
        found.append(newest)
        day = newest
