from __future__ import annotations

from devices.models import (
    PrintDocument,
    PrinterState,
    PrinterStatus,
    PrintReason,
    PrintResult,
    PrintState,
    ReceiptDocument,
    TicketDocument,
)
from kiosk_ui.gateway.fake import FakeGateway
from kiosk_ui.gateway.payment_models import PaymentRequest, Receipt
from kiosk_ui.ticket_printing import DevicePrinting


class ScriptedPrinter:
    def __init__(self, ends: PrintState, state: PrinterState) -> None:
        self.ends, self.now = ends, state
        self.printed: list[tuple[str, PrintDocument]] = []

    def print(self, document: PrintDocument, *, job_id: str) -> PrintResult:
        self.printed.append((job_id, document))
        return PrintResult(job_id=job_id, state=self.ends, elapsed_ms=5)

    def find_result(self, job_id: str) -> PrintResult | None:
        return None

    def status(self) -> PrinterStatus:
        return PrinterStatus(state=self.now)

    def close(self) -> None:
        return


TICKET = FakeGateway().visit(language="en").ticket


def paid_receipt() -> Receipt:
    money = FakeGateway().money
    money.start(PaymentRequest(dues_id="d", bill_ids=["bill-1"], method="bank"))
    money.receive()
    return money.receipt()


def test_the_server_s_ticket_becomes_the_printer_s_document() -> None:
    printer = ScriptedPrinter(PrintState.PRINTED, PrinterState.READY)
    result = DevicePrinting(printer).print_ticket(TICKET, "job-1")
    assert result.state is PrintState.PRINTED
    [(job_id, document)] = printer.printed
    assert isinstance(document, TicketDocument)
    assert (job_id, document.number, document.lang) == ("job-1", TICKET.number, "en")
    assert document.vi is not None


def test_a_failed_job_is_followed_by_a_look_at_the_printer() -> None:
    printing = DevicePrinting(ScriptedPrinter(PrintState.FAILED, PrinterState.PAPER_END))
    assert printing.state() is PrinterState.READY
    printing.print_ticket(TICKET, "job-1")
    assert printing.state() is PrinterState.PAPER_END


def test_without_a_printer_jobs_fail_at_once() -> None:
    printing = DevicePrinting(None)
    printing.look()
    result = printing.print_ticket(TICKET, "job-1")
    assert (result.state, result.reason) == (PrintState.FAILED, PrintReason.LINE_UNAVAILABLE)
    assert printing.state() is PrinterState.UNREACHABLE


def test_a_ticket_that_cannot_be_drawn_is_a_failed_job() -> None:
    printer = ScriptedPrinter(PrintState.PRINTED, PrinterState.READY)
    broken = TICKET.model_copy(update={"number": ""})
    assert DevicePrinting(printer).print_ticket(broken, "job-1").state is PrintState.FAILED
    assert printer.printed == []


def test_the_server_s_receipt_becomes_the_printer_s_document() -> None:
    printer = ScriptedPrinter(PrintState.PRINTED, PrinterState.READY)
    receipt = paid_receipt()
    assert DevicePrinting(printer).print_receipt(receipt, "r1").state is PrintState.PRINTED
    [(job_id, document)] = printer.printed
    assert isinstance(document, ReceiptDocument)
    assert (job_id, document.code, document.words.total.value) == ("r1", receipt.code, "9.000 đ")


def test_a_code_too_large_for_the_paper_costs_the_picture_not_the_receipt() -> None:
    printer = ScriptedPrinter(PrintState.PRINTED, PrinterState.READY)
    receipt = paid_receipt().model_copy(update={"qr": "https://hoadon.example/" + "x" * 600})
    assert DevicePrinting(printer).print_receipt(receipt, "r1").state is PrintState.PRINTED
    [(_, document)] = printer.printed
    assert document.qr == ""


def test_a_receipt_that_cannot_be_drawn_or_has_no_printer_is_a_failed_job() -> None:
    printer = ScriptedPrinter(PrintState.PRINTED, PrinterState.READY)
    broken = paid_receipt().model_copy(update={"hospital": ""})
    assert DevicePrinting(printer).print_receipt(broken, "r1").state is PrintState.FAILED
    assert printer.printed == []
    assert DevicePrinting(None).print_receipt(paid_receipt(), "r1").state is PrintState.FAILED
