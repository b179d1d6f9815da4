"""Announcements and notices by timetable: what is due now, decided without clock or database.

Times are the facility's own. An announcement that nobody could play in time is dropped: "the
pharmacy closes at 16:30" is of no use at 17:00.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)
EXPIRES_AFTER = timedelta(minutes=5)
MAX_LOOK_BACK = timedelta(minutes=10)
"""After a long stop only what is still worth hearing is due."""
MIN_EVERY_MIN = 5
MAX_TIMES_A_DAY = 48


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """A text for some zones (none: all), spoken or only shown while boards are idle.

    Due at each of `times`, and every `every_min` minutes from `starts_at` until before `ends_at`,
    on `weekdays` (0 = Monday) from `valid_from` to `valid_to`, both included. A shown one stands
    from `starts_at` to `ends_at`. `clip` names a recording in a clip pack.
    """

    id: str
    text_vi: str
    text_en: str = ""
    spoken: bool = True
    zones: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = EVERY_DAY
    times: tuple[time, ...] = ()
    every_min: int | None = None
    starts_at: time = time(0, 0)
    ends_at: time = time(23, 59)
    valid_from: date | None = None
    valid_to: date | None = None
    clip: str | None = None
    active: bool = True

    def is_for(self, zone: str | None) -> bool:
        return not self.zones or zone is None or zone in self.zones

    def is_valid_on(self, day: date) -> bool:
        return (
            self.active
            and day.weekday() in self.weekdays
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
        )


@dataclass(frozen=True, kw_only=True)
class DueAnnouncement:
    """`key` is the same for everybody who works it out: played once per zone."""

    key: str
    announcement: Announcement
    at: datetime
    expires_at: datetime


def due_announcements(
    announcements: Iterable[Announcement],
    *,
    since: datetime,
    now: datetime,
    zone_info: ZoneInfo,
    zone: str | None = None,
) -> list[DueAnnouncement]:
    """Spoken ones whose time came after `since` and not after `now`, the earliest first.

    Called again and again with the last `now` as `since`, each time comes once; times further
    back than MAX_LOOK_BACK, and those that have expired, are left out.
    """
    since = max(since, now - MAX_LOOK_BACK)
    due = [
        DueAnnouncement(
            key=f"{announcement.id}@{moment.isoformat(timespec='minutes')}",
            announcement=announcement,
            at=moment,
            expires_at=moment + EXPIRES_AFTER,
        )
        for announcement in announcements
        if announcement.spoken and announcement.is_for(zone)
        for moment in _moments(announcement, since, now, zone_info)
        if now < moment + EXPIRES_AFTER
    ]
    return sorted(due, key=lambda each: (each.at, each.announcement.id))


def shown_announcements(
    announcements: Iterable[Announcement],
    *,
    now: datetime,
    zone_info: ZoneInfo,
    zone: str | None = None,
) -> list[Announcement]:
    """Notices that boards without calls show at this moment."""
    local = now.astimezone(zone_info)
    return [
        announcement
        for announcement in announcements
        if announcement.is_for(zone)
        and announcement.is_valid_on(local.date())
        and announcement.starts_at <= local.time() < announcement.ends_at
    ]


def find_next(announcement: Announcement, *, now: datetime, zone_info: ZoneInfo) -> datetime | None:
    """When it is heard next, or begins to stand on boards if it is only shown; None: never more."""
    local = now.astimezone(zone_info)
    day = max(local.date(), announcement.valid_from or local.date())
    times = _times_of_day(announcement) if announcement.spoken else {announcement.starts_at}
    # Today's may be over, so the same weekday of next week belongs to it.
    for ahead in range(8):
        on = day + timedelta(days=ahead)
        if not announcement.is_valid_on(on):
            continue
        moments = (datetime.combine(on, at, tzinfo=zone_info) for at in sorted(times))
        found = next((moment for moment in moments if moment > now), None)
        if found is not None:
            return found
    return None


def _moments(
    announcement: Announcement, since: datetime, now: datetime, zone_info: ZoneInfo
) -> Iterator[datetime]:
    day, last = since.astimezone(zone_info).date(), now.astimezone(zone_info).date()
    while day <= last:
        if announcement.is_valid_on(day):
            for at in _times_of_day(announcement):
                moment = datetime.combine(day, at, tzinfo=zone_info)
                if since < moment <= now:
                    yield moment
        day += timedelta(days=1)


def _times_of_day(announcement: Announcement) -> set[time]:
    times = {at.replace(second=0, microsecond=0) for at in announcement.times}
    if announcement.every_min:
        start, end = _minutes(announcement.starts_at), _minutes(announcement.ends_at)
        step = max(announcement.every_min, MIN_EVERY_MIN)
        times |= {time(minute // 60, minute % 60) for minute in range(start, end, step)}
    return times


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
