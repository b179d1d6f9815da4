"""The printer of this kiosk, fed with the server's tickets and receipts."""

from __future__ import annotations

from dataclasses import replace

from devices.errors import BadTicket
from devices.models import (
    MAX_RECEIPT_QR_CHARS,
    PaperMark,
    PrintDocument,
    PrinterState,
    PrintReason,
    PrintResult,
    PrintState,
    ReceiptDocument,
    TicketDocument,
)
from devices.ports import TicketPrinter
from kiosk_ui.gateway.models import Ticket
from kiosk_ui.gateway.payment_models import Receipt


class DevicePrinting:
    """None for a kiosk without a printer: numbers are shown on the screen."""

    def __init__(self, printer: TicketPrinter | None) -> None:
        self._printer = printer
        # Until it was asked a printer is taken to be well: no false alarm at the start.
        self._state = PrinterState.READY if printer else PrinterState.UNREACHABLE

    def print_ticket(self, ticket: Ticket, job_id: str) -> PrintResult:
        return self._print_ticket(ticket, job_id)

    def print_test(self, page: Ticket, job_id: str) -> PrintResult:
        return self._print_ticket(page, job_id, mark=PaperMark.TEST)

    def _print_ticket(
        self, ticket: Ticket, job_id: str, *, mark: PaperMark | None = None
    ) -> PrintResult:
        if self._printer is None:
            return _not_begun(job_id, PrintReason.LINE_UNAVAILABLE)
        try:
            document = TicketDocument.from_json(ticket.model_dump_json())
        except BadTicket:
            return _not_begun(job_id, PrintReason.PRINTER_ERROR)
        marked = replace(document, mark=mark) if mark else document
        return self._print(self._printer, marked, job_id)

    def print_receipt(self, receipt: Receipt, job_id: str) -> PrintResult:
        if self._printer is None:
            return _not_begun(job_id, PrintReason.LINE_UNAVAILABLE)
        try:
            document = ReceiptDocument.from_json(_with_short_code(receipt).model_dump_json())
        except BadTicket:
            return _not_begun(job_id, PrintReason.PRINTER_ERROR)
        return self._print(self._printer, document, job_id)

    def _print(self, printer: TicketPrinter, document: PrintDocument, job_id: str) -> PrintResult:
        result = printer.print(document, job_id=job_id)
        if result.state is not PrintState.PRINTED:
            self.look()
        return result

    def look(self) -> None:
        if self._printer is not None:
            self._state = self._printer.status().state

    def state(self) -> PrinterState:
        return self._state

    def close(self) -> None:
        if self._printer is not None:
            self._printer.close()


def _with_short_code(receipt: Receipt) -> Receipt:
    """A picture larger than the paper is left out; the words of the receipt matter more."""
    fits = len(receipt.qr) <= MAX_RECEIPT_QR_CHARS and receipt.qr.isascii()
    return receipt if fits else receipt.model_copy(update={"qr": ""})


def _not_begun(job_id: str, reason: PrintReason) -> PrintResult:
    return PrintResult(job_id=job_id, state=PrintState.FAILED, reason=reason, elapsed_ms=0)
