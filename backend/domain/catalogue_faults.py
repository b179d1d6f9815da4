"""What is odd about the rooms and services the HIS told of: found before the first patient does. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from backend.domain.catalogue import Catalogue


class CatalogueFault(StrEnum):
    NO_ROOMS = "no_rooms"
    NO_SERVICES = "no_services"
    SAME_CODE = "same_code"
    """Two rooms would be called by one name."""
    SERVICE_WITHOUT_ROOM = "service_without_room"
    """Nobody could be sent anywhere for it."""
    ROOM_WITHOUT_SERVICE = "room_without_service"
    ROOM_WITHOUT_SESSION = "room_without_session"
    """Others have sessions: this one would never be open."""
    ROOM_WITHOUT_FLOOR = "room_without_floor"


@dataclass(frozen=True, kw_only=True)
class FoundFault:
    """`names` are codes of rooms or names of services, to be looked for in the HIS."""

    fault: CatalogueFault
    names: tuple[str, ...] = ()


def find_catalogue_faults(catalogue: Catalogue) -> tuple[FoundFault, ...]:
    return tuple(_find(catalogue))


def _find(catalogue: Catalogue) -> Iterator[FoundFault]:
    rooms, services = list(catalogue.rooms.values()), list(catalogue.services.values())
    if not rooms:
        yield FoundFault(fault=CatalogueFault.NO_ROOMS)
    if not services:
        yield FoundFault(fault=CatalogueFault.NO_SERVICES)
    served = {room_id for service in services for room_id in service.room_ids}
    has_sessions = any(room.sessions for room in rooms)
    codes = Counter(room.code for room in rooms)
    found = {
        CatalogueFault.SAME_CODE: (code for code, count in codes.items() if count > 1),
        CatalogueFault.SERVICE_WITHOUT_ROOM: (s.name.vi for s in services if not s.room_ids),
        CatalogueFault.ROOM_WITHOUT_SERVICE: (
            room.code for room in rooms if services and room.id not in served
        ),
        CatalogueFault.ROOM_WITHOUT_SESSION: (
            room.code for room in rooms if has_sessions and not room.sessions
        ),
        CatalogueFault.ROOM_WITHOUT_FLOOR: (room.code for room in rooms if not room.floor),
    }
    for fault, names in found.items():
        listed = tuple(sorted(names))
        if listed:
            yield FoundFault(fault=fault, names=listed)
