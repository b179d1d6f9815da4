"""When rooms take people: sessions by weekday, closed days, the next time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

LOOK_AHEAD_DAYS = 14


@dataclass(frozen=True, kw_only=True)
class Session:
    """A span of one weekday (0 = Monday) in the facility's zone. `limit` = people it takes."""

    id: str
    room_id: str
    weekday: int
    name: str
    opens_at: time
    closes_at: time
    limit: int | None = None

    def opens_on(self, day: date, zone: tzinfo) -> datetime:
        return datetime.combine(day, self.opens_at, zone)

    def closes_on(self, day: date, zone: tzinfo) -> datetime:
        return datetime.combine(day, self.closes_at, zone)


def find_session(
    sessions: Iterable[Session],
    closed_days: Collection[date],
    *,
    now: datetime,
    zone: tzinfo,
    lead_min: int,
) -> Session | None:
    """The session that takes people now; numbers are given out `lead_min` before it opens."""
    day = now.astimezone(zone).date()
    if day in closed_days:
        return None
    lead = timedelta(minutes=lead_min)
    return min(
        (
            session
            for session in sessions
            if session.weekday == day.weekday()
            and session.opens_on(day, zone) - lead <= now < session.closes_on(day, zone)
        ),
        key=lambda session: session.opens_at,
        default=None,
    )


def find_next_opening(
    sessions: Collection[Session], closed_days: Collection[date], *, now: datetime, zone: tzinfo
) -> datetime | None:
    """When a session opens next, after now; None when there is none for two weeks."""
    today = now.astimezone(zone).date()
    openings = (
        session.opens_on(day, zone)
        for day in (today + timedelta(days=ahead) for ahead in range(LOOK_AHEAD_DAYS + 1))
        if day not in closed_days
        for session in sessions
        if session.weekday == day.weekday()
    )
    return min((opening for opening in openings if opening > now), default=None)
