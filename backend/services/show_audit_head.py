"""The newest link of the audit chain, to be kept where nobody of this host can write."""

from __future__ import annotations

from backend.domain.audit_chain import Head
from backend.storage.audit_chain import read_checkpoint
from backend.storage.database import Database


def show_audit_head(database: Database) -> Head:
    """The genesis while nothing is sealed. Raises StorageUnavailable."""
    with database.read() as connection:
        link = read_checkpoint(connection, database.facility_id).head
    return Head(facility_id=database.facility_id, at=database.clock(), link=link)
