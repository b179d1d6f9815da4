"""All that is known of the patient at the glass. Dropped whole at the end and on idle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from devices.models import PrintResult
from kiosk_ui.flow import Appointed, Screen
from kiosk_ui.gateway import models
from kiosk_ui.gateway.models import Language
from kiosk_ui.gateway.payment_models import CashReply, DuesReply, PaymentReply


class Purpose(StrEnum):
    """What was touched on the start screen."""

    VISIT = "visit"
    BOOKED = "booked"
    RESULTS = "results"
    TICKET = "ticket"
    PAY = "pay"


class Comeback(StrEnum):
    """From where somebody comes back to the line."""

    MISSED = "missed"
    OUTSIDE = "outside"
    RESULTS = "results"


class Deed(StrEnum):
    """What the server is asked to do for the patient in the end."""

    START = "start"
    CHANGE = "change"
    REPRINT = "reprint"


@dataclass(frozen=True, kw_only=True)
class Intent:
    """One wish of a patient, however often it is sent: its key is what makes it one."""

    deed: Deed
    key: str
    since_touch_ms: int | None = None
    """How long the patient had needed by then; sent again as it was."""


@dataclass(kw_only=True)
class HelpCall:
    """A call for staff made during this visit."""

    key: str
    id: str | None = None
    acknowledged: bool = False
    failed: bool = False
    """The server could not be told yet; it is being tried again."""
    asking: bool = False
    next_try_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What the screen `trouble` says: keys of the catalogue, and where trying again leads."""

    happened: str
    do: str
    again: Screen | None = None


@dataclass(kw_only=True)
class AskedAhead:
    """A question put to the server while a finger was down, for the screen it may lead to."""

    about: tuple[str | None, ...]
    """All that the answer depends on: the same question has the same."""
    at_s: float
    answer: Any = field(default=None, repr=False)
    failed: bool = False
    ended: Callable[[], None] | None = field(default=None, repr=False)
    """Set by a screen that was quicker than the answer."""

    @property
    def is_over(self) -> bool:
        return self.failed or self.answer is not None

    def take(self, answer: object) -> None:
        self.answer = answer
        self._end()

    def fail(self, _error: Exception) -> None:
        """Not told to anybody: the screen that needs the answer asks again."""
        self.failed = True
        self._end()

    def _end(self) -> None:
        if self.ended is not None:
            self.ended()


@dataclass(kw_only=True)
class Paying:
    """What is being paid, by whom it was found, and how far it is.

    Nothing in here makes a payment paid but what the server said of it.
    """

    scan_id: str | None = None
    code: str | None = field(default=None, repr=False)
    """One of the two says whose fees these are."""
    dues: DuesReply | None = field(default=None, repr=False)
    dues_read_s: float = 0.0
    note: str | None = None
    """Key of a sentence about why the dues are shown again."""
    hospital_away: bool = False
    """The fees could not be read now."""
    left_out: set[str] = field(default_factory=set)
    """Codes of bills that are not to be paid now."""
    advance_vnd: int | None = None
    gone: set[str] = field(default_factory=set)
    """Ways to pay that failed a moment ago."""

    payment: PaymentReply | None = field(default=None, repr=False)
    method: str = ""
    """The way of its newest code; the payment forgets it with the code."""
    begun_here: bool = False
    """Its receipt is printed without being asked for."""
    qr_ends_s: float = 0.0
    qr_life_s: float = 1.0
    """On this kiosk's own clock, which never jumps."""
    asking_news: bool = False
    next_news_s: float = 0.0
    line_lost: bool = False
    """The last question about it was not answered; the payment goes on by itself."""
    checking: bool = False
    checked_at: datetime | None = None
    """When the provider was asked at the patient's wish and knew of no money."""

    paid_since_s: float = 0.0
    cash: CashReply | None = field(default=None, repr=False)
    cash_job: str = ""
    receipt_jobs: int = 0
    printing: bool = False

    def forget_dues(self, *, note: str | None = None) -> None:
        """They are read anew where they are shown next."""
        self.dues = None
        self.note = note
        self.hospital_away = False
        self.payment = None
        self.begun_here = False
        self.checked_at = None
        self.gone.clear()


@dataclass(kw_only=True)
class CurrentVisit:
    """Made anew for each patient: language, large text and lowered screen included."""

    language: Language = "vi"
    large_text: bool = False
    lowered: bool = False

    began_s: float | None = None
    """The first touch, on the kiosk's own clock."""

    screen: Screen = Screen.WELCOME
    trail: list[Screen] = field(default_factory=list)
    overlay: Screen | None = None
    forward: bool = True

    begun_s: float | None = None
    """When the start screen was left, until there is a number."""
    purpose: Purpose = Purpose.VISIT
    full_notice: bool = False
    notice: models.NoticeAcceptance | None = None
    relation: models.Relation | None = None
    on_behalf: models.OnBehalf | None = field(default=None, repr=False)
    entry: str = field(default="", repr=False)
    """What the keypad of this screen took in so far."""
    typed_number: str = field(default="", repr=False)
    year_only: bool = False
    """Of the birth date only the year is typed."""

    scan: models.ScanReply | None = field(default=None, repr=False)
    name_shown_until_s: float = 0.0
    appointed: Appointed | None = None
    appointment: models.AppointmentReply | None = field(default=None, repr=False)
    use_insurance: bool = True
    visit_kind: str | None = None
    services: models.ServiceList | None = None
    doctors: models.DoctorList | None = None
    slots: models.SlotList | None = None
    department_id: str | None = None
    service: models.ServiceReply | None = None
    also_service: models.ServiceReply | None = None
    adding: bool = False
    """A second service is being chosen."""
    changing: bool = False
    """Another service is being chosen for the visit in `ticket`."""
    doctor: models.DoctorReply | None = None
    slot: models.SlotReply | None = None
    papers: models.Papers = field(default_factory=models.Papers)
    priority_group: str | None = None

    ticket: models.VisitReply | None = field(default=None, repr=False)
    """The visit looked at in `my_ticket`, or the one just made."""
    offline_ticket: models.Ticket | None = None
    """A number given without the server; nobody's name belongs to it."""
    comeback: Comeback | None = None
    pay: Paying | None = None
    intent: Intent | None = None
    print_result: PrintResult | None = None
    reprinted: bool = False
    printing_since_s: float | None = None

    page: int = 0
    problem: str | None = None
    """Key of one sentence about what was just tried on this screen."""
    trouble: Trouble | None = None
    awaiting: object | None = None
    """Identifies the one question to the server under way; answers to others are dropped."""
    awaiting_since_s: float = 0.0
    ahead: AskedAhead | None = None
    """The newest of them; used once, and only while it is fresh."""
    reconnecting: bool = False
    help_calls: dict[models.HelpKind, HelpCall] = field(default_factory=dict)
