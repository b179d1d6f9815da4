"""What the kiosk asks of the server."""

from __future__ import annotations

from typing import Protocol

from kiosk_ui.gateway import fleet_models as fleet
from kiosk_ui.gateway import models
from kiosk_ui.gateway import payment_models as pay


class Gateway(Protocol):
    """Every method blocks, for some seconds at most, and is called from worker threads only.

    All raise `errors.ServerAway` when there is no answer (whether the server did it is then
    unknown), `errors.ServerRefused` when it said no, `errors.CredentialRefused` when this kiosk
    is not enrolled, `errors.ReplyUnreadable` for an answer of another shape.
    Writes take a `key`: the same key again gives the first answer again.
    """

    def check(self) -> None:
        """Returns when the server is ready to work; bounded to 1.5 s."""

    def get_settings(self) -> models.KioskSettings: ...

    def beat(self, report: fleet.KioskReport | None = None) -> fleet.KioskOrders:
        """Says that this kiosk is alive, and how it is; hears how it shall be, and what to do."""

    def tell_command(self, command_id: str, result: fleet.CommandResult) -> None:
        """What became of an order. Told again it changes nothing."""

    def scan(self, request: models.ScanRequest) -> models.ScanReply: ...

    def list_services(
        self, *, scan_id: str | None = None, visit_kind: str | None = None
    ) -> models.ServiceList: ...

    def list_doctors(self, service_id: str) -> models.DoctorList: ...

    def list_slots(self, service_id: str, doctor_id: str | None = None) -> models.SlotList:
        """Free hours of today."""

    def start_visit(self, request: models.VisitRequest, *, key: str) -> models.VisitReply: ...

    def change_visit(
        self, visit_id: str, request: models.ChangeRequest, *, key: str
    ) -> models.VisitReply: ...

    def cancel_visit(
        self, visit_id: str, request: models.ScanIdRequest, *, key: str
    ) -> models.VisitReply: ...

    def reprint_ticket(
        self, visit_id: str, request: models.ScanIdRequest, *, key: str
    ) -> models.VisitReply: ...

    def return_to_line(
        self, visit_id: str, request: models.ScanIdRequest, *, key: str
    ) -> models.VisitReply:
        """After a missed turn, from outside, or with results: the visit, waiting again."""

    def report_print_state(
        self, visit_id: str, request: models.PrintStateRequest, *, key: str
    ) -> None: ...

    def report_device(self, request: models.DeviceEventRequest) -> None: ...

    def grant_offline_numbers(
        self, request: models.OfflineGrantRequest
    ) -> models.OfflineGrantReply:
        """The letter of a journal, for numbers without the server; none where that is off."""

    def hand_in_offline_numbers(
        self, request: models.OfflineNumbersRequest
    ) -> models.OfflineNumbersReply:
        """The same numbers may be handed in again and again."""

    def read_dues(self, request: pay.DuesRequest, *, key: str) -> pay.DuesReply:
        """What is owed, as the hospital says now."""

    def start_payment(self, request: pay.PaymentRequest, *, key: str) -> pay.PaymentReply: ...

    def find_payment_news(self, payment_id: str, version: int) -> pay.PaymentReply | None:
        """None when nothing is newer than that version."""

    def change_offer(
        self, payment_id: str, request: pay.OfferRequest, *, key: str
    ) -> pay.PaymentReply:
        """Another QR; the one before is closed."""

    def check_payment(self, payment_id: str, *, key: str) -> pay.PaymentReply:
        """After the provider was asked whether money came."""

    def cancel_payment(
        self, payment_id: str, request: pay.CancelPaymentRequest, *, key: str
    ) -> pay.PaymentReply:
        """May come back as paid: then it is paid."""

    def report_receipt_print(
        self, payment_id: str, request: pay.ReceiptPrintRequest, *, key: str
    ) -> None: ...

    def take_cash_slip(self, request: pay.CashRequest, *, key: str) -> pay.CashReply:
        """A slip for the cashier, with the bills on it, and a place in that line."""

    def call_for_help(
        self, request: models.HelpCallRequest, *, key: str
    ) -> models.HelpCallReply: ...

    def get_help_call(self, help_call_id: str) -> models.HelpCallReply: ...

    def close(self) -> None:
        """Lets go of the connections; nothing is called afterwards."""
