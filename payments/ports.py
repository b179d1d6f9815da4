"""What the house asks of a provider of payments: a bank, a wallet, or who watches an account."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from payments.errors import CallbackRefused
from payments.models import (
    Bill,
    BillLookup,
    CallbackAnswer,
    CallbackRequest,
    Credit,
    Features,
    Notice,
    Offer,
    Order,
    OrderReport,
    Outcome,
    PlacedOrder,
    RefundOrder,
    RefundReport,
)


class PaymentProvider(Protocol):
    """One provider with one contract of the hospital. Safe to call from several threads.

    Calls to the provider are bounded in time and raise errors of `payments.errors` only. The
    state of a payment follows from `read_callback` and `query` alone, both signed; whatever else
    the provider shows a payer confirms nothing.
    """

    @property
    def name(self) -> str:
        """As configured; unique here, part of the callbacks' address and of every credit."""
        ...

    def features(self) -> Features: ...

    def create(self, order: Order) -> Offer:
        """A QR for this order. The same order again gives the same one, where the provider can.

        The text of the QR was decoded again and holds the right account and amount.
        Raises Declined, Unavailable, OutcomeUnknown, BrokenReply, Throttled.
        """
        ...

    def query(self, placed: PlacedOrder) -> OrderReport:
        """What became of an order. Raises NotSupported, Unavailable, BrokenReply, Throttled."""
        ...

    def cancel(self, placed: PlacedOrder) -> None:
        """Closes an order; one that is closed or unknown stays so. Raises as `query`."""
        ...

    def refund(self, refund: RefundOrder) -> RefundReport:
        """Gives money back, once per key. Raises Declined, NotSupported, Unavailable,
        OutcomeUnknown: then `query_refund` tells.
        """
        ...

    def query_refund(self, refund: RefundOrder) -> RefundReport:
        """What became of it; FAILED for one the provider never heard of."""
        ...

    def list_credits(self, day: date) -> tuple[Credit, ...]:
        """All money of one day in Vietnam. Raises NotSupported, Unavailable, BrokenReply."""
        ...

    def read_callback(self, request: CallbackRequest) -> Notice | BillLookup:
        """Signature first, in constant time, then the window of time, then the content.

        Raises CallbackRefused, and nothing else for any bytes whatever. Makes no remote call.
        """
        ...

    def answer(self, notice: Notice, outcome: Outcome) -> CallbackAnswer:
        """What stops the provider from repeating itself, or makes it do so."""
        ...

    def answer_bill(self, lookup: BillLookup, bill: Bill | None) -> CallbackAnswer:
        """None: there is no such bill. Only where `read_callback` gives look-ups."""
        ...

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer: ...

    def check(self) -> None:
        """Returns when the provider answers and knows us. Raises PaymentError."""
        ...

    def close(self) -> None: ...
