"""The past of one kiosk, day by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from backend.domain.ids import new_id
from backend.services.show_kiosk import show_history
from backend.storage.database import Database
from backend.storage.fleet_tables import KioskAbsence, KioskHour
from tests.conftest import SettableClock
from tests.factories.hospital import Hospital

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = datetime(2026, 11, 26, 12, tzinfo=ZONE).astimezone(UTC)


@pytest.fixture
def kiosk_id(database: Database, clock: SettableClock) -> str:
    clock.now = NOON
    return Hospital(database).add_kiosk("Sảnh A")[0].id


def add_hour(database: Database, kiosk_id: str, at: datetime, *, beats: int) -> None:
    with database.write() as unit:
        unit.add(
            KioskHour,
            kiosk_id=kiosk_id,
            hour=at,
            beats=beats,
            visits=1,
            errors=0,
            waits=0,
            p95_sum_ms=0.0,
            worst_ms=0.0,
        )


def add_absence(
    database: Database, kiosk_id: str, began_at: datetime, ended_at: datetime | None
) -> None:
    with database.write() as unit:
        unit.add(KioskAbsence, id=new_id(), kiosk_id=kiosk_id, began_at=began_at, ended_at=ended_at)


def shares(database: Database, kiosk_id: str, days: int) -> list[float | None]:
    return [day.up_share for day in show_history(database, kiosk_id, zone=ZONE, days=days)]


def test_extra_beats_of_a_loose_wire_do_not_hide_that_it_was_away(
    database: Database, kiosk_id: str
) -> None:
    yesterday = NOON - timedelta(days=1)
    add_hour(database, kiosk_id, yesterday, beats=24 * 1200)
    add_absence(database, kiosk_id, yesterday, yesterday + timedelta(hours=6))
    assert shares(database, kiosk_id, 3) == [None, 75.0, None]


def test_an_absence_counts_for_each_day_it_touched_and_while_it_lasts(
    database: Database, kiosk_id: str
) -> None:
    add_hour(database, kiosk_id, NOON - timedelta(days=3), beats=120)
    add_absence(database, kiosk_id, NOON - timedelta(days=2), None)
    assert shares(database, kiosk_id, 5) == [None, 100.0, 50.0, 0.0, 0.0]
    assert shares(database, kiosk_id, 2) == [0.0, 0.0]
