"""Sends what is due to the HIS: at least once, in order per visit, with growing pauses.

A message is claimed by moving its next try ahead, not by a lock: a worker that dies leaves it to
be tried again, two workers never send the same one at the same time, and no transaction is open
while the HIS thinks.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import aliased

from backend.events import Event
from backend.logging import log
from backend.services.deliver_message import Message, deliver_message
from backend.services.resources import Resources
from backend.storage import tables
from backend.storage.database import Database
from his_adapter.errors import HisError

BATCH = 20
CLAIM_S = 120
"""Longer than any write of the HIS may take."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2, 300
TELL_STAFF_AFTER = 5
ACTOR = "job:deliver_outbox"


def deliver_outbox(resources: Resources) -> int:
    """Sends one batch; returns how many were settled. Raises StorageUnavailable."""
    settled = 0
    for message in _list_due(resources.database):
        if _claim(resources.database, message):
            settled += _deliver(resources, message)
    return settled


def _list_due(database: Database) -> list[Message]:
    """Due messages, the oldest first; of each visit only the first that is not settled."""
    mine, earlier = tables.OutboxMessage, aliased(tables.OutboxMessage)
    statement = (
        select(mine.id, mine.kind, mine.visit_id, mine.payload, mine.attempts)
        .where(
            mine.facility_id == database.facility_id,
            mine.state == "pending",
            mine.next_at <= database.clock(),
            ~exists().where(
                earlier.visit_id == mine.visit_id,
                earlier.state == "pending",
                earlier.id < mine.id,
            ),
        )
        .order_by(mine.id)
        .limit(BATCH)
    )
    with database.read() as connection:
        return [Message(**row) for row in connection.execute(statement).mappings()]


def _claim(database: Database, message: Message) -> bool:
    """False when another worker was faster."""
    with database.write() as unit:
        return (
            unit.connection.execute(
                update(tables.OutboxMessage)
                .where(
                    tables.OutboxMessage.id == message.id,
                    tables.OutboxMessage.state == "pending",
                    tables.OutboxMessage.attempts == message.attempts,
                )
                .values(
                    attempts=message.attempts + 1, next_at=unit.now + timedelta(seconds=CLAIM_S)
                )
            ).rowcount
            == 1
        )


def _deliver(resources: Resources, message: Message) -> bool:
    try:
        deliver_message(resources, message)
    except HisError as error:
        if error.retryable:
            _delay(resources.database, message, error)
            return False
        _settle(resources.database, message, state="dead", error=error)
    else:
        _settle(resources.database, message, state="sent", error=None)
    return True


def _delay(database: Database, message: Message, error: HisError) -> None:
    pause_s = min(FIRST_PAUSE_S * 2**message.attempts, LONGEST_PAUSE_S)
    with database.write() as unit:
        unit.connection.execute(
            update(tables.OutboxMessage)
            .where(tables.OutboxMessage.id == message.id)
            .values(next_at=unit.now + timedelta(seconds=pause_s), last_error=error.code)
        )
        if message.attempts + 1 == TELL_STAFF_AFTER:
            unit.publish(
                Event.OUTBOX_DELAYED,
                subject=f"visit:{message.visit_id}",
                detail={"message": message.id, "error": error.code},
            )
    log(Event.OUTBOX_DELAYED, message=message.id, code=error.code, attempts=message.attempts + 1)


def _settle(database: Database, message: Message, *, state: str, error: HisError | None) -> None:
    event = Event.OUTBOX_SENT if error is None else Event.OUTBOX_DEAD
    detail: dict[str, Any] = {"message": message.id, "kind": message.kind}
    if error is not None:
        detail["error"] = error.code
    with database.write() as unit:
        unit.connection.execute(
            update(tables.OutboxMessage)
            .where(tables.OutboxMessage.id == message.id)
            .values(
                state=state,
                settled_at=unit.now,
                last_error=error.code if error is not None else None,
            )
        )
        subject = f"visit:{message.visit_id}"
        unit.audit(event, actor=ACTOR, subject=subject, detail=detail)
        unit.publish(event, subject=subject, detail=detail)
    log(event, message=message.id, code=error.code if error is not None else None)
