"""Stand-ins in memory, for the tests of whoever uses devices."""

from __future__ import annotations

from devices.models import (
    PrintDocument,
    PrinterState,
    PrinterStatus,
    PrintReason,
    PrintResult,
    PrintState,
)
from devices.printers.journal import PrintJournal


class RecordingPrinter:
    """A TicketPrinter that keeps the documents. `next_status` and `next_end` make it fail."""

    def __init__(self) -> None:
        self.printed: list[PrintDocument] = []
        self.next_status = PrinterStatus(state=PrinterState.READY)
        self.next_end: tuple[PrintState, PrintReason | None] = (PrintState.PRINTED, None)
        self.closed = False
        self._journal = PrintJournal()

    def print(self, document: PrintDocument, *, job_id: str) -> PrintResult:
        known = self._journal.find(job_id)
        if known is not None and known.state is not PrintState.FAILED:
            return known
        state, reason = self.next_end
        if not self.next_status.can_print:
            state, reason = PrintState.FAILED, PrintReason.PRINTER_OFFLINE
        if state is not PrintState.FAILED:
            self.printed.append(document)
        result = PrintResult(job_id=job_id, state=state, reason=reason, elapsed_ms=0)
        self._journal.end(result)
        return result

    def find_result(self, job_id: str) -> PrintResult | None:
        return self._journal.find(job_id)

    def status(self) -> PrinterStatus:
        return self.next_status

    def close(self) -> None:
        self.closed = True
