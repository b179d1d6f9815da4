"""What kiosks say about their printer and scanner, and which troubles stand now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select

from backend.domain.ids import new_id
from backend.events import Event
from backend.storage.database import Database
from backend.storage.tables import DeviceEvent, Heartbeat, Kiosk
from backend.storage.unit_of_work import UnitOfWork

SILENT_AFTER = timedelta(seconds=90)
"""A kiosk sends a heartbeat twice a minute; staff learn of a silent one within two minutes."""
MAX_TROUBLES = 100


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """`device` may also be "kiosk", with the state "silent"."""

    kiosk: str
    device: str
    state: str
    since: datetime


def record_device_event(
    database: Database, *, kiosk_id: str, device: str, state: str, reason: str | None
) -> None:
    """A state that was said before is not recorded again: a flapping wire fills no table."""

    def record(unit: UnitOfWork) -> None:
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
            return
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

    database.transact(record)


def record_heartbeat(database: Database, *, kiosk_id: str) -> None:
    def record(unit: UnitOfWork) -> None:
        beat = unit.insert_into(Heartbeat).values(
            kiosk_id=kiosk_id, facility_id=unit.facility_id, at=unit.now, report={}
        )
        unit.connection.execute(
            beat.on_conflict_do_update(index_elements=[Heartbeat.kiosk_id], set_={"at": unit.now})
        )

    database.transact(record)


def list_troubles(database: Database) -> list[Trouble]:
    """What does not work at the kiosks now, the newest first."""
    newest = (
        select(
            DeviceEvent.kiosk_id,
            DeviceEvent.device,
            DeviceEvent.state,
            DeviceEvent.at,
            func.row_number()
            .over(
                partition_by=(DeviceEvent.kiosk_id, DeviceEvent.device),
                order_by=(DeviceEvent.at.desc(), DeviceEvent.id.desc()),
            )
            .label("age"),
        )
        .where(DeviceEvent.facility_id == database.facility_id)
        .subquery()
    )
    with database.read() as connection:
        devices = connection.execute(
            select(Kiosk.name, newest.c.device, newest.c.state, newest.c.at)
            .join(Kiosk, Kiosk.id == newest.c.kiosk_id)
            .where(newest.c.age == 1, newest.c.state != "ready", Kiosk.revoked_at.is_(None))
            .order_by(newest.c.at.desc())
            .limit(MAX_TROUBLES)
        ).all()
        silent = connection.execute(
            select(Kiosk.name, Heartbeat.at)
            .join(Heartbeat, Heartbeat.kiosk_id == Kiosk.id)
            .where(
                Kiosk.facility_id == database.facility_id,
                Kiosk.revoked_at.is_(None),
                Heartbeat.at < database.clock() - SILENT_AFTER,
            )
            .order_by(Heartbeat.at.desc())
            .limit(MAX_TROUBLES)
        ).all()
    return [
        Trouble(kiosk=row.name, device="kiosk", state="silent", since=row.at) for row in silent
    ] + [
        Trouble(kiosk=row.name, device=row.device, state=row.state, since=row.at) for row in devices
    ]
