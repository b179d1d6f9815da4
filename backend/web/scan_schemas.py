"""Shapes of a scan: what was held up or typed, and who it is, to what, and what to ask next."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from backend.web.visit_schemas import VisitReply
from backend.web.wire import NO_CONTROLS, Label, Language, Moment, Reply, Request, Word


class NoticeAcceptance(Request):
    version: Word
    language: Language
    accepted_at: Moment


class OnBehalf(Request):
    """Somebody checks in for the patient: their relation and phone, kept with the visit."""

    relation: Literal["parent", "child", "spouse", "relative", "carer", "other"]
    phone: Annotated[str, Field(pattern=r"^[0-9+ ]{8,16}$")]


class TypedIdentity(Request):
    """A typed number is no proof: the birth date is asked before anything is shown."""

    number: Annotated[str, Field(min_length=4, max_length=40, pattern=NO_CONTROLS)]
    birth_date: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")] | None = None


class ScanRequest(Request):
    payload_base64: str | None = None
    """Bounded by the body: one that is too long to be a card is told its own code."""
    birth_date: Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")] | None = None
    """With a payload that is a bare number (a patient number, a lossy read): the second try,
    after the outcome `ask_birth_date`. A typed number has its own."""
    typed: TypedIdentity | None = None
    source: Literal["camera", "serial", "hid", "typed"] = "camera"
    lossy: bool = False
    language: Language = "vi"
    notice: NoticeAcceptance | None = None
    on_behalf: OnBehalf | None = None

    @model_validator(mode="after")
    def _one_of(self) -> ScanRequest:
        if (self.payload_base64 is None) == (self.typed is None):
            raise ValueError("exactly one of payload_base64 and typed")
        return self


class ScanOutcome(StrEnum):
    IDENTIFIED = "identified"
    TICKET = "ticket"
    """The code of one of our own tickets: `visit` says what may be done with it."""
    ASK_BIRTH_DATE = "ask_birth_date"
    ASK_WHICH_NUMBER = "ask_which_number"
    SEE_STAFF = "see_staff"
    ASK_NOTICE = "ask_notice"
    """Readable, but nothing is looked up or told: the same again with the accepted `notice`."""


class ScannedPerson(Reply):
    full_name: str
    masked_name: str
    birth_date: str | None
    """YYYY, YYYY-MM or YYYY-MM-DD, as precise as the card says."""
    gender: Literal["male", "female"] | None
    masked_number: str
    verified: bool
    """False for a typed number."""


class CoverageOutcome(StrEnum):
    OK = "ok"
    OK_DESK_NOTE = "ok_desk_note"
    USE_NEW = "use_new"
    NONE = "none"
    MISMATCH = "mismatch"
    LATER = "later"
    """No answer in time or a fault: the visit is taken provisionally."""


class CoverageReply(Reply):
    outcome: CoverageOutcome
    provisional: bool
    valid_to: str | None
    registered_here: bool | None
    message_key: str


class AppointmentState(StrEnum):
    ON_TIME = "on_time"
    EARLY = "early"
    LATE = "late"
    WRONG_DAY = "wrong_day"
    OTHER_FACILITY = "other_facility"


class AppointmentReply(Reply):
    id: str
    state: AppointmentState
    start: datetime
    service_id: str
    service: Label
    doctor: str | None
    room: Label | None
    facility: Label | None
    can_arrive: bool
    """False: the screen says why (by state) and offers the way on: walk-in or the desk."""


class PriorityReply(Reply):
    group: str | None
    """A group known from the birth date."""
    ask: bool
    """True: the question about self-declared groups is put to the patient."""


class Question(StrEnum):
    """What a screen should ask next; the order in `ask` is the order of the screens."""

    CONFIRM = "confirm"
    EXISTING = "existing"
    COVERAGE = "coverage"
    VISIT_KIND = "visit_kind"
    APPOINTMENT = "appointment"
    SERVICE = "service"
    PAPERS = "papers"
    PRIORITY = "priority"
    SUMMARY = "summary"


class ScanReply(Reply):
    scan_id: str
    expires_at: datetime
    kind: str
    outcome: ScanOutcome
    message_key: str | None
    warnings: list[str]
    person: ScannedPerson | None
    coverage: CoverageReply | None
    appointments: list[AppointmentReply]
    priority: PriorityReply | None
    visits: list[VisitReply]
    """Open visits of today of this person, or the one visit of a scanned ticket."""
    ask: list[Question]
