"""Seals audit rows into the chain, seconds after they were committed.

Who writes an audit row waits for nobody: rows are chained afterwards, in the order in which they
are found here. A row that was committed later than younger ones is sealed later, and nothing that
is sealed ever moves. Two workers at once: one seals, the other comes again. A batch is one
transaction, so that a worker that is killed leaves no half.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import bindparam, select, update

from backend.domain.audit_chain import Link, seal
from backend.services.resources import Resources
from backend.storage.audit_chain import (
    COLUMNS,
    find_newest_link,
    keep_checkpoint,
    lock_checkpoint,
    to_audit_row,
)
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork

BATCH = 500
MOST_BATCHES = 40
"""Of one turn: a worker that is told to stop does so, however much there is to seal."""


def seal_audit(resources: Resources) -> int:
    """How many rows were sealed. Raises StorageUnavailable."""
    return seal_rows(resources.database)


def seal_rows(database: Database, *, most_batches: int = MOST_BATCHES) -> int:
    """As `seal_audit`."""
    total = 0
    for _ in range(most_batches):
        if not _is_any_left(database):
            break
        with database.write() as unit:
            count = _seal_batch(unit)
        total += count
        if count < BATCH:
            break
    return total


def _is_any_left(database: Database) -> bool:
    """Most of the time there is nothing to seal: then nobody's writing is held up by asking."""
    query = select(COLUMNS.id).where(
        COLUMNS.sequence.is_(None), COLUMNS.facility_id == database.facility_id
    )
    with database.read() as connection:
        return connection.execute(query.limit(1)).first() is not None


def _seal_batch(unit: UnitOfWork) -> int:
    """How many rows; 0 when somebody else seals just now."""
    checkpoint = lock_checkpoint(unit, wait=False)
    if checkpoint is None:
        return 0
    query = (
        select(*COLUMNS)
        .where(COLUMNS.sequence.is_(None), COLUMNS.facility_id == unit.facility_id)
        .order_by(COLUMNS.id)
        .limit(BATCH)
    )
    rows = unit.connection.execute(query).all()
    if not rows:
        return 0
    link = _find_end(unit, checkpoint.head)
    changes = []
    for row in rows:
        link = seal(to_audit_row(row), after=link)
        changes.append(
            {"row_id": row.id, "new_sequence": link.sequence, "new_hash": link.chain_hash}
        )
    unit.connection.execute(
        update(AuditEvent)
        .where(COLUMNS.id == bindparam("row_id"), COLUMNS.sequence.is_(None))
        .values(sequence=bindparam("new_sequence"), chain_hash=bindparam("new_hash")),
        changes,
    )
    keep_checkpoint(unit, replace(checkpoint, head=link))
    return len(rows)


def _find_end(unit: UnitOfWork, head: Link) -> Link:
    """What comes next is chained to the head. Where somebody set it back or took the checkpoint
    away, sealing still goes on after the newest row: the chain must not stand still for it.
    """
    newest = find_newest_link(unit.connection, unit.facility_id)
    return newest if newest is not None and newest.sequence > head.sequence else head
