"""Shapes of paying, as the kiosk reads and writes them: what is due, a payment, its receipt.

Amounts are integer đồng. A payment is paid when `stage` says so, and at no other time.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from kiosk_ui.gateway.models import (
    Id,
    Label,
    Language,
    PrintState,
    Text,
    Wire,
)

MOST_BILLS = 200
MAX_QR_CHARS = 1_000
MAX_QR_BYTES = 1_200
MAX_CODE_CHARS = 40
"""Far more than any real answer: a larger one is refused at the edge."""
Stage = Literal["waiting", "underpaid", "paid", "ended"]
MethodKind = Literal["bank_qr", "wallet"]
Amount = Annotated[int, Field(ge=0, le=9_999_999_999_999)]


def _fits_a_code(text: str) -> str:
    """Raises ValueError for what no picture on the glass can hold."""
    if len(text.encode()) > MAX_QR_BYTES:
        raise ValueError("too long for a code")
    return text


class DuesRequest(Wire):
    scan_id: Id | None = None
    code: str | None = None
    language: Language = "vi"


class BillCharge(Wire):
    name: Text
    quantity: int
    amount_vnd: int
    insurance_vnd: int
    discount_vnd: int


class BillReply(Wire):
    id: Id
    code: Text
    title: Text
    due_vnd: Amount
    charges: Annotated[list[BillCharge], Field(max_length=500)]


class AdvanceOption(Wire):
    min_vnd: Amount
    max_vnd: Amount
    step_vnd: Annotated[int, Field(ge=1)]
    proposed_vnd: Annotated[list[Amount], Field(max_length=24)]


class PaymentMethod(Wire):
    name: Id
    kind: MethodKind
    label: Label
    min_vnd: Amount
    max_vnd: Amount


class CashDesk(Wire):
    place: Label
    landmark: Label
    is_open: bool


class PaidAccount(Wire):
    bank: Text
    number: Text
    holder: Text


class PaymentOffer(Wire):
    method: Id
    kind: MethodKind
    label: Label
    amount_vnd: Amount
    qr_text: Annotated[
        str, Field(min_length=1, max_length=MAX_QR_CHARS), AfterValidator(_fits_a_code)
    ]
    account: PaidAccount | None
    memo: Text
    created_at: AwareDatetime
    expires_at: AwareDatetime


class PaymentLineReply(Wire):
    """What was done is not taken over: a slip is shown by whoever holds it."""

    code: Text
    amount_vnd: Amount


class ReceiptLine(Wire):
    label: Text
    value: Text


class ReceiptTexts(Wire):
    title: Text
    lines: Annotated[list[ReceiptLine], Field(max_length=MOST_BILLS)]
    total: ReceiptLine
    facts: Annotated[list[ReceiptLine], Field(max_length=40)]
    notes: Annotated[list[Text], Field(max_length=12)]
    qr_label: Text


class Receipt(Wire):
    hospital: Text
    code: Annotated[str, Field(max_length=MAX_QR_CHARS)]
    """Of a slip for the cashier: the number that is called, or the codes of the bills."""
    issued_at: AwareDatetime
    qr: Annotated[str, Field(max_length=MAX_QR_CHARS)]
    hotline: Text
    lang: Language
    texts: ReceiptTexts
    vi: ReceiptTexts | None
    practice: bool = False


class PaymentReply(Wire):
    id: Id
    code: Annotated[str, Field(max_length=MAX_CODE_CHARS)]
    version: int
    stage: Stage
    state: Text
    reason: Text | None
    kind: Literal["fees", "advance"]
    lines: Annotated[list[PaymentLineReply], Field(max_length=MOST_BILLS)]
    amount_vnd: Amount
    received_vnd: Amount
    remaining_vnd: Amount
    offer: PaymentOffer | None
    methods: Annotated[list[PaymentMethod], Field(max_length=24)]
    told_hospital: bool
    receipt: Receipt | None


class DuesReply(Wire):
    dues_id: Id
    patient: Text
    number: Text | None
    bills: Annotated[list[BillReply], Field(max_length=MOST_BILLS)]
    due_vnd: Amount
    credit_vnd: Amount
    advance: AdvanceOption | None
    methods: Annotated[list[PaymentMethod], Field(max_length=24)]
    cash: CashDesk | None
    large_vnd: Amount
    open_payment: PaymentReply | None


class PaymentRequest(Wire):
    dues_id: str
    bill_ids: list[str] = []
    advance_vnd: int | None = None
    method: str
    language: Language = "vi"


class OfferRequest(Wire):
    method: str


class CancelPaymentRequest(Wire):
    reason: Literal["cancelled", "left"] = "cancelled"


class CashRequest(Wire):
    dues_id: str
    bill_ids: list[str] = []
    advance_vnd: int | None = None
    language: Language = "vi"


class CashReply(Wire):
    slip: Receipt
    number: Text | None


class ReceiptPrintRequest(Wire):
    state: PrintState
    reason: str | None = None
