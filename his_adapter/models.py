"""What passes through the port, in the terms of FHIR R4: values only, no driver.

`Ref` is an opaque text that the adapter owns. Texts are NFC, times aware, money integer VND.
Personal values stay out of `repr`, so that no log can catch them.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Generic, NewType, TypeVar

Ref = NewType("Ref", str)
"""A record of the HIS, named by the HIS."""

WriteKey = NewType("WriteKey", str)
"""Names one intent to write: 8 to 80 letters, digits, dots, dashes, underscores or colons."""

_WRITE_KEY = re.compile(r"[A-Za-z0-9._:-]{8,80}")
_PARTIAL_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_FIRST_BIRTH_YEAR = 1900

Item_co = TypeVar("Item_co", covariant=True)


def is_write_key(text: str) -> bool:
    return _WRITE_KEY.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Item_co]):
    """At most `limit` items in a stable order; `complete` is False when there are more."""

    items: tuple[Item_co, ...]
    complete: bool


# --- the HIS itself ------------------------------------------------------------------------------


class Feature(StrEnum):
    """What an adapter may or may not be able to do: the name of the method."""

    FIND_PATIENTS = "find_patients"
    READ_PATIENT = "read_patient"
    CREATE_PATIENT = "create_patient"
    UPDATE_PATIENT = "update_patient"
    CHECK_COVERAGE = "check_coverage"
    LIST_DEPARTMENTS = "list_departments"
    LIST_ROOMS = "list_rooms"
    LIST_SERVICES = "list_services"
    LIST_PRACTITIONERS = "list_practitioners"
    LIST_SESSIONS = "list_sessions"
    LIST_CLOSED_DAYS = "list_closed_days"
    FIND_SLOTS = "find_slots"
    BOOK_APPOINTMENT = "book_appointment"
    CHANGE_APPOINTMENT = "change_appointment"
    FIND_APPOINTMENTS = "find_appointments"
    CHECK_IN = "check_in"
    CANCEL_VISIT = "cancel_visit"
    LIST_VISITS = "list_visits"
    FIND_BY_KEY = "find_by_key"
    MERGE_PATIENTS = "merge_patients"
    SUBMIT_HISTORY = "submit_history"
    QUEUE_STATUS = "queue_status"
    LIST_ORDERS = "list_orders"
    LIST_REPORTS = "list_reports"
    READ_REPORT_PART = "read_report_part"
    READ_ACCOUNT = "read_account"
    POST_PAYMENT = "post_payment"
    EINVOICE = "einvoice"
    RECORD_CONSENT = "record_consent"
    LIST_CODES = "list_codes"
    CHANGES = "changes"


@dataclass(frozen=True, kw_only=True)
class Facility:
    """The hospital as the HIS knows it. `code` is the five-character mã CSKCB."""

    code: str
    name_vi: str
    name_en: str
    hotline: str


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    features: frozenset[Feature]
    facility: Facility
    max_limit: int
    """The longest list one call gives; a larger `limit` is InvalidData."""
    adapter: str
    adapter_version: str
    his_version: str
    wants_person: bool = False
    """A check-in names the whole person (`CheckIn.person`), also one the HIS knows."""


class HealthState(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, kw_only=True)
class Health:
    state: HealthState
    latency_ms: float | None = None
    clock_skew_s: float | None = None
    """The clock of the HIS minus ours; None when it does not tell."""
    cause: str | None = None
    """For technicians, without personal data."""


# --- people --------------------------------------------------------------------------------------


class Gender(StrEnum):
    MALE = "male"
    FEMALE = "female"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, repr=False)
class BirthDate:
    """A birth date as far as it is known: many older people have a year only.

    Raises ValueError when there is no such day, or before 1900.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.month is None and self.day is not None:
            raise ValueError("a day needs its month")
        if self.year < _FIRST_BIRTH_YEAR:
            raise ValueError("before 1900")
        date(self.year, self.month or 1, self.day or 1)

    @classmethod
    def from_iso(cls, untrusted_text: str) -> BirthDate:
        """`YYYY`, `YYYY-MM` or `YYYY-MM-DD`; raises ValueError for anything else."""
        match = _PARTIAL_DATE.fullmatch(untrusted_text)
        if match is None:
            raise ValueError("not a birth date")
        year, month, day = (None if part is None else int(part) for part in match.groups())
        return cls(year=year or 0, month=month, day=day)

    @property
    def earliest(self) -> date:
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def latest(self) -> date:
        month = self.month or 12
        return date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    def isoformat(self) -> str:
        parts = 1 + (self.month is not None) + (self.day is not None)
        return self.earliest.isoformat()[: (4, 7, 10)[parts - 1]]

    def agrees_with(self, other: BirthDate) -> bool:
        """True when both can be the same day: 1950 agrees with 1950-03-04."""
        return self.earliest <= other.latest and other.earliest <= self.latest


class IdentifierKind(StrEnum):
    ID12 = "id12"
    """Personal identification number, on CCCD and căn cước."""
    CMND9 = "cmnd9"
    """Old identity card number: not unique, a search key with name and birth date only."""
    BHYT15 = "bhyt15"
    BHXH10 = "bhxh10"
    MRN = "mrn"
    """The patient number of this hospital (mã BN)."""
    PASSPORT = "passport"
    APPOINTMENT = "appointment"
    """The code on a booking; it leads to the patient who booked."""


@dataclass(frozen=True, kw_only=True, order=True)
class Identifier:
    kind: IdentifierKind
    value: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, repr=False)
class PatientQuery:
    """Either identifiers (each is tried in turn), or a name with a birth date.

    Gender and phone only narrow the search by name down. Names are compared without case and
    marks, birth dates as far as both are known.
    """

    identifiers: tuple[Identifier, ...] = ()
    full_name: str | None = None
    birth_date: BirthDate | None = None
    gender: Gender | None = None
    phone: str | None = None


class MatchGrade(StrEnum):
    """How sure the HIS is (FHIR match-grade). Only `certain` may be used without a person."""

    CERTAIN = "certain"
    PROBABLE = "probable"
    POSSIBLE = "possible"


@dataclass(frozen=True, kw_only=True)
class PatientMatch:
    """`masked_name` (`N.V. AN`) and `birth_year` are all that may be shown of a candidate."""

    ref: Ref
    grade: MatchGrade
    masked_name: str
    birth_year: int | None


@dataclass(frozen=True, kw_only=True, repr=False)
class PatientDraft:
    """What a patient is created from. `full_name` is the only truth about a name."""

    full_name: str
    birth_date: BirthDate | None = None
    gender: Gender = Gender.UNKNOWN
    identifiers: tuple[Identifier, ...] = ()
    phone: str | None = None
    address: str | None = None
    """As printed on the card; never split into codes by guessing."""
    guardian: str | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Patient(PatientDraft):
    """A patient as the HIS has it. `version` is opaque and changes with every write."""

    ref: Ref
    version: str

    def find_identifier(self, kind: IdentifierKind) -> str | None:
        return next((item.value for item in self.identifiers if item.kind is kind), None)


@dataclass(frozen=True, kw_only=True, repr=False)
class PatientChanges:
    """Changed fields only: None leaves a field as it is, identifiers are added."""

    full_name: str | None = None
    birth_date: BirthDate | None = None
    gender: Gender | None = None
    phone: str | None = None
    address: str | None = None
    guardian: str | None = None
    new_identifiers: tuple[Identifier, ...] = ()


# --- coverage ------------------------------------------------------------------------------------


class CoverageOutcome(StrEnum):
    OK = "ok"
    OK_DESK_NOTE = "ok_desk_note"
    """Valid; the desk looks at a paper (army, police)."""
    USE_NEW = "use_new"
    """Valid with a newer card, which the answer already speaks of."""
    NONE = "none"
    """No valid coverage: expired, withdrawn, not found."""
    MISMATCH = "mismatch"
    """Name, birth date or number differ from the insurer's."""
    LATER = "later"
    """The insurer could not say; the card is checked at the desk."""
    CONFIG_ERROR = "config_error"
    """Our own access is wrong: technicians are told, the patient sees `later`."""


@dataclass(frozen=True, kw_only=True, repr=False)
class CoverageQuery:
    """Who is asked about: a patient of the HIS, or a number with name and birth date."""

    patient: Ref | None = None
    identifiers: tuple[Identifier, ...] = ()
    full_name: str | None = None
    birth_date: BirthDate | None = None
    gender: Gender | None = None


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What the insurance says on one day. `code` is the insurer's own result code."""

    outcome: CoverageOutcome
    code: str
    valid_from: date | None = None
    valid_to: date | None = None
    """None with a valid card: no printed end."""
    facility_code: str | None = None
    """Where the person is registered for first contact."""
    registered_here: bool | None = None
    benefit_level: int | None = None
    """Third character of the card, 1 to 5. The route changes the real rate: never a promise."""
    card_number: str | None = field(default=None, repr=False)
    """The card that is valid on that day, for the HIS and the XML tables only."""
    five_years_on: date | None = None
    """When five continuous years of insurance are (or were) complete."""
    stays: StayElsewhere | None = None
    """What the insurer knows of other hospitals, when it was asked: for staff only."""
    checked_at: datetime


class StayElsewhere(StrEnum):
    """Why staff look once more although the card is valid."""

    NOT_LEFT = "not_left"
    """Another hospital has not discharged this person yet."""
    TODAY = "today"
    """Another hospital was visited today."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One question to an insurer and what came back: the evidence of a look-up.

    `answer` is bounded and may hold a person's data: it is sealed before it is stored.
    """

    asked_at: datetime
    answered_at: datetime | None
    http_status: int | None
    code: str | None
    """Result code of the insurer, None when there was none that could be read."""
    failure: str | None
    """`code` of the HisError, None when there was an answer that could be used."""
    answer: bytes = field(default=b"", repr=False)
    answer_sha256: str | None = None
    """Of the whole answer, also when `answer` is only the beginning of it."""


@dataclass(frozen=True, kw_only=True)
class PastStay:
    """Where and when, never why: a diagnosis does not pass through the port."""

    facility_code: str
    arrived_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Copayment:
    """What the insurer has counted as co-paid in the calendar year; for staff only.

    `exceeds_limit`: more than six base salaries, which frees from co-payment together with five
    continuous years. The insurer's figures lag behind: `as_of` is the last discharge in them.
    """

    paid_vnd: int
    exceeds_limit: bool
    as_of: date | None


@dataclass(frozen=True, kw_only=True)
class SubmissionReceipt:
    """The answer to a file that was sent in. Received does not mean accepted as correct."""

    code: str
    received: bool
    transaction_id: str | None = None
    received_at: datetime | None = None
    message: str = field(default="", repr=False)
    """What the insurer wrote, bounded; it may quote values of the file."""


# --- catalogue -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Department:
    ref: Ref
    code: str
    name_vi: str
    name_en: str


@dataclass(frozen=True, kw_only=True)
class Room:
    ref: Ref
    code: str
    name_vi: str
    name_en: str
    department: Ref | None
    floor: str
    """Short, as on a lift button: "1", "2", "G". Screens and tickets say "floor" themselves."""
    landmark_vi: str
    landmark_en: str


class ServiceKind(StrEnum):
    RECEPTION = "reception"
    EXAMINATION = "examination"
    LABORATORY = "laboratory"
    IMAGING = "imaging"
    CASHIER = "cashier"
    PHARMACY = "pharmacy"


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a patient can register for. Prices are per visit; None = not paid by insurance."""

    ref: Ref
    code: str
    name_vi: str
    name_en: str
    kind: ServiceKind
    department: Ref
    rooms: tuple[Ref, ...]
    price_vnd: int
    insurance_price_vnd: int | None
    pooled: bool
    """One queue over all rooms; otherwise the room is chosen with the ticket."""
    by_doctor: bool
    by_hour: bool
    minutes: int | None
    """Minutes one patient takes."""
    gender: Gender | None = None
    """Only for people of this sex."""
    age_min_years: int | None = None
    age_max_years: int | None = None
    """The last age that may come, inclusive."""
    sensitive: bool = False
    """The name of the clinic says something about health: kept off tickets and boards."""
    series_letter: str | None = None
    """A hint for the letter of its numbers; the facility's settings decide."""
    visit_kinds: tuple[str, ...] = ()
    """Kinds of visit it is offered for: new, follow_up, medicine, health_check, results; () = all."""


@dataclass(frozen=True, kw_only=True)
class ServiceFilter:
    kind: ServiceKind | None = None
    department: Ref | None = None


@dataclass(frozen=True, kw_only=True)
class Post:
    """A practitioner offers a service in a room (None: in any room of the service)."""

    service: Ref
    room: Ref | None


@dataclass(frozen=True, kw_only=True)
class Practitioner:
    ref: Ref
    title: str
    """As on the door: BS., BSCKI., BSCKII., ThS.BS., TS.BS."""
    name: str
    posts: tuple[Post, ...]
    session_limit: int | None
    """Patients taken in one session."""


@dataclass(frozen=True, kw_only=True)
class OpeningSession:
    """When a room takes people, in the facility's own time zone. `weekday` 0 = Monday."""

    ref: Ref
    room: Ref
    weekday: int
    name: str
    """`morning` or `afternoon`."""
    opens_at: time
    closes_at: time
    limit: int | None
    """People the room takes in this session."""


@dataclass(frozen=True, kw_only=True)
class ClosedDay:
    """A day on which a room (None: the whole facility) is closed."""

    day: date
    room: Ref | None
    reason_vi: str


@dataclass(frozen=True, kw_only=True)
class Slot:
    """An hour with `free` of `capacity` places left; only slots with a free place are listed."""

    ref: Ref
    service: Ref
    practitioner: Ref | None
    room: Ref | None
    start: datetime
    end: datetime
    capacity: int
    free: int


# --- appointments and visits ---------------------------------------------------------------------


class AppointmentStatus(StrEnum):
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NO_SHOW = "noshow"


@dataclass(frozen=True, kw_only=True)
class Appointment:
    """A booking. `facility_code` differs from ours when it was made for another facility."""

    ref: Ref
    version: str
    patient: Ref
    status: AppointmentStatus
    code: str
    """What is printed on the booking, as QR or Code 128."""
    service: Ref | None
    """None when the service belongs to another facility."""
    practitioner: Ref | None
    room: Ref | None
    slot: Ref | None
    start: datetime
    end: datetime
    facility_code: str
    facility_name: str


class AppointmentAction(StrEnum):
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"


@dataclass(frozen=True, kw_only=True)
class CheckIn:
    """A patient is here: with an appointment, or for a service without one.

    `number` is the number that was printed (`A012`) when the caller issues numbers itself; the
    HIS stores it beside its own.
    """

    patient: Ref
    """Empty with a HIS that takes new people only together with a visit (no create_patient)."""
    person: PatientDraft | None = field(default=None, repr=False)
    """Who that is, without `patient` and for a HIS that wants it (`Capabilities.wants_person`)."""
    appointment: Ref | None = None
    service: Ref | None = None
    practitioner: Ref | None = None
    room: Ref | None = None
    visit_kind: str = "new"
    reason: str | None = field(default=None, repr=False)
    number: str | None = None
    coverage: Coverage | None = None
    provisional: bool = False
    """The coverage is still to be checked at the desk."""
    arrived_at: datetime | None = None
    """When the patient came, for a check-in that is delivered late; None = now."""


class VisitStatus(StrEnum):
    ARRIVED = "arrived"
    FINISHED = "finished"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class VisitTicket:
    """The number of the HIS itself: `prefix` and count, and where to go."""

    number: int
    prefix: str
    room: Ref | None
    provisional: bool


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A visit as the HIS has it, read back after the check-in."""

    ref: Ref
    version: str
    patient: Ref
    status: VisitStatus
    record_code: str
    """MA_LK: the key of this visit in the tables for the insurer."""
    service: Ref
    practitioner: Ref | None
    appointment: Ref | None
    ticket: VisitTicket
    own_number: str | None
    """The number the caller printed."""
    fee_due_vnd: int | None
    created_at: datetime


# --- history the patient tells ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, repr=False)
class HistoryAnswers:
    """What a patient says about their own health; a clinician accepts it or not."""

    questionnaire: str
    """Name and version of the questions, such as `kiosk-history-1`."""
    answers: tuple[tuple[str, str], ...]
    """Pairs of link id and answer; several answers to one question are several pairs."""
    language: str = "vi"
    answered_at: datetime


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The HIS has taken something in: `ref` names it there."""

    ref: Ref
    version: str = ""


# --- the way through the house -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class QueueStatus:
    """Where a visit stands in the HIS's own line."""

    ahead: int | None
    serving: str | None
    """The number that is served now, as the HIS writes it."""
    updated_at: datetime


class OrderStatus(StrEnum):
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Order:
    """Something a clinician asked for (chỉ định): a laboratory test, an X-ray, a medicine.

    Orders of one visit with the same `service` are one stay in one queue. `room` is None when any
    room of the service does it.
    """

    ref: Ref
    version: str
    patient: Ref
    visit: Ref | None
    """The visit it was ordered in, as `check_in` named it."""
    service: Ref | None
    """Where it is done, as `list_services` names it; None: the HIS does not say."""
    kind: ServiceKind
    code: str
    name_vi: str
    name_en: str = ""
    status: OrderStatus
    room: Ref | None = None
    preparation_vi: str = ""
    """What the patient must do before: fast, drink, bring a paper. Plain words."""
    preparation_en: str = ""
    accession: str | None = None
    """Number of the study in the picture archive."""
    ordered_at: datetime


class ReportKind(StrEnum):
    LABORATORY = "laboratory"
    IMAGING = "imaging"
    OTHER = "other"


class ReportStatus(StrEnum):
    """Only what the hospital has released: nothing else passes through the port."""

    FINAL = "final"
    AMENDED = "amended"
    CORRECTED = "corrected"
    APPENDED = "appended"


class PartKind(StrEnum):
    VALUES = "values"
    PDF = "pdf"
    IMAGE = "image"


@dataclass(frozen=True, kw_only=True)
class ReportPart:
    """`name` is what `read_report_part` is asked for: `values`, `pdf`, `image-1`."""

    name: str
    kind: PartKind
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """A released result. A corrected one has the same `ref` and a new `version`."""

    ref: Ref
    version: str
    patient: Ref
    order: Ref | None
    visit: Ref | None
    kind: ReportKind
    title_vi: str
    status: ReportStatus
    issued_at: datetime
    signed: bool | None = None
    """The HIS says the document carries a digital signature; None: it does not say."""
    parts: tuple[ReportPart, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class ResultValue:
    """One line of a laboratory result, as texts: the LIS decided on digits and signs."""

    code: str
    name_vi: str
    value: str
    unit: str = ""
    reference_range: str = ""
    flag: str = ""
    """HL7 table 0078: L, H, LL, HH, A, N; empty when not judged."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ReportContent:
    """Either `values` or the bytes of a document or picture, never more than `MAX_PART_BYTES`."""

    media_type: str
    values: tuple[ResultValue, ...] = ()
    body: bytes = b""


MAX_PART_BYTES = 10_000_000


# --- money -----------------------------------------------------------------------------------------


class InvoiceStatus(StrEnum):
    ISSUED = "issued"
    """To be paid."""
    BALANCED = "balanced"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One line of what is charged. All amounts integer VND, not negative."""

    code: str
    name_vi: str
    quantity: int
    amount_vnd: int
    insurance_vnd: int = 0
    discount_vnd: int = 0


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """A bill (phiếu thu). `due_vnd` is what is left to pay of it."""

    ref: Ref
    version: str
    code: str
    """As printed: the number of the phiếu thu."""
    status: InvoiceStatus
    title_vi: str
    total_vnd: int
    due_vnd: int
    charges: tuple[Charge, ...] = ()
    issued_at: datetime


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a patient owes: due = charges − insurance − discounts − advances − payments.

    Never negative: `credit_vnd` is what the hospital owes back. Read again before every use.
    """

    patient: Ref
    visit: Ref | None
    invoices: tuple[Invoice, ...]
    charged_vnd: int
    insurance_vnd: int
    discount_vnd: int
    advances_vnd: int
    paid_vnd: int
    due_vnd: int
    credit_vnd: int = 0
    as_of: datetime


class PaymentMethod(StrEnum):
    QR = "qr"
    WALLET = "wallet"
    CARD = "card"
    CASH = "cash"


@dataclass(frozen=True, kw_only=True)
class PaymentPosting:
    """A confirmed payment for one invoice, or an advance when `invoice` is None."""

    patient: Ref
    visit: Ref | None = None
    invoice: Ref | None = None
    amount_vnd: int
    method: PaymentMethod
    provider: str
    provider_reference: str = field(repr=False)
    """The bank's or wallet's own number of the transaction."""
    paid_at: datetime


@dataclass(frozen=True, kw_only=True)
class PaymentReceipt:
    ref: Ref
    invoice: Ref | None
    invoice_status: InvoiceStatus | None
    amount_vnd: int
    posted_at: datetime


@dataclass(frozen=True, kw_only=True)
class EInvoice:
    """The electronic invoice of a paid bill; `url` and `lookup_code` open it for whoever has it."""

    ref: Ref
    invoice: Ref
    number: str
    url: str = field(repr=False)
    lookup_code: str = field(repr=False)
    issued_at: datetime


# --- consent, codes, changes ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, repr=False)
class ConsentRecord:
    """A patient agreed to something, and how that is known."""

    patient: Ref
    document: str
    """Name and version of the text that was agreed to."""
    signer_is_patient: bool = True
    signer_relation: str = ""
    evidence: str
    """How: `kiosk-touch`, `signed-pdf`, …"""
    document_pdf: bytes = b""
    given_at: datetime


@dataclass(frozen=True, kw_only=True)
class Code:
    """An entry of a code list. `legacy` is what an older list called it, if that is known."""

    code: str
    display: str
    parent: str | None = None
    legacy: str | None = None


class ChangeKind(StrEnum):
    """The kinds of data that are kept in step. A change says only *that* something changed."""

    PATIENT = "patient"
    HISTORY = "history"
    VISIT = "visit"
    """Registration: visits and bookings."""
    ORDER = "order"
    REPORT = "report"
    EINVOICE = "einvoice"
    PAYMENT = "payment"
    """Money: accounts, invoices, payments."""


@dataclass(frozen=True, kw_only=True)
class Change:
    kind: ChangeKind
    ref: Ref
    patient: Ref | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ChangePage:
    """Changes after a cursor, oldest first. `reset`: the cursor was too old, read all again."""

    changes: tuple[Change, ...]
    cursor: str
    """Opaque; to be handed in next time."""
    complete: bool
    reset: bool = False


Written = Patient | Appointment | Visit | Receipt | PaymentReceipt
"""What a write leaves behind."""
