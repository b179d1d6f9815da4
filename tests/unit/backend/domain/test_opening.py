from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from backend.domain.opening import Session, find_next_opening, find_session

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SESSIONS = tuple(
    Session(
        id=f"{weekday}{name}",
        room_id="r",
        weekday=weekday,
        name=name,
        opens_at=opens_at,
        closes_at=closes_at,
    )
    for weekday in range(5)
    for name, opens_at, closes_at in (
        ("morning", time(7), time(11, 30)),
        ("afternoon", time(13), time(16, 30)),
    )
)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("now", "name"),
    [
        ("2026-11-23T05:59", None),
        ("2026-11-23T06:00", "morning"),
        ("2026-11-23T11:29", "morning"),
        ("2026-11-23T11:30", None),
        ("2026-11-23T12:00", "afternoon"),
        ("2026-11-23T16:30", None),
        ("2026-11-22T08:00", None),
    ],
)
def test_the_session_that_takes_people(now: str, name: str | None) -> None:
    session = find_session(SESSIONS, frozenset(), now=local(now), zone=ZONE, lead_min=60)
    assert (session.name if session else None) == name


def test_closed_days_have_no_session() -> None:
    closed = frozenset({date(2026, 11, 23)})
    now = local("2026-11-23T08:00")
    assert find_session(SESSIONS, closed, now=now, zone=ZONE, lead_min=60) is None
    assert find_next_opening(SESSIONS, closed, now=now, zone=ZONE) == local("2026-11-24T07:00")


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-23T06:00", "2026-11-23T07:00"),
        ("2026-11-23T12:00", "2026-11-23T13:00"),
        ("2026-11-27T17:00", "2026-11-30T07:00"),
    ],
)
def test_next_opening(now: str, opens: str) -> None:
    assert find_next_opening(SESSIONS, frozenset(), now=local(now), zone=ZONE) == local(opens)


def test_never_open_has_no_next_opening() -> None:
    assert find_next_opening((), frozenset(), now=local("2026-11-23T06:00"), zone=ZONE) is None
