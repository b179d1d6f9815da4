"""Shapes of paying at a kiosk: what is due, a payment with its QR, its receipt.

Amounts are integer đồng. A payment is paid when `stage` says so and at no other time: it follows
from signed messages of the provider alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from backend.web.wire import Id, Label, Language, Reply, Request, ShortText, Word

AmountVnd = Annotated[int, Field(ge=1, le=9_999_999_999_999)]
Stage = Literal["waiting", "underpaid", "paid", "ended"]


class DuesRequest(Request):
    """For whom: a scan of a card or ticket at this kiosk, or the code on a slip (9 signs)."""

    scan_id: Id | None = None
    code: Annotated[str, Field(max_length=40)] | None = None
    language: Language = "vi"


class BillCharge(Reply):
    name: str
    quantity: int
    amount_vnd: int
    insurance_vnd: int
    discount_vnd: int


class BillReply(Reply):
    """A bill with something left to pay. `title` and `charges` are empty where only a ticket or a
    code was shown: whoever holds it may pay, not read.
    """

    id: str
    code: str
    title: str
    issued_at: datetime
    due_vnd: int
    charges: list[BillCharge]


class AdvanceOption(Reply):
    """An advance (tạm ứng) may be paid; the hospital proposes some amounts."""

    min_vnd: int
    max_vnd: int
    step_vnd: int
    proposed_vnd: list[int]


class PaymentMethod(Reply):
    """A way to pay that works now. `kind` bank_qr: any bank's app; wallet: that wallet's app."""

    name: str
    kind: Literal["bank_qr", "wallet"]
    label: Label
    min_vnd: int
    max_vnd: int


class CashDesk(Reply):
    """Where cash is taken."""

    place: Label
    landmark: Label
    is_open: bool


class PaidAccount(Reply):
    """What the payer's app shows before they confirm."""

    bank: str
    number: str
    holder: str


class PaymentOffer(Reply):
    """A QR that can be paid until `expires_at`. `memo`: for who types instead of scanning."""

    method: str
    kind: Literal["bank_qr", "wallet"]
    label: Label
    amount_vnd: int
    qr_text: str
    account: PaidAccount | None
    memo: str
    created_at: datetime
    expires_at: datetime


class PaymentLineReply(Reply):
    """What a bill was for is not told here: whoever holds the code of a payment may ask for it."""

    code: str
    amount_vnd: int


class ReceiptLine(Reply):
    label: str
    value: str


class ReceiptTexts(Reply):
    """The words of a receipt in one language; amounts are written out already."""

    title: str
    lines: list[ReceiptLine]
    total: ReceiptLine
    facts: list[ReceiptLine]
    notes: list[str]
    qr_label: str


class Receipt(Reply):
    """What is printed once the money has come. No name, no number of a person.

    `qr` opens the electronic invoice where the HIS gave one, else it holds the code.
    """

    hospital: str
    code: str
    issued_at: datetime
    qr: str
    hotline: str
    lang: Language
    texts: ReceiptTexts
    vi: ReceiptTexts | None
    """The same words in Vietnamese, when `lang` is another language."""
    practice: bool = False
    """Not a real one: a stripe over and under it says so."""


class PaymentReply(Reply):
    """`stage`: waiting (a QR can be paid, or a new one asked for), underpaid (a part came),
    paid (all of it came; final), ended (nobody pays it any more; money that still comes is kept).

    `reason` of an end: left, timed_out, cancelled, fee_changed, paid_elsewhere, declined.
    """

    id: str
    code: str
    version: int
    stage: Stage
    state: str
    reason: str | None
    kind: Literal["fees", "advance"]
    lines: list[PaymentLineReply]
    amount_vnd: int
    received_vnd: int
    remaining_vnd: int
    offer: PaymentOffer | None
    """None when it ran out, was closed, or the provider did not answer: another may be asked for."""
    methods: list[PaymentMethod]
    told_hospital: bool
    """The HIS has entered it. Until then the receipt says that this is still to come."""
    checked_at: datetime | None
    """When the provider was asked last whether money came."""
    receipt: Receipt | None


class DuesReply(Reply):
    """What a patient owes, as the HIS said at `as_of`, at most 60 seconds ago."""

    dues_id: str
    as_of: datetime
    expires_at: datetime
    patient: str
    """Initials and the last name part, or empty where only a ticket or a code was shown."""
    number: str | None
    """Of today's ticket."""
    bills: list[BillReply]
    due_vnd: int
    credit_vnd: int
    """What the hospital owes back; the cashier pays it out."""
    advance: AdvanceOption | None
    methods: list[PaymentMethod]
    """Empty: nothing but cash works now."""
    cash: CashDesk | None
    large_vnd: int
    """From here on a bank's app wants the payer's face first: it takes longer."""
    open_payment: PaymentReply | None
    """Of these bills, begun before, here or elsewhere."""


class PaymentRequest(Request):
    """Bills, or an advance, one of both."""

    dues_id: Id
    bill_ids: Annotated[list[Id], Field(max_length=20)] = []
    advance_vnd: AmountVnd | None = None
    method: Word
    language: Language = "vi"


class OfferRequest(Request):
    """Another way of paying, or another QR of the same."""

    method: Word


class CancelPaymentRequest(Request):
    reason: Literal["cancelled", "left"] = "cancelled"


class CashRequest(Request):
    dues_id: Id
    bill_ids: Annotated[list[Id], Field(max_length=20)] = []
    advance_vnd: AmountVnd | None = None
    language: Language = "vi"


class CashReply(Reply):
    """A slip for the cashier, drawn like a receipt; `number` is called there, if there is one."""

    slip: Receipt
    number: str | None


class ReceiptPrintRequest(Request):
    state: Literal["printed", "unconfirmed", "failed", "unknown"]
    reason: ShortText | None = None


class PaymentPath(Request):
    payment_id: Id


class PaymentQuery(Request):
    """`version`: the one the screen shows; 204 when there is nothing newer."""

    version: int | None = None
