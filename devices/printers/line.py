"""Questions to a printer and its answers, over any transport."""

from __future__ import annotations

import time

from devices.errors import LineStalled
from devices.models import PrinterStatus
from devices.printers.status import QUESTIONS, decode_status, read_replies
from devices.printers.transports import Transport


class PrinterLine:
    """An open line. Every method may raise LineLost."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._buffer = b""
        self._status_bytes = b""
        self._proofs: set[bytes] = set()

    def send(self, data: bytes, *, timeout_s: float) -> None:
        """Raises LineStalled when the printer takes nothing for `timeout_s`."""
        self._transport.write(data, timeout_s)

    def ask(self, *, timeout_s: float) -> PrinterStatus | None:
        """The status now; None when an answer does not come within `timeout_s`."""
        answers: dict[int, int] = {}
        for question in QUESTIONS:
            # An answer does not say to what: older ones and stray bytes go first.
            self._listen(0)
            self._status_bytes = b""
            try:
                self._transport.write(b"\x10\x04" + bytes([question]), timeout_s)
            except LineStalled:
                return None
            deadline = time.monotonic() + timeout_s
            while not self._status_bytes:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return None
                self._listen(left_s)
            answers[question] = self._status_bytes[0]
        return decode_status(answers)

    def has_proof(self, process_id: bytes, *, timeout_s: float) -> bool:
        """Whether the printer says, within `timeout_s`, that this job is on paper."""
        deadline = time.monotonic() + timeout_s
        while process_id not in self._proofs:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            self._listen(left_s)
        return True

    def close(self) -> None:
        self._transport.close()

    def _listen(self, timeout_s: float) -> None:
        data = self._transport.read(timeout_s)
        while data:
            replies = read_replies(self._buffer + data)
            self._buffer = replies.rest
            self._status_bytes += replies.status_bytes
            self._proofs.update(replies.proofs)
            data = self._transport.read(0)
