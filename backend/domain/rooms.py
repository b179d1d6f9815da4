"""What a room calls from, and how it works today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.catalogue import Catalogue


class RoomState(StrEnum):
    OPEN = "open"
    PAUSED = "paused"
    """Back soon: those who wait keep waiting here."""
    CLOSED = "closed"
    """Not again today: those who wait are to be moved."""


class RoomReason(StrEnum):
    """Why a room stands still or changes hands: data for the log, never shown to patients."""

    BREAK = "break"
    EMERGENCY = "emergency"
    MEETING = "meeting"
    EQUIPMENT = "equipment"
    STAFF_AWAY = "staff_away"
    END_OF_DAY = "end_of_day"
    BALANCE = "balance"
    """People are moved because another room has fewer."""
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class RoomToday:
    """`practitioner_id` is who sees patients here today, where somebody said so."""

    state: RoomState = RoomState.OPEN
    reason: str | None = None
    until: datetime | None = None
    practitioner_id: str | None = None


def list_room_queues(catalogue: Catalogue, room_id: str) -> tuple[str, ...]:
    """The room's own queue, and those of the pooled services it takes part in."""
    pooled = sorted(
        service.id
        for service in catalogue.every_service.values()
        if service.pooled and room_id in service.room_ids
    )
    return (room_id, *pooled)


def list_queue_rooms(catalogue: Catalogue, queue_id: str) -> tuple[str, ...]:
    """The rooms that call from a queue: one, or those of a pooled service."""
    service = catalogue.every_service.get(queue_id)
    return service.room_ids if service is not None else (queue_id,)
