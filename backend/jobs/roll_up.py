"""Counts days for the reports: today as it goes on, each day once more when it is over, and again
when something of it arrives late (numbers and calls made while the server was away).

Which days are new is told by the ids of step changes, which are ordered by time. A run costs two
short questions when nothing happened. Today is counted again after a pause of fifty times what
it took, so that this never takes more than two percent of a core, and at least each ten minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime, timedelta

from backend.domain.catalogue import Catalogue
from backend.domain.reports.periods import Period, Span
from backend.services.resources import Resources
from backend.services.roll_up_day import add_up, roll_up_day
from backend.storage.database import Database
from backend.storage.report_figures import (
    find_cursor,
    find_newest_change,
    list_rolls,
    list_touched_days,
    list_visited_days,
    save_cursor,
)

LEAST_PAUSE = timedelta(minutes=1)
MOST_PAUSE = timedelta(minutes=10)
PAUSE_TIMES = 50
CATCH_UP_S = 30.0
"""So long a run catches up on old days; the next run goes on."""
LATE = timedelta(hours=1)
"""A day is over for good when this has passed: kiosks have handed in, jobs have closed steps."""
FIRST = date(2020, 1, 1)


def roll_up(resources: Resources, *, monotonic_s: Callable[[], float] = time.monotonic) -> int:
    """Counts what is due; returns how many days. Safe to run by two workers at once, and to stop
    half-way. Raises StorageUnavailable, CatalogueUnavailable.
    """
    database, catalogue = resources.database, resources.catalogue.get()
    until_s = monotonic_s() + CATCH_UP_S
    now = database.clock()
    today = catalogue.today(now)
    with database.read() as connection:
        newest = find_newest_change(connection)
        seen_id = find_cursor(connection, database.facility_id)
        touched = (
            list_touched_days(connection, database.facility_id, seen_id=seen_id)
            if newest is not None and seen_id is not None and newest != seen_id
            else set()
        )
    done, left = 0, False
    for day in sorted(touched, reverse=True):
        if day == today and not _is_due(database, day, now=now):
            left = True
            continue
        done += roll_up_day(database, catalogue, day)
    if newest is not None and newest != seen_id and not left:
        with database.write() as unit:
            save_cursor(unit, newest)
    for day in _list_unfinished(database, catalogue, now=now):
        if monotonic_s() >= until_s:
            break
        done += roll_up_day(database, catalogue, day)
    add_up(database)
    return done


def _is_due(database: Database, day: date, *, now: datetime) -> bool:
    with database.read() as connection:
        roll = list_rolls(connection, database.facility_id, Span.DAY, since=day, until=day).get(day)
    if roll is None:
        return True
    pause = PAUSE_TIMES * timedelta(milliseconds=roll.took_ms)
    return now - roll.counted_at >= min(max(pause, LEAST_PAUSE), MOST_PAUSE)


def _list_unfinished(database: Database, catalogue: Catalogue, *, now: datetime) -> list[date]:
    """Days that are over and were not counted since, newest first; today if it never was."""
    today = catalogue.today(now)
    with database.read() as connection:
        rolls = list_rolls(connection, database.facility_id, Span.DAY, since=FIRST, until=today)
        visited = list_visited_days(connection, database.facility_id, until=today)
    unfinished = []
    for day in visited:
        roll = rolls.get(day)
        if roll is None:
            unfinished.append(day)
            continue
        over_at = Period.of(Span.DAY, day).bounds(catalogue.zone)[1] + LATE
        if roll.counted_at < over_at <= now:
            unfinished.append(day)
    return unfinished
