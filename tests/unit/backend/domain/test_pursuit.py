from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.pursuit import find_next_query

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
BEGAN = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
ENDS = BEGAN + timedelta(minutes=10)


def next_after(now: datetime) -> datetime | None:
    return find_next_query(created_at=BEGAN, expires_at=ENDS, now=now, zone=VIETNAM)


def test_the_whole_way() -> None:
    asked, now = [], BEGAN
    while (following := next_after(now)) is not None:
        asked.append((following - BEGAN).total_seconds())
        now = following
    assert asked[:8] == [5, 10, 20, 40, 60, 90, 120, 150]
    assert asked[-5:] == [600, 720, 1200, 4200, 15.5 * 3600]


@given(st.integers(0, 20 * 3600 * 10))
def test_it_is_always_later_and_ends(tenths: int) -> None:
    now = BEGAN + timedelta(seconds=tenths / 10)
    following = next_after(now)
    assert following is None or now < following <= BEGAN + timedelta(hours=15.5)
    live = now < ENDS - timedelta(seconds=30) and following is not None
    assert not live or following - now <= timedelta(seconds=30)


def test_an_order_of_the_last_minutes_of_a_day_is_asked_about_after_midnight() -> None:
    began = datetime(2026, 11, 23, 16, 50, tzinfo=UTC)  # 23:50 in Vietnam
    after = find_next_query(
        created_at=began,
        expires_at=began + timedelta(minutes=10),
        now=began + timedelta(minutes=11),
        zone=VIETNAM,
    )
    assert after == began + timedelta(minutes=12)
