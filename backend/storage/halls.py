"""A whole department in a handful of statements, whatever the number of people waiting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, literal_column, select

from backend.domain.queueing import Lane
from backend.domain.visit import HoldReason, StepKind, StepState
from backend.storage.account_tables import UserAccount
from backend.storage.kiosk_tables import HelpCall, Kiosk
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import StaffAct, Step
from backend.storage.queues import AWAY, IN_SIGHT, WAITING

_STEP = Step.__table__.c


@dataclass(kw_only=True)
class LineCount:
    """Who waits in one queue; `first_at` is the earliest arrival."""

    by_lane: dict[Lane, int] = field(default_factory=dict)
    first_at: datetime | None = None

    @property
    def people(self) -> int:
        return sum(self.by_lane.values())


@dataclass(kw_only=True)
class RoomCount:
    """`seen` counts everybody once: who comes back with results was seen before."""

    in_room: int = 0
    seen: int = 0


@dataclass(kw_only=True)
class AwayCount:
    held: int = 0
    missed: int = 0
    left: int = 0


_LINES = (
    select(_STEP.queue_id, _STEP.lane, func.count(), func.min(_STEP.queue_key_at))
    .where(
        _STEP.queue_id.in_(bindparam("queues", expanding=True)),
        _STEP.day == bindparam("day"),
        WAITING,
    )
    .group_by(_STEP.queue_id, _STEP.lane)
)

_ROOMS = (
    select(_STEP.room_id, _STEP.state, _STEP.kind, func.count())
    .where(
        _STEP.room_id.in_(bindparam("rooms", expanding=True)),
        _STEP.day == bindparam("day"),
        IN_SIGHT,
    )
    .group_by(_STEP.room_id, _STEP.state, _STEP.kind)
)

_AWAY = (
    select(_STEP.queue_id, _STEP.state, _STEP.hold_reason, func.count())
    .where(
        _STEP.queue_id.in_(bindparam("queues", expanding=True)),
        _STEP.day == bindparam("day"),
        AWAY,
    )
    .group_by(_STEP.queue_id, _STEP.state, _STEP.hold_reason)
)

_RETURNS = select(func.sum(_STEP.returns)).where(
    _STEP.facility_id == bindparam("facility_id"),
    _STEP.day == bindparam("day"),
    literal_column("step.returns > 0"),
)

_HELP = select(func.count()).where(
    HelpCall.facility_id == bindparam("facility_id"), HelpCall.state == "waiting"
)


def count_lines(
    connection: Connection, queues: Collection[str], *, day: date
) -> dict[str, LineCount]:
    lines: dict[str, LineCount] = defaultdict(LineCount)
    for queue_id, lane, people, first_at in connection.execute(
        _LINES, {"queues": sorted(queues), "day": day}
    ):
        line = lines[queue_id]
        line.by_lane[Lane(lane)] = people
        line.first_at = min(line.first_at or first_at, first_at)
    return lines


def count_rooms(
    connection: Connection, rooms: Collection[str], *, day: date
) -> dict[str, RoomCount]:
    counts: dict[str, RoomCount] = defaultdict(RoomCount)
    for room_id, state, kind, people in connection.execute(
        _ROOMS, {"rooms": sorted(rooms), "day": day}
    ):
        count = counts[room_id]
        count.in_room += people if state != StepState.DONE else 0
        count.seen += people if kind != StepKind.RETURN else 0
    return counts


def count_away(
    connection: Connection, queues: Collection[str], *, day: date
) -> dict[str, AwayCount]:
    """Who is out of line. Steps that only wait for an earlier one of the visit do not count."""
    counts: dict[str, AwayCount] = defaultdict(AwayCount)
    for queue_id, state, hold_reason, people in connection.execute(
        _AWAY, {"queues": sorted(queues), "day": day}
    ):
        count = counts[queue_id]
        if state == StepState.MISSED:
            count.missed += people
        elif state == StepState.CANCELLED:
            count.left += people
        elif hold_reason != HoldReason.EARLIER_STEP:
            count.held += people
    return counts


def count_returns(connection: Connection, facility_id: str, *, day: date) -> int:
    """How often somebody came back after a missed turn."""
    return int(connection.scalar(_RETURNS, {"facility_id": facility_id, "day": day}) or 0)


def count_help_calls(connection: Connection, facility_id: str) -> int:
    return int(connection.scalar(_HELP, {"facility_id": facility_id}) or 0)


# --- acts of staff -------------------------------------------------------------------------------


def list_acts(
    connection: Connection,
    facility_id: str,
    *,
    since: datetime,
    before: tuple[datetime, str] | None = None,
    room_id: str | None = None,
    kinds: Collection[str] = (),
    actor: str | None = None,
    with_reason: bool = False,
    limit: int,
) -> Sequence[Row[Any]]:
    """What staff did, the newest first."""
    act = StaffAct
    statement = select(act.__table__).where(act.facility_id == facility_id, act.at >= since)
    if before is not None:
        at, id_ = before
        statement = statement.where((act.at < at) | ((act.at == at) & (act.id < id_)))
    if room_id is not None:
        statement = statement.where(act.room_id == room_id)
    if kinds:
        statement = statement.where(act.kind.in_(sorted(kinds)))
    if actor is not None:
        statement = statement.where(act.actor == actor)
    if with_reason:
        statement = statement.where(act.reason.is_not(None))
    return connection.execute(statement.order_by(act.at.desc(), act.id.desc()).limit(limit)).all()


def find_numbers(connection: Connection, steps: Collection[str]) -> dict[str, str]:
    """Step id to the number on its ticket."""
    if not steps:
        return {}
    rows = connection.execute(
        select(Step.id, Ticket.number)
        .join(Ticket, Ticket.visit_id == Step.visit_id)
        .where(Step.id.in_(sorted(steps)))
    )
    return {row.id: row.number for row in rows}


def find_names(connection: Connection, actors: Collection[str]) -> dict[str, str]:
    """`staff:ID` and `kiosk:ID` to what people call them."""
    names: dict[str, str] = {}
    for prefix, table, name in (
        ("staff:", UserAccount, UserAccount.display_name),
        ("kiosk:", Kiosk, Kiosk.name),
    ):
        ids = sorted({each.removeprefix(prefix) for each in actors if each.startswith(prefix)})
        if ids:
            for id_, found in connection.execute(select(table.id, name).where(table.id.in_(ids))):
                names[prefix + id_] = found
    return names


def sum_away(counts: Mapping[str, AwayCount], queues: Collection[str]) -> AwayCount:
    total = AwayCount()
    for queue in queues:
        count = counts.get(queue)
        if count is not None:
            total.held += count.held
            total.missed += count.missed
            total.left += count.left
    return total
