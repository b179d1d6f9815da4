"""What rooms really took: the median of every room at this hour of the day, in the last days.

Today is left out, so an hour is counted once a day, shortly before it is asked for; a run costs
nothing when that is done.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, time, timedelta

from backend.domain.catalogue import Catalogue
from backend.domain.paces import Pace
from backend.domain.waits import HISTORY_DAYS, Case, find_median_s
from backend.services.resources import Resources
from backend.storage.waits import find_learned_at, list_cases, save_paces


def learn_waits(resources: Resources) -> int:
    """Counts this hour and the next unless today has done so; returns how many rooms were known.

    Safe to run by two workers at once. Raises StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    now = resources.database.clock()
    hour = now.astimezone(catalogue.zone).hour
    return sum(learn_hour(resources, catalogue, each % 24, now=now) for each in (hour, hour + 1))


def learn_hour(resources: Resources, catalogue: Catalogue, hour: int, *, now: datetime) -> int:
    database = resources.database
    today = catalogue.today(now)
    cases: dict[str, list[Case]] = defaultdict(list)
    with database.read() as connection:
        learned_at = find_learned_at(connection, database.facility_id, hour)
        if learned_at is not None and catalogue.today(learned_at) == today:
            return 0
        for days in range(1, HISTORY_DAYS + 1):
            day = today - timedelta(days=days)
            start = datetime.combine(day, time(hour), tzinfo=catalogue.zone)
            span = list_cases(
                connection, database.facility_id, start=start, end=start + timedelta(hours=1)
            )
            for case in span:
                cases[case.room_id].append(case)
    paces = []
    for room_id, each in cases.items():
        median_s = find_median_s(each)
        if median_s is not None:
            paces.append((room_id, Pace(cases=len(each), median_s=round(median_s))))
    if paces or learned_at is not None:
        with database.write() as unit:
            save_paces(unit, hour, paces)
    return len(paces)
