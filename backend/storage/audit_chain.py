"""The audit chain as it lies in the database: its rows, and the row that holds both its ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, update

from backend.domain.audit_chain import AuditRow, Link, genesis
from backend.storage.audit_tables import AuditCheckpoint, AuditEvent
from backend.storage.unit_of_work import UnitOfWork

COLUMNS = AuditEvent.__table__.c
LINK: tuple[ColumnElement[Any], ...] = (COLUMNS.sequence, COLUMNS.chain_hash)
AT_ONCE = 2_000


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """`purged` is what the oldest row left is chained to; `head` is the newest row sealed."""

    purged: Link
    head: Link


def find_checkpoint(connection: Connection, facility_id: str) -> Checkpoint | None:
    """None before anything was sealed."""
    query = select(AuditCheckpoint.__table__).where(AuditCheckpoint.facility_id == facility_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _to_checkpoint(row)


def read_checkpoint(connection: Connection, facility_id: str) -> Checkpoint:
    """Before anything was sealed both ends are the genesis."""
    start = genesis(facility_id)
    return find_checkpoint(connection, facility_id) or Checkpoint(purged=start, head=start)


def lock_checkpoint(unit: UnitOfWork, *, wait: bool) -> Checkpoint | None:
    """Both ends, held until the transaction is over; None when somebody holds them and not `wait`.

    On SQLite every write transaction is alone anyway.
    """
    start = genesis(unit.facility_id)
    unit.connection.execute(
        unit.insert_into(AuditCheckpoint)
        .values(
            facility_id=unit.facility_id,
            purged_sequence=start.sequence,
            purged_hash=start.chain_hash,
            head_sequence=start.sequence,
            head_hash=start.chain_hash,
        )
        .on_conflict_do_nothing()
    )
    query = (
        select(AuditCheckpoint.__table__)
        .where(AuditCheckpoint.facility_id == unit.facility_id)
        .with_for_update(skip_locked=not wait)
    )
    row = unit.connection.execute(query).one_or_none()
    return None if row is None else _to_checkpoint(row)


def keep_checkpoint(unit: UnitOfWork, checkpoint: Checkpoint) -> None:
    """For who holds it."""
    unit.connection.execute(
        update(AuditCheckpoint)
        .where(AuditCheckpoint.facility_id == unit.facility_id)
        .values(
            purged_sequence=checkpoint.purged.sequence,
            purged_hash=checkpoint.purged.chain_hash,
            head_sequence=checkpoint.head.sequence,
            head_hash=checkpoint.head.chain_hash,
        )
    )


def find_newest_link(connection: Connection, facility_id: str) -> Link | None:
    """The end of the rows themselves; None when none is sealed."""
    query = (
        select(*LINK)
        .where(COLUMNS.facility_id == facility_id, COLUMNS.sequence.is_not(None))
        .order_by(COLUMNS.sequence.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else to_link(row)


def walk_sealed(
    connection: Connection,
    facility_id: str,
    *,
    after: int | None = None,
    limit: int | None = None,
    at_once: int = AT_ONCE,
) -> Iterator[Row[Any]]:
    """Sealed rows in their order, `at_once` in memory at a time.

    Raises ValueError for what somebody wrote into the database that is no row of ours.
    """
    query = (
        select(*COLUMNS)
        .where(COLUMNS.facility_id == facility_id, COLUMNS.sequence.is_not(None))
        .order_by(COLUMNS.sequence)
        .limit(limit)
        .execution_options(yield_per=at_once)
    )
    if after is not None:
        query = query.where(COLUMNS.sequence > after)
    with connection.execute(query) as found:
        yield from found


def walk_links(connection: Connection, facility_id: str) -> Iterator[Link]:
    """As `walk_sealed`, without what the rows say."""
    query = (
        select(*LINK)
        .where(COLUMNS.facility_id == facility_id, COLUMNS.sequence.is_not(None))
        .order_by(COLUMNS.sequence)
        .execution_options(yield_per=AT_ONCE)
    )
    with connection.execute(query) as found:
        yield from map(to_link, found)


def to_audit_row(row: Row[Any]) -> AuditRow:
    return AuditRow(
        id=row.id,
        facility_id=row.facility_id,
        at=row.at,
        actor=row.actor,
        event=row.event,
        subject=row.subject,
        detail=row.detail,
        origin=row.origin,
    )


def to_link(row: Row[Any]) -> Link:
    """A hash that somebody took away is no hash: nothing fits it."""
    return Link(sequence=row.sequence, chain_hash=row.chain_hash or "")


def _to_checkpoint(row: Row[Any]) -> Checkpoint:
    return Checkpoint(
        purged=Link(sequence=row.purged_sequence, chain_hash=row.purged_hash),
        head=Link(sequence=row.head_sequence, chain_hash=row.head_hash),
    )
