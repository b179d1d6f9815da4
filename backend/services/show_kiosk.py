"""One kiosk: its past, what it was ordered to do, and whose machine it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Connection, cast, extract, func, select

from backend.errors import KioskNotFound
from backend.services.judge_kiosk import subject_of
from backend.services.show_fleet import KioskView, show_fleet
from backend.storage.database import Database
from backend.storage.fleet_tables import Alert, KioskAbsence, KioskCommand, KioskHour, KioskOwner
from backend.storage.kiosk_tables import DeviceEvent

DAY, DAY_S = timedelta(days=1), 86_400
EPOCH = date(1970, 1, 1)
HISTORY_DAYS = 365
RECENT_DAYS = 30
MAX_ORDERS, MAX_ABSENCES, MAX_ALERTS, MAX_EVENTS = 20, 50, 50, 30


@dataclass(frozen=True, kw_only=True)
class OrderView:
    id: str
    kind: str
    state: str
    reason: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    has_file: bool


@dataclass(frozen=True, kw_only=True)
class Span:
    """Of an absence, or of a trouble (`kind`); open as long as `ended_at` is None."""

    began_at: datetime
    ended_at: datetime | None
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class DeviceChange:
    device: str
    state: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Day:
    """`up_share`: how much of it the kiosk was not away, in percent; None without a word all day."""

    day: date
    visits: int
    errors: int
    p95_ms: float | None
    worst_ms: float | None
    temperature_max_c: float | None
    memory_max_percent: float | None
    disk_min_percent: float | None
    skew_max_s: float | None
    up_share: float | None


@dataclass(frozen=True, kw_only=True)
class Owner:
    owner: str = ""
    contact: str = ""
    serial_number: str = ""


@dataclass(frozen=True, kw_only=True)
class KioskPage:
    kiosk: KioskView
    owner: Owner
    orders: Sequence[OrderView]
    absences: Sequence[Span]
    """Of the last 30 days, the newest first."""
    troubles: Sequence[Span]
    devices: Sequence[DeviceChange]


def show_kiosk(database: Database, kiosk_id: str) -> KioskPage:
    """Raises KioskNotFound."""
    views = show_fleet(database, kiosk_id=kiosk_id)
    if not views:
        raise KioskNotFound
    since = database.clock() - timedelta(days=RECENT_DAYS)
    with database.read() as connection:
        return KioskPage(
            kiosk=views[0],
            owner=_get_owner(connection, kiosk_id),
            orders=_list_orders(connection, database.facility_id, kiosk_id),
            absences=_list_absences(connection, database.facility_id, kiosk_id, since),
            troubles=_list_troubles(connection, database.facility_id, kiosk_id, since),
            devices=_list_changes(connection, database.facility_id, kiosk_id),
        )


def show_history(
    database: Database, kiosk_id: str, *, zone: ZoneInfo, days: int = HISTORY_DAYS
) -> list[Day]:
    """Every day of the last `days`, the oldest first, in the facility's time as it is today.

    Summed by the database: a year is 8,760 hours. What was said in the hour under way is not in it
    yet.
    """
    now = database.clock().astimezone(zone)
    offset_s = int((now.utcoffset() or timedelta(0)).total_seconds())
    today = now.date()
    midnight = datetime.combine(today, time.min, zone)
    first = today - timedelta(days=days - 1)
    start = datetime.combine(first, time.min, zone)
    number = (cast(extract("epoch", KioskHour.hour), BigInteger) + offset_s) // DAY_S
    with database.read() as connection:
        rows = connection.execute(
            select(
                number.label("number"),
                func.sum(KioskHour.visits).label("visits"),
                func.sum(KioskHour.errors).label("errors"),
                func.sum(KioskHour.waits).label("waits"),
                func.sum(KioskHour.p95_sum_ms).label("p95_sum_ms"),
                func.max(KioskHour.worst_ms).label("worst_ms"),
                func.max(KioskHour.temperature_max_c).label("temperature_max_c"),
                func.max(KioskHour.memory_max_percent).label("memory_max_percent"),
                func.min(KioskHour.disk_min_percent).label("disk_min_percent"),
                func.max(KioskHour.skew_max_s).label("skew_max_s"),
            )
            .where(
                KioskHour.kiosk_id == kiosk_id,
                KioskHour.hour >= start,
            )
            .group_by(number)
        ).all()
        away = _sum_absences(connection, kiosk_id, since=start, now=now)
    by_day = {EPOCH + timedelta(days=int(row.number)): row for row in rows}
    return [
        _day(day, by_day.get(day), away[day], span=now - midnight if day == today else DAY)
        for day in (first + timedelta(days=count) for count in range(days))
    ]


def _sum_absences(
    connection: Connection, kiosk_id: str, *, since: datetime, now: datetime
) -> Mapping[date, timedelta]:
    """How long it was away on each day."""
    rows = connection.execute(
        select(KioskAbsence.began_at, KioskAbsence.ended_at).where(
            KioskAbsence.kiosk_id == kiosk_id,
            KioskAbsence.ended_at.is_(None) | (KioskAbsence.ended_at > since),
        )
    )
    away: defaultdict[date, timedelta] = defaultdict(timedelta)
    for row in rows:
        at = max(row.began_at.astimezone(now.tzinfo), since)
        until = min((row.ended_at or now).astimezone(now.tzinfo), now)
        while at < until:
            midnight = datetime.combine(at.date() + timedelta(days=1), time.min, now.tzinfo)
            away[at.date()] += min(until, midnight) - at
            at = midnight
    return away


def _day(day: date, row: Any, away: timedelta, *, span: timedelta) -> Day:
    up_share = 100 * max(1 - away / span, 0) if span and (row is not None or away) else None
    return Day(
        day=day,
        visits=int(row.visits) if row else 0,
        errors=int(row.errors) if row else 0,
        p95_ms=float(row.p95_sum_ms) / int(row.waits) if row and row.waits else None,
        worst_ms=row.worst_ms if row and row.waits else None,
        temperature_max_c=row.temperature_max_c if row else None,
        memory_max_percent=row.memory_max_percent if row else None,
        disk_min_percent=row.disk_min_percent if row else None,
        skew_max_s=row.skew_max_s if row else None,
        up_share=up_share,
    )


def _get_owner(connection: Connection, kiosk_id: str) -> Owner:
    row = connection.execute(
        select(KioskOwner.owner, KioskOwner.contact, KioskOwner.serial_number).where(
            KioskOwner.kiosk_id == kiosk_id
        )
    ).one_or_none()
    if row is None:
        return Owner()
    return Owner(owner=row.owner, contact=row.contact, serial_number=row.serial_number)


def _list_orders(connection: Connection, facility_id: str, kiosk_id: str) -> list[OrderView]:
    rows = connection.execute(
        select(
            KioskCommand.id,
            KioskCommand.kind,
            KioskCommand.state,
            KioskCommand.reason,
            KioskCommand.created_by,
            KioskCommand.created_at,
            KioskCommand.expires_at,
            KioskCommand.settled_at,
            (func.length(KioskCommand.attachment) > 0).label("has_file"),
        )
        .where(KioskCommand.facility_id == facility_id, KioskCommand.kiosk_id == kiosk_id)
        .order_by(KioskCommand.created_at.desc(), KioskCommand.id.desc())
        .limit(MAX_ORDERS)
    )
    return [OrderView(**row._asdict() | {"has_file": bool(row.has_file)}) for row in rows]


def _list_absences(
    connection: Connection, facility_id: str, kiosk_id: str, since: datetime
) -> list[Span]:
    rows = connection.execute(
        select(KioskAbsence.began_at, KioskAbsence.ended_at)
        .where(
            KioskAbsence.facility_id == facility_id,
            KioskAbsence.kiosk_id == kiosk_id,
            (KioskAbsence.began_at >= since) | KioskAbsence.ended_at.is_(None),
        )
        .order_by(KioskAbsence.began_at.desc())
        .limit(MAX_ABSENCES)
    )
    return [Span(began_at=row.began_at, ended_at=row.ended_at) for row in rows]


def _list_troubles(
    connection: Connection, facility_id: str, kiosk_id: str, since: datetime
) -> list[Span]:
    rows = connection.execute(
        select(Alert.kind, Alert.raised_at, Alert.cleared_at)
        .where(
            Alert.facility_id == facility_id,
            Alert.subject == subject_of(kiosk_id),
            (Alert.raised_at >= since) | Alert.cleared_at.is_(None),
        )
        .order_by(Alert.raised_at.desc())
        .limit(MAX_ALERTS)
    )
    return [Span(kind=row.kind, began_at=row.raised_at, ended_at=row.cleared_at) for row in rows]


def _list_changes(connection: Connection, facility_id: str, kiosk_id: str) -> list[DeviceChange]:
    rows = connection.execute(
        select(DeviceEvent.device, DeviceEvent.state, DeviceEvent.at)
        .where(DeviceEvent.facility_id == facility_id, DeviceEvent.kiosk_id == kiosk_id)
        .order_by(DeviceEvent.at.desc(), DeviceEvent.id.desc())
        .limit(MAX_EVENTS)
    )
    return [DeviceChange(device=row.device, state=row.state, at=row.at) for row in rows]
