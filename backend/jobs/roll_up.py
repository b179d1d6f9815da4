"""Counts days for the reports: today as it goes on, each day once more when it is over, and again
when something of it arrives late (numbers and calls made while the server was away).

Which days are new is told by the ids of step changes, which are ordered by time. A run costs two
short questions when nothing happened. New days are counted together, after a pause of fifty times
what they took, so that this never takes more than two percent of a core; within ten minutes anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta

from backend.domain.catalogue import Catalogue
from backend.domain.reports.periods import Period, Span
from backend.services.resources import Resources
from backend.services.roll_up_day import add_up, roll_up_day
from backend.storage.database import Database
from backend.storage.report_facts import read_money
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
RECENT = timedelta(days=40)


def roll_up(resources: Resources, *, monotonic_s: Callable[[], float] = time.monotonic) -> int:
    """Counts what is due; returns how many days. Safe to run by two workers at once, and to stop
    half-way. Raises StorageUnavailable, CatalogueUnavailable.
    """
    database, catalogue = resources.database, resources.catalogue.get()
    until_s = monotonic_s() + CATCH_UP_S
    now = database.clock()
    with database.read() as connection:
        newest = find_newest_change(connection)
        seen_id = find_cursor(connection, database.facility_id)
        touched = (
            list_touched_days(connection, database.facility_id, seen_id=seen_id)
            if newest is not None and seen_id is not None and newest != seen_id
            else set()
        )
    done = 0
    if newest is not None and newest != seen_id and _are_due(database, touched, now=now):
        for day in sorted(touched, reverse=True):
            done += roll_up_day(database, catalogue, day)
        with database.write() as unit:
            save_cursor(unit, newest)
    for day in _list_unfinished(database, catalogue, now=now):
        if monotonic_s() >= until_s:
            break
        done += roll_up_day(database, catalogue, day)
    add_up(database)
    return done


def _are_due(database: Database, days: AbstractSet[date], *, now: datetime) -> bool:
    """All or none: what is left for later is found by the same cursor, and with it all the others,
    which would be counted again and again while one of them waits.
    """
    if not days:
        return True
    with database.read() as connection:
        known = list_rolls(
            connection, database.facility_id, Span.DAY, since=min(days), until=max(days)
        )
    rolls = [known[day] for day in days if day in known]
    if not rolls:
        return True
    pause = PAUSE_TIMES * timedelta(milliseconds=sum(roll.took_ms for roll in rolls))
    counted_at = max(roll.counted_at for roll in rolls)
    return now - counted_at >= min(max(pause, LEAST_PAUSE), MOST_PAUSE)


def _list_unfinished(database: Database, catalogue: Catalogue, *, now: datetime) -> list[date]:
    """Days that are over and were not counted since, newest first; today if it never was.

    The last weeks are looked through, and what is older than all that was counted: old days are
    caught up from the newest on, so there are no others. Money comes on days without visits, too.
    """
    today = catalogue.today(now)

    def is_unfinished(day: date) -> bool:
        over_at = Period.of(Span.DAY, day).bounds(catalogue.zone)[1] + LATE
        return day not in rolls or rolls[day].counted_at < over_at <= now

    with database.read() as connection:
        rolls = list_rolls(connection, database.facility_id, Span.DAY, since=FIRST, until=today)
        recent = today - RECENT
        visited = list_visited_days(connection, database.facility_id, since=recent, until=today)
        before = min([*rolls, recent]) - timedelta(days=1)
        visited += list_visited_days(connection, database.facility_id, since=FIRST, until=before)
        days = {today - timedelta(days=ago) for ago in range(RECENT.days)}
        for day in days.difference(visited):
            since, until = Period.of(Span.DAY, day).bounds(catalogue.zone)
            if (
                is_unfinished(day)
                and not read_money(
                    connection, database.facility_id, since=since, until=until
                ).is_none
            ):
                visited.append(day)
    return sorted(filter(is_unfinished, visited), reverse=True)
