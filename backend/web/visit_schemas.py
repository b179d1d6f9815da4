"""Shapes of a visit: asking for one and changing it, its steps, its ticket and its printing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from backend.domain.ids import new_id
from backend.web.wire import Day, Id, Label, Language, Reply, Request, ShortText, Word

DAY_MS = 86_400_000


class StepState(StrEnum):
    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    HOLD = "hold"
    MISSED = "missed"
    DONE = "done"
    CANCELLED = "cancelled"


class StepReply(Reply):
    id: str
    kind: str
    """reception, examination, laboratory, imaging, return (back to the doctor), cashier …"""
    state: StepState
    hold_reason: str | None
    """Of a step on hold: earlier_step, results, stepped_out or staff."""
    service_id: str
    service: Label
    department: Label
    room: Label | None
    floor: str
    landmark: Label
    people_ahead: int
    wait_min: tuple[int, int] | None


class TicketTexts(Reply):
    """The words of a ticket in one language."""

    service: str
    department: str
    room: str
    landmark: str
    next: str
    notes: list[str]


class Ticket(Reply):
    """What is printed or shown. Carries no name, no number of a person, no diagnosis."""

    hospital: str
    issued_at: datetime
    number: str
    """Letter and three digits or more, such as A012."""
    room: str
    floor: str
    landmark: str
    wait_min: tuple[int, int] | None
    next: str
    notes: list[str]
    qr: str
    hotline: str
    lang: Language
    service: str
    department: str
    vi: TicketTexts | None
    """The same words in Vietnamese, when `lang` is another language."""
    practice: bool = False
    """Not a real one: a stripe over and under it says so."""


class VisitReply(Reply):
    id: str
    existing: bool
    """True: this person was already registered for this service today."""
    state: StepState
    visit_kind: str
    number: str
    lane: str
    priority_group: str | None
    provisional: bool
    verified: bool
    steps: list[StepReply]
    actions: list[Literal["return", "change", "cancel", "reprint"]]
    change_until: datetime | None
    print_state: Literal["pending", "printed", "unconfirmed", "failed", "unknown"]
    ticket: Ticket


SlipNumber = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9A-Za-zĐđ./ -]{1,50}$")
]


class Papers(Request):
    """What the patient says they bring; numbers and dates where somebody read them off."""

    transfer_slip: bool | None = None
    revisit_slip: bool | None = None
    transfer_number: SlipNumber | None = None
    transfer_signed_on: Day | None = None
    transfer_for_a_year: bool | None = None
    """A slip for a disease of annex III: it serves a year instead of ten working days."""
    revisit_number: SlipNumber | None = None


class VisitRequest(Request):
    scan_id: Id
    visit_kind: Word = "new"
    service_id: Id
    also_service_id: Id | None = None
    doctor_id: Id | None = None
    room_id: Id | None = None
    slot_id: Id | None = None
    appointment_id: Id | None = None
    priority_group: Word | None = None
    use_insurance: bool = True
    papers: Papers = Papers()
    language: Language = "vi"
    since_touch_ms: Annotated[int, Field(ge=0, le=DAY_MS)] | None = None
    """From the first touch to this wish, by the kiosk's own clock: how long people need."""


class ChangeRequest(Request):
    """Same patient, other service: allowed once, within ten minutes, before being called."""

    scan_id: Id
    service_id: Id
    doctor_id: Id | None = None
    slot_id: Id | None = None
    language: Language = "vi"


class ScanIdRequest(Request):
    """Proof that the patient stands here: a fresh scan of their card or ticket."""

    scan_id: Id


class PrintStateRequest(Request):
    job_id: Id = Field(default_factory=new_id)
    """Several reports about one job carry its id; without one a report stands alone."""
    state: Literal["printed", "unconfirmed", "failed", "unknown"]
    reason: ShortText | None = None
    elapsed_ms: Annotated[int, Field(ge=0, le=3_600_000)] | None = None


class VisitPath(Request):
    visit_id: Id
