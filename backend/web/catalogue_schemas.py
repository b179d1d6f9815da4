"""Shapes of what can be chosen: services, doctors, hours."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from backend.web.wire import Id, Label, Reply, Request, Word


class Availability(StrEnum):
    OPEN = "open"
    FULL = "full"
    CLOSED = "closed"
    NOT_FOR_YOU = "not_for_you"
    """Limits of sex or age: the screen hides it or says why."""


class DepartmentReply(Reply):
    id: str
    name: Label


class RoomReply(Reply):
    id: str
    code: str
    name: Label
    floor: str
    landmark: Label
    open: bool
    waiting: int


class ServiceReply(Reply):
    id: str
    code: str
    name: Label
    department: DepartmentReply
    kind: str
    price_vnd: int
    insurance_price_vnd: int | None
    pooled: bool
    by_doctor: bool
    by_hour: bool
    availability: Availability
    next_open: datetime | None
    waiting: int
    wait_min: tuple[int, int] | None
    rooms: list[RoomReply]


class ServiceQuery(Request):
    scan_id: Id | None = None
    visit_kind: Word | None = None


class ServiceList(Reply):
    items: list[ServiceReply]
    complete: bool
    as_of: datetime
    """When the catalogue was last taken from the HIS."""


class DoctorQuery(Request):
    service_id: Id | None = None


class DoctorReply(Reply):
    id: str
    name: str
    title: str
    room: RoomReply | None
    service_id: str
    """The service the doctor is best reached by; the one asked for, when one was."""
    availability: Availability
    waiting: int


class DoctorList(Reply):
    items: list[DoctorReply]
    complete: bool


class SlotQuery(Request):
    service_id: Id | None = None
    doctor_id: Id | None = None
    day: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None


class SlotReply(Reply):
    id: str
    start: datetime
    end: datetime
    free: int
    service_id: str
    room_id: str | None
    doctor_id: str | None


class SlotList(Reply):
    items: list[SlotReply]
    complete: bool
