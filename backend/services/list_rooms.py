"""The rooms and counters a member of staff may open, each with how it stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from backend.domain.catalogue import Room
from backend.domain.rooms import RoomToday, list_room_queues
from backend.services.call_next import may_use_room
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_room import IN_ROOM
from backend.storage.queue_tables import Step
from backend.storage.queues import find_rooms_today
from backend.storage.repositories import EMPTY_QUEUE, count_waiting

MAX_ROOMS = 500


@dataclass(frozen=True, kw_only=True)
class ListedRoom:
    """`waiting` counts everybody the room may call, also of lines it shares with others."""

    room: Room
    today: RoomToday
    waiting: int
    inside: int
    practitioner: str | None


def list_rooms(resources: Resources, *, caller: Caller) -> Sequence[ListedRoom]:
    """In the order of their codes, MAX_ROOMS at most. Raises StorageUnavailable."""
    catalogue = resources.catalogue.get()
    now = resources.database.clock()
    day = catalogue.today(now)
    rooms = sorted(
        (room for room in catalogue.rooms.values() if may_use_room(catalogue, room.id, caller)),
        key=lambda room: room.code,
    )[:MAX_ROOMS]
    ids = [room.id for room in rooms]
    queues = {room_id: list_room_queues(catalogue, room_id) for room_id in ids}
    with resources.database.read() as connection:
        every_queue = {queue for each in queues.values() for queue in each}
        loads = count_waiting(connection, every_queue, day=day, key_at=now)
        today = find_rooms_today(connection, ids, day=day)
        rows = connection.execute(
            select(Step.room_id, func.count())
            .where(
                Step.room_id.in_(ids),
                Step.day == day,
                Step.state.in_(IN_ROOM),
            )
            .group_by(Step.room_id)
        )
        inside = {row[0]: row[1] for row in rows}
    listed = []
    for room in rooms:
        state = today.get(room.id, RoomToday())
        doctor = catalogue.practitioners.get(state.practitioner_id or "")
        listed.append(
            ListedRoom(
                room=room,
                today=state,
                waiting=sum(loads.get(queue, EMPTY_QUEUE).people for queue in queues[room.id]),
                inside=inside.get(room.id, 0),
                practitioner=doctor.titled_name if doctor else None,
            )
        )
    return listed
