"""A report of a day, week, month, quarter or year, made of rolled-up figures alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select

from backend.domain.catalogue import Catalogue
from backend.domain.reports.figures import Book, Cut, Figures
from backend.domain.reports.hidden_rows import find_hidden_rows, find_left_out
from backend.domain.reports.names import Names
from backend.domain.reports.periods import SIGNED_SPANS, Period, Span
from backend.domain.reports.tables import Headline, Table, list_headlines, list_tables
from backend.storage.database import Database
from backend.storage.kiosk_tables import Kiosk
from backend.storage.report_figures import NEVER, list_rolls, load_book, load_each
from backend.storage.report_tables import ReportSignOff

DAYS_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class Signature:
    position: int
    name: str
    signed_at: datetime
    counted_at: datetime
    note: str
    figures: Mapping[str, float | None]
    """Headlines as they stood then."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """`counted_at`: as it stood at this time; None when nothing was counted. `days_counted` of
    `days_past` have figures.
    """

    period: Period
    counted_at: datetime | None
    days_counted: int
    headlines: Sequence[Headline]
    tables: Sequence[Table]
    trend: Mapping[date, Figures]
    due_at: datetime | None
    signatures: Sequence[Signature]
    is_overdue: bool
    left_out_rooms: AbstractSet[str]
    """Of these no details are shown."""

    def find_table(self, name: str) -> Table | None:
        return next((table for table in self.tables if table.name == name), None)

    @property
    def differs(self) -> bool:
        """Figures moved after they were signed: late ones came in, or the day went on."""
        if not self.signatures:
            return False
        now = {each.name: each.value for each in self.headlines}
        return self.signatures[-1].figures != now


def show_report(
    database: Database,
    catalogue: Catalogue,
    period: Period,
    *,
    own_rooms: AbstractSet[str] = frozenset(),
) -> Report:
    """`own_rooms`: the reader works for these. Raises StorageUnavailable."""
    facility_id = database.facility_id
    with database.read() as connection:
        names = read_names(connection, facility_id, catalogue)
        book = _load(connection, facility_id, period, tuple(Cut))
        before, year_before = (
            _load(connection, facility_id, other, (Cut.ALL,)).get((Cut.ALL, ""), Figures())
            for other in (period.previous, period.year_before)
        )
        span, parts = _parts(period)
        each = load_each(connection, facility_id, span, parts, Cut.ALL)
        rolls = list_rolls(connection, facility_id, Span.DAY, since=period.first, until=period.last)
        sums = list_rolls(
            connection, facility_id, period.span, since=period.first, until=period.first
        )
        signatures = list_signatures(connection, facility_id, period)
        now = database.clock()
    hidden = find_hidden_rows(book, names, own_rooms=own_rooms)
    trend = {day: pages.get("", Figures()) for day, pages in each.items()}
    due_at = period.due_at(catalogue.zone)
    whole = book.get((Cut.ALL, ""), Figures())
    came = whole.get("visits") > 0
    counted = [roll.counted_at for roll in (sums or rolls).values() if roll.counted_at > NEVER]
    return Report(
        period=period,
        counted_at=max(counted, default=None),
        days_counted=len(rolls),
        headlines=list_headlines(whole, before, year_before),
        tables=list_tables(book, names, trend, hidden=hidden, own_rooms=own_rooms),
        trend=trend,
        due_at=due_at,
        signatures=signatures,
        is_overdue=came and due_at is not None and due_at <= now and not signatures,
        left_out_rooms=find_left_out(book, names, hidden, own_rooms=own_rooms),
    )


def list_signatures(connection: Connection, facility_id: str, period: Period) -> list[Signature]:
    """Oldest first."""
    if period.span not in SIGNED_SPANS:
        return []
    rows = connection.execute(
        select(ReportSignOff.__table__)
        .where(
            ReportSignOff.facility_id == facility_id,
            ReportSignOff.span == period.span.value,
            ReportSignOff.first_day == period.first,
        )
        .order_by(ReportSignOff.position)
    )
    return [
        Signature(
            position=row.position,
            name=row.signed_name,
            signed_at=row.signed_at,
            counted_at=row.counted_at,
            note=row.note,
            figures=row.figures,
        )
        for row in rows
    ]


def iterate_room_hours(
    database: Database, period: Period
) -> Iterator[tuple[date, Mapping[str, Figures]]]:
    """Day by day, so that a month never stands in memory whole. Raises StorageUnavailable."""
    for first in range(0, len(period.days), DAYS_AT_ONCE):
        days = period.days[first : first + DAYS_AT_ONCE]
        with database.read() as connection:
            found = load_each(connection, database.facility_id, Span.DAY, days, Cut.ROOM_HOUR)
        for day in days:
            if day in found:
                yield day, found[day]


def read_names(connection: Connection, facility_id: str, catalogue: Catalogue) -> Names:
    kiosks = connection.execute(
        select(Kiosk.id, Kiosk.name).where(Kiosk.facility_id == facility_id)
    )
    services = catalogue.every_service.values()
    departments = catalogue.departments
    return Names(
        rooms={room.id: f"{room.code} {room.name.vi}" for room in catalogue.rooms.values()},
        services={service.id: service.name.vi for service in services},
        kiosks={row.id: row.name for row in kiosks},
        clinics={
            room.id: departments[room.department_id].name.vi
            for room in catalogue.rooms.values()
            if room.department_id is not None and room.department_id in departments
        },
        sensitive_rooms=frozenset(
            room_id for service in services if service.sensitive for room_id in service.room_ids
        ),
        sensitive_services=frozenset(service.id for service in services if service.sensitive),
        service_rooms={service.id: frozenset(service.room_ids) for service in services},
        service_kinds={service.id: service.kind for service in services},
    )


def find_newest_day(database: Database, catalogue: Catalogue) -> date:
    """The day a reader wants to see first: today once something was counted of it."""
    today = catalogue.today(database.clock())
    with database.read() as connection:
        rolls = list_rolls(
            connection,
            database.facility_id,
            Span.DAY,
            since=today - timedelta(days=31),
            until=today,
        )
    return max(rolls, default=today)


def _load(connection: Connection, facility_id: str, period: Period, cuts: Sequence[Cut]) -> Book:
    if period.span is Span.WEEK:
        return load_book(connection, facility_id, Span.DAY, period.days, cuts)
    return load_book(connection, facility_id, period.span, [period.first], cuts)


def _parts(period: Period) -> tuple[Span, list[date]]:
    """What a trend is drawn from: days, of a quarter or year its months."""
    if period.span in {Span.QUARTER, Span.YEAR}:
        return Span.MONTH, period.months
    return Span.DAY, period.days
