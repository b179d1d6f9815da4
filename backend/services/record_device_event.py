"""What kiosks say about their printer and scanner, and which troubles stand now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, literal, select, union_all, update
from sqlalchemy.orm import aliased

from backend.domain.ids import new_id
from backend.domain.kiosk_health import SILENT_AFTER, Notes
from backend.events import Event
from backend.services.judge_kiosk import judge_kiosk
from backend.services.order_kiosk import refuse_gone
from backend.storage.database import Database
from backend.storage.kiosk_tables import DeviceEvent, Heartbeat, Kiosk
from backend.storage.unit_of_work import UnitOfWork

DEVICES = ("printer", "scanner", "camera", "touch")
MAX_TROUBLES = 100
_PAPER = {"paper_end": "out", "paper_near_end": "low", "ready": "ok"}
_TOUCH = {"ready": "ok", "absent": "absent"}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """`device` may also be "kiosk", with the state "silent"."""

    kiosk: str
    device: str
    state: str
    since: datetime


def record_device_event(
    database: Database,
    *,
    kiosk_id: str,
    device: str,
    state: str,
    reason: str | None,
    token_hash: str | None = None,
) -> None:
    """Seen on the page at once; whether it is worth an alert is judged as with a report.

    Raises LoginRequired as `take_report` does.
    """

    def record(unit: UnitOfWork) -> None:
        known = unit.connection.execute(
            select(Heartbeat.report, Heartbeat.notes)
            .where(Heartbeat.kiosk_id == kiosk_id)
            .with_for_update()
        ).one_or_none()
        kiosk = unit.connection.execute(
            select(Kiosk.token_hash, Kiosk.revoked_at).where(Kiosk.id == kiosk_id)
        ).one_or_none()
        refuse_gone(kiosk, token_hash)
        is_new = keep_device_state(unit, kiosk_id, device=device, state=state, reason=reason)
        if is_new and known is not None:
            _change_report(unit, kiosk_id, known, device, state)

    database.transact(record)


def keep_device_state(
    unit: UnitOfWork, kiosk_id: str, *, device: str, state: str, reason: str | None
) -> bool:
    """False for a state that was said before: a flapping wire fills no table."""
    last = unit.connection.execute(
        select(DeviceEvent.state)
        .where(
            DeviceEvent.facility_id == unit.facility_id,
            DeviceEvent.kiosk_id == kiosk_id,
            DeviceEvent.device == device,
        )
        .order_by(DeviceEvent.at.desc(), DeviceEvent.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if last == state:
        return False
    unit.connection.execute(
        insert(DeviceEvent).values(
            id=new_id(),
            facility_id=unit.facility_id,
            kiosk_id=kiosk_id,
            device=device,
            state=state,
            reason=reason,
            at=unit.now,
        )
    )
    unit.publish(
        Event.DEVICE_STATE_CHANGED,
        subject=f"kiosk:{kiosk_id}",
        detail={"device": device, "state": state},
    )
    return True


def _change_report(unit: UnitOfWork, kiosk_id: str, known: Any, device: str, state: str) -> None:
    """The newest report says so from here on."""
    report: dict[str, Any] = known.report | {device: state}
    if device == "printer" and state in _PAPER:
        report["paper"] = _PAPER[state]
    if device == "touch":
        report["touch"] = _TOUCH.get(state, "suspect")
    if device == "camera":
        report.pop("camera_frame_age_ms", None)
    notes = judge_kiosk(unit, kiosk_id, report, Notes.from_json(known.notes))
    unit.connection.execute(
        update(Heartbeat)
        .where(Heartbeat.kiosk_id == kiosk_id)
        .values(report=report, notes=notes.to_json())
    )


def list_troubles(database: Database) -> list[Trouble]:
    """What does not work at the kiosks now, the newest first.

    The newest event of each device is found by its index: a year of events costs no more than a day.
    """
    devices = union_all(*(select(literal(name).label("device")) for name in DEVICES)).subquery()
    event = aliased(DeviceEvent)
    newest = (
        select(event.id)
        .where(
            event.facility_id == database.facility_id,
            event.kiosk_id == Kiosk.id,
            event.device == devices.c.device,
        )
        .order_by(event.at.desc(), event.id.desc())
        .limit(1)
        .correlate(Kiosk, devices)
        .scalar_subquery()
    )
    with database.read() as connection:
        troubles = connection.execute(
            select(Kiosk.name, DeviceEvent.device, DeviceEvent.state, DeviceEvent.at)
            .select_from(Kiosk)
            .join(devices, literal(value=True))
            .join(DeviceEvent, DeviceEvent.id == newest)
            .where(
                Kiosk.facility_id == database.facility_id,
                Kiosk.revoked_at.is_(None),
                DeviceEvent.state != "ready",
            )
            .order_by(DeviceEvent.at.desc())
            .limit(MAX_TROUBLES)
        ).all()
        silent = connection.execute(
            select(Kiosk.name, Heartbeat.at)
            .join(Heartbeat, Heartbeat.kiosk_id == Kiosk.id)
            .where(
                Kiosk.facility_id == database.facility_id,
                Kiosk.kind == "kiosk",  # a print agent is switched off with its computer
                Kiosk.revoked_at.is_(None),
                Heartbeat.at < database.clock() - SILENT_AFTER,
            )
            .order_by(Heartbeat.at.desc())
            .limit(MAX_TROUBLES)
        ).all()
    return [
        Trouble(kiosk=row.name, device="kiosk", state="silent", since=row.at) for row in silent
    ] + [
        Trouble(kiosk=row.name, device=row.device, state=row.state, since=row.at)
        for row in troubles
    ]
