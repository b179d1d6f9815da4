"""Displays: what a screen for patients is, and what it may say about a room. Pure decisions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.domain.catalogue import Catalogue
from backend.domain.settings import Words

MAX_ROOMS = 60
MAX_NAME_CHARS = 80
MAX_ZONE_CHARS = 60
DISTANCES_M = range(1, 41)
SCREENS_IN = range(7, 121)


class DisplayKind(StrEnum):
    HALL = "hall"
    """Many rooms."""
    DOOR = "door"
    """One room, at its door."""
    COUNTER = "counter"
    """One counter, above it."""


class DisplayFault(StrEnum):
    """Why a display cannot be as wished."""

    NAME = "name"
    ROOMS = "room_ids"
    ZONE = "zone"
    DISTANCE = "distance_m"
    SCREEN = "screen_in"


@dataclass(frozen=True, kw_only=True)
class DisplayWish:
    """What staff choose. `english` puts English beside the Vietnamese; one display speaks in a
    `zone`. `distance_m` is that of the last seat, `screen_in` the diagonal in inches.
    """

    name: str
    kind: DisplayKind
    room_ids: tuple[str, ...]
    zone: str = ""
    speaks: bool = False
    english: bool = True
    show_names: bool = False
    distance_m: int = 10
    screen_in: int = 43


def find_fault(wish: DisplayWish, catalogue: Catalogue) -> DisplayFault | None:
    """The first thing that does not fit, or None."""
    rooms = wish.room_ids
    most = MAX_ROOMS if wish.kind is DisplayKind.HALL else 1
    known = all(room_id in catalogue.rooms for room_id in rooms)
    checks = (
        (DisplayFault.NAME, _is_name(wish.name)),
        (DisplayFault.ROOMS, known and 1 <= len(rooms) <= most and len(set(rooms)) == len(rooms)),
        (DisplayFault.ZONE, wish.zone == "" or _is_name(wish.zone, MAX_ZONE_CHARS)),
        (DisplayFault.DISTANCE, wish.distance_m in DISTANCES_M),
        (DisplayFault.SCREEN, wish.screen_in in SCREENS_IN),
    )
    return next((fault for fault, fits in checks if not fits), None)


def _is_name(text: str, most: int = MAX_NAME_CHARS) -> bool:
    return 0 < len(text) <= most and text == " ".join(text.split()) and text.isprintable()


def is_sensitive_room(catalogue: Catalogue, room_id: str) -> bool:
    """True where a sensitive service takes place: being called there says why somebody came."""
    return any(
        service.sensitive and room_id in service.room_ids
        for service in catalogue.every_service.values()
    )


def room_name(catalogue: Catalogue, room_id: str) -> Words:
    """The name on a public screen; for a sensitive room only which one it is."""
    room = catalogue.rooms[room_id]
    if is_sensitive_room(catalogue, room_id):
        return Words(vi=f"Phòng {room.code}", en=f"Room {room.code}")
    return room.name


def is_counter(catalogue: Catalogue, room_id: str) -> bool:
    """A counter by the kind of what is done there: people go to a counter, not into it."""
    kinds = [
        service.kind for service in catalogue.every_service.values() if room_id in service.room_ids
    ]
    return bool(kinds) and all(kind in {"reception", "cashier", "pharmacy"} for kind in kinds)
