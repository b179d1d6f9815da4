"""Shapes of displays in halls, at doors and at counters."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from backend.web.wire import NO_CONTROLS, Id, Reply, Request

DisplayKind = Literal["hall", "door", "counter"]


class DisplayPath(Request):
    display_id: Id


class DisplayRequest(Request):
    """`zone`: whoever sits there hears one voice. `distance_m` is that of the last seat,
    `screen_in` the diagonal of the screen: together they make the size of the letters.
    """

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=NO_CONTROLS)]
    kind: DisplayKind
    room_ids: Annotated[list[Id], Field(min_length=1, max_length=60)]
    zone: Annotated[str, Field(max_length=60, pattern=NO_CONTROLS)] = ""
    speaks: bool = False
    english: bool = True
    show_names: bool = False
    """Masked names beside numbers; never where something sensitive is done."""
    distance_m: Annotated[int, Field(ge=1, le=40)] = 10
    screen_in: Annotated[int, Field(ge=7, le=120)] = 43


class Display(Reply):
    id: str
    name: str
    kind: DisplayKind
    room_ids: list[str]
    zone: str
    speaks: bool
    english: bool
    show_names: bool
    distance_m: int
    screen_in: int
    created_at: datetime
    last_seen_at: datetime | None


class DisplayList(Reply):
    items: list[Display]


class AddedDisplay(Reply):
    """`path` opens the display's page; it is told once."""

    display: Display
    path: str
