"""Removes the oldest audit rows and remembers where the chain goes on.

From the oldest sealed row on, without a gap, and only what still fits the chain: a row that was
changed is evidence, and purging must not be the way to be rid of it. Rows that are not sealed yet
stay.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete

from backend.domain.audit_chain import seal
from backend.storage.audit_chain import (
    keep_checkpoint,
    lock_checkpoint,
    to_audit_row,
    to_link,
    walk_sealed,
)
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork

BATCH = 1_000


def purge_audit(database: Database, *, before: datetime) -> int:
    """How many rows were removed. Safe to run by two at once. Raises StorageUnavailable."""
    total = 0
    while True:
        with database.write() as unit:
            count = _purge_batch(unit, before)
        total += count
        if count < BATCH:
            return total


def _purge_batch(unit: UnitOfWork, before: datetime) -> int:
    checkpoint = lock_checkpoint(unit, wait=True)
    if checkpoint is None:
        return 0
    end, ids = checkpoint.purged, []
    for row in walk_sealed(unit.connection, unit.facility_id, limit=BATCH):
        link = to_link(row)
        if row.at >= before or seal(to_audit_row(row), after=end) != link:
            break
        ids.append(row.id)
        end = link
    if ids:
        unit.connection.execute(delete(AuditEvent).where(AuditEvent.id.in_(ids)))
        keep_checkpoint(unit, replace(checkpoint, purged=end))
    return len(ids)
