"""Kiosks that went away are noticed, names used twice, and orders nobody answered end.

Within two minutes of the last beat: three missed ones, and the pace of this job. A server that
was down itself heard nobody, and neither did one whose database or web processes were away: then
every kiosk gets the time of three beats again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, func, or_, select

from backend.domain.alerts import AlertKind
from backend.domain.ids import new_id
from backend.domain.kiosk_health import SILENT_AFTER, is_silent
from backend.services.judge_kiosk import subject_of
from backend.services.order_kiosk import FILES_KEPT_FOR, end_late_orders
from backend.services.raise_alert import clear_alert, raise_alert
from backend.services.resources import Resources
from backend.storage.alert_tables import ProcessFigure
from backend.storage.database import Database
from backend.storage.fleet_tables import (
    OPEN_ABSENCE,
    OPEN_ORDERS,
    Alert,
    KioskAbsence,
    KioskCommand,
)
from backend.storage.kiosk_tables import Heartbeat, Kiosk
from backend.storage.unit_of_work import UnitOfWork

STALLED_AFTER = timedelta(seconds=45)
"""A watch that could not look for so long, or saw no web process, cannot tell who was silent."""
NAME_SUBJECT = "kiosk_name:"


@dataclass(kw_only=True)
class FleetWatch:
    """One for a process."""

    _listening_since: datetime | None = None
    _looked_at: datetime | None = None

    def run(self, resources: Resources) -> int:
        """How many kiosks were found away that were not known to be. Raises StorageUnavailable."""
        database = resources.database
        now = database.clock()
        with database.read() as connection:
            is_served = _is_served(connection, database.facility_id, now)
            silent = _list_silent(connection, database.facility_id, now)
            late = _has_late_orders(connection, database.facility_id, now)
        if late:
            database.transact(end_late_orders)
        if not self._has_listened(is_served, now):
            return 0
        _settle_names(database, now)
        found = [database.transact(partial(_go_away, kiosk_id=each)) for each in silent]
        return sum(found)

    def _has_listened(self, is_served: bool, now: datetime) -> bool:
        """After a look that went well: long enough to tell who was silent."""
        looked_at, self._looked_at = self._looked_at, now
        stalled = looked_at is None or abs(now - looked_at) > STALLED_AFTER
        if self._listening_since is None or stalled or not is_served:
            self._listening_since = now
        return now - self._listening_since > SILENT_AFTER


def _is_served(connection: Connection, facility_id: str, now: datetime) -> bool:
    """Somebody takes beats; a web process tells of itself every 15 s."""
    seen = select(ProcessFigure.id).where(
        ProcessFigure.facility_id == facility_id,
        ProcessFigure.kind == "web",
        ProcessFigure.seen_at >= now - STALLED_AFTER,
    )
    return connection.scalar(seen.limit(1)) is not None


def _list_silent(connection: Connection, facility_id: str, now: datetime) -> Sequence[str]:
    """Kiosks that are not heard, and of which that is not written down already."""
    absence = (KioskAbsence.kiosk_id == Kiosk.id) & KioskAbsence.ended_at.is_(None)
    alert = (
        (Alert.facility_id == facility_id)
        & (Alert.kind == AlertKind.KIOSK_AWAY)
        & (Alert.subject == subject_of("") + Kiosk.id)
        & Alert.cleared_at.is_(None)
    )
    rows = connection.execute(
        select(
            Kiosk.id,
            Kiosk.out_of_service,
            KioskAbsence.id.label("absence"),
            Alert.id.label("alert"),
        )
        .join(Heartbeat, Heartbeat.kiosk_id == Kiosk.id)
        .outerjoin(KioskAbsence, absence)
        .outerjoin(Alert, alert)
        .where(
            Kiosk.facility_id == facility_id,
            Kiosk.kind == "kiosk",
            Kiosk.revoked_at.is_(None),
            Heartbeat.at < now - SILENT_AFTER,
            or_(KioskAbsence.id.is_(None), Alert.id.is_(None)),
        )
    ).all()
    return [row.id for row in rows if row.absence is None or row.out_of_service is None]


def _go_away(unit: UnitOfWork, kiosk_id: str) -> bool:
    """The row of its heartbeat is locked: a beat at this very moment comes before or after."""
    row = unit.connection.execute(
        select(Heartbeat.at, Kiosk.out_of_service, Kiosk.revoked_at)
        .join(Kiosk, Kiosk.id == Heartbeat.kiosk_id)
        .where(Heartbeat.kiosk_id == kiosk_id)
        .with_for_update()
    ).one()
    if row.revoked_at is not None or not is_silent(row.at, now=unit.now):
        return False
    absence = unit.insert_into(KioskAbsence).values(
        id=new_id(), facility_id=unit.facility_id, kiosk_id=kiosk_id, began_at=row.at
    )
    new = unit.connection.execute(
        absence.on_conflict_do_nothing(
            index_elements=[KioskAbsence.kiosk_id], index_where=OPEN_ABSENCE
        )
    ).rowcount
    if row.out_of_service is None:
        raise_alert(
            unit,
            AlertKind.KIOSK_AWAY,
            subject=subject_of(kiosk_id),
            detail={"since": row.at.isoformat()},
        )
    return new > 0


def _has_late_orders(connection: Connection, facility_id: str, now: datetime) -> bool:
    is_late = KioskCommand.state.in_(OPEN_ORDERS) & (KioskCommand.expires_at <= now)
    is_old = KioskCommand.attachment.is_not(None) & (KioskCommand.settled_at < now - FILES_KEPT_FOR)
    mine = KioskCommand.facility_id == facility_id
    return any(
        connection.scalar(select(KioskCommand.id).where(mine, which).limit(1)) is not None
        for which in (is_late, is_old)
    )


def _settle_names(database: Database, now: datetime) -> None:
    """Two kiosks that are heard under one name: nobody can tell which one a call for help is of."""
    with database.read() as connection:
        twice = set(
            connection.scalars(
                select(Kiosk.name)
                .join(Heartbeat, Heartbeat.kiosk_id == Kiosk.id)
                .where(
                    Kiosk.facility_id == database.facility_id,
                    Kiosk.kind == "kiosk",
                    Kiosk.revoked_at.is_(None),
                    Heartbeat.at >= now - SILENT_AFTER,
                )
                .group_by(Kiosk.name)
                .having(func.count() > 1)
            )
        )
        told = {
            subject.removeprefix(NAME_SUBJECT)
            for subject in connection.scalars(
                select(Alert.subject).where(
                    Alert.facility_id == database.facility_id,
                    Alert.kind == AlertKind.KIOSK_NAME_TWICE,
                    Alert.subject.startswith(NAME_SUBJECT),
                    Alert.cleared_at.is_(None),
                )
            )
        }
    for name in sorted(twice - told):
        database.transact(partial(_tell_twice, subject=NAME_SUBJECT + name))
    for name in sorted(told - twice):
        database.transact(partial(_tell_once, subject=NAME_SUBJECT + name))


def _tell_twice(unit: UnitOfWork, *, subject: str) -> None:
    raise_alert(unit, AlertKind.KIOSK_NAME_TWICE, subject=subject)


def _tell_once(unit: UnitOfWork, *, subject: str) -> None:
    clear_alert(unit, AlertKind.KIOSK_NAME_TWICE, subject=subject)
