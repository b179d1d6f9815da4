"""What a kiosk says becomes alerts: each raised once, and cleared once when it is right again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from backend.domain.alerts import AlertKind
from backend.domain.kiosk_health import PACES, Notes, Standing
from backend.services.raise_alert import clear_alert, raise_alert
from backend.storage.fleet_tables import Alert, KioskAbsence
from backend.storage.kiosk_tables import Heartbeat
from backend.storage.unit_of_work import UnitOfWork

_FIGURES: Mapping[AlertKind, str] = {
    AlertKind.DISK_LOW: "disk_free_percent",
    AlertKind.MEMORY_LOW: "memory_percent",
    AlertKind.TOO_HOT: "temperature_c",
    AlertKind.PRINTER_FAULT: "printer",
    AlertKind.SCANNER_FAULT: "scanner",
    AlertKind.TOUCH_SUSPECT: "touch",
}


def subject_of(kiosk_id: str) -> str:
    """As alerts, events and audit rows name a kiosk."""
    return f"kiosk:{kiosk_id}"


def judge_kiosk(unit: UnitOfWork, kiosk_id: str, report: Mapping[str, Any], notes: Notes) -> Notes:
    """The notes after one more look; what turned was raised or cleared."""
    judged = notes.judge(report, now=unit.now)
    for kind in PACES:
        before = notes.standings.get(kind, Standing())
        after = judged.standings.get(kind, Standing())
        if before.on == after.on:
            continue
        if after.on:
            raise_alert(
                unit, kind, subject=subject_of(kiosk_id), detail=_detail(kind, report, judged)
            )
        else:
            clear_alert(unit, kind, subject=subject_of(kiosk_id))
    return judged


def _detail(kind: AlertKind, report: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    if kind is AlertKind.CLOCK_SKEW:
        return {"skew_s": round(notes.skew_s or 0, 1)}
    name = _FIGURES.get(kind)
    return {name: report.get(name)} if name else {}


def end_absence(unit: UnitOfWork, kiosk_id: str) -> None:
    """It is heard again, or never will be. Safe when it was not away."""
    unit.connection.execute(
        update(KioskAbsence)
        .where(KioskAbsence.kiosk_id == kiosk_id, KioskAbsence.ended_at.is_(None))
        .values(ended_at=unit.now)
    )
    clear_alert(unit, AlertKind.KIOSK_AWAY, subject=subject_of(kiosk_id))


def forget_troubles(unit: UnitOfWork, kiosk_id: str) -> None:
    """Of hardware that is gone: its troubles went with it.

    That it is away goes with the first beat of the new one, or with `end_absence`.
    """
    # First: a beat at this very moment raises what it raises before, and it is cleared here.
    unit.connection.execute(
        update(Heartbeat).where(Heartbeat.kiosk_id == kiosk_id).values(report={}, notes={})
    )
    standing = unit.connection.scalars(
        select(Alert.kind).where(
            Alert.facility_id == unit.facility_id,
            Alert.subject == subject_of(kiosk_id),
            Alert.kind != AlertKind.KIOSK_AWAY,
            Alert.cleared_at.is_(None),
        )
    )
    for kind in list(standing):
        clear_alert(unit, kind, subject=subject_of(kiosk_id))
