"""What has to be told, as rows: over which channel, in which message, and what became of it.

A channel is used by one worker at a time: it holds the channel's lease. What goes out together
has one `batch_id`. When nothing arrived for sure the rows give it back, and the next message is
made of all that is due then; when it may have arrived the very same message goes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, or_, select, update

from backend.alerts_file import Channel
from backend.domain.alert_channels import GIVE_UP_AFTER, pause_s
from backend.domain.alerts import AlertKind, AlertPhase
from backend.domain.ids import new_id
from backend.storage.alert_tables import AlertChannel
from backend.storage.fleet_tables import Alert, AlertNotice, is_known_alert
from backend.storage.unit_of_work import UnitOfWork

MOST_IN_A_MESSAGE = 100
MOST_SPLIT = 500


@dataclass(frozen=True, kw_only=True)
class ToldAlert:
    """`phases`: both when it was over before anybody could be told that it had begun."""

    alert_id: str
    kind: AlertKind
    subject: str
    detail: dict[str, Any]
    raised_at: datetime
    cleared_at: datetime | None
    phases: frozenset[AlertPhase]

    @property
    def is_over(self) -> bool:
        return AlertPhase.CLEARED in self.phases


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One message. `answers` is the message that told of the same alerts before, if any."""

    id: str
    channel: str
    lease_id: str
    alerts: tuple[ToldAlert, ...]
    answers: str | None


def has_something_to_tell(
    connection: Connection,
    channels: Sequence[str],
    *,
    configured: Sequence[str],
    facility_id: str,
    now: datetime,
) -> bool:
    """Over these of the `configured` ones. Cheap: asked again and again while all is well, and
    while a channel rests.
    """
    waiting = {
        row.channel
        for row in connection.execute(_LIST_WAITING, {"facility": facility_id, "now": now})
    }
    if waiting - set(configured):
        return True
    busy = {
        row.channel
        for row in connection.execute(_LIST_RESTING, {"facility": facility_id, "now": now})
    }
    return any(name in waiting and name not in busy for name in channels)


_LIST_WAITING = (
    select(AlertNotice.channel)
    .where(
        AlertNotice.facility_id == bindparam("facility"),
        AlertNotice.state == "waiting",
        AlertNotice.next_at <= bindparam("now"),
    )
    .distinct()
)
_LIST_RESTING = select(AlertChannel.channel).where(
    AlertChannel.facility_id == bindparam("facility"),
    or_(
        AlertChannel.next_at > bindparam("now"),
        AlertChannel.leased_until > bindparam("now"),
    ),
)


def split_notices(unit: UnitOfWork, channels: Sequence[Channel], *, zone: tzinfo) -> int:
    """One row for each channel that wants to know; without any the page alone tells.

    What waits for a channel that was renamed or given up is split anew.
    """
    rows = unit.connection.execute(
        select(
            AlertNotice.id,
            AlertNotice.alert_id,
            AlertNotice.phase,
            AlertNotice.next_at,
            Alert.kind,
        )
        .join(Alert, Alert.id == AlertNotice.alert_id)
        .where(
            AlertNotice.facility_id == unit.facility_id,
            AlertNotice.state == "waiting",
            AlertNotice.channel.not_in([channel.name for channel in channels]),
            is_known_alert(),
        )
        .order_by(AlertNotice.id)
        .limit(MOST_SPLIT)
        .with_for_update(skip_locked=True, of=AlertNotice)
    ).all()
    if not rows:
        return 0
    new = [
        {
            "id": new_id(),
            "facility_id": unit.facility_id,
            "alert_id": row.alert_id,
            "phase": row.phase,
            "channel": channel.name,
            # From when it was found on, so that what arose together is gathered once.
            "next_at": channel.rules.tell_at(AlertKind(row.kind), row.next_at, zone),
        }
        for row in rows
        for channel in channels
        if channel.rules.wants(AlertKind(row.kind))
    ]
    if new:
        unit.connection.execute(unit.insert_into(AlertNotice).on_conflict_do_nothing(), new)
    unit.connection.execute(delete(AlertNotice).where(AlertNotice.id.in_([r.id for r in rows])))
    return len(rows)


def claim_batch(
    unit: UnitOfWork, channel: str, *, lease: timedelta, gather: timedelta
) -> Batch | None:
    """What this worker tells over the channel now; None while there is nothing, or it rests, or
    another worker uses it.
    """
    _give_up_old(unit, channel)
    is_due = (
        _is_waiting(unit, channel)
        & (AlertNotice.next_at <= unit.now)
        & AlertNotice.alert_id.in_(select(Alert.id).where(is_known_alert()))
    )
    oldest = unit.connection.execute(
        select(AlertNotice.next_at, AlertNotice.batch_id)
        .where(is_due)
        .order_by(AlertNotice.batch_id.is_(None), AlertNotice.next_at)
        .limit(1)
    ).one_or_none()
    if oldest is None or (oldest.batch_id is None and oldest.next_at > unit.now - gather):
        return None
    lease_id = _take_lease(unit, channel, lease)
    if lease_id is None:
        return None
    if oldest.batch_id is not None:
        batch_id, mine = oldest.batch_id, AlertNotice.batch_id == oldest.batch_id
    else:
        batch_id, mine = new_id(), AlertNotice.batch_id.is_(None)
    rows = unit.connection.execute(
        select(AlertNotice.id.label("notice_id"), AlertNotice.phase, *Alert.__table__.columns)
        .join(Alert, Alert.id == AlertNotice.alert_id)
        .where(is_due, mine)
        .order_by(Alert.id, AlertNotice.phase.desc())
        .limit(MOST_IN_A_MESSAGE)
    ).all()
    if not rows:  # another worker told them between the two looks
        unit.connection.execute(
            update(AlertChannel)
            .where(_is_channel(unit, channel))
            .values(leased_until=None, lease_id=None)
        )
        return None
    unit.connection.execute(
        update(AlertNotice)
        .where(AlertNotice.id.in_([row.notice_id for row in rows]))
        .values(batch_id=batch_id, attempts=AlertNotice.attempts + 1)
    )
    return Batch(
        id=batch_id,
        channel=channel,
        lease_id=lease_id,
        alerts=_to_alerts(rows),
        answers=_find_told(unit, channel, rows),
    )


def settle_sent(unit: UnitOfWork, batch: Batch, *, note: str | None = None) -> None:
    """It arrived, whoever holds the lease meanwhile. `note`: a part of those meant did not get it."""
    unit.connection.execute(
        update(AlertNotice)
        .where(_is_waiting(unit, batch.channel), AlertNotice.batch_id == batch.id)
        .values(state="sent", settled_at=unit.now, last_error=note)
    )
    unit.connection.execute(
        update(AlertChannel)
        .where(_is_channel(unit, batch.channel), AlertChannel.lease_id == batch.lease_id)
        .values(
            failures=0,
            failing_since=None,
            last_error=note,
            last_ok_at=unit.now,
            next_at=unit.now,
            leased_until=None,
            lease_id=None,
        )
    )


def settle_failed(
    unit: UnitOfWork, batch: Batch, *, error: str, uncertain: bool, chance: float, speed: float = 1
) -> None:
    """It will be told later. `uncertain`: it may have arrived, so the same message goes again."""
    failures = unit.connection.scalar(
        select(AlertChannel.failures).where(
            _is_channel(unit, batch.channel), AlertChannel.lease_id == batch.lease_id
        )
    )
    if failures is None:
        return  # another worker has taken over; what it finds out counts
    values: dict[str, Any] = {"last_error": error}
    if not uncertain:
        values["batch_id"] = None
    unit.connection.execute(
        update(AlertNotice)
        .where(_is_waiting(unit, batch.channel), AlertNotice.batch_id == batch.id)
        .values(**values)
    )
    pause = timedelta(seconds=pause_s(failures + 1, chance=chance) / speed)
    unit.connection.execute(
        update(AlertChannel)
        .where(_is_channel(unit, batch.channel))
        .values(
            failures=failures + 1,
            failing_since=AlertChannel.failing_since if failures else unit.now,
            last_error=error,
            next_at=unit.now + pause,
            leased_until=None,
            lease_id=None,
        )
    )


def _take_lease(unit: UnitOfWork, channel: str, lease: timedelta) -> str | None:
    lease_id = new_id()
    unit.connection.execute(
        unit.insert_into(AlertChannel)
        .values(facility_id=unit.facility_id, channel=channel, next_at=unit.now)
        .on_conflict_do_nothing()
    )
    taken = unit.connection.execute(
        update(AlertChannel)
        .where(
            _is_channel(unit, channel),
            AlertChannel.next_at <= unit.now,
            or_(AlertChannel.leased_until.is_(None), AlertChannel.leased_until <= unit.now),
        )
        .values(lease_id=lease_id, leased_until=unit.now + lease)
    )
    return lease_id if taken.rowcount == 1 else None


def _give_up_old(unit: UnitOfWork, channel: str) -> None:
    before = unit.now - GIVE_UP_AFTER
    for phase, moment in (
        (AlertPhase.RAISED, Alert.raised_at),
        (AlertPhase.CLEARED, Alert.cleared_at),
    ):
        unit.connection.execute(
            update(AlertNotice)
            .where(
                _is_waiting(unit, channel),
                AlertNotice.phase == phase,
                AlertNotice.alert_id.in_(
                    select(Alert.id).where(Alert.facility_id == unit.facility_id, moment < before)
                ),
            )
            .values(state="given_up", settled_at=unit.now)
        )


def _find_told(unit: UnitOfWork, channel: str, rows: Sequence[Row[Any]]) -> str | None:
    """The message that told how the first of them began, when this one tells that it is over."""
    over = [row.id for row in rows if row.phase == AlertPhase.CLEARED]
    return unit.connection.scalar(
        select(AlertNotice.batch_id)
        .where(
            AlertNotice.alert_id.in_(over),
            AlertNotice.channel == channel,
            AlertNotice.phase == AlertPhase.RAISED,
            AlertNotice.state == "sent",
        )
        .order_by(AlertNotice.alert_id)
        .limit(1)
    )


def _to_alerts(rows: Sequence[Row[Any]]) -> tuple[ToldAlert, ...]:
    phases: dict[str, set[AlertPhase]] = {}
    for row in rows:
        phases.setdefault(row.id, set()).add(AlertPhase(row.phase))
    found = {row.id: row for row in rows}
    return tuple(
        ToldAlert(
            alert_id=alert_id,
            kind=AlertKind(row.kind),
            subject=row.subject,
            detail=row.detail,
            raised_at=row.raised_at,
            cleared_at=row.cleared_at if AlertPhase.CLEARED in phases[alert_id] else None,
            phases=frozenset(phases[alert_id]),
        )
        for alert_id, row in found.items()
    )


def _is_waiting(unit: UnitOfWork, channel: str) -> ColumnElement[bool]:
    return (
        (AlertNotice.facility_id == unit.facility_id)
        & (AlertNotice.channel == channel)
        & (AlertNotice.state == "waiting")
    )


def _is_channel(unit: UnitOfWork, channel: str) -> ColumnElement[bool]:
    return (AlertChannel.facility_id == unit.facility_id) & (AlertChannel.channel == channel)
