"""The money side of the server in memory: fees of an invented patient, a bank that does as told.

It keeps the promises the kiosk relies on: one open payment of the same bills, versions that only
rise, paid only when all of the money came, money never refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from kiosk_ui.errors import ServerRefused
from kiosk_ui.gateway import models
from kiosk_ui.gateway import payment_models as pay

CODE = "BM7K2P4QS"
QR_LIFE_S = 600
QR_TEXT = (
    "00020101021238570010A00000072701270006970418011300110012345670208QRIBFTTA"
    "53037045406{amount:06}5802VN62130809BM7K2P4QS6304{end}"
)
"""Looks like the real thing; no app takes it."""


def _label(vi: str, en: str) -> models.Label:
    return models.Label(vi=vi, en=en)


BANK = pay.PaymentMethod(
    name="bank",
    kind="bank_qr",
    label=_label("Ngân hàng (mã QR)", "Bank app (QR code)"),
    min_vnd=1_000,
    max_vnd=499_999_999,
)
WALLET = pay.PaymentMethod(
    name="wallet",
    kind="wallet",
    label=_label("Ví Sông Mây", "Song May wallet"),
    min_vnd=1_000,
    max_vnd=20_000_000,
)
BILLS = [
    pay.BillReply(
        id="bill-1",
        code="VP-0001",
        title="Tiền khám",
        due_vnd=9_000,
        charges=[
            pay.BillCharge(
                name="Khám nội tổng quát",
                quantity=1,
                amount_vnd=9_000,
                insurance_vnd=36_000,
                discount_vnd=0,
            )
        ],
    ),
    pay.BillReply(
        id="bill-2",
        code="VP-0002",
        title="Xét nghiệm và chụp phim",
        due_vnd=126_000,
        charges=[
            pay.BillCharge(
                name="Tổng phân tích tế bào máu",
                quantity=1,
                amount_vnd=16_000,
                insurance_vnd=30_000,
                discount_vnd=0,
            ),
            pay.BillCharge(
                name="Chụp X-quang ngực thẳng",
                quantity=2,
                amount_vnd=80_000,
                insurance_vnd=0,
                discount_vnd=0,
            ),
            pay.BillCharge(
                name="Đường huyết",
                quantity=1,
                amount_vnd=30_000,
                insurance_vnd=0,
                discount_vnd=5_000,
            ),
        ],
    ),
]
ADVANCE = pay.AdvanceOption(
    min_vnd=100_000,
    max_vnd=20_000_000,
    step_vnd=10_000,
    proposed_vnd=[500_000, 1_000_000, 2_000_000, 5_000_000],
)
CASH = pay.CashDesk(
    place=_label("Quầy thu ngân 1, 2", "Cashier 1, 2"),
    landmark=_label("cạnh quầy thuốc", "next to the pharmacy"),
    is_open=True,
)


class FakePayments:
    """Switches are plain attributes, set by tests between steps; the bank is moved by methods."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.bills = list(BILLS)
        self.advance: pay.AdvanceOption | None = ADVANCE
        self.credit_vnd = 0
        self.patient = "T.T.B. NĂM"
        self.large_vnd = 10_000_000
        self.methods = [BANK, WALLET]
        self.away: set[str] = set()
        """Providers that do not answer."""
        self.tells_hospital = True
        self.payment: pay.PaymentReply | None = None
        self.asked: list[pay.DuesRequest] = []
        self.begun: list[pay.PaymentRequest] = []
        self.cash_requests: list[pay.CashRequest] = []
        self.number: str | None = "A001"
        """Of today's ticket."""
        self.cancelled: list[str] = []
        self.receipts_reported: list[tuple[str, pay.ReceiptPrintRequest]] = []
        self.on_the_way_vnd = 0
        """Money that comes at the moment somebody looks: when asked, or when cancelled."""
        self._count = 0

    # --- the port, behind the gateway ---------------------------------------------------------------

    def read_dues(self, request: pay.DuesRequest) -> pay.DuesReply:
        self.asked.append(request)
        shown = self.bills
        if request.scan_id is None:
            shown = [bill.model_copy(update={"title": "", "charges": []}) for bill in shown]
        payment = self.payment
        begun = payment is not None and payment.stage != "ended"
        if payment is not None and payment.stage == "paid":
            paid = {line.code for line in payment.lines}
            shown = [bill for bill in shown if bill.code not in paid]
        return pay.DuesReply(
            dues_id=f"dues-{len(self.asked)}",
            patient=self.patient if request.scan_id else "",
            number=self.number,
            bills=shown,
            due_vnd=sum(bill.due_vnd for bill in shown),
            credit_vnd=self.credit_vnd,
            advance=self.advance,
            methods=self._methods(),
            cash=CASH,
            large_vnd=self.large_vnd,
            open_payment=payment if begun else None,
        )

    def start(self, request: pay.PaymentRequest) -> pay.PaymentReply:
        if request.method in self.away:
            raise ServerRefused("provider_unavailable")
        if self.payment is not None and self.payment.stage in {"waiting", "underpaid"}:
            raise ServerRefused("being_paid")
        self.begun.append(request)
        self._count += 1
        chosen = [bill for bill in self.bills if bill.id in request.bill_ids]
        advance = request.advance_vnd is not None
        amount = request.advance_vnd or sum(bill.due_vnd for bill in chosen)
        lines = [pay.PaymentLineReply(code=bill.code, amount_vnd=bill.due_vnd) for bill in chosen]
        self.payment = pay.PaymentReply(
            id=f"payment-{self._count}",
            code=CODE,
            version=1,
            stage="waiting",
            state="waiting",
            reason=None,
            kind="advance" if advance else "fees",
            lines=lines or [pay.PaymentLineReply(code="", amount_vnd=amount)],
            amount_vnd=amount,
            received_vnd=0,
            remaining_vnd=amount,
            offer=self._offer(request.method, amount),
            methods=self._methods(),
            told_hospital=False,
            receipt=None,
        )
        self._language = request.language
        return self.payment

    def news(self, payment_id: str, version: int) -> pay.PaymentReply | None:
        payment = self._get(payment_id)
        return payment if payment.version > version else None

    def offer(self, payment_id: str, request: pay.OfferRequest) -> pay.PaymentReply:
        if request.method in self.away:
            raise ServerRefused("provider_unavailable")
        payment = self._get(payment_id)
        if payment.stage in {"paid", "ended"}:
            return payment
        self._change(offer=self._offer(request.method, payment.remaining_vnd))
        return self._get(payment_id)

    def check(self, payment_id: str) -> pay.PaymentReply:
        self._let_money_come()
        return self._get(payment_id)

    def cancel(self, payment_id: str, request: pay.CancelPaymentRequest) -> pay.PaymentReply:
        self._let_money_come()
        self.cancelled.append(request.reason)
        if self._get(payment_id).stage != "paid":
            self.end(request.reason)
        return self._get(payment_id)

    def report_print(self, payment_id: str, request: pay.ReceiptPrintRequest) -> None:
        self.receipts_reported.append((payment_id, request))

    def cash_slip(self, request: pay.CashRequest) -> pay.CashReply:
        self.cash_requests.append(request)
        english = request.language == "en"
        chosen = [bill for bill in self.bills if bill.id in request.bill_ids]
        due = request.advance_vnd or sum(bill.due_vnd for bill in chosen)
        slip = pay.Receipt(
            hospital="Song May Medical Centre" if english else "Trung tâm Y tế Sông Mây",
            code="A001",
            issued_at=self._now(),
            qr=" ".join(bill.code for bill in chosen),
            hotline="0200 000 115",
            lang=request.language,
            texts=_slip_texts(chosen, due, english=english),
            vi=_slip_texts(chosen, due, english=False) if english else None,
        )
        return pay.CashReply(slip=slip, number=self.number)

    # --- what happens at the bank and at the hospital -----------------------------------------------

    def receive(self, amount_vnd: int | None = None) -> None:
        """A signed message about money; all that is still due unless an amount is given."""
        payment = self._open()
        received = payment.received_vnd + (
            payment.remaining_vnd if amount_vnd is None else amount_vnd
        )
        remaining = max(0, payment.amount_vnd - received)
        if remaining:
            self._change(
                stage="underpaid",
                state="underpaid",
                received_vnd=received,
                remaining_vnd=remaining,
            )
            return
        self._change(
            stage="paid",
            state="paid",
            received_vnd=received,
            remaining_vnd=0,
            offer=None,
            told_hospital=self.tells_hospital,
        )
        self._change(receipt=self.receipt())

    def hospital_enters_it(self) -> None:
        self._change(told_hospital=True)

    def expire(self) -> None:
        """The code ran out at the provider."""
        self._change(offer=None)

    def end(self, reason: str) -> None:
        self._change(stage="ended", state="cancelled", reason=reason, offer=None)

    def change_fees(self, due_vnd: int) -> None:
        """The first bill costs something else now; a code that shows the old amount is closed."""
        first = self.bills[0]
        charges = [first.charges[0].model_copy(update={"amount_vnd": due_vnd})]
        changed = first.model_copy(update={"due_vnd": due_vnd, "charges": charges})
        self.bills = [changed, *self.bills[1:]]
        if self.payment is not None and self.payment.stage == "waiting":
            self.end("fee_changed")

    def receipt(self) -> pay.Receipt:
        payment = self._open()
        english = self._language == "en"
        return pay.Receipt(
            hospital="Song May Medical Centre" if english else "Trung tâm Y tế Sông Mây",
            code=payment.code,
            issued_at=self._now(),
            qr=payment.code,
            hotline="0200 000 115",
            lang=self._language,
            texts=_receipt_texts(payment, english=english),
            vi=_receipt_texts(payment, english=False) if english else None,
        )

    # --- what it is made of -----------------------------------------------------------------------------

    _language: models.Language = "vi"

    def _methods(self) -> list[pay.PaymentMethod]:
        return [method for method in self.methods if method.name not in self.away]

    def _let_money_come(self) -> None:
        if self.on_the_way_vnd:
            amount, self.on_the_way_vnd = self.on_the_way_vnd, 0
            self.receive(amount)

    def _offer(self, method: str, amount_vnd: int) -> pay.PaymentOffer:
        used = next(known for known in (BANK, WALLET) if known.name == method)
        account = pay.PaidAccount(
            bank="BIDV", number="0011001234567", holder="TRUNG TAM Y TE SONG MAY"
        )
        self._count += 1
        return pay.PaymentOffer(
            method=used.name,
            kind=used.kind,
            label=used.label,
            amount_vnd=amount_vnd,
            qr_text=QR_TEXT.format(amount=amount_vnd, end=f"{self._count:04X}"),
            account=account if used.kind == "bank_qr" else None,
            memo=CODE if used.kind == "bank_qr" else "",
            created_at=self._now(),
            expires_at=self._now() + timedelta(seconds=QR_LIFE_S),
        )

    def _get(self, payment_id: str) -> pay.PaymentReply:
        payment = self._open()
        if payment.id != payment_id:
            raise ServerRefused("payment_not_found")
        return payment

    def _open(self) -> pay.PaymentReply:
        if self.payment is None:
            raise ServerRefused("payment_not_found")
        return self.payment

    def _change(self, **changes: object) -> None:
        payment = self._open()
        self.payment = payment.model_copy(update={"version": payment.version + 1, **changes})


def _money(amount_vnd: int, *, english: bool) -> str:
    return f"{amount_vnd:,} VND" if english else f"{amount_vnd:,} đ".replace(",", ".")


def _slip_texts(bills: list[pay.BillReply], due_vnd: int, *, english: bool) -> pay.ReceiptTexts:
    return pay.ReceiptTexts(
        title="FOR THE CASHIER'S DESK" if english else "PHIẾU ĐẾN QUẦY THU NGÂN",
        lines=[
            pay.ReceiptLine(label=bill.code, value=_money(bill.due_vnd, english=english))
            for bill in bills
        ],
        total=pay.ReceiptLine(
            label="To pay" if english else "Cần trả", value=_money(due_vnd, english=english)
        ),
        facts=[],
        notes=[],
        qr_label="",
    )


def _receipt_texts(payment: pay.PaymentReply, *, english: bool) -> pay.ReceiptTexts:
    return pay.ReceiptTexts(
        title="PAYMENT RECEIPT" if english else "PHIẾU THU TIỀN",
        lines=[
            pay.ReceiptLine(
                label=line.code or "Tạm ứng", value=_money(line.amount_vnd, english=english)
            )
            for line in payment.lines
        ],
        total=pay.ReceiptLine(
            label="Received" if english else "Đã nhận",
            value=_money(payment.received_vnd, english=english),
        ),
        facts=[],
        notes=["This is not a tax invoice." if english else "Phiếu này không phải hóa đơn."],
        qr_label="Payment code" if english else "Mã của lần trả này",
    )
