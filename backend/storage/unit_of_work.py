"""One transaction, and the rows that every change leaves behind in it.

Rows are collected and written together: PostgreSQL takes all of them in one statement and one
round trip, which is most of what a ticket costs. Audit, live event and outbox rows go the same
way, so that a change without its traces cannot be committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Executable, bindparam, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from backend.domain.ids import new_id
from backend.storage.audit_tables import AuditEvent
from backend.storage.base import Base
from backend.storage.origin import current_origin
from backend.storage.outbox_tables import LiveEvent, OutboxMessage

ConflictInsert: TypeAlias = postgresql.Insert | sqlite.Insert
NewRow: TypeAlias = tuple[type[Base], dict[str, Any]]
Shape: TypeAlias = tuple[type[Base], tuple[str, ...]]

EXPIRES_AFTER = timedelta(days=3)
"""A long weekend without the other system."""
MAX_VALUES = 50
"""psycopg takes statements with more parameters apart anew every time they run."""


class UnitOfWork:
    """`now` is the one time all rows of this transaction carry."""

    def __init__(
        self,
        connection: Connection,
        *,
        facility_id: str,
        now: datetime,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.connection = connection
        self.facility_id = facility_id
        self.now = now
        self._clock = clock
        self._rows: list[NewRow] = []

    def take_time(self) -> None:
        """From here on it is now: called once a lock was waited for, before anything is written.

        Otherwise who waited longer for the lock would carry the earlier time, and what follows
        each other by time would not be what followed each other.
        """
        if self._clock is not None:
            self.now = self._clock()

    def add(self, table: type[Base], **values: Any) -> None:
        """A new row of this facility, written by the next `flush` after those added before."""
        self._rows.append((table, values | {"facility_id": self.facility_id}))

    def audit(
        self, event: str, *, actor: str, subject: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """`actor` such as kiosk:ID, `subject` such as visit:ID; no personal data in `detail`.

        Where from is known to whoever lets the caller in (storage.origin).
        """
        origin = current_origin()
        where = {} if origin is None else {"origin": origin}
        self.add(
            AuditEvent,
            id=new_id(),
            at=self.now,
            actor=actor,
            event=event,
            subject=subject,
            detail=dict(detail or {}),
            **where,
        )

    def publish(self, event: str, *, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """Tells boards, desks and phones; the closed list of events is backend.events."""
        self.add(LiveEvent, event=event, subject=subject, detail=dict(detail or {}), at=self.now)

    def enqueue(
        self,
        kind: str,
        *,
        lane: str,
        visit_id: str | None = None,
        payload: Mapping[str, Any] | None = None,
        party: str = "his",
        expires_after: timedelta = EXPIRES_AFTER,
    ) -> str:
        """A message for another system, sent after the commit by services.deliveries; its id.

        `lane` keeps order: messages of one lane go one after the other, usually a person's id.
        `payload` holds our own ids only. What has not arrived after `expires_after` goes to staff.
        """
        message_id = new_id()
        # The rest is filled in by the database: fewer values, quicker statements.
        self.add(
            OutboxMessage,
            id=message_id,
            party=party,
            lane=lane,
            kind=kind,
            visit_id=visit_id,
            payload=dict(payload or {}),
            next_at=self.now,
            expires_at=self.now + expires_after,
            created_at=self.now,
        )
        return message_id

    @property
    def insert_into(self) -> Callable[[Any], ConflictInsert]:
        """INSERT with ON CONFLICT: both databases speak it, SQLAlchemy has a class for each."""
        return sqlite.insert if self.connection.dialect.name == "sqlite" else postgresql.insert

    def flush(self) -> None:
        """Writes what was added. Called at the end of the transaction.

        Raises IntegrityError when somebody else was faster with something that exists once.
        """
        rows, self._rows = self._rows, []
        one_by_one = self.connection.dialect.name == "sqlite"
        for batch in _batches(rows, max_values=0 if one_by_one else MAX_VALUES):
            statement = _insert_all(tuple((table, tuple(row)) for table, row in batch))
            values = {
                f"{name}_{index}": value
                for index, (_, row) in enumerate(batch)
                for name, value in row.items()
            }
            self.connection.execute(statement, values)


def _batches(rows: list[NewRow], *, max_values: int) -> Iterator[list[NewRow]]:
    """Rows in their order, as many at once as `max_values` allows, one at least."""
    batch: list[NewRow] = []
    for row in rows:
        if batch and sum(len(values) for _, values in [*batch, row]) > max_values:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


@lru_cache(maxsize=256)
def _insert_all(shapes: tuple[Shape, ...]) -> Executable:
    """One statement for rows of these shapes. Foreign keys are checked at its end."""
    inserts = [
        insert(table).values({name: bindparam(f"{name}_{index}") for name in names})
        for index, (table, names) in enumerate(shapes)
    ]
    if len(inserts) == 1:
        return inserts[0]
    parts = [each.cte(f"row_{index}") for index, each in enumerate(inserts)]
    return select(literal(1)).add_cte(*parts)
