"""An hour at the computers' desk: what went wrong in the demo hospital, and who was told."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from backend.domain.alerts import AlertKind, AlertPhase
from backend.domain.ids import new_id
from backend.services.raise_alert import clear_alert, raise_alert
from backend.storage.alert_tables import AlertChannel
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert, AlertNotice
from backend.storage.kiosk_tables import Kiosk
from backend.storage.unit_of_work import UnitOfWork

CONFIG = """
[smtp]
host = "127.0.0.1"
port = 9
security = "none"
from = "tiepdon@benh-vien-mau.vn"
to = ["it@benh-vien-mau.vn"]

[[webhook]]
name = "zalo"
url = "http://127.0.0.1:9/tiepdon"
secret_file = "{secret}"
"""
MAIL, ZALO = "mail", "webhook:zalo"


def write_config(folder: Path) -> Path:
    """Settings of channels whose other side is nobody: nothing leaves the demo."""
    secret = folder / "webhook-secret"
    secret.write_text("a-secret-of-the-demo-hospital\n", encoding="utf-8")
    path = folder / "alerts.toml"
    path.write_text(CONFIG.format(secret=secret), encoding="utf-8")
    return path


def bring_trouble(database: Database) -> None:
    """Two things are wrong now, three were; mails go out, the webhook does not answer."""
    with database.write() as unit:
        # What earlier pictures left behind was told to nobody.
        for table in (Alert, AlertChannel):
            unit.connection.execute(delete(table).where(table.facility_id == unit.facility_id))
        kiosk_id = unit.connection.scalar(select(Kiosk.id).order_by(Kiosk.enrolled_at).limit(1))
        kiosk = f"kiosk:{kiosk_id}"
        _rest(unit, MAIL, ok_before_min=2)
        _rest(unit, ZALO, failing_for_min=18)
        _find(unit, AlertKind.DISK_LOW, "disk:backup", began_min=190, lasted_min=65)
        _find(unit, AlertKind.KIOSK_AWAY, kiosk, began_min=125, lasted_min=9)
        _find(unit, AlertKind.PARTY_AWAY, "party:bhxh", began_min=47, lasted_min=22)
        _find(unit, AlertKind.PAPER_OUT, kiosk, began_min=12)
        _find(unit, AlertKind.BACKUP_OVERDUE, "backup:usb", began_min=3)


def _rest(
    unit: UnitOfWork, channel: str, *, ok_before_min: int = 0, failing_for_min: int = 0
) -> None:
    """Not tried again today: the picture shows it as it is."""
    unit.connection.execute(
        insert(AlertChannel).values(
            facility_id=unit.facility_id,
            channel=channel,
            failures=1 if failing_for_min else 0,
            failing_since=_ago(unit, failing_for_min) if failing_for_min else None,
            last_error="not_reached" if failing_for_min else None,
            last_ok_at=_ago(unit, ok_before_min) if ok_before_min else None,
            next_at=unit.now + timedelta(days=1),
        )
    )


def _find(
    unit: UnitOfWork,
    kind: AlertKind,
    subject: str,
    *,
    began_min: int,
    lasted_min: int | None = None,
) -> None:
    began_at = _ago(unit, began_min)
    raise_alert(unit, kind, subject=subject)
    ended_at = began_at + timedelta(minutes=lasted_min) if lasted_min else None
    if ended_at:
        clear_alert(unit, kind, subject=subject)
    mine = (Alert.kind == kind) & (Alert.subject == subject)
    unit.connection.execute(update(Alert).where(mine).values(raised_at=began_at))
    if ended_at:
        unit.connection.execute(update(Alert).where(mine).values(cleared_at=ended_at))
    alert_id = unit.connection.scalar(select(Alert.id).where(mine))
    for phase, moment in ((AlertPhase.RAISED, began_at), (AlertPhase.CLEARED, ended_at)):
        if moment is not None:
            _tell(unit, alert_id, phase, moment)


def _tell(unit: UnitOfWork, alert_id: str | None, phase: AlertPhase, moment: datetime) -> None:
    mine = (AlertNotice.alert_id == alert_id) & (AlertNotice.phase == phase)
    told = {"channel": MAIL, "state": "sent", "settled_at": moment + timedelta(seconds=22)}
    unit.connection.execute(update(AlertNotice).where(mine).values(**told))
    gets_through = moment < _ago(unit, 18)
    late = {"state": "sent", "settled_at": moment + timedelta(seconds=24)} if gets_through else {}
    unit.connection.execute(
        insert(AlertNotice).values(
            id=new_id(),
            facility_id=unit.facility_id,
            alert_id=alert_id,
            phase=phase,
            channel=ZALO,
            next_at=moment,
            **late,
        )
    )


def _ago(unit: UnitOfWork, minutes: int) -> datetime:
    return unit.now - timedelta(minutes=minutes)
