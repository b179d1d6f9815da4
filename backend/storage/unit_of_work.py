"""One transaction, and the rows that every change leaves behind in it.

Audit, live event and outbox rows are collected and written together at the end, so that a change
without its traces cannot be committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Insert, insert
from sqlalchemy.dialects import postgresql, sqlite

from backend.domain.ids import new_id
from backend.storage.tables import AuditEvent, Base, LiveEvent, OutboxMessage

ConflictInsert: TypeAlias = postgresql.Insert | sqlite.Insert


class UnitOfWork:
    """`now` is the one time all rows of this transaction carry."""

    def __init__(self, connection: Connection, *, facility_id: str, now: datetime) -> None:
        self.connection = connection
        self.facility_id = facility_id
        self.now = now
        self._rows: dict[type[Base], list[dict[str, Any]]] = {}

    def audit(
        self, event: str, *, actor: str, subject: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """`actor` such as kiosk:ID, `subject` such as visit:ID; no personal data in `detail`."""
        row = {
            "id": new_id(),
            "at": self.now,
            "actor": actor,
            "event": event,
            "subject": subject,
            "detail": dict(detail or {}),
        }
        self._collect(AuditEvent, row)

    def publish(self, event: str, *, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """Tells boards, desks and phones; the closed list of events is backend.events."""
        row = {"event": event, "subject": subject, "detail": dict(detail or {}), "at": self.now}
        self._collect(LiveEvent, row)

    def enqueue(
        self, kind: str, *, visit_id: str, payload: Mapping[str, Any] | None = None
    ) -> None:
        """A message for the HIS, sent by the outbox job after the commit."""
        row = {
            "id": new_id(),
            "kind": kind,
            "visit_id": visit_id,
            "payload": dict(payload or {}),
            "state": "pending",
            "attempts": 0,
            "next_at": self.now,
            "created_at": self.now,
        }
        self._collect(OutboxMessage, row)

    def insert_with_conflict(self, table: type[Base]) -> ConflictInsert:
        """An INSERT that knows ON CONFLICT: both databases speak it, SQLAlchemy has two classes."""
        if self.connection.dialect.name == "sqlite":
            return sqlite.insert(table)
        return postgresql.insert(table)

    def flush(self) -> None:
        """Writes what was collected. Called at the end of the transaction."""
        for table, rows in self._rows.items():
            statement: Insert = insert(table)
            self.connection.execute(statement, rows if len(rows) > 1 else rows[0])
        self._rows = {}

    def _collect(self, table: type[Base], row: dict[str, Any]) -> None:
        self._rows.setdefault(table, []).append(row | {"facility_id": self.facility_id})
