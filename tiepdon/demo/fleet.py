"""Kiosks that only say how they are: for the fleet page, its pictures and its tests."""

from __future__ import annotations

import base64
import math
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from sqlalchemy import insert, update

from backend.domain.ids import new_id
from backend.services.change_kiosk import USUAL_WORDS, pause_kiosk
from backend.services.enrol_kiosk import invite_kiosk
from backend.storage.fleet_tables import Alert, KioskAbsence, KioskHour
from backend.storage.kiosk_tables import Heartbeat
from backend.storage.unit_of_work import UnitOfWork
from tiepdon.demo.hall import Hall, Party, open_records
from tiepdon.demo.server import DemoServer

PLACES = (
    ("Sảnh A, máy 1", "reception"),
    ("Sảnh A, máy 2", "reception"),
    ("Sảnh A, máy 3", "reception"),
    ("Sảnh B, máy 1", "reception"),
    ("Sảnh B, máy 2", "reception"),
    ("Khám Nội, tầng 2", "examination"),
    ("Khám Nhi, tầng 2", "examination"),
    ("Xét nghiệm, máy 1", "laboratory"),
    ("Xét nghiệm, máy 2", "laboratory"),
    ("Thu phí, quầy 1", "fees"),
    ("Thu phí, quầy 2", "fees"),
    ("Nhà thuốc", "fees"),
)
TROUBLED = "Sảnh A, máy 2"
PAUSED = "Thu phí, quầy 2"
AWAY = "Nhà thuốc"
HOURS_OF_HISTORY = 120 * 24


class SpeakingKiosk(Party):
    """A kiosk without a glass: it beats, hears orders and answers them."""

    def __init__(self, address: str, code: str, *, name: str = "x") -> None:
        super().__init__(address)
        enrolled = self.post("/kiosks/enrol", {"code": code, "name": name})
        self.id: str = enrolled["kiosk_id"]
        self._http.headers["Authorization"] = f"Bearer {enrolled['token']}"
        self._machine = new_id()[:12]
        self._started_at = datetime.now(UTC) - timedelta(hours=5)

    def beat(self, **changes: Any) -> None:
        """Raises requests.HTTPError when the server wants to hear nothing of it."""
        now = datetime.now(UTC)
        report = {
            "version": "1.6.0",
            "started_at": self._started_at.isoformat(),
            "clock": now.isoformat(),
            "machine": self._machine,
            "printer": "ready",
            "paper": "ok",
            "scanner": "ready",
            "camera_frame_age_ms": 40.0,
            "touch": "ok",
            "last_touch_at": (now - timedelta(minutes=1)).isoformat(),
            "last_visit_at": (now - timedelta(minutes=3)).isoformat(),
            "disk_free_percent": 71.0,
            "memory_percent": 38.0,
            "process_mib": 214.0,
            "temperature_c": 51.0,
            "visits": 84,
            "errors": 1,
            "steps": [{"step": "scan", "count": 3, "p95_ms": 900.0}],
        }
        self.post("/kiosks/heartbeat", report | changes)

    def orders(self) -> dict[str, Any]:
        """As a beat that says no more than that it is alive is answered."""
        found: dict[str, Any] = self.say_alive()
        return found

    def answer(self, order_id: str, *, file: bytes | None = None, **result: Any) -> None:
        body: dict[str, Any] = {"state": "done"} | result
        if file is not None:
            body["attachment_base64"] = base64.b64encode(file).decode()
        self.post(f"/kiosk/commands/{order_id}/result", body)

    def is_let_in(self) -> bool:
        """False once its credential opens nothing any more."""
        try:
            self.orders()
        except requests.HTTPError as error:
            if error.response.status_code == requests.codes.unauthorized:
                return False
            raise
        return True


def enrol(server: DemoServer, name: str, *, profile: str = "reception") -> SpeakingKiosk:
    with open_records(server.database_url) as database:
        code = invite_kiosk(database, name=name, profile=profile)
    return SpeakingKiosk(server.address, code)


def fill_fleet(hall: Hall) -> dict[str, SpeakingKiosk]:
    """A fleet on an ordinary morning, by name: most are well, some want somebody."""
    kiosks = {name: enrol(hall.server, name, profile=profile) for name, profile in PLACES}
    for number, kiosk in enumerate(kiosks.values()):
        _write_history(hall, kiosk.id, number)
        kiosk.beat(
            disk_free_percent=80 - 3.1 * number,
            memory_percent=34 + number % 5 * 4,
            temperature_c=46 + number % 7,
            visits=130 - 9 * number,
            errors=number % 3,
            steps=[{"step": "scan", "count": 20, "p95_ms": 800 + 90 * (number % 6)}],
        )
    kiosks[TROUBLED].beat(printer="paper_end", paper="out", visits=121, errors=4)
    kiosks["Khám Nhi, tầng 2"].beat(printer="paper_near_end", paper="low", visits=60)
    kiosks["Xét nghiệm, máy 2"].beat(touch="suspect", temperature_c=63.0, visits=44, errors=2)
    with open_records(hall.server.database_url) as database:
        pause_kiosk(database, kiosks[PAUSED].id, USUAL_WORDS, actor="command")
        with database.write() as unit:
            unit.connection.execute(
                update(Heartbeat)
                .where(Heartbeat.kiosk_id == kiosks[AWAY].id)
                .values(at=unit.now - timedelta(minutes=25))
            )
    return kiosks


def _write_history(hall: Hall, kiosk_id: str, number: int) -> None:
    """Four months of hours, two absences and a trouble that is over."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def figures(age: int) -> dict[str, Any]:
        at = hour - timedelta(hours=age)
        local = (at.hour + 7) % 24
        busy = at.weekday() < 5 and 6 <= local < 17
        visits = round(9 + 5 * math.sin(local / 3 + number)) if busy else 0
        mixed = zlib.crc32(f"{kiosk_id}{age // 24}".encode()) % 100
        return {
            "kiosk_id": kiosk_id,
            "hour": at,
            "facility_id": database.facility_id,
            "beats": 120 if mixed else 40,
            "visits": visits,
            "errors": 1 if visits and mixed < 30 and local == 9 else 0,
            "waits": 3 * visits,
            "p95_sum_ms": 3.0 * visits * (850 + 4 * mixed),
            "worst_ms": 1400.0 + 9 * mixed,
            "temperature_max_c": 47.0 + mixed / 12 + (6 if busy else 0),
            "memory_max_percent": 41.0,
            "disk_min_percent": 70.0,
            "skew_max_s": 0.2,
        }

    def write(unit: UnitOfWork) -> None:
        rows = [figures(age) for age in range(1, HOURS_OF_HISTORY)]
        unit.connection.execute(insert(KioskHour), rows)
        for days, minutes in ((3, 22), (11, 190)):
            began_at = unit.now - timedelta(days=days, hours=number)
            ended_at = began_at + timedelta(minutes=minutes)
            unit.add(
                KioskAbsence, id=new_id(), kiosk_id=kiosk_id, began_at=began_at, ended_at=ended_at
            )
        unit.add(
            Alert,
            id=new_id(),
            kind="paper_out",
            subject=f"kiosk:{kiosk_id}",
            detail={},
            raised_at=unit.now - timedelta(days=2, hours=3),
            cleared_at=unit.now - timedelta(days=2, hours=2, minutes=48),
        )

    with open_records(hall.server.database_url) as database:
        database.transact(write)
