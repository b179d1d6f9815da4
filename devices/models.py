"""What devices hand out: values only, no driver, no library of a device."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from devices.errors import BadTicket

Frame: TypeAlias = NDArray[np.uint8]
"""A picture: height x width (grey) or height x width x 3 (BGR)."""


class ScanSource(StrEnum):
    """What kind of device read a code."""

    CAMERA = "camera"
    SERIAL = "serial"
    KEYBOARD = "keyboard"


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One code held before a scanner, as the raw bytes it carries.

    `lossy` says that the device cannot deliver every character (scanners that type like a
    keyboard): only the number in it may be used. `read_at` is aware UTC; `read_at_mono_s` is
    the monotonic clock at the same moment, for measuring how long the rest took.
    """

    untrusted_payload: bytes = field(repr=False)
    source: ScanSource
    lossy: bool = False
    read_at: datetime
    read_at_mono_s: float


class ScannerState(StrEnum):
    """Expected conditions of a scanner, not errors."""

    CLOSED = "closed"
    """Not opened yet, or closed on purpose."""
    STARTING = "starting"
    """Opened, nothing heard from the device yet."""
    READY = "ready"
    PAUSED = "paused"
    """Asleep because nobody needs it; the device is released."""
    ABSENT = "absent"
    """Cannot be opened, or went away. It is looked for again without being asked."""
    STALE = "stale"
    """Still connected but delivers nothing new; it is being opened again."""


class ScannerCause(StrEnum):
    """Why a scanner is absent or stale."""

    NOT_FOUND = "not_found"
    REFUSED = "refused"
    """Exists but may not be opened: rights, or held by another program."""
    READ_FAILED = "read_failed"
    FROZEN = "frozen"
    """The same picture again and again, or none in time."""


@dataclass(frozen=True, kw_only=True)
class ScannerStatus:
    """What a scanner can do now, with the cause when that is nothing."""

    state: ScannerState
    cause: ScannerCause | None = None

    @property
    def can_read(self) -> bool:
        return self.state is ScannerState.READY


VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
MAX_TICKET_BYTES = 64 * 1024
"""More than any real ticket by far; a larger one is refused unread."""
MAX_NOTES = 8
MAX_RECEIPT_LINES = 40
"""Twenty bills may be paid at once, each with a line or two."""
MAX_RECEIPT_FACTS = 12
MAX_RECEIPT_QR_CHARS = 300
"""Addresses of electronic invoices are long; the code still fits the narrow paper."""
MAX_QR_CHARS = 200
MAX_WAIT_MIN = 24 * 60


class PaperMark(StrEnum):
    """Why a paper is none: said in a stripe over and under it."""

    PRACTICE = "practice"
    """Made while staff train."""
    TEST = "test"
    """A test of the printer."""


@dataclass(frozen=True, kw_only=True)
class TicketWords:
    """The words of a ticket in one language, where it leads and what comes next."""

    service: str = ""
    department: str = ""
    room: str = ""
    landmark: str = ""
    next: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TicketDocument:
    """What stands on a ticket. It carries no name, no number of a person and no diagnosis.

    Texts are drawn as they are where the typeface allows, cut where they are longer than the
    paper can bear; an empty text is left out. `number` is letter and count, such as A012.
    `wait_min` is a range in minutes. `qr` is what the code holds, nothing when empty. `vi` holds
    the same words in Vietnamese when `lang` is another language: both are drawn.
    """

    hospital: str
    issued_at: datetime
    number: str
    words: TicketWords
    floor: str = ""
    wait_min: tuple[int, int] | None = None
    qr: str = ""
    hotline: str = ""
    lang: Literal["vi", "en"] = "vi"
    vi: TicketWords | None = None
    mark: PaperMark | None = None

    @classmethod
    def from_json(cls, untrusted: bytes | str | Mapping[str, Any]) -> TicketDocument:
        """A document from the `Ticket` of the server's API, as text or already parsed.

        Keys this version does not know are passed over; null or missing texts other than
        hospital, issued_at, number, lang and room are empty. Raises BadTicket, whose message
        names the key and never the value.
        """
        ticket = _parsed(untrusted)
        if ticket.get("lang") not in ("vi", "en"):
            raise BadTicket("lang: vi or en expected")
        vi = ticket.get("vi")
        if vi is not None and not isinstance(vi, Mapping):
            raise BadTicket("vi: object or null expected")
        return cls(
            hospital=_text(ticket, "hospital", required=True),
            issued_at=_instant(ticket, "issued_at"),
            number=_text(ticket, "number", required=True),
            words=_words(ticket, room_required=True),
            floor=_text(ticket, "floor"),
            wait_min=_wait(ticket, "wait_min"),
            qr=_qr(ticket, "qr"),
            hotline=_text(ticket, "hotline"),
            lang=ticket["lang"],
            vi=None if vi is None else _words(vi),
            mark=_mark(ticket),
        )


@dataclass(frozen=True, kw_only=True)
class ReceiptLine:
    """What, and its value; amounts are written out already."""

    label: str
    value: str


@dataclass(frozen=True, kw_only=True)
class ReceiptWords:
    """The words of a receipt in one language."""

    title: str
    lines: tuple[ReceiptLine, ...] = ()
    total: ReceiptLine
    facts: tuple[ReceiptLine, ...] = ()
    notes: tuple[str, ...] = ()
    qr_label: str = ""


@dataclass(frozen=True, kw_only=True)
class ReceiptDocument:
    """What stands on a receipt, or on the slip of a payment that is not finished. It carries no
    name and no number of a person.

    `code` is the one by which the payment is found again, on another kiosk or at the counter; on a
    slip for the cashier, the number that is called there.
    Texts are drawn as those of a ticket are; `vi` holds the same words in Vietnamese when `lang`
    is another language: both are drawn, line by line.
    """

    hospital: str
    issued_at: datetime
    code: str
    words: ReceiptWords
    qr: str = ""
    hotline: str = ""
    lang: Literal["vi", "en"] = "vi"
    vi: ReceiptWords | None = None
    mark: PaperMark | None = None

    @classmethod
    def from_json(cls, untrusted: bytes | str | Mapping[str, Any]) -> ReceiptDocument:
        """A document from the `Receipt` of the server's API, as text or already parsed.

        Raises BadTicket, whose message names the key and never the value.
        """
        receipt = _parsed(untrusted)
        if receipt.get("lang") not in ("vi", "en"):
            raise BadTicket("lang: vi or en expected")
        vi = receipt.get("vi")
        return cls(
            hospital=_text(receipt, "hospital", required=True),
            issued_at=_instant(receipt, "issued_at"),
            code=_text(receipt, "code"),
            words=_receipt_words(receipt.get("texts"), "texts"),
            qr=_qr(receipt, "qr", most_chars=MAX_RECEIPT_QR_CHARS),
            hotline=_text(receipt, "hotline"),
            lang=receipt["lang"],
            vi=None if vi is None else _receipt_words(vi, "vi"),
            mark=_mark(receipt),
        )


PrintDocument: TypeAlias = TicketDocument | ReceiptDocument
"""Whatever goes on paper."""


def _receipt_words(words: object, key: str) -> ReceiptWords:
    if not isinstance(words, Mapping):
        raise BadTicket(f"{key}: object expected")
    return ReceiptWords(
        title=_text(words, "title", required=True),
        lines=_receipt_lines(words, "lines", most=MAX_RECEIPT_LINES),
        total=_receipt_line(words.get("total"), "total"),
        facts=_receipt_lines(words, "facts", most=MAX_RECEIPT_FACTS),
        notes=_notes(words),
        qr_label=_text(words, "qr_label"),
    )


def _receipt_lines(words: Mapping[str, Any], key: str, *, most: int) -> tuple[ReceiptLine, ...]:
    lines = words.get(key) or []
    if not isinstance(lines, list):
        raise BadTicket(f"{key}: list expected")
    if len(lines) > most:
        raise BadTicket(f"{key}: more than {most}")
    return tuple(_receipt_line(line, key) for line in lines)


def _receipt_line(line: object, key: str) -> ReceiptLine:
    if not isinstance(line, Mapping):
        raise BadTicket(f"{key}: object expected")
    return ReceiptLine(label=_text(line, "label"), value=_text(line, "value"))


def _parsed(untrusted: bytes | str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(untrusted, (bytes, str)):
        if len(untrusted) > MAX_TICKET_BYTES:
            raise BadTicket(f"larger than {MAX_TICKET_BYTES} bytes")
        try:
            untrusted = json.loads(untrusted)
        except (ValueError, RecursionError):
            raise BadTicket("not JSON in UTF-8") from None
    if not isinstance(untrusted, Mapping):
        raise BadTicket("object expected")
    return untrusted


def _text(ticket: Mapping[str, Any], key: str, *, required: bool = False) -> str:
    value = ticket.get(key)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise BadTicket(f"{key}: text expected")
    if required and not value.strip():
        raise BadTicket(f"{key}: missing")
    return value


def _words(ticket: Mapping[str, Any], *, room_required: bool = False) -> TicketWords:
    return TicketWords(
        service=_text(ticket, "service"),
        department=_text(ticket, "department"),
        room=_text(ticket, "room", required=room_required),
        landmark=_text(ticket, "landmark"),
        next=_text(ticket, "next"),
        notes=_notes(ticket),
    )


def _mark(paper: Mapping[str, Any]) -> PaperMark | None:
    practice = paper.get("practice", False)
    if not isinstance(practice, bool):
        raise BadTicket("practice: true or false expected")
    return PaperMark.PRACTICE if practice else None


def _notes(ticket: Mapping[str, Any]) -> tuple[str, ...]:
    notes = ticket.get("notes") or []
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise BadTicket("notes: list of texts expected")
    if len(notes) > MAX_NOTES:
        raise BadTicket(f"notes: more than {MAX_NOTES}")
    return tuple(notes)


def _instant(ticket: Mapping[str, Any], key: str) -> datetime:
    try:
        instant = datetime.fromisoformat(_text(ticket, key, required=True))
    except ValueError:
        raise BadTicket(f"{key}: date and time in ISO 8601 expected") from None
    # The server always sends the offset; a file written by hand means the clock on the wall.
    return instant if instant.tzinfo else instant.replace(tzinfo=VIETNAM)


def _wait(ticket: Mapping[str, Any], key: str) -> tuple[int, int] | None:
    value = ticket.get(key)
    if value is None:
        return None
    if not isinstance(value, list | tuple) or [type(part) for part in value] != [int, int]:
        raise BadTicket(f"{key}: two whole minutes or null expected")
    low, high = value
    if not 0 <= low <= high <= MAX_WAIT_MIN:
        raise BadTicket(f"{key}: 0 ≤ from ≤ to ≤ {MAX_WAIT_MIN} expected")
    return low, high


def _qr(ticket: Mapping[str, Any], key: str, *, most_chars: int = MAX_QR_CHARS) -> str:
    value = _text(ticket, key)
    if len(value) > most_chars or not (value.isascii() and (value.isprintable())):
        raise BadTicket(f"{key}: at most {most_chars} plain characters expected")
    return value


class PrinterState(StrEnum):
    """Expected conditions of a printer, not errors; of several the worst one counts."""

    READY = "ready"
    PAPER_NEAR_END = "paper_near_end"
    """Prints still; staff should bring a roll."""
    PAPER_END = "paper_end"
    COVER_OPEN = "cover_open"
    ERROR = "error"
    OFFLINE = "offline"
    """Answers, but takes no jobs and does not say why."""
    UNREACHABLE = "unreachable"
    """Cannot be opened, or does not answer."""


class PrinterCause(StrEnum):
    """More about a state, for staff."""

    NOT_REPORTED = "not_reported"
    """Ready as far as is known: this line or model reports nothing."""
    CUTTER = "cutter"
    UNRECOVERABLE = "unrecoverable"
    RECOVERABLE = "recoverable"
    """Goes away by itself, such as a hot print head."""
    LINE_UNAVAILABLE = "line_unavailable"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, kw_only=True)
class PrinterStatus:
    """What a printer can do now."""

    state: PrinterState
    cause: PrinterCause | None = None

    @property
    def can_print(self) -> bool:
        return self.state in {PrinterState.READY, PrinterState.PAPER_NEAR_END}


class PrintState(StrEnum):
    """What became of a job."""

    PRINTED = "printed"
    """The printer said that this very job is on paper."""
    UNCONFIRMED = "unconfirmed"
    """Sent whole and the printer is well, or cannot say: most likely on paper."""
    FAILED = "failed"
    """Nothing of it was sent: it may be printed again."""
    UNKNOWN = "unknown"
    """Something of it was sent: it may be on paper, whole or in part, or come out later."""


class PrintReason(StrEnum):
    """Why a job did not end as printed."""

    PAPER_END = "paper_end"
    COVER_OPEN = "cover_open"
    PRINTER_ERROR = "printer_error"
    PRINTER_OFFLINE = "printer_offline"
    LINE_UNAVAILABLE = "line_unavailable"
    NO_ANSWER = "no_answer"
    LINE_LOST = "line_lost"
    STALLED = "stalled"
    NO_PROOF = "no_proof"
    """The printer is well but gave no proof."""
    NOT_REPORTED = "not_reported"
    """The line or model gives no answers at all."""
    RESTARTED = "restarted"
    """The program ended in the middle of the job."""
    JOURNAL_FAILED = "journal_failed"
    """The disk took no record of the job, so it was not begun."""
    CLOSED = "closed"
    """The queue was closed before the job began."""


@dataclass(frozen=True, kw_only=True)
class PrintResult:
    """The end of a job. `elapsed_ms` runs from the call to the end, drawing included."""

    job_id: str
    state: PrintState
    reason: PrintReason | None = None
    elapsed_ms: int
