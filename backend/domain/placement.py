"""Where a person may wait for a service now: which rooms are open, which limits apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.domain.catalogue import Catalogue, Practitioner, Room, Service
from backend.domain.opening import Session
from backend.domain.settings import Words
from backend.errors import ServiceClosed, ServiceNotFound


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A number of places that are counted together; `scope` names the counter."""

    scope: str
    capacity: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """`room` is None while the queue is pooled: the room is bound at the call."""

    service: Service
    room: Room | None
    practitioner: Practitioner | None
    limits: tuple[Limit, ...]

    @property
    def queue_id(self) -> str:
        """Those with the same queue wait together: per service when pooled, else per room."""
        return self.service.id if self.room is None else self.room.id


def list_queues(service: Service) -> tuple[str, ...]:
    """All queues a person for this service may stand in."""
    return (service.id,) if service.pooled and not service.by_doctor else service.room_ids


def list_places(
    catalogue: Catalogue,
    service: Service,
    *,
    now: datetime,
    waiting: Mapping[str, int],
    practitioner: Practitioner | None = None,
    room_id: str | None = None,
) -> list[Place]:
    """Open places, the best first: fewest waiting, then lowest room code.

    `waiting` counts people by queue. Raises ServiceClosed when none is open, ServiceNotFound when
    doctor or room do not belong to the service.
    """
    if practitioner is not None:
        if service.id not in practitioner.rooms:
            raise ServiceNotFound
        room_id = practitioner.rooms[service.id] or room_id
    if room_id is not None and room_id not in service.room_ids:
        raise ServiceNotFound
    open_rooms = [
        (catalogue.rooms[each], session)
        for each in ([room_id] if room_id else service.room_ids)
        if (session := catalogue.find_open_session(each, now=now)) is not None
    ]
    if not open_rooms:
        raise ServiceClosed
    if service.pooled and room_id is None and practitioner is None:
        return [_pooled_place(service, [session for _, session in open_rooms])]
    open_rooms.sort(key=lambda entry: (waiting.get(entry[0].id, 0), entry[0].code))
    return [_room_place(service, room, session, practitioner) for room, session in open_rooms]


def find_closed_place(
    catalogue: Catalogue, service: Service, *, waiting: Mapping[str, int]
) -> Place:
    """Where somebody waits who was sent here although no room is open by the clock.

    The service has rooms. No limit of a session counts outside of it.
    """
    rooms = [catalogue.rooms[each] for each in service.room_ids]
    room = min(rooms, key=lambda each: (waiting.get(each.id, 0), each.code))
    pooled = service.pooled and not service.by_doctor
    return Place(service=service, room=None if pooled else room, practitioner=None, limits=())


def _pooled_place(service: Service, sessions: list[Session]) -> Place:
    limits: tuple[Limit, ...] = ()
    capacities = [session.limit for session in sessions if session.limit is not None]
    if len(capacities) == len(sessions):
        scope = f"service:{service.id}:{sessions[0].name}"
        limits = (Limit(scope=scope, capacity=sum(capacities)),)
    return Place(service=service, room=None, practitioner=None, limits=limits)


def _room_place(
    service: Service, room: Room, session: Session, practitioner: Practitioner | None
) -> Place:
    limits = []
    if session.limit is not None:
        limits.append(Limit(scope=f"room:{room.id}:{session.name}", capacity=session.limit))
    if practitioner is not None and practitioner.session_limit is not None:
        scope = f"doctor:{practitioner.id}:{session.name}"
        limits.append(Limit(scope=scope, capacity=practitioner.session_limit))
    return Place(service=service, room=room, practitioner=practitioner, limits=tuple(limits))


def describe_rooms(catalogue: Catalogue, service: Service, room: Room | None) -> tuple[Words, str]:
    """The room or rooms in words, and the floor if there is one floor.

    The name of a sensitive clinic stays off paper: its room is named by number only.
    """
    rooms = [room] if room else [catalogue.rooms[each] for each in service.room_ids]
    codes = ", ".join(each.code for each in rooms)
    floors = {each.floor for each in rooms}
    floor = floors.pop() if len(floors) == 1 else ""
    if len(rooms) == 1 and not service.sensitive:
        only = rooms[0]
        if only.code in only.name.vi:
            return only.name, floor
        return Words(vi=f"{only.name.vi} ({codes})", en=f"{only.name.en} ({codes})"), floor
    if service.kind == "reception":
        return _counters(rooms), floor
    return Words(vi=f"Phòng {codes}", en=f"Room {codes}"), floor


def _counters(rooms: Sequence[Room]) -> Words:
    """Desks are known by their names, not by codes on doors: `Quầy tiếp đón 1, 2, 3`."""

    def together(names: list[str]) -> str:
        stems = {name.rstrip("0123456789 ") for name in names}
        if len(stems) > 1:
            return ", ".join(names)
        stem = stems.pop()
        return f"{stem} {', '.join(name.removeprefix(stem).strip() for name in names)}"

    return Words(
        vi=together([room.name.vi for room in rooms]), en=together([room.name.en for room in rooms])
    )


def describe_landmark(catalogue: Catalogue, service: Service, room: Room | None) -> Words:
    """Of the one room, or of the first: they stand side by side where a queue is pooled."""
    if room is None:
        if not service.room_ids:
            return Words(vi="", en="")
        room = catalogue.rooms[service.room_ids[0]]
    return room.landmark
