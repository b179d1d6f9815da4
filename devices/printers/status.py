"""What a printer sends back, decoded. Pure.

Real-time status DLE EOT n and process ID response GS ( H function 48: Epson ESC/POS command
reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from devices.models import PrinterCause, PrinterState, PrinterStatus

QUESTIONS = (1, 2, 3, 4)
"""printer, cause of being offline, cause of an error, paper"""
_PROOF_HEADER = b"\x37\x22"
_PROOF_LENGTH = 7


@dataclass(frozen=True, kw_only=True)
class Replies:
    """Answers in the order they came; `rest` is the beginning of one not complete yet."""

    status_bytes: bytes
    proofs: tuple[bytes, ...]
    rest: bytes


def read_replies(untrusted: bytes) -> Replies:
    """Splits what came from the line. Bytes that are neither are dropped."""
    status_bytes = bytearray()
    proofs: list[bytes] = []
    at = 0
    while at < len(untrusted):
        frame = untrusted[at : at + _PROOF_LENGTH]
        if _may_be_proof(frame):
            if len(frame) < _PROOF_LENGTH:
                return Replies(status_bytes=bytes(status_bytes), proofs=tuple(proofs), rest=frame)
            proofs.append(frame[2:6])
            at += _PROOF_LENGTH
            continue
        if is_status_byte(frame[0]):
            status_bytes.append(frame[0])
        at += 1
    return Replies(status_bytes=bytes(status_bytes), proofs=tuple(proofs), rest=b"")


def is_status_byte(byte: int) -> bool:
    """Bits 1 and 4 are always set and bits 0 and 7 never: all else is noise or another answer."""
    return byte & 0x93 == 0x12


def decode_status(answers: Mapping[int, int]) -> PrinterStatus:
    """The state told by the answers to all of QUESTIONS; the worst counts.

    What a person can mend at once comes before what it leads to: an open cover also reports
    the end of paper and an error on many models.
    """
    printer, offline, error, paper = (answers[question] for question in QUESTIONS)
    if offline & 0x04:
        return PrinterStatus(state=PrinterState.COVER_OPEN)
    if paper & 0x60 or offline & 0x20:
        return PrinterStatus(state=PrinterState.PAPER_END)
    if error & 0x68 or offline & 0x40:
        return PrinterStatus(state=PrinterState.ERROR, cause=_error_cause(error))
    if printer & 0x08 or offline & 0x08:
        return PrinterStatus(state=PrinterState.OFFLINE)
    if paper & 0x0C:
        return PrinterStatus(state=PrinterState.PAPER_NEAR_END)
    return PrinterStatus(state=PrinterState.READY)


def _error_cause(error: int) -> PrinterCause | None:
    for bit, cause in (
        (0x20, PrinterCause.UNRECOVERABLE),
        (0x08, PrinterCause.CUTTER),
        (0x40, PrinterCause.RECOVERABLE),
    ):
        if error & bit:
            return cause
    return None


def _may_be_proof(frame: bytes) -> bool:
    if not frame.startswith(_PROOF_HEADER[: len(frame)]):
        return False
    return len(frame) < _PROOF_LENGTH or frame[-1] == 0
