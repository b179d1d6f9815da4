"""Counts one day, or adds the days of a month up: the same rows come out however often it is done."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from backend.domain.catalogue import Catalogue
from backend.domain.reports.counting import (
    CallFacts,
    count_calls,
    count_kiosk,
    count_load,
    count_lookups,
    count_money,
    count_visit,
)
from backend.domain.reports.figures import Book, Cut
from backend.domain.reports.periods import Period, Span
from backend.storage.database import Database
from backend.storage.report_facts import list_kiosks, list_visits, read_lookups, read_money
from backend.storage.report_figures import (
    list_rolls,
    list_stale,
    load_book,
    save_day,
    save_sum,
)
from backend.storage.visit_tables import Visit

OPEN_FROM_H, OPEN_UNTIL_H = 6, 18
"""Where the HIS tells no sessions at all."""
PAUSE, NO_PAUSE = timedelta(hours=1), timedelta(0)


def roll_up_day(database: Database, catalogue: Catalogue, day: date) -> bool:
    """Reads the day as it stands now; False when somebody has counted it later meanwhile.

    Nobody waits for it: the reading holds no lock, the writing is short.
    Raises StorageUnavailable.
    """
    at, began_s = database.clock(), time.monotonic()
    book = _count_day(database, catalogue, day, now=at)
    took_ms = round((time.monotonic() - began_s) * 1000)
    with database.write() as unit:
        return save_day(unit, Period.of(Span.DAY, day), book, at=at, took_ms=took_ms)


def refresh_period(
    database: Database, catalogue: Catalogue, period: Period, *, older_than: timedelta
) -> int:
    """Counts the days of a period that nobody has counted, and today when that is so long ago;
    for who wants figures where no worker runs. Returns how many. Raises StorageUnavailable.
    """
    now = database.clock()
    today = catalogue.today(now)
    with database.read() as connection:
        rolls = list_rolls(
            connection, database.facility_id, Span.DAY, since=period.first, until=period.last
        )
        visited = set(
            connection.scalars(
                select(Visit.day)
                .where(
                    Visit.facility_id == database.facility_id,
                    Visit.day.in_([day for day in period.days if day not in rolls or day == today]),
                )
                .distinct()
            )
        )
    due = [
        day
        for day in sorted(visited)
        if day not in rolls or now - rolls[day].counted_at > older_than
    ]
    for day in due:
        roll_up_day(database, catalogue, day)
    add_up(database, at_once=True)
    return len(due)


def add_up(database: Database, *, at_once: bool = False) -> int:
    """Months one of whose days was counted since, then quarters and years: of these the running
    ones once an hour, unless `at_once`. Returns how many. Raises StorageUnavailable.
    """
    return sum(
        _add_up(database, Period.of(span, first), stale)
        for span, pause in ((Span.MONTH, NO_PAUSE), (Span.QUARTER, PAUSE), (Span.YEAR, PAUSE))
        for first, stale in _list_due(database, span, NO_PAUSE if at_once else pause).items()
    )


def _list_due(database: Database, span: Span, pause: timedelta) -> dict[date, int]:
    with database.read() as connection:
        return list_stale(
            connection, database.facility_id, span, counted_until=database.clock() - pause
        )


def _add_up(database: Database, period: Period, stale: int) -> bool:
    at, began_s = database.clock(), time.monotonic()
    span, parts = (
        (Span.DAY, period.days) if period.span is Span.MONTH else (Span.MONTH, period.months)
    )
    with database.read() as connection:
        book = load_book(connection, database.facility_id, span, parts, tuple(Cut))
    took_ms = round((time.monotonic() - began_s) * 1000)
    with database.write() as unit:
        return save_sum(unit, period, book, stale=stale, at=at, took_ms=took_ms)


def _count_day(database: Database, catalogue: Catalogue, day: date, *, now: datetime) -> Book:
    facility_id, zone = database.facility_id, catalogue.zone
    since, until = Period.of(Span.DAY, day).bounds(zone)
    book: Book = {}
    calls: list[CallFacts] = []
    with database.read() as connection:
        identified, lookups = read_lookups(connection, facility_id, since=since, until=until)
        visits = list_visits(connection, facility_id, day, identified=identified, calls=calls)
        for visit in visits:
            count_visit(book, visit, zone=zone)
        open_since, open_until = find_open_hours(catalogue, day) or (since, since)
        kiosks = list_kiosks(
            connection,
            facility_id,
            since=since,
            until=until,
            open_since=open_since,
            open_until=min(open_until, now),
        )
        money = read_money(connection, facility_id, since=since, until=until)
    count_calls(book, calls)
    count_lookups(book, lookups)
    for kiosk in kiosks:
        count_kiosk(book, kiosk)
    count_money(book, money)
    count_load(book, _find_room_hours(catalogue, day))
    return book


def find_open_hours(catalogue: Catalogue, day: date) -> tuple[datetime, datetime] | None:
    """From the first room that opens on this day to the last that closes; None when none does."""
    rooms = list(catalogue.rooms.values())
    open_rooms = [room for room in rooms if day not in room.closed_days]
    spans = [
        (session.opens_on(day, catalogue.zone), session.closes_on(day, catalogue.zone))
        for room in open_rooms
        for session in room.sessions
        if session.weekday == day.weekday()
    ]
    if spans:
        return min(opens_at for opens_at, _ in spans), max(closes_at for _, closes_at in spans)
    if any(room.sessions for room in rooms) or (rooms and not open_rooms):
        return None
    midnight = datetime.combine(day, datetime.min.time(), tzinfo=catalogue.zone)
    return (
        (midnight + timedelta(hours=OPEN_FROM_H)).astimezone(UTC),
        (midnight + timedelta(hours=OPEN_UNTIL_H)).astimezone(UTC),
    )


def _find_room_hours(catalogue: Catalogue, day: date) -> dict[str, float]:
    """Hours each room takes people on this weekday."""
    hours: dict[str, float] = {}
    for room in catalogue.rooms.values():
        for session in room.sessions:
            if session.weekday == day.weekday():
                span = datetime.combine(day, session.closes_at) - datetime.combine(
                    day, session.opens_at
                )
                hours[room.id] = hours.get(room.id, 0) + span.total_seconds() / 3600
    return hours
