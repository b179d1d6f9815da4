"""Shapes on the wire, as the kiosk reads and writes them.

The server's /openapi.json is the source; `tests/contract/test_kiosk_against_backend.py` holds
the two sides together. Replies are checked on arrival: a wrong shape is an error at the edge,
never a surprise in a screen. Fields the kiosk does not use are dropped.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Language = Literal["vi", "en"]
Text = Annotated[str, Field(max_length=400)]
LongText = Annotated[str, Field(max_length=8_000)]
Id = Annotated[str, Field(min_length=1, max_length=64)]


class Wire(BaseModel):
    """`repr` shows no values: these objects carry names of persons and end up in tracebacks."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class Label(Wire):
    vi: Text
    en: Text

    def in_language(self, language: Language) -> str:
        return self.en if language == "en" else self.vi


class LongLabel(Wire):
    vi: LongText
    en: LongText


# --- this kiosk --------------------------------------------------------------------------------


class EnrolRequest(Wire):
    code: str
    name: str


class EnrolReply(Wire):
    token: Annotated[str, Field(min_length=8, max_length=400)]
    kiosk_id: Id


class Notice(Wire):
    version: Text
    short: LongLabel
    full: LongLabel


class VisitKindOption(Wire):
    code: Id
    label: Label


class PriorityGroup(Wire):
    code: Id
    label: Label
    self_declared: bool


def _zone(name: str) -> str:
    """Raises ValueError for a zone this machine does not know: no clock could be shown."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError("unknown time zone") from error
    return name


class KioskSettings(Wire):
    kiosk_id: Id
    name: Text
    facility: Label
    hotline: Text
    timezone: Annotated[str, AfterValidator(_zone)]
    notice: Notice
    visit_kinds: Annotated[list[VisitKindOption], Field(max_length=24)]
    priority_groups: Annotated[list[PriorityGroup], Field(max_length=24)]
    sees_bookings: bool = True
    pays: bool = False
    """Fees can be paid at a kiosk."""
    practice: bool = False
    """Staff are training: every screen and paper says so."""


class DeviceEventRequest(Wire):
    device: Literal["printer", "scanner"]
    state: Literal[
        "ready",
        "paper_near_end",
        "paper_end",
        "cover_open",
        "error",
        "offline",
        "unreachable",
        "absent",
        "stale",
    ]
    reason: str | None = None


# --- who is it ---------------------------------------------------------------------------------


class NoticeAcceptance(Wire):
    version: str
    language: Language
    accepted_at: AwareDatetime


Relation = Literal["parent", "child", "spouse", "relative", "carer", "other"]


class OnBehalf(Wire):
    relation: Relation
    phone: str


class TypedIdentity(Wire):
    number: str
    birth_date: str | None = None


class ScanRequest(Wire):
    payload_base64: str | None = None
    typed: TypedIdentity | None = None
    source: Literal["camera", "serial", "hid", "typed"]
    lossy: bool = False
    language: Language = "vi"
    notice: NoticeAcceptance | None = None
    on_behalf: OnBehalf | None = None


class ScanOutcome(StrEnum):
    IDENTIFIED = "identified"
    TICKET = "ticket"
    ASK_BIRTH_DATE = "ask_birth_date"
    ASK_WHICH_NUMBER = "ask_which_number"
    SEE_STAFF = "see_staff"
    ASK_NOTICE = "ask_notice"


class ScannedPerson(Wire):
    full_name: Text
    masked_name: Text
    birth_date: Text | None
    gender: Literal["male", "female"] | None
    masked_number: Text
    verified: bool


class CoverageOutcome(StrEnum):
    OK = "ok"
    OK_DESK_NOTE = "ok_desk_note"
    USE_NEW = "use_new"
    NONE = "none"
    MISMATCH = "mismatch"
    LATER = "later"


class CoverageReply(Wire):
    outcome: CoverageOutcome
    provisional: bool
    valid_to: Text | None
    registered_here: bool | None


class AppointmentState(StrEnum):
    ON_TIME = "on_time"
    EARLY = "early"
    LATE = "late"
    WRONG_DAY = "wrong_day"
    OTHER_FACILITY = "other_facility"


class AppointmentReply(Wire):
    id: Id
    state: AppointmentState
    start: AwareDatetime
    service_id: Id
    service: Label
    doctor: Text | None
    room: Label | None
    facility: Label | None
    can_arrive: bool


class PriorityReply(Wire):
    group: Text | None
    ask: bool


class StepState(StrEnum):
    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    HOLD = "hold"
    MISSED = "missed"
    DONE = "done"
    CANCELLED = "cancelled"


class StepReply(Wire):
    id: Id
    kind: Text
    state: StepState
    hold_reason: Text | None
    service_id: Id
    service: Label
    department: Label
    room: Label | None
    floor: Text
    landmark: Label
    people_ahead: int
    wait_min: tuple[int, int] | None


class TicketTexts(Wire):
    service: Text
    department: Text
    room: Text
    landmark: Text
    next: Text
    notes: Annotated[list[Text], Field(max_length=12)]


class Ticket(Wire):
    hospital: Text
    issued_at: AwareDatetime
    number: Text
    room: Text
    floor: Text
    landmark: Text
    wait_min: tuple[int, int] | None
    next: Text
    notes: Annotated[list[Text], Field(max_length=12)]
    qr: Text
    hotline: Text
    lang: Language
    service: Text
    department: Text
    vi: TicketTexts | None
    practice: bool = False


class OfflineGrantRequest(Wire):
    journal_id: Id


class OfflineTickets(Wire):
    vi: Ticket
    en: Ticket


class OfflineGrant(Wire):
    letter: Annotated[str, Field(pattern=r"^[A-Z]{1,4}$")]
    per_hour: Annotated[int, Field(ge=1, le=1_000)]
    tickets: OfflineTickets


class OfflineGrantReply(Wire):
    grant: OfflineGrant | None


class OfflineNumber(Wire):
    key: Id
    number: Annotated[int, Field(ge=1)]
    taken_at: AwareDatetime
    priority: bool
    language: Language
    print_state: Literal["pending", "printed", "unconfirmed", "failed", "unknown"]


class OfflineNumbersRequest(Wire):
    journal_id: Id
    numbers: list[OfflineNumber]


class OfflineNumbersReply(Wire):
    safe: Annotated[list[Text], Field(max_length=50)]


VisitAction = Literal["return", "change", "cancel", "reprint"]
PrintState = Literal["printed", "unconfirmed", "failed", "unknown"]


class VisitReply(Wire):
    id: Id
    existing: bool
    state: StepState
    number: Text
    provisional: bool
    verified: bool
    steps: Annotated[list[StepReply], Field(max_length=12)]
    actions: list[VisitAction]
    change_until: AwareDatetime | None
    print_state: Literal["pending", "printed", "unconfirmed", "failed", "unknown"]
    ticket: Ticket


class Question(StrEnum):
    CONFIRM = "confirm"
    EXISTING = "existing"
    COVERAGE = "coverage"
    VISIT_KIND = "visit_kind"
    APPOINTMENT = "appointment"
    SERVICE = "service"
    PAPERS = "papers"
    PRIORITY = "priority"
    SUMMARY = "summary"


class ScanReply(Wire):
    scan_id: Id
    expires_at: AwareDatetime
    kind: Text
    outcome: ScanOutcome
    message_key: Text | None
    person: ScannedPerson | None
    coverage: CoverageReply | None
    appointments: Annotated[list[AppointmentReply], Field(max_length=50)]
    priority: PriorityReply | None
    visits: Annotated[list[VisitReply], Field(max_length=50)]
    ask: Annotated[list[Question], Field(max_length=20)]


# --- what can be chosen ------------------------------------------------------------------------


class Availability(StrEnum):
    OPEN = "open"
    FULL = "full"
    CLOSED = "closed"
    NOT_FOR_YOU = "not_for_you"


class DepartmentReply(Wire):
    id: Id
    name: Label


class RoomReply(Wire):
    id: Id
    code: Text
    name: Label
    floor: Text
    landmark: Label
    open: bool
    waiting: int


class ServiceReply(Wire):
    id: Id
    name: Label
    department: DepartmentReply
    kind: Text
    price_vnd: int
    insurance_price_vnd: int | None
    by_doctor: bool
    by_hour: bool
    availability: Availability
    next_open: AwareDatetime | None
    waiting: int
    wait_min: tuple[int, int] | None
    rooms: Annotated[list[RoomReply], Field(max_length=100)]


class ServiceList(Wire):
    items: Annotated[list[ServiceReply], Field(max_length=1_000)]
    complete: bool


class DoctorReply(Wire):
    id: Id
    name: Text
    title: Text
    room: RoomReply | None
    availability: Availability
    waiting: int


class DoctorList(Wire):
    items: Annotated[list[DoctorReply], Field(max_length=500)]
    complete: bool


class SlotReply(Wire):
    id: Id
    start: AwareDatetime
    end: AwareDatetime
    free: int
    room_id: Id | None
    doctor_id: Id | None


class SlotList(Wire):
    items: Annotated[list[SlotReply], Field(max_length=1_000)]
    complete: bool


# --- visits ------------------------------------------------------------------------------------


SlipNumber = Annotated[str, Field(pattern=r"^[0-9A-Z/-]{1,50}$")]


class Papers(Wire):
    transfer_slip: bool | None = None
    revisit_slip: bool | None = None
    transfer_number: SlipNumber | None = None
    revisit_number: SlipNumber | None = None


class VisitRequest(Wire):
    scan_id: str
    visit_kind: str = "new"
    service_id: str
    also_service_id: str | None = None
    doctor_id: str | None = None
    slot_id: str | None = None
    appointment_id: str | None = None
    priority_group: str | None = None
    use_insurance: bool = True
    papers: Papers = Papers()
    language: Language = "vi"
    since_touch_ms: int | None = None
    """From the first touch to this wish, by the kiosk's own clock."""


class ChangeRequest(Wire):
    scan_id: str
    service_id: str
    doctor_id: str | None = None
    slot_id: str | None = None
    language: Language = "vi"


class ScanIdRequest(Wire):
    scan_id: str


class PrintStateRequest(Wire):
    job_id: str
    state: PrintState
    reason: str | None = None
    elapsed_ms: int | None = None


# --- help --------------------------------------------------------------------------------------


HelpKind = Literal["help", "emergency"]


class ChosenSoFar(Wire):
    """What had been chosen when staff were called: they go on from there."""

    visit_kind: str | None = None
    service_id: str | None = None
    also_service_id: str | None = None
    doctor_id: str | None = None
    slot_id: str | None = None
    appointment_id: str | None = None
    priority_group: str | None = None
    use_insurance: bool | None = None
    papers: Papers | None = None


class HelpCallRequest(Wire):
    kind: HelpKind
    screen: str
    scan_id: str | None = None
    visit_id: str | None = None
    chosen: ChosenSoFar | None = None


class HelpCallReply(Wire):
    id: Id
    kind: HelpKind
    state: Literal["waiting", "acknowledged"]
    acknowledged_at: datetime | None


class Problem(Wire):
    """RFC 9457 problem details."""

    status: int
    code: Annotated[str, Field(max_length=60)]
    message_key: Annotated[str, Field(max_length=60)] | None = None
