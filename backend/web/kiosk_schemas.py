"""Shapes of enrolling a kiosk, of what it needs to know, and of what its devices report."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from backend.web.wire import NO_CONTROLS, Label, Reply, Request, ShortText


class EnrolRequest(Request):
    code: Annotated[str, Field(min_length=4, max_length=64, pattern=NO_CONTROLS)]
    name: Annotated[str, Field(min_length=1, max_length=80, pattern=NO_CONTROLS)]


class EnrolReply(Reply):
    token: str
    kiosk_id: str


class Notice(Reply):
    """The data-processing notice a patient accepts before their data are used."""

    version: str
    short: Label
    full: Label


class PriorityGroup(Reply):
    code: str
    label: Label
    self_declared: bool


class VisitKindOption(Reply):
    code: str
    label: Label


class KioskSettings(Reply):
    """What a kiosk needs to know to greet people: GET /api/v1/kiosk."""

    kiosk_id: str
    name: str
    facility: Label
    hotline: str
    timezone: str
    server_time: datetime
    notice: Notice
    visit_kinds: list[VisitKindOption]
    priority_groups: list[PriorityGroup]
    sees_bookings: bool = True
    """False: the HIS does not tell of bookings, so who has one is sent to the desk."""
    pays: bool = False
    """Fees can be read here, and paid at a kiosk."""
    practice: bool = False
    """Staff are training: nothing here is real, and every screen and paper says so."""


class DeviceState(StrEnum):
    READY = "ready"
    PAPER_NEAR_END = "paper_near_end"
    PAPER_END = "paper_end"
    COVER_OPEN = "cover_open"
    ERROR = "error"
    OFFLINE = "offline"
    UNREACHABLE = "unreachable"
    ABSENT = "absent"
    STALE = "stale"


class DeviceEventRequest(Request):
    device: Literal["printer", "scanner", "camera", "touch"]
    state: DeviceState
    reason: ShortText | None = None
