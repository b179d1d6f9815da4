"""What may be wrong with the service itself, looked at from the inside."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from backend.config import Config
from backend.domain.alerts import AlertKind
from backend.domain.checkin_table.states import CheckinState
from backend.domain.outbox import DEAD_LETTERS, Breaker
from backend.services.resources import Resources
from backend.storage import payment_tables
from backend.storage.account_tables import UserAccount
from backend.storage.alert_tables import ProcessFigure
from backend.storage.audit_chain import COLUMNS as AUDIT
from backend.storage.backup_folder import PREFIX, names_in
from backend.storage.fleet_tables import Alert, is_known_alert
from backend.storage.insurance_tables import CheckinDocument
from backend.storage.outbox_tables import OutboxMessage, PartyState

PARTY_AWAY_AFTER = timedelta(minutes=2)
UNSEALED_AFTER = timedelta(seconds=60)
BACKUP_AFTER = timedelta(hours=26)
REFUND_AFTER = timedelta(minutes=30)
LOGS_LOST_WITHIN = timedelta(minutes=5)
GIB = 1024**3
LOW_SHARE, LOW_BYTES, SMALL_SHARE = 0.05, GIB, 0.10
ROOM_AGAIN = 1.5
"""An alert of a disk ends at so many times the room it began at, not at one byte more."""

Found = tuple[AlertKind, str]
"""Kind and subject."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """`wrong` is what is wrong now; an open alert that is `looked_at` and not wrong is over."""

    wrong: Mapping[Found, Mapping[str, Any]]

    @staticmethod
    def looked_at(kind: AlertKind, subject: str) -> bool:
        """Others raise alerts of the same kinds about kiosks."""
        prefix = _SUBJECTS.get(kind)
        return prefix is not None and subject.startswith(prefix)


_SUBJECTS: dict[AlertKind, str] = {
    AlertKind.DEAD_LETTERS: "party:",
    AlertKind.PARTY_AWAY: "party:",
    AlertKind.AUDIT_UNSEALED: "audit",
    AlertKind.DISK_LOW: "disk:",
    AlertKind.BACKUP_OVERDUE: "backup:",
    AlertKind.REFUND_STUCK: "refunds",
    AlertKind.CHECKIN_LATE: "checkins",
    AlertKind.ACCOUNT_LOCKED: "user:",
    AlertKind.LOGS_UNWRITABLE: "server:",
}
_TOLD_BY_UNITS = frozenset({AlertKind.DISK_LOW, AlertKind.BACKUP_OVERDUE})


def watch(resources: Resources) -> tuple[Watched, frozenset[Found]]:
    """What is wrong, and which alerts are open. Raises StorageUnavailable."""
    database = resources.database
    facility_id, now = database.facility_id, database.clock()
    with database.read() as connection:
        open_ = frozenset(
            (AlertKind(row.kind), row.subject)
            for row in connection.execute(
                select(Alert.kind, Alert.subject).where(
                    Alert.facility_id == facility_id,
                    Alert.cleared_at.is_(None),
                    is_known_alert(),
                )
            )
        )
        wrong = dict(_look_at_rows(connection, facility_id, now))
    low = frozenset(subject for kind, subject in open_ if kind is AlertKind.DISK_LOW)
    wrong |= dict(_look_at_disks(resources.config, low))
    wrong |= dict(_look_at_backups(resources.config, now))
    # The units of the machine tell of disks and backups themselves, about the whole of it.
    told = {
        kind for kind, subject in open_ if kind in _TOLD_BY_UNITS and subject.startswith("server:")
    }
    new = {found: detail for found, detail in wrong.items() if found[0] not in told}
    return Watched(wrong=new | {found: wrong[found] for found in open_ & wrong.keys()}), open_


def _look_at_rows(
    connection: Connection, facility_id: str, now: datetime
) -> Iterator[tuple[Found, Mapping[str, Any]]]:
    message, party = OutboxMessage, PartyState
    dead = (
        select(message.party, func.count().label("messages"))
        .where(message.facility_id == facility_id, message.state.in_(DEAD_LETTERS))
        .group_by(message.party)
    )
    for row in connection.execute(dead):
        yield (AlertKind.DEAD_LETTERS, f"party:{row.party}"), {"count": row.messages}
    away = (
        select(party.party)
        .where(
            party.facility_id == facility_id,
            party.breaker != Breaker.CLOSED,
            party.opened_at <= now - PARTY_AWAY_AFTER,
        )
        .distinct()
    )
    for name in connection.scalars(away):
        yield (AlertKind.PARTY_AWAY, f"party:{name}"), {}
    unsealed = (
        select(AUDIT.at)
        .where(AUDIT.sequence.is_(None), AUDIT.facility_id == facility_id)
        .order_by(AUDIT.id)
        .limit(1)
    )
    oldest = connection.scalar(unsealed)
    if oldest is not None and oldest <= now - UNSEALED_AFTER:
        yield (AlertKind.AUDIT_UNSEALED, "audit"), {}
    refund = payment_tables.PaymentRefund
    stuck = connection.scalar(
        select(func.count()).where(
            refund.facility_id == facility_id,
            refund.state == "processing",
            refund.approved_at <= now - REFUND_AFTER,
        )
    )
    if stuck:
        yield (AlertKind.REFUND_STUCK, "refunds"), {"count": stuck}
    table = CheckinDocument
    late = connection.scalar(
        select(func.count()).where(
            table.facility_id == facility_id,
            table.state == CheckinState.QUEUED.value,
            table.due_at < now,
        )
    )
    if late:
        yield (AlertKind.CHECKIN_LATE, "checkins"), {"count": late}
    user = UserAccount
    locked = select(user.id).where(
        user.facility_id == facility_id, user.disabled_at.is_(None), user.locked_until > now
    )
    for user_id in connection.scalars(locked):
        yield (AlertKind.ACCOUNT_LOCKED, f"user:{user_id}"), {}
    process = ProcessFigure
    lost = (
        select(process.host)
        .where(process.facility_id == facility_id, process.logs_lost_at > now - LOGS_LOST_WITHIN)
        .distinct()
    )
    for host in connection.scalars(lost):
        yield (AlertKind.LOGS_UNWRITABLE, f"server:{host}"), {}


def _look_at_disks(
    config: Config, low: frozenset[str]
) -> Iterator[tuple[Found, Mapping[str, Any]]]:
    """Each disk once, however many of our folders lie on it."""
    is_file = config.database_url.startswith("sqlite:///")
    folders = {
        "database": Path(config.database_url.removeprefix("sqlite:///")).parent
        if is_file
        else None,
        "data": config.folder,
        "logs": config.logs,
    }
    seen: set[int] = set()
    for name, folder in folders.items():
        existing = _find_existing(folder)
        if existing is None or (device := existing.stat().st_dev) in seen:
            continue
        seen.add(device)
        usage = shutil.disk_usage(existing)
        slack = ROOM_AGAIN if f"disk:{name}" in low else 1.0
        if is_low(usage.free, usage.total, slack=slack):
            percent = round(100 * usage.free / usage.total)
            yield (AlertKind.DISK_LOW, f"disk:{name}"), {"free_percent": percent}


def is_low(free: int, total: int, *, slack: float = 1.0) -> bool:
    """A twentieth left, or less than a gibibyte that is less than a tenth."""
    share = free / total if total else 0.0
    return share < LOW_SHARE * slack or (free < LOW_BYTES * slack and share < SMALL_SHARE * slack)


def _find_existing(folder: Path | None) -> Path | None:
    """The folder, or the nearest above it that is there already."""
    if folder is None:
        return None
    absolute = folder.absolute()
    return next((each for each in (absolute, *absolute.parents) if os.path.isdir(each)), None)  # noqa: PTH112  # says no where stat may not look


def _look_at_backups(config: Config, now: datetime) -> Iterator[tuple[Found, Mapping[str, Any]]]:
    """A folder that is not there has no backup: a disk that was not plugged in."""
    for folder in config.backups:
        taken_at = find_last_backup(folder)
        if taken_at is None or taken_at < now - BACKUP_AFTER:
            hours = (
                {} if taken_at is None else {"hours": round((now - taken_at) / timedelta(hours=1))}
            )
            yield (AlertKind.BACKUP_OVERDUE, f"backup:{folder}"[:200]), hours


def find_last_backup(folder: Path) -> datetime | None:
    """When the newest one there was taken, as its name says; whether it is whole a trial shows."""
    try:
        names = names_in(folder)
    except OSError:
        return None
    for name in names:
        try:
            taken_at = datetime.strptime(name.removeprefix(PREFIX), "%Y%m%dT%H%M%S.%fZ")  # noqa: DTZ007  # the name says Z
        except ValueError:
            continue
        return taken_at.replace(tzinfo=UTC)
    return None
