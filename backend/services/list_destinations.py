"""Where a room can send a patient, and who can see patients there: what its dialogs offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.domain.catalogue import Catalogue, Practitioner, Room, Service
from backend.domain.rooms import RoomState, RoomToday, list_room_queues
from backend.services.call_next import get_room
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.queues import find_rooms_today
from backend.storage.repositories import EMPTY_QUEUE, count_waiting

MAX_SERVICES = 500
MAX_DOCTORS = 300


@dataclass(frozen=True, kw_only=True)
class DestinationRoom:
    room: Room
    state: RoomState
    waiting: int


@dataclass(frozen=True, kw_only=True)
class OfferedService:
    service: Service
    rooms: Sequence[DestinationRoom]


@dataclass(frozen=True, kw_only=True)
class Destinations:
    """Services in the order of their departments; doctors of this room's services first."""

    services: Sequence[OfferedService]
    doctors: Sequence[Practitioner]


def list_destinations(resources: Resources, room_id: str, *, caller: Caller) -> Destinations:
    """Raises RoomNotFound, StorageUnavailable."""
    catalogue = resources.catalogue.get()
    get_room(catalogue, room_id, caller)
    services = sorted(catalogue.services.values(), key=lambda each: _place(catalogue, each))
    services = services[:MAX_SERVICES]
    rooms = sorted({room for service in services for room in service.room_ids})
    rooms = [room for room in rooms if room in catalogue.rooms]
    now = resources.database.clock()
    day = catalogue.today(now)
    queues = {room: list_room_queues(catalogue, room) for room in rooms}
    with resources.database.read() as connection:
        today = find_rooms_today(connection, rooms, day=day)
        every_queue = {queue for each in queues.values() for queue in each}
        loads = count_waiting(connection, every_queue, day=day, key_at=now)
    shown = {
        room: DestinationRoom(
            room=catalogue.rooms[room],
            state=today.get(room, RoomToday()).state,
            waiting=sum(loads.get(queue, EMPTY_QUEUE).people for queue in queues[room]),
        )
        for room in rooms
    }
    return Destinations(
        services=[
            OfferedService(
                service=service,
                rooms=sorted(
                    (shown[room] for room in service.room_ids if room in shown),
                    key=lambda each: each.room.code,
                ),
            )
            for service in services
        ],
        doctors=_list_doctors(catalogue, room_id),
    )


def _place(catalogue: Catalogue, service: Service) -> tuple[int, str]:
    department = catalogue.departments.get(service.department_id)
    return (department.position if department else 0, service.code)


def _list_doctors(catalogue: Catalogue, room_id: str) -> Sequence[Practitioner]:
    here = {service.id for service in catalogue.services.values() if room_id in service.room_ids}
    return sorted(
        catalogue.practitioners.values(),
        key=lambda doctor: (here.isdisjoint(doctor.rooms), doctor.name),
    )[:MAX_DOCTORS]
