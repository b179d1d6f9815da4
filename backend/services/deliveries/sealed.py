"""What a person said travels sealed, and leaves the message when the HIS has it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from backend.services.deliveries.message import Delivered, Message
from backend.services.resources import Resources
from backend.storage.crypto import Keys
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Person
from his_adapter.models import Ref


def make_sealed_payload(
    keys: Keys, *, person_id: str, content: Mapping[str, Any]
) -> dict[str, str]:
    text = json.dumps(dict(content), ensure_ascii=False)
    sealed = keys.seal(text.encode(), context=f"told:{person_id}")
    return {"person": person_id, "sealed": b64encode(sealed).decode()}


def open_payload(keys: Keys, message: Message) -> dict[str, Any]:
    context = f"told:{message.payload['person']}"
    text = keys.unseal(b64decode(message.payload["sealed"]), context=context)
    opened: dict[str, Any] = json.loads(text)
    return opened


def find_person_ref(resources: Resources, message: Message) -> Ref | None:
    """By the lane: it follows the person when two records are merged."""
    with resources.database.read() as connection:
        ref = connection.scalar(select(Person.his_ref).where(Person.id == message.lane))
    return Ref(ref) if ref else None


def told(message: Message, *, his_ref: str | None = None) -> Delivered:
    """Only our own ids stay in the message."""

    def save(unit: UnitOfWork) -> None:
        payload = {name: value for name, value in message.payload.items() if name != "sealed"}
        unit.connection.execute(
            update(OutboxMessage).where(OutboxMessage.id == message.id).values(payload=payload)
        )

    return Delivered(his_ref=his_ref, save=save)
