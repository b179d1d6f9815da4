"""The fleet at a glance: how each kiosk is, and what is wrong with it.

Three reads by their indexes, however long the history: sixty kiosks are shown in a moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from backend.domain.alerts import AlertKind
from backend.domain.kiosk_health import (
    HourFigures,
    KioskState,
    Notes,
    is_paper_low,
    is_silent,
    judge_state,
    look,
)
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert, KioskHour, is_known_alert
from backend.storage.kiosk_tables import EnrolmentCode, Heartbeat, Kiosk

MAX_KIOSKS = 500
MAX_INVITED = 50
FIGURES_OF = timedelta(hours=24)
_ORDER = (
    KioskState.AWAY,
    KioskState.TROUBLED,
    KioskState.NEW,
    KioskState.PAUSED,
    KioskState.SERVING,
    KioskState.OFF,
)
"""What needs somebody comes first."""


@dataclass(frozen=True, kw_only=True)
class KioskView:
    """`report` is the newest one (web.fleet_schemas.KioskReport), without what is not known, and
    empty while it is mute.
    """

    id: str
    name: str
    kind: str
    profile: str
    state: KioskState
    troubles: tuple[AlertKind, ...]
    is_paper_low: bool
    report: Mapping[str, Any]
    mute_since: datetime | None
    """It beats, and since then its reports did not come through."""
    out_of_service: Mapping[str, str] | None
    enrolled_at: datetime
    last_beat_at: datetime | None
    last_visit_at: datetime | None
    is_silent: bool
    skew_s: float | None
    visits: int
    errors: int
    p95_ms: float | None

    @property
    def error_share(self) -> float | None:
        """In percent, of the visits of the last day."""
        return 100 * self.errors / self.visits if self.visits else None


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """`kiosk_id` when new hardware is awaited in the place of that kiosk."""

    name: str
    kind: str
    kiosk_id: str | None
    expires_at: datetime


def show_fleet(database: Database, *, kiosk_id: str | None = None) -> list[KioskView]:
    """Those in use, what needs somebody first, then by name; or the one of that id."""
    now = database.clock()
    mine = (Kiosk.facility_id == database.facility_id, Kiosk.revoked_at.is_(None))
    only = () if kiosk_id is None else (Kiosk.id == kiosk_id,)
    with database.read() as connection:
        rows = connection.execute(
            select(Kiosk.__table__, Heartbeat.at, Heartbeat.report, Heartbeat.notes)
            .outerjoin(Heartbeat, Heartbeat.kiosk_id == Kiosk.id)
            .where(*mine, *only)
            .order_by(Kiosk.name, Kiosk.id)
            .limit(MAX_KIOSKS)
        ).all()
        alerts = _list_alerts(connection, database.facility_id, kiosk_id)
        hours = _sum_hours(connection, database.facility_id, now, kiosk_id)
    views = [_view(row, alerts.get(row.id, ()), hours.get(row.id), now) for row in rows]
    return sorted(views, key=lambda view: _ORDER.index(view.state))


def list_invitations(database: Database) -> list[Invitation]:
    with database.read() as connection:
        rows = connection.execute(
            select(
                EnrolmentCode.kiosk_name,
                EnrolmentCode.kind,
                EnrolmentCode.kiosk_id,
                EnrolmentCode.expires_at,
            )
            .where(
                EnrolmentCode.facility_id == database.facility_id,
                EnrolmentCode.used_at.is_(None),
                EnrolmentCode.expires_at > database.clock(),
            )
            .order_by(EnrolmentCode.kiosk_name)
            .limit(MAX_INVITED)
        ).all()
    return [
        Invitation(
            name=row.kiosk_name, kind=row.kind, kiosk_id=row.kiosk_id, expires_at=row.expires_at
        )
        for row in rows
    ]


def _list_alerts(
    connection: Connection, facility_id: str, kiosk_id: str | None
) -> dict[str, list[AlertKind]]:
    wanted = (
        Alert.subject.startswith("kiosk:")
        if kiosk_id is None
        else Alert.subject == f"kiosk:{kiosk_id}"
    )
    found: dict[str, list[AlertKind]] = {}
    for row in connection.execute(
        select(Alert.subject, Alert.kind)
        .where(
            Alert.facility_id == facility_id,
            wanted,
            Alert.cleared_at.is_(None),
            is_known_alert(),
        )
        .order_by(Alert.raised_at)
        .limit(10 * MAX_KIOSKS)
    ):
        found.setdefault(row.subject.removeprefix("kiosk:"), []).append(AlertKind(row.kind))
    return found


def _sum_hours(
    connection: Connection, facility_id: str, now: datetime, kiosk_id: str | None
) -> dict[str, Any]:
    only = () if kiosk_id is None else (KioskHour.kiosk_id == kiosk_id,)
    rows = connection.execute(
        select(
            KioskHour.kiosk_id,
            func.sum(KioskHour.visits).label("visits"),
            func.sum(KioskHour.errors).label("errors"),
            func.sum(KioskHour.waits).label("waits"),
            func.sum(KioskHour.p95_sum_ms).label("p95_sum_ms"),
        )
        .where(KioskHour.facility_id == facility_id, KioskHour.hour > now - FIGURES_OF, *only)
        .group_by(KioskHour.kiosk_id)
    )
    return {row.kiosk_id: row for row in rows}


def _view(row: Any, alerts: Sequence[AlertKind], hours: Any, now: datetime) -> KioskView:
    notes = Notes.from_json(row.notes or {})
    mute_since = notes.find_mute_since(row.at)
    report: Mapping[str, Any] = {} if mute_since else row.report or {}
    skew_s = None if mute_since else notes.skew_s
    seen = [kind for kind, wrong in look(report, skew_s=skew_s).items() if wrong]
    troubles = tuple(dict.fromkeys([*seen, *alerts]))
    hour = notes.hour or HourFigures(hour=now)
    waits = hour.waits + int(hours.waits if hours else 0)
    p95_sum_ms = hour.p95_sum_ms + float(hours.p95_sum_ms if hours else 0)
    last_visit_at = report.get("last_visit_at")
    return KioskView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        profile=row.profile,
        state=judge_state(
            kind=row.kind,
            out_of_service=row.out_of_service is not None,
            last_beat_at=row.at,
            troubled=bool(troubles or mute_since),
            now=now,
        ),
        troubles=troubles,
        is_paper_low=is_paper_low(report),
        report=report,
        mute_since=mute_since,
        out_of_service=row.out_of_service,
        enrolled_at=row.enrolled_at,
        last_beat_at=row.at,
        last_visit_at=datetime.fromisoformat(last_visit_at) if last_visit_at else None,
        is_silent=row.at is not None and is_silent(row.at, now=now),
        skew_s=skew_s,
        visits=hour.visits + int(hours.visits if hours else 0),
        errors=hour.errors + int(hours.errors if hours else 0),
        p95_ms=p95_sum_ms / waits if waits else None,
    )
