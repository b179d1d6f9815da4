from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.announcements import (
    MAX_LOOK_BACK,
    Announcement,
    due_announcements,
    find_next,
    shown_announcements,
)

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = date(2026, 11, 23)


def at(hour: int, minute: int = 0, second: int = 0, *, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time(hour, minute, second), tzinfo=VIETNAM)


def due(announcement: Announcement, since: datetime, now: datetime, **more: str) -> list[datetime]:
    found = due_announcements([announcement], since=since, now=now, zone_info=VIETNAM, **more)
    return [each.at for each in found]


MORNING = Announcement(id="a", text_vi="Nhà thuốc mở cửa.", times=(time(8, 0),))
HOURLY = Announcement(
    id="b", text_vi="Giữ trật tự.", every_min=60, starts_at=time(7, 30), ends_at=time(10, 0)
)


def test_at_its_time_once() -> None:
    assert due(MORNING, at(7, 59, 30), at(7, 59, 59)) == []
    assert due(MORNING, at(7, 59, 59), at(8)) == [at(8)]
    assert due(MORNING, at(8), at(8, 0, 1)) == []


def test_every_so_many_minutes_within_its_hours() -> None:
    hours = [
        moment
        for minute in range(6 * 60, 12 * 60, 5)
        for moment in due(
            HOURLY,
            at(minute // 60, minute % 60),
            at(minute // 60, minute % 60) + timedelta(minutes=5),
        )
    ]
    assert hours == [at(7, 30), at(8, 30), at(9, 30)]


@pytest.mark.parametrize(
    "changes",
    [
        {"weekdays": (1, 2, 3)},
        {"valid_from": date(2026, 11, 24)},
        {"valid_to": date(2026, 11, 22)},
        {"active": False},
        {"spoken": False},
        {"zones": ("tang-2",)},
        {"times": ()},
    ],
)
def test_what_keeps_it_from_being_said(changes: dict[str, object]) -> None:
    announcement = Announcement(**({"id": "a", "text_vi": "x", "times": (time(8, 0),)} | changes))
    assert due(announcement, at(7, 59), at(8), zone="tang-1") == []


def test_first_and_last_day_count() -> None:
    one_day = Announcement(
        id="a", text_vi="x", times=(time(8, 0),), valid_from=MONDAY, valid_to=MONDAY
    )
    assert due(one_day, at(7, 59), at(8)) == [at(8)]


def test_zones() -> None:
    upstairs = Announcement(id="a", text_vi="x", times=(time(8, 0),), zones=("tang-2",))
    assert due(upstairs, at(7, 59), at(8), zone="tang-2") == [at(8)]
    assert due(upstairs, at(7, 59), at(8)) == [at(8)]


def test_after_a_stop_only_what_is_still_worth_hearing() -> None:
    assert due(MORNING, at(6), at(8, 4)) == [at(8)]
    assert due(MORNING, at(6), at(8, 5)) == []
    assert due(HOURLY, at(0, day=date(2020, 1, 1)), at(8, 31)) == [at(8, 30)]


def test_midnight_belongs_to_its_day() -> None:
    night = Announcement(id="a", text_vi="x", times=(time(0, 0),), weekdays=(1,))
    assert due(night, at(23, 59), at(0, 1, day=date(2026, 11, 24))) == [
        at(0, day=date(2026, 11, 24))
    ]


def test_everybody_gives_it_the_same_key() -> None:
    keys = {
        due_announcements([MORNING], since=at(7, 59, second), now=at(8), zone_info=VIETNAM)[0].key
        for second in (0, 10, 59)
    }
    assert keys == {"a@2026-11-23T08:00+07:00"}


def test_every_minute_is_too_often() -> None:
    eager = Announcement(id="a", text_vi="x", every_min=1, starts_at=time(8), ends_at=time(9))
    assert len(due(eager, at(8), at(8, 9))) == 1


def test_notices_on_idle_boards() -> None:
    notice = Announcement(
        id="n", text_vi="x", spoken=False, starts_at=time(7), ends_at=time(11), zones=("z",)
    )

    def shown(now: datetime, zone: str = "z") -> list[Announcement]:
        return shown_announcements([notice], now=now, zone_info=VIETNAM, zone=zone)

    assert shown(at(7)) == [notice]
    assert shown(at(11)) == []
    assert shown(at(8), zone="other") == []


@given(st.lists(st.integers(1, 500), min_size=1, max_size=60))
def test_asked_at_any_pace_nothing_comes_twice(steps_s: list[int]) -> None:
    since = at(7)
    heard: list[str] = []
    for step_s in steps_s:
        now = since + timedelta(seconds=step_s)
        found = due_announcements([MORNING, HOURLY], since=since, now=now, zone_info=VIETNAM)
        heard += [each.key for each in found]
        assert all(now - each.at < MAX_LOOK_BACK for each in found)
        since = now
    assert len(set(heard)) == len(heard)


# --- when next -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"times": (time(8), time(14, 30))}, "2026-11-23 14:30"),
        ({"times": (time(8),)}, "2026-11-24 08:00"),
        ({"times": (time(8),), "weekdays": (0,)}, "2026-11-30 08:00"),
        ({"every_min": 30, "starts_at": time(7), "ends_at": time(16)}, "2026-11-23 10:30"),
        ({"times": (time(8),), "valid_from": date(2027, 3, 1)}, "2027-03-01 08:00"),
        ({"times": (time(8),), "valid_to": date(2026, 11, 23)}, None),
        ({"times": (time(8),), "active": False}, None),
        ({"spoken": False, "starts_at": time(12)}, "2026-11-23 12:00"),
        ({"spoken": False, "starts_at": time(7)}, "2026-11-24 07:00"),
    ],
)
def test_when_it_is_told_next(wish: dict[str, Any], expected: str | None) -> None:
    """Monday, ten o'clock."""
    announcement = Announcement(id="a", text_vi="Xin chào", **wish)
    found = find_next(announcement, now=at(10), zone_info=VIETNAM)
    assert (f"{found:%Y-%m-%d %H:%M}" if found else None) == expected
