"""Shapes of a room that calls people: its state now, and what is done in it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from backend.web.wire import Id, Label, Moment, Reply, Request, Version

StepActName = Literal[
    "again", "serve", "finish", "hold", "miss", "resume", "call", "emergency", "results", "leave"
]
StepReasonName = Literal[
    "no_answer", "patient_asked", "doctor_asked", "condition", "wrong_room", "papers", "mistake",
    "balance", "room_closed", "other",
]  # fmt: skip
RoomStateName = Literal["open", "paused", "closed"]
RoomReasonName = Literal[
    "break", "emergency", "meeting", "equipment", "staff_away", "end_of_day", "balance", "other"
]


class RoomPath(Request):
    room_id: Id


class RoomStepPath(RoomPath):
    step_id: Id


class StepActPath(RoomStepPath):
    act: StepActName


class ActPath(RoomPath):
    act_id: Id


class SeenStep(Request):
    """A step as the page showed it: when it is another by now, nothing happens."""

    step_id: Id
    version: Version


class NextRequest(Request):
    finish: Annotated[list[SeenStep], Field(max_length=20)] = []
    after_call: Id | None = None


class StepActRequest(Request):
    version: Version | None = None
    reason: StepReasonName | None = None


class Destination(Request):
    service_id: Id
    room_id: Id | None = None


class SendOnRequest(Request):
    to: Annotated[list[Destination], Field(min_length=1, max_length=8)]
    version: Version | None = None
    come_back: bool | None = None


class TransferRequest(Request):
    room_id: Id
    service_id: Id | None = None
    version: Version | None = None
    reason: StepReasonName | None = None


class RoomStateRequest(Request):
    state: RoomStateName | None = None
    reason: RoomReasonName | None = None
    until: Moment | None = None
    doctor_id: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9._:-]*$")] | None = None
    """Empty: nobody in particular."""


class MoveRequest(Request):
    reason: RoomReasonName | None = None
    to_room_id: Id | None = None
    count: Annotated[int, Field(ge=1, le=500)] | None = None


class OfflineCall(Request):
    """`called_at` null: called before the server went away, ended meanwhile."""

    step_id: Id
    called_at: Moment | None = None
    finished_at: Moment | None = None
    missed: bool | None = None


class OfflineCallsRequest(Request):
    """`list_at` is `now` of the state of the room that was gone on from."""

    list_at: Moment
    calls: Annotated[list[OfflineCall], Field(min_length=1, max_length=200)]


class MergedCall(Reply):
    """`outcome` applied or conflict; `reason` of a conflict: called_elsewhere, called_here,
    cancelled, done, moved, wrong_time, unknown.
    """

    step_id: str
    outcome: str
    reason: str | None


class MergedCallsReply(Reply):
    results: list[MergedCall]


class ListedRoom(Reply):
    id: str
    code: str
    name: Label
    floor: str
    state: str
    until: datetime | None
    doctor: str | None
    waiting: int
    inside: int


class ListedRoomsReply(Reply):
    rooms: list[ListedRoom]


class DestinationRoom(Reply):
    id: str
    code: str
    name: Label
    floor: str
    state: str
    waiting: int


class DestinationService(Reply):
    id: str
    name: Label
    kind: str
    pooled: bool
    rooms: list[DestinationRoom]


class ListedDoctor(Reply):
    id: str
    name: str


class DestinationsReply(Reply):
    services: list[DestinationService]
    doctors: list[ListedDoctor]


class RoomPatient(Reply):
    """Of somebody who was called: to be checked inside the room."""

    full_name: str
    birth_date: str | None
    gender: str | None


class RoomStep(Reply):
    """`order` says why it comes where it does: emergency, guard (waited too long), priority,
    results, booked, in_turn, after_priority, after_results.
    """

    step_id: str
    version: int
    visit_id: str
    number: str
    lane: str
    state: str
    kind: str
    service: Label
    service_id: str
    hold_reason: str | None
    calls: int
    returns: int
    since: datetime
    state_at: datetime
    notes: list[str]
    order: str | None
    patient: RoomPatient | None
    preparation: list[Label] = []
    """What the patient was to do before, as the order says."""


class RoomRules(Reply):
    calls_before_missed: int
    call_again_after_s: int
    guard_min: dict[str, int]
    priority_in_a_row: int
    results_in_a_row: int


class Undoable(Reply):
    id: str
    kind: str
    number: str | None
    until: datetime


class RoomNowReply(Reply):
    """`waiting` in the order of calling, the first ones only; `aside` are held or missed."""

    id: str
    code: str
    name: Label
    floor: str
    state: str
    reason: str | None
    until: datetime | None
    doctor: str | None
    doctor_id: str | None
    now: datetime
    last_call: str | None
    current: list[RoomStep]
    waiting: list[RoomStep]
    waiting_total: int
    waiting_by_lane: dict[str, int]
    aside: list[RoomStep]
    done: int
    load_aims: list[int]
    rules: RoomRules
    undo: Undoable | None
