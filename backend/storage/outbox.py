"""The outbox as rows: what is due, who takes it, what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from backend.domain.outbox import DEAD_LETTERS, UNDER_WAY, MessageState
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.unit_of_work import UnitOfWork

Waits = Mapping[str, frozenset[str]]
"""Kind → kinds whose dead letters about the same visit hold it back."""

_TO_TELL: tuple[ColumnElement[Any], ...] = tuple(
    OutboxMessage.__table__.c[name] for name in ("id", "kind", "visit_id")
)
_DUE_STATES = (MessageState.NEW, MessageState.UNKNOWN)
# Spelled out so that both databases see which partial index it belongs to.
_IS_UNDER_WAY: ColumnElement[bool] = literal_column(
    "outbox_message.state IN ('new', 'sending', 'unknown')"
)


def claim_messages(
    unit: UnitOfWork, party: str, *, limit: int, lease: timedelta, waits: Waits, early: bool = False
) -> Sequence[Row[Any]]:
    """The next messages of that many lanes, now marked as being sent; the state they had before
    tells whether the last try may have arrived. `early` takes those whose pause is not over, the
    one that rested longest first.

    Two workers never get the same one: on PostgreSQL rows that another one takes are passed over,
    on SQLite there is one writer. Raises IntegrityError when a lane turned out to be busy.
    """
    rows = unit.connection.execute(
        _list_due(tuple(sorted(waits.items())), early=early),
        {"facility": unit.facility_id, "party": party, "now": unit.now, "most": limit},
    ).all()
    if rows:
        unit.connection.execute(
            _TAKE,
            {"ids": [row.id for row in rows], "now": unit.now, "lease_until": unit.now + lease},
        )
    return rows


@lru_cache(maxsize=8)
def _list_due(waits: tuple[tuple[str, frozenset[str]], ...], *, early: bool) -> Select[Any]:
    mine = OutboxMessage
    statement = (
        select(mine.__table__)
        .where(
            mine.facility_id == bindparam("facility"),
            mine.party == bindparam("party"),
            _IS_UNDER_WAY,
            mine.state.in_(_DUE_STATES),
            mine.expires_at > bindparam("now"),
            ~_is_held_back(dict(waits)),
        )
        .order_by(mine.next_at if early else mine.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True, of=mine)
    )
    return statement if early else statement.where(mine.next_at <= bindparam("now"))


_TAKE = (
    update(OutboxMessage)
    .where(OutboxMessage.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=MessageState.SENDING,
        attempts=OutboxMessage.attempts + 1,
        sent_at=bindparam("now"),
        next_at=bindparam("lease_until"),
    )
)


def _is_held_back(waits: Waits) -> ColumnElement[bool]:
    """Something of the same lane goes first, or is on its way."""
    mine, other = OutboxMessage, aliased(OutboxMessage)
    dead = [
        and_(
            mine.kind == kind,
            other.kind.in_(sorted(kinds)),
            other.visit_id == mine.visit_id,
            other.state.in_(DEAD_LETTERS),
        )
        for kind, kinds in waits.items()
        if kinds
    ]
    return exists().where(
        other.facility_id == mine.facility_id,
        other.party == mine.party,
        other.lane == mine.lane,
        other.settled_at.is_(None),
        or_(
            other.state == MessageState.SENDING,
            and_(other.id < mine.id, or_(other.state.in_(UNDER_WAY), *dead)),
        ),
    )


def has_due_message(connection: Connection, party: str, *, facility_id: str, now: datetime) -> bool:
    """Cheap: asked again and again while nothing happens. Blocked ones count as well."""
    parameters = {"facility": facility_id, "party": party, "now": now}
    return connection.execute(_FIND_DUE, parameters).first() is not None


_FIND_DUE = (
    select(OutboxMessage.id)
    .where(
        OutboxMessage.facility_id == bindparam("facility"),
        OutboxMessage.party == bindparam("party"),
        _IS_UNDER_WAY,
        or_(
            OutboxMessage.next_at <= bindparam("now"), OutboxMessage.expires_at <= bindparam("now")
        ),
    )
    .limit(1)
)


def renew_leases(unit: UnitOfWork, claims: Mapping[str, int], *, lease: timedelta) -> None:
    """The worker of these messages (id → its try) is alive and still at them."""
    for message_id, attempt in sorted(claims.items()):
        unit.connection.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.id == message_id,
                OutboxMessage.attempts == attempt,
                OutboxMessage.state == MessageState.SENDING,
            )
            .values(next_at=unit.now + lease)
        )


def lapse_leases(unit: UnitOfWork, party: str) -> list[str]:
    """Messages whose worker was lost: they may have arrived. Returns their ids."""
    return list(
        unit.connection.scalars(
            update(OutboxMessage)
            .where(
                OutboxMessage.facility_id == unit.facility_id,
                OutboxMessage.party == party,
                _IS_UNDER_WAY,
                OutboxMessage.state == MessageState.SENDING,
                OutboxMessage.next_at <= unit.now,
            )
            .values(state=MessageState.UNKNOWN, last_error="worker-lost")
            .returning(OutboxMessage.id)
        )
    )


def expire_messages(unit: UnitOfWork, party: str) -> Sequence[Row[Any]]:
    """Messages that are too old become dead letters; returns id, kind and visit."""
    return unit.connection.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.facility_id == unit.facility_id,
            OutboxMessage.party == party,
            _IS_UNDER_WAY,
            OutboxMessage.state.in_(_DUE_STATES),
            OutboxMessage.expires_at <= unit.now,
        )
        .values(state=MessageState.DEAD, last_error="expired")
        .returning(*_TO_TELL)
    ).all()


def wake_messages(unit: UnitOfWork, party: str, *, errors: Sequence[str]) -> None:
    """The party is back: what waited because of it need not wait any longer."""
    unit.connection.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.facility_id == unit.facility_id,
            OutboxMessage.party == party,
            _IS_UNDER_WAY,
            OutboxMessage.state.in_(_DUE_STATES),
            OutboxMessage.last_error.in_(errors),
            OutboxMessage.next_at > unit.now,
        )
        .values(next_at=unit.now)
    )


_LOCK = (
    select(OutboxMessage.id, OutboxMessage.attempts, OutboxMessage.state)
    .where(OutboxMessage.id.in_(bindparam("ids", expanding=True)))
    .order_by(OutboxMessage.id)
    .with_for_update()
)


def lock_own(unit: UnitOfWork, claims: Mapping[str, int]) -> set[str]:
    """Those of these messages (id → its try) that are still this worker's to settle."""
    rows = unit.connection.execute(_LOCK, {"ids": sorted(claims)})
    return {
        row.id
        for row in rows
        if row.attempts == claims[row.id] and row.state == MessageState.SENDING
    }
