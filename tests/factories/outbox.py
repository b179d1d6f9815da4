"""Messages as they stand in the outbox, without anybody who sends them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select, update

from backend.domain.ids import new_id
from backend.storage.database import Database
from backend.storage.outbox_tables import OutboxMessage, PartyState


def add_message(database: Database, **changes: Any) -> str:
    """A message about nobody; `changes` are columns."""
    with database.write() as unit:
        message_id = unit.enqueue(
            changes.pop("kind", "his.check_in"),
            lane=changes.pop("lane", new_id()),
            payload={"steps": []},
        )
        unit.flush()
        if changes:
            unit.connection.execute(
                update(OutboxMessage).where(OutboxMessage.id == message_id).values(**changes)
            )
    return message_id


def set_party(database: Database, **values: Any) -> None:
    """How the HIS is, as the writing group of calls sees it."""
    row = {"facility_id": database.facility_id, "party": "his", "call_group": "write"} | values
    with database.write() as unit:
        unit.connection.execute(insert(PartyState).values(**row))


def get_row(database: Database, message_id: str) -> Any:
    with database.read() as connection:
        return connection.execute(
            select(OutboxMessage.__table__).where(OutboxMessage.id == message_id)
        ).one()
