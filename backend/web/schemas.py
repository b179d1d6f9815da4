"""Shapes on the wire between the server and its callers, described by /openapi.json.

Requests are checked against these before anything else runs. Every list is bounded, every
text has a maximum length. Times are RFC 3339 with offset, money is integer VND, labels come in
both languages so that a screen can switch without asking again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from backend.domain.ids import new_id

_NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
ShortText = Annotated[str, Field(max_length=120, pattern=_NO_CONTROLS)]
"""Without control characters: a NUL would be refused by PostgreSQL only after the work."""
Word = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(2020, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC)),
]
"""Of a clock that is set, and one that a database can hold."""
DAY_MS = 86_400_000
Day = Annotated[date, Field(ge=date(2020, 1, 1), lt=date(2200, 1, 1))]
"""With room on both sides: the days around it are worked out, and years end at 9999."""
Language = Literal["vi", "en"]


class Request(BaseModel):
    """Unknown fields are refused: a misspelt field must not be silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reply(BaseModel):
    model_config = ConfigDict(frozen=True)


class Label(Reply):
    vi: str
    en: str


# --- kiosks -----------------------------------------------------------------------------------


class EnrolRequest(Request):
    code: Annotated[str, Field(min_length=4, max_length=64, pattern=_NO_CONTROLS)]
    name: Annotated[str, Field(min_length=1, max_length=80, pattern=_NO_CONTROLS)]


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


# --- who is it ---------------------------------------------------------------------------------


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

    number: Annotated[str, Field(min_length=4, max_length=40, pattern=_NO_CONTROLS)]
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


# --- what can be chosen ------------------------------------------------------------------------


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


# --- visits ------------------------------------------------------------------------------------


SlipNumber = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9A-Za-zĐđ./ -]{1,50}$")
]


class BroughtPapers(Request):
    """What the patient says they bring."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    transfer_slip: bool | None = None
    revisit_slip: bool | None = None


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


# --- help --------------------------------------------------------------------------------------


class ChosenSoFar(Request):
    """What a patient had chosen when they called: staff go on from there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    visit_kind: Word | None = None
    service_id: Id | None = None
    also_service_id: Id | None = None
    doctor_id: Id | None = None
    slot_id: Id | None = None
    appointment_id: Id | None = None
    priority_group: Word | None = None
    use_insurance: bool | None = None
    papers: BroughtPapers | None = None
    """Without their numbers: a call is kept in the clear."""


def _chosen_or_nothing(untrusted: object) -> object:
    """A call for help is not refused for how it describes what was chosen."""
    try:
        return ChosenSoFar.model_validate(untrusted)
    except ValidationError:
        return None


class HelpCallRequest(Request):
    """Never refused for what is missing or too much: somebody needs help."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["help", "emergency"] = "help"
    screen: Word = "unknown"
    scan_id: Id | None = None
    visit_id: Id | None = None
    chosen: Annotated[ChosenSoFar | None, BeforeValidator(_chosen_or_nothing)] = None


class HelpCallPath(Request):
    help_call_id: Id


class HelpCallReply(Reply):
    id: str
    kind: Literal["help", "emergency"]
    state: Literal["waiting", "acknowledged"]
    kiosk: str
    screen: str
    number: str | None
    """The queue number of the visit, when there is one."""
    visit_id: str | None
    can_continue: bool
    """Somebody was recognised at the kiosk: the desk can go on from there."""
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class HelpCallQuery(Request):
    state: Literal["waiting", "acknowledged"] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class HelpCallList(Reply):
    items: list[HelpCallReply]
    complete: bool


# --- announcements -------------------------------------------------------------------------------

ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""HH:MM in the facility's own time."""
HallText = Annotated[str, Field(max_length=600, pattern=_NO_CONTROLS)]
ZoneName = Annotated[str, Field(min_length=1, max_length=60, pattern=_NO_CONTROLS)]
"""As displays name it."""


class AnnouncementRequest(Request):
    """A text for halls. `zones` empty: everywhere; `weekdays`: 0 is Monday."""

    text_vi: Annotated[HallText, Field(min_length=1)]
    text_en: HallText = ""
    spoken: bool = True
    zones: Annotated[list[ZoneName], Field(max_length=20)] = []
    weekdays: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)]
    times: Annotated[list[ClockTime], Field(max_length=48)] = []
    every_min: Annotated[int, Field(ge=5, le=720)] | None = None
    starts_at: ClockTime = "00:00"
    ends_at: ClockTime = "23:59"
    valid_from: Day | None = None
    valid_to: Day | None = None
    clip: Annotated[str, Field(min_length=1, max_length=120, pattern=_NO_CONTROLS)] | None = None
    """A phrase of a recorded pack, played instead of the text."""
    active: bool = True

    @model_validator(mode="after")
    def _can_ever_be_due(self) -> AnnouncementRequest:
        if self.ends_at <= self.starts_at:
            raise PydanticCustomError("ends_at", "ends_at must come after starts_at")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise PydanticCustomError("valid_to", "valid_to must not come before valid_from")
        if self.spoken and not self.times and self.every_min is None:
            raise PydanticCustomError("times", "a spoken announcement needs times or every_min")
        if not self.text_vi.strip():
            raise PydanticCustomError("text_vi", "text_vi must not be blank")
        return self


class AnnouncementChange(AnnouncementRequest):
    version: Annotated[int, Field(ge=1)]
    """Of the announcement as the person saw it."""


class AnnouncementPath(Request):
    announcement_id: Id


class AnnouncementQuery(Request):
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class AnnouncementReply(Reply):
    id: str
    version: int
    text_vi: str
    text_en: str
    spoken: bool
    zones: list[str]
    weekdays: list[int]
    times: list[str]
    every_min: int | None
    starts_at: str
    ends_at: str
    valid_from: date | None
    valid_to: date | None
    clip: str | None
    active: bool
    changed_at: datetime
    changed_by: str


class AnnouncementList(Reply):
    items: list[AnnouncementReply]
    complete: bool


# --- calling words -------------------------------------------------------------------------------


class CallSentence(Request):
    """`times`: how often it is said. Fields in braces as in the sentence it takes the place of."""

    vi: Annotated[str, Field(max_length=1_000)]
    en: Annotated[str, Field(max_length=1_000)]
    times: Annotated[int, Field(ge=1, le=3)] = 1


NoticeKind = Literal["missed", "results_ready", "room_moved", "room_paused"]


class CallingWords(Request):
    """How calls are worded, spoken and how loud. `templates`: the usual one for what is missing.

    `volume` is in percent by zone; "" is for zones without one of their own.
    """

    templates: Annotated[dict[Word, CallSentence], Field(max_length=50)] = {}
    person_word: str
    languages: Annotated[list[Literal["vi", "en"]], Field(min_length=1, max_length=2)]
    region: Literal["bac", "nam"]
    rooms: Literal["digits", "cardinal"]
    leading_zeros: Literal["value", "digits"]
    rate: Annotated[float, Field(ge=0.5, le=1.5)]
    pause_ms: Annotated[int, Field(ge=0, le=2_000)]
    chime: bool
    gap_s: Annotated[float, Field(ge=0, le=60)]
    drop_calls_after_s: Annotated[float, Field(ge=5, le=600)]
    silent: Annotated[list[NoticeKind], Field(max_length=4)] = ["missed"]
    """What halls are not told by themselves."""
    volume: Annotated[
        dict[Annotated[str, Field(max_length=60)], Annotated[int, Field(ge=0, le=100)]],
        Field(max_length=100),
    ] = {}


class CallingWordsChange(CallingWords):
    version: Annotated[int, Field(ge=0)]
    """Of the words as the person saw them."""


class CallingWordsReply(CallingWords):
    """`templates` holds every sentence, also those that nobody changed."""

    version: int
    changed_at: datetime | None
    changed_by: str | None


# --- errors ------------------------------------------------------------------------------------


class Problem(Reply):
    """RFC 9457 problem details; `code` is stable and listed in docs/reference/errors.md."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    message_key: str | None = None
    fields: list[str] = []
    """For `invalid`: where in the request, never what stood there."""


# --- rooms -------------------------------------------------------------------------------------

Version = Annotated[int, Field(ge=0, le=1_000_000)]
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


# --- live events -------------------------------------------------------------------------------


def _split(value: object) -> object:
    """`?rooms=a,b` and `?rooms=a&rooms=b` mean the same."""
    parts = value if isinstance(value, list) else [value]
    return [each for part in parts for each in str(part).split(",") if each]


IdList = Annotated[list[Id], BeforeValidator(_split), Field(max_length=100)]


class LiveQuery(Request):
    """Nothing asked for = everything of the facility."""

    rooms: IdList = []
    visits: IdList = []
    help: bool = False
    payments: bool = False


# --- displays ----------------------------------------------------------------------------------

DisplayKind = Literal["hall", "door", "counter"]


class DisplayPath(Request):
    display_id: Id


class DisplayRequest(Request):
    """`zone`: whoever sits there hears one voice. `distance_m` is that of the last seat,
    `screen_in` the diagonal of the screen: together they make the size of the letters.
    """

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=_NO_CONTROLS)]
    kind: DisplayKind
    room_ids: Annotated[list[Id], Field(min_length=1, max_length=60)]
    zone: Annotated[str, Field(max_length=60, pattern=_NO_CONTROLS)] = ""
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


# --- departments -------------------------------------------------------------------------------


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
