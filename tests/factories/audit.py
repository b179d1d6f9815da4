"""Audit rows, and what somebody with a way into the database might do to them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, select, update

from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database

COLUMNS = AuditEvent.__table__.c


def write_events(database: Database, count: int, *, actor: str = "test") -> None:
    """A transaction each, as in life."""
    for index in range(count):
        with database.write() as unit:
            unit.audit("visit_started", actor=actor, subject=f"visit:{index}", detail={"n": index})


def sealed_rows(database: Database) -> list[Row[Any]]:
    query = select(*COLUMNS).where(COLUMNS.sequence.is_not(None)).order_by(COLUMNS.sequence)
    with database.read() as connection:
        return list(connection.execute(query))


def change_row(database: Database, place: int, **values: Any) -> None:
    with database.write() as unit:
        unit.connection.execute(
            update(AuditEvent).where(COLUMNS.sequence == place).values(**values)
        )


def remove_row(database: Database, sequence: int) -> None:
    with database.write() as unit:
        unit.connection.execute(delete(AuditEvent).where(COLUMNS.sequence == sequence))
