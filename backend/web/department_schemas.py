"""Shapes of a department as its head sees it: rooms, what was done, how well waits were told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from backend.web.wire import Id, Label, Moment, Reply, Request, Word


class HallQuery(Request):
    department_id: Id | None = None


class HallRoom(Reply):
    """`waiting` counts every line the room calls from, `own_waiting` those that can be moved.

    `level` of the people seen today against `load_aims`; `alarms` say why it stands on top.
    """

    id: str
    code: str
    name: Label
    floor: str
    department: Label
    state: str
    reason: str | None
    until: datetime | None
    has_session: bool
    doctor_id: str | None
    doctor_ids: list[str]
    waiting: int
    own_waiting: int
    by_lane: dict[str, int]
    longest_wait_s: int
    in_room: int
    seen: int
    level: Literal["light", "aimed", "high", "never"]
    held: int
    missed: int
    minutes_each: float | None
    ends_at: datetime | None
    alarms: list[Literal["load_never", "wait", "not_calling", "load_high"]]
    move_to: list[str]


class HallUndo(Reply):
    id: str
    kind: str
    room_id: str
    number: str | None
    people: int
    until: datetime


class HallReply(Reply):
    """Rooms that need somebody come first. `doctors` maps ids to names."""

    now: datetime
    load_aims: list[int]
    wait_limit_min: int
    waiting: int
    longest_wait_s: int
    in_room: int
    seen: int
    held: int
    missed: int
    returned: int
    left: int
    help_calls: int
    rooms: list[HallRoom]
    doctors: dict[str, str]
    undo: HallUndo | None


class ActQuery(Request):
    """`before` and `before_id` are `at` and `id` of the last act of the page before."""

    room_id: Id | None = None
    kind: Word | None = None
    with_reason: bool = False
    before: Moment | None = None
    before_id: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class ListedAct(Reply):
    id: str
    at: datetime
    kind: str
    reason: str | None
    room: str | None
    actor: str
    number: str | None
    people: int
    undone_at: datetime | None
    undone_by: str | None


class ActList(Reply):
    items: list[ListedAct]
    complete: bool


class WaitsQuery(Request):
    day: date | None = None


class WaitAccuracy(Reply):
    """Errors in minutes against the middle of the range told; longer than told is positive."""

    cases: int
    kept: int
    share_kept: float
    mean_error_min: float
    median_error_min: float


class RoomWaits(Reply):
    room_id: str
    room: str
    accuracy: WaitAccuracy


class WaitsReply(Reply):
    day: date
    whole: WaitAccuracy | None
    rooms: list[RoomWaits]
