"""Money, orders, credits and notices: what providers of payments are asked and what they say.

Money is integer đồng with its currency, never a float. Times are aware.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self


@dataclass(frozen=True, order=True)
class Money:
    """An amount in Vietnamese đồng. The đồng has no smaller unit in use (ISO 4217: VND, 0 digits)."""

    amount_vnd: int
    currency: str = "VND"

    def __post_init__(self) -> None:
        if type(self.amount_vnd) is not int:
            raise TypeError("an amount of money is an int")
        if self.currency != "VND":
            raise ValueError("only VND is handled")

    def __add__(self, other: Self) -> Money:
        return Money(self.amount_vnd + other.amount_vnd)

    def __sub__(self, other: Self) -> Money:
        return Money(self.amount_vnd - other.amount_vnd)

    def __str__(self) -> str:
        """As written in Vietnam: `150.000 đ`."""
        return f"{self.amount_vnd:,}".replace(",", ".") + " đ"

    @property
    def is_positive(self) -> bool:
        return self.amount_vnd > 0


# --- what a provider is asked for ------------------------------------------------------------------


class MethodKind(StrEnum):
    """How the payer pays: with any bank's app, or in one wallet's app."""

    BANK_QR = "bank_qr"
    WALLET = "wallet"


@dataclass(frozen=True, kw_only=True)
class Features:
    """What a provider can do, as configured here; does not change while it runs.

    `lifetime_s`: how long one QR is offered. `pushes`: callbacks come; without them the provider
    is asked in turn. `lists_credits`: `list_credits` gives all credits of a day.
    """

    kind: MethodKind
    pushes: bool
    can_query: bool
    can_cancel: bool = False
    can_refund: bool = False
    lists_credits: bool = False
    min_vnd: int = 1_000
    max_vnd: int = 499_999_999
    lifetime_s: int = 600


@dataclass(frozen=True, kw_only=True)
class Order:
    """One attempt: one QR at one provider for one payment. Kept before it is sent.

    `code` is the match code of the payment (`payments.match_codes`), `attempt` counts from 1.
    """

    code: str
    attempt: int
    amount: Money
    created_at: datetime
    expires_at: datetime

    @property
    def key(self) -> str:
        """Unique for ever, `[A-Z0-9-]`, at most 12 characters: what a repeat is known by."""
        return f"{self.code}-{self.attempt}"


@dataclass(frozen=True, kw_only=True)
class BankAccount:
    """An account of the hospital, as the payer sees it before they confirm."""

    bin: str
    number: str
    holder: str
    bank_name: str


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A QR that can be paid now. `account` is known for bank QR only."""

    provider_ref: str
    """The provider's own name of the order; the order's key where it has none."""
    qr_text: str = field(repr=False)
    account: BankAccount | None = None
    memo: str = ""
    """What a payer who types instead of scanning has to write."""
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class PlacedOrder:
    order: Order
    provider_ref: str


# --- what a provider says --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Payer:
    """Whoever paid, as the bank names them. Personal data: sealed, never logged."""

    name: str = field(default="", repr=False)
    account: str = field(default="", repr=False)
    bank: str = ""


@dataclass(frozen=True, kw_only=True)
class Credit:
    """Money that reached the hospital, once. Its identity is (provider, account, transaction_id).

    `bank_reference` is the bank's own number (FT…) where it is told: the same money seen by two
    ways, a feed and a statement, carries the same one.
    """

    provider: str
    account: str
    """The hospital's account or merchant number it came to."""
    transaction_id: str
    bank_reference: str = ""
    amount: Money
    paid_at: datetime
    memo: str = field(default="", repr=False)
    order_key: str | None = None
    """Of the order it is for, where the provider says so. None: found by the code in the memo."""
    payer: Payer = field(default=Payer(), repr=False)


class OrderStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    """The payer tried, and it ended without money."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    """The provider does not know this order."""


@dataclass(frozen=True, kw_only=True)
class OrderReport:
    """Signed answer to a question about one order: every credit that came for it so far."""

    status: OrderStatus
    credits: tuple[Credit, ...] = ()


class NoticeKind(StrEnum):
    CREDIT = "credit"
    STATUS = "status"
    """About an order, without money: failed, cancelled, expired."""
    TEST = "test"
    """To be acknowledged, never booked."""
    OTHER = "other"
    """Well signed and none of our business, such as money that leaves the account."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A callback whose signature was checked. `confirm`: it carries no signature of its content,
    so the provider is asked before anything is booked.
    """

    kind: NoticeKind
    credits: tuple[Credit, ...] = ()
    order_key: str | None = None
    status: OrderStatus | None = None
    sent_at: datetime | None = None
    confirm: bool = False
    asks: bool = False
    """The bank takes the money only if we say so: nothing is booked of what is refused."""
    context: Mapping[str, str] = field(default_factory=dict)
    """What the provider's own answer to this notice has to repeat."""


@dataclass(frozen=True, kw_only=True)
class BillLookup:
    """A bank asks what is to be paid, before its customer pays (thu hộ)."""

    code: str
    """The match code of a payment, or a visit's own code."""
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Bill:
    """The answer to a look-up. `due` is None where it is settled or gone."""

    code: str
    due: Money | None
    title: str = "VIEN PHI"
    """ASCII, and nothing of a person."""


@dataclass(frozen=True, kw_only=True)
class CallbackRequest:
    """A request as it came, nothing of it checked. Header names in lower case."""

    method: str
    path: str
    """What follows the provider's own address, without slashes at its ends."""
    headers: Mapping[str, str] = field(repr=False)
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of the query string; of one that is repeated the first."""
    query: str = field(default="", repr=False)
    untrusted_body: bytes = field(default=b"", repr=False)
    remote_address: str = field(default="", repr=False)
    """Of the caller, as the hospital's proxy tells it. Empty: not known."""
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class CallbackAnswer:
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"


class Outcome(StrEnum):
    """What became of a notice here; the provider's folder says it in the provider's own words."""

    APPLIED = "applied"
    """Booked; also a part of what was due, and money held for the cashier."""
    REPEATED = "repeated"
    """Booked before, nothing changed."""
    RECORDED = "recorded"
    """Taken note of: a failure, an expiry, a test."""
    UNKNOWN_ORDER = "unknown_order"
    WRONG_AMOUNT = "wrong_amount"
    ALREADY_SETTLED = "already_settled"
    """Another payment closed this order; the money is held for the cashier."""
    NOT_NOW = "not_now"
    """Our own fault: nothing was kept, it has to be sent again."""


# --- giving back -----------------------------------------------------------------------------------


class RefundState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class RefundOrder:
    """One repayment of a credit or a part of it, to where it came from.

    `placed` is the order the credit came for, `serial` counts from 1 over all refunds of it.
    """

    placed: PlacedOrder
    transaction_id: str
    paid: Money
    amount: Money
    serial: int
    created_at: datetime
    requested_by: str
    """A short name of the account that asked, `[a-z0-9]`."""

    @property
    def key(self) -> str:
        return f"{self.placed.order.key}-R{self.serial}"


@dataclass(frozen=True, kw_only=True)
class RefundReport:
    """`state` is PROCESSING, DONE or FAILED."""

    state: RefundState
    provider_ref: str = ""
    reason: str = ""
    """The provider's own code where it failed."""
