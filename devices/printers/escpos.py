"""Tickets and receipts on an ESC/POS printer, whatever the line to it.

A job: open the line, ask for the status, refuse or note the job in the journal, send picture,
cut and a request for proof, wait for the proof, close. Nothing is sent without the journal
knowing; once anything was sent the job is never sent again by itself.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from escpos.printer import Dummy
from PIL import Image

from devices.errors import LineLost, LineStalled, LineUnavailable
from devices.events import DeviceEvent
from devices.models import (
    PrintDocument,
    PrinterCause,
    PrinterState,
    PrinterStatus,
    PrintReason,
    PrintResult,
    PrintState,
)
from devices.printers.journal import PrintJournal
from devices.printers.line import PrinterLine
from devices.printers.paper import draw
from devices.printers.profiles import DEFAULT_PROFILE, PrinterProfile, get_profile
from devices.printers.transports import Transport

_log = logging.getLogger(__name__)

# Printers with small buffers lose rows of larger pieces.
_PIECE_ROWS = 240

_TORN = {PrintReason.LINE_LOST, PrintReason.STALLED, PrintReason.RESTARTED}
"""Ends after which the printer may still wait for the rest of a picture."""

_REASONS: Mapping[PrinterState, PrintReason] = {
    PrinterState.PAPER_END: PrintReason.PAPER_END,
    PrinterState.COVER_OPEN: PrintReason.COVER_OPEN,
    PrinterState.ERROR: PrintReason.PRINTER_ERROR,
    PrinterState.OFFLINE: PrintReason.PRINTER_OFFLINE,
    PrinterState.UNREACHABLE: PrintReason.NO_ANSWER,
}
_UNAVAILABLE = PrinterStatus(state=PrinterState.UNREACHABLE, cause=PrinterCause.LINE_UNAVAILABLE)
_NO_ANSWER = PrinterStatus(state=PrinterState.UNREACHABLE, cause=PrinterCause.NO_ANSWER)
_NOT_REPORTED = PrinterStatus(state=PrinterState.READY, cause=PrinterCause.NOT_REPORTED)


@dataclass(frozen=True, kw_only=True)
class PrintTimes:
    """How long to wait for a printer, in seconds."""

    open_s: float = 2.0
    answer_s: float = 1.0
    stall_s: float = 5.0
    """For the printer to take any more of the data."""
    proof_s: float = 5.0
    """For the proof after the last byte, printing included."""
    settle_s: float = 1.0
    """After the time that printing takes, for a printer that gives no proof."""
    ask_every_s: float = 0.5
    """While waiting for the proof: an end of paper is not waited out."""


@dataclass(frozen=True)
class _Held:
    """A job sent whole whose end is unknown, with the line its proof may still come over."""

    job_id: str
    line: PrinterLine


def encode(picture: Image.Image, profile: PrinterProfile, *, process_id: bytes) -> bytes:
    """The bytes of one job: reset, picture as raster, feed and cut, request for proof.

    `picture` is in mode "1" and as wide as the paper; `process_id` has 4 bytes from 32 to 126.
    """
    start = Dummy(profile=profile.escpos_name)
    start.hw("INIT")
    proof = b"\x1d(H\x06\x00\x30\x30" + process_id if profile.gives_proof else b""
    return b"".join([start.output, *_rasters(picture), _cut(profile), proof])


def _rasters(picture: Image.Image) -> Iterator[bytes]:
    """GS v 0 for each piece, black as 1. The library's own `image` first makes a coloured picture
    of each, which takes ten times as long.
    """
    row_bytes = (picture.width + 7) // 8
    dots = picture.tobytes("raw", "1;I")
    for top in range(0, picture.height, _PIECE_ROWS):
        piece = dots[top * row_bytes : (top + _PIECE_ROWS) * row_bytes]
        yield b"\x1dv0\x00" + struct.pack("<HH", row_bytes, len(piece) // row_bytes) + piece


def encode_flush(profile: PrinterProfile) -> bytes:
    """What parts a job from the torn one before it.

    White rows complete a picture that was cut off; outside of one they mean nothing. Without
    them the printer would take the beginning of the next job for the rest of that picture.
    """
    return bytes(_PIECE_ROWS * profile.width_px // 8) + _cut(profile)


def _cut(profile: PrinterProfile) -> bytes:
    # Models without a cutter get the feed alone, by their python-escpos profile.
    job = Dummy(profile=profile.escpos_name)
    job.cut(mode="PART" if profile.cut == "partial" else "FULL")
    return bytes(job.output)


class EscposPrinter:
    """A TicketPrinter. Owns the transport and the journal it is given."""

    def __init__(
        self,
        transport: Transport,
        profile: PrinterProfile,
        journal: PrintJournal,
        *,
        times: PrintTimes | None = None,
    ) -> None:
        self._transport = transport
        self._profile = profile
        self._journal = journal
        self._times = times or PrintTimes()
        self._busy = threading.RLock()
        self._held: _Held | None = None
        self._expects_proof = profile.gives_proof

    def print(self, document: PrintDocument, *, job_id: str) -> PrintResult:
        started_s = time.monotonic()
        with self._busy:
            known = self._journal.find(job_id)
            if known is not None and known.state is PrintState.UNKNOWN:
                self._settle()
                known = self._journal.find(job_id)
            if known is not None and known.state is not PrintState.FAILED:
                return known
            state, reason = self._run(document, job_id)
            result = PrintResult(
                job_id=job_id,
                state=state,
                reason=reason,
                elapsed_ms=round((time.monotonic() - started_s) * 1000),
            )
            self._journal.end(result)
        _log.info(
            "%s job=%s state=%s reason=%s ms=%d",
            DeviceEvent.PRINT_ENDED,
            job_id,
            state,
            reason,
            result.elapsed_ms,
        )
        return result

    def find_result(self, job_id: str) -> PrintResult | None:
        with self._busy:
            return self._journal.find(job_id)

    def status(self) -> PrinterStatus:
        with self._busy:
            if self._held is not None:
                return self._settle()
            try:
                line = self._open()
            except LineUnavailable:
                return _UNAVAILABLE
            try:
                return self._ask(line)
            except LineLost:
                return _NO_ANSWER
            finally:
                line.close()

    def close(self) -> None:
        with self._busy:
            self._let_go()
            self._transport.close()
            self._journal.close()

    @property
    def _reports(self) -> bool:
        return self._profile.reports_status and self._transport.can_read

    def _open(self) -> PrinterLine:
        self._transport.open(self._times.open_s)
        return PrinterLine(self._transport)

    def _ask(self, line: PrinterLine) -> PrinterStatus:
        if not self._reports:
            return _NOT_REPORTED
        return line.ask(timeout_s=self._times.answer_s) or _NO_ANSWER

    def _run(self, document: PrintDocument, job_id: str) -> tuple[PrintState, PrintReason | None]:
        if self._held is not None:
            status = self._settle()
            if self._held is not None:
                return PrintState.FAILED, _REASONS.get(status.state, PrintReason.NO_ANSWER)
        picture = draw(document, width_px=self._profile.width_px)
        process_id = _process_id(job_id)
        job = encode(picture, self._profile, process_id=process_id)
        newest = self._journal.newest()
        if newest is not None and newest.state is PrintState.UNKNOWN and newest.reason in _TORN:
            job = encode_flush(self._profile) + job
        try:
            line = self._open()
        except LineUnavailable:
            return PrintState.FAILED, PrintReason.LINE_UNAVAILABLE
        try:
            refused = self._refusal(line, job_id)
            if refused is not None:
                return PrintState.FAILED, refused
            return self._send(line, job, job_id, self._profile.print_time_s(picture.height))
        finally:
            if self._held is None:
                line.close()

    def _refusal(self, line: PrinterLine, job_id: str) -> PrintReason | None:
        """Why the job must not begin; None once the journal knows that it does."""
        try:
            status = self._ask(line)
        except LineLost:
            return PrintReason.LINE_LOST
        if not status.can_print:
            return _REASONS[status.state]
        try:
            self._journal.begin(job_id)
        except OSError:
            return PrintReason.JOURNAL_FAILED
        return None

    def _send(
        self, line: PrinterLine, job: bytes, job_id: str, print_time_s: float
    ) -> tuple[PrintState, PrintReason | None]:
        try:
            line.send(job, timeout_s=self._times.stall_s)
        except LineStalled:
            return PrintState.UNKNOWN, PrintReason.STALLED
        except LineLost:
            return PrintState.UNKNOWN, PrintReason.LINE_LOST
        if not self._reports:
            return PrintState.UNCONFIRMED, PrintReason.NOT_REPORTED
        try:
            return self._watch(line, job_id, print_time_s)
        except LineLost:
            self._held = None
            return PrintState.UNKNOWN, PrintReason.LINE_LOST

    def _watch(
        self, line: PrinterLine, job_id: str, print_time_s: float
    ) -> tuple[PrintState, PrintReason | None]:
        """Waits for the proof or, where none can be expected, for as long as printing takes."""
        times = self._times
        process_id = _process_id(job_id)
        quiet_s = print_time_s + times.settle_s
        wait_s = max(times.proof_s, quiet_s) if self._expects_proof else quiet_s
        deadline = time.monotonic() + wait_s
        while True:
            left_s = deadline - time.monotonic()
            if line.has_proof(process_id, timeout_s=max(0.0, min(left_s, times.ask_every_s))):
                self._expects_proof = True
                return PrintState.PRINTED, None
            status = self._ask(line)
            if line.has_proof(process_id, timeout_s=0):
                continue
            if not status.can_print and status.state is not PrinterState.UNREACHABLE:
                self._held = _Held(job_id, line)
                return PrintState.UNKNOWN, _REASONS[status.state]
            if left_s <= 0:
                break
        if status.state is PrinterState.UNREACHABLE:
            self._held = _Held(job_id, line)
            return PrintState.UNKNOWN, PrintReason.NO_ANSWER
        # A clone that never gives proof costs the long wait once, not with every ticket.
        self._expects_proof = False
        return PrintState.UNCONFIRMED, PrintReason.NO_PROOF

    def _settle(self) -> PrinterStatus:
        """Asks over the line of the job whose end is unknown, and takes its late proof."""
        held = self._held
        if held is None:
            return self.status()
        process_id = _process_id(held.job_id)
        try:
            status = self._ask(held.line)
            # A printer that is well again prints the rest now, or has lost it.
            wait_s = self._times.proof_s if status.can_print else 0.0
            if held.line.has_proof(process_id, timeout_s=wait_s):
                self._record_late_proof(held.job_id)
                self._let_go()
            elif status.can_print or status.state is PrinterState.UNREACHABLE:
                self._let_go()
        except LineLost:
            self._let_go()
            return _NO_ANSWER
        return status

    def _record_late_proof(self, job_id: str) -> None:
        known = self._journal.find(job_id)
        if known is not None:
            self._journal.end(replace(known, state=PrintState.PRINTED, reason=None))
            _log.info("%s job=%s", DeviceEvent.PRINT_SETTLED, job_id)

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.line.close()
            self._held = None


def escpos_printer(
    transport: Transport, profile_name: str, journal_file: Path | None
) -> EscposPrinter:
    """A printer from what a setting says; for the registry.

    Raises UnknownDevice for an unknown profile, JournalInUse and OSError of the journal.
    """
    profile = get_profile(profile_name or DEFAULT_PROFILE)
    return EscposPrinter(transport, profile, PrintJournal(journal_file))


def _process_id(job_id: str) -> bytes:
    """Four printable characters for the printer to give back; other jobs have others."""
    digest = hashlib.blake2b(job_id.encode(), digest_size=4).digest()
    return bytes(33 + byte % 94 for byte in digest)
