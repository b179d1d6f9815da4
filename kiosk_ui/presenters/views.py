"""What a screen shows, as data: presenters make these, `kiosk_ui.screens` draws them.

A view is complete: drawing it needs nothing else. Everything a person can touch carries an
`Action`, which goes back to the kiosk unchanged. A few kinds of view draw all screens, so one
question looks the same wherever it is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """A text of the catalogue, with the key its audio clip is found by."""

    key: str
    text: str


@dataclass(frozen=True)
class Action:
    """What a touch means, such as Action("choose", "service:12")."""

    name: str
    value: str = ""


class Icon(StrEnum):
    """Drawn as shapes by the theme, never letters of a font."""

    DOCTOR = "doctor"
    CALENDAR = "calendar"
    RESULTS = "results"
    INFO = "info"
    CARD = "card"
    PHONE = "phone"
    KEYPAD = "keypad"
    PERSON = "person"
    CHILD = "child"
    PREGNANT = "pregnant"
    WHEELCHAIR = "wheelchair"
    ELDER = "elder"
    MEDAL = "medal"
    SHIELD = "shield"
    SHIELD_WARNING = "shield_warning"
    PILL = "pill"
    HEART = "heart"
    CLOCK = "clock"
    ROOM = "room"
    PRINTER = "printer"
    TICKET = "ticket"
    HELP = "help"
    EMERGENCY = "emergency"
    CHECK = "check"
    WARNING = "warning"
    CROSS = "cross"
    NEXT = "next"
    BACK = "back"
    QUESTION = "question"
    FAMILY = "family"
    LANGUAGE = "language"
    LARGE_TEXT = "large_text"
    LOWER = "lower"
    HOME = "home"
    QR = "qr"
    WALLET = "wallet"
    CASH = "cash"
    RECEIPT = "receipt"


class Tone(StrEnum):
    """What a colour may say; an icon always says it too."""

    PLAIN = "plain"
    PRIMARY = "primary"
    GOOD = "good"
    CAUTION = "caution"
    DANGER = "danger"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One large button: at most two lines of text beside an icon."""

    action: Action
    label: Phrase
    detail: Phrase | None = None
    icon: Icon | None = None
    tone: Tone = Tone.PLAIN
    enabled: bool = True
    """False: shown greyed with `detail` saying why (full, closed)."""
    selected: bool = False


@dataclass(frozen=True, kw_only=True)
class Chrome:
    """What surrounds every screen: header, footer, steps, language, help."""

    facility: Phrase
    place: Phrase | None
    """Where this kiosk stands."""
    clock: str
    hotline: str
    language: str
    other_language: Choice
    help: Choice
    emergency: Choice
    large_text: bool
    lowered: bool
    toggle_large_text: Choice
    toggle_lowered: Choice
    back: Choice | None = None
    restart: Choice | None = None
    """`Làm lại` while answering; `Kết thúc` once there is a ticket or a person's data on screen."""
    step: tuple[int, int] | None = None
    """(this step, all steps) of the check-in, when there is a known length."""
    offline: bool = False
    notice: Phrase | None = None
    """One line of trouble that does not stop the patient, e.g. the camera is away."""
    practice: Phrase | None = None
    """Staff are training: written over and under every screen."""


@dataclass(frozen=True, kw_only=True)
class ChoiceView:
    """Welcome, kind of visit, booked or walk-in, department, doctor, hour, priority, my ticket..."""

    title: Phrase
    subtitle: Phrase | None = None
    problem: Phrase | None = None
    choices: tuple[Choice, ...]
    """Those of this page: at most 4 on the welcome screen, at most 6 elsewhere."""
    columns: int = 1
    previous_page: Choice | None = None
    next_page: Choice | None = None
    page: tuple[int, int] | None = None
    aside: tuple[Choice, ...] = ()
    """Quieter ways out below the list, e.g. "I am not sure"."""


@dataclass(frozen=True, kw_only=True)
class ScanView:
    """Live picture with a frame, and the ways on for those without a readable code."""

    title: Phrase
    subtitle: Phrase
    camera: bool
    """False: no picture to show; the drawing explains the hand scanner or the keypad."""
    busy: bool = False
    """A code was read, the server is asked."""
    problem: Phrase | None = None
    choices: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True)
class KeypadView:
    """Digits only, phone order. `groups` says how the entry is spaced, e.g. (3, 3, 3, 3)."""

    title: Phrase
    subtitle: Phrase | None = None
    entry: str
    """What was typed, masked where it must be, already spaced for display."""
    placeholder: str
    keys: tuple[str, ...] = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0")
    """Each sends Action("key", digit); erase sends Action("erase"), clear Action("clear")."""
    erase: Phrase
    clear: Phrase
    letters: tuple[str, ...] = ()
    """Extra keys, of one sign or several, normally none. Each sends Action("key", it)."""
    board: bool = False
    """`keys` are letters too, laid out as a board."""
    problem: Phrase | None = None
    submit: Choice
    aside: tuple[Choice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a summary: what, and its value."""

    label: Phrase
    value: str
    icon: Icon | None = None
    reveal: Action | None = None
    """A tap shows the value in full for a while (masked name)."""


@dataclass(frozen=True, kw_only=True)
class CardView:
    """Confirm identity, insurance result, booking, summary: facts, then a decision."""

    title: Phrase
    subtitle: Phrase | None = None
    icon: Icon | None = None
    tone: Tone = Tone.PLAIN
    rows: tuple[Row, ...] = ()
    body: tuple[Phrase, ...] = ()
    choices: tuple[Choice, ...]
    """The first is the way on."""


@dataclass(frozen=True, kw_only=True)
class MessageView:
    """Help, emergency, out of service, errors, waiting: what happened, what to do, who helps."""

    title: Phrase
    body: tuple[Phrase, ...] = ()
    icon: Icon
    tone: Tone = Tone.PLAIN
    busy: bool = False
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TicketView:
    """Done: the number, very large, where to go, what next; QR for the phone."""

    title: Phrase
    number: str
    place: Phrase
    """Room or counter."""
    floor: Phrase | None
    landmark: Phrase | None
    wait: Phrase | None
    next: Phrase
    notes: tuple[Phrase, ...] = ()
    qr: str
    qr_caption: Phrase
    printed: bool
    """False: the paper did not come; the screen says to take a photo."""
    problem: Phrase | None = None
    choices: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True)
class BillLine:
    """One thing that was done, and what it costs the patient."""

    what: Phrase
    amount: str
    more: Phrase | None = None
    """What the insurance pays of it."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """A bill that a touch leaves out or takes in again."""

    toggle: Choice
    amount: str
    lines: tuple[BillLine, ...] = ()
    rest: Phrase | None = None
    """How many lines are not shown here."""


@dataclass(frozen=True, kw_only=True)
class BillsView:
    """What is due and why, and the total of what will be paid now."""

    title: Phrase
    subtitle: Phrase | None = None
    problem: Phrase | None = None
    bills: tuple[Bill, ...]
    """Those of this page."""
    total_label: Phrase
    total: Phrase
    previous_page: Choice | None = None
    next_page: Choice | None = None
    page: tuple[int, int] | None = None
    choices: tuple[Choice, ...]
    """The first is the way on."""


@dataclass(frozen=True, kw_only=True)
class PayView:
    """A code to be paid with a phone: how much, to whom, how long it can be paid, what came."""

    title: Phrase
    amount: Phrase
    qr: str
    rows: tuple[Row, ...]
    """For who types instead of scanning, and to compare with what the phone shows."""
    left: Phrase
    left_share: float
    """What is left of the code's time, 1 to 0."""
    status: Phrase
    status_tone: Tone = Tone.PLAIN
    hint: Phrase | None = None
    choices: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True)
class PaidView:
    """The money is there, all of it."""

    title: Phrase
    amount: Phrase
    code_label: Phrase
    code: str
    code_large: bool
    """No paper came out: the code is all the patient has."""
    notes: tuple[Phrase, ...] = ()
    problem: Phrase | None = None
    choices: tuple[Choice, ...]


View = (
    ChoiceView
    | ScanView
    | KeypadView
    | CardView
    | MessageView
    | TicketView
    | BillsView
    | PayView
    | PaidView
)


@dataclass(frozen=True, kw_only=True)
class IdleWarning:
    """Drawn over any screen: the countdown before the details are cleared."""

    title: Phrase
    seconds_left: int
    more_time: Choice
    finish: Choice


@dataclass(frozen=True, kw_only=True)
class Frame:
    """All that is on the glass at one moment."""

    screen: str
    """Name of the step, such as "welcome": tests, pictures and logs use it."""
    chrome: Chrome
    view: View
    idle: IdleWarning | None = None
    forward: bool = True
    """Direction of the slide; drawing only."""
