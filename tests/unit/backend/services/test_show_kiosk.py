"""What a kiosk's year tells: day by day, in the facility's time."""

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


@pytest.fixture
def kiosk_id(database: Database) -> str:
    return Hospital(database).add_kiosk("K1")[0].id


def add_hour(database: Database, kiosk_id: str, hour: datetime, **figures: float) -> None:
    usual = {
        "beats": 200,
        "visits": 5,
        "errors": 0,
        "waits": 5,
        "p95_sum_ms": 4000.0,
        "worst_ms": 900.0,
    }
    with database.write() as unit:
        unit.add(KioskHour, kiosk_id=kiosk_id, hour=hour, **usual | figures)


def add_absence(
    database: Database, kiosk_id: str, began_at: datetime, ended_at: datetime | None
) -> None:
    with database.write() as unit:
        unit.add(KioskAbsence, id=new_id(), kiosk_id=kiosk_id, began_at=began_at, ended_at=ended_at)


def test_beats_out_of_turn_make_up_for_no_absence(
    database: Database, kiosk_id: str, clock: SettableClock
) -> None:
    clock.now = datetime(2026, 11, 26, 12, tzinfo=ZONE).astimezone(UTC)
    midnight = datetime(2026, 11, 26, tzinfo=ZONE)
    for hours_ago in range(1, 49):
        add_hour(database, kiosk_id, midnight - timedelta(hours=hours_ago))
    add_hour(database, kiosk_id, midnight)
    # Six hours before midnight and three after it; another day from one end to the other.
    add_absence(database, kiosk_id, midnight - timedelta(hours=6), midnight + timedelta(hours=3))
    add_absence(database, kiosk_id, midnight - timedelta(days=9), midnight - timedelta(days=3.5))
    add_absence(database, kiosk_id, clock.now - timedelta(hours=3), None)
    days = show_history(database, kiosk_id, zone=ZONE, days=7)
    assert [day.up_share for day in days] == pytest.approx([0, 0, 50, None, 100, 75, 50])


def test_a_day_keeps_what_was_worst_in_it(
    database: Database, kiosk_id: str, clock: SettableClock
) -> None:
    add_hour(database, kiosk_id, clock.now - timedelta(hours=30), worst_ms=1500, waits=10,
             p95_sum_ms=9000, temperature_max_c=61, memory_max_percent=70, disk_min_percent=40,
             skew_max_s=0.4)  # fmt: skip
    add_hour(database, kiosk_id, clock.now - timedelta(hours=29), worst_ms=800, waits=0,
             p95_sum_ms=0, temperature_max_c=50, memory_max_percent=88, disk_min_percent=55,
             skew_max_s=2.5)  # fmt: skip
    empty, day, _ = show_history(database, kiosk_id, zone=ZONE, days=3)
    assert (day.visits, day.p95_ms, day.worst_ms) == (10, 900, 1500)
    assert (day.temperature_max_c, day.memory_max_percent) == (61, 88)
    assert (day.disk_min_percent, day.skew_max_s) == (40, 2.5)
    assert (empty.visits, empty.worst_ms, empty.disk_min_percent) == (0, None, None)
