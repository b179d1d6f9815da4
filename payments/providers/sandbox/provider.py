"""A provider that lives in memory: every outcome on demand, no network, no real money.

The amount of an order decides how it ends (`scripts`), or a test plays payer and provider:

    sandbox = open_provider("sandbox", {}, clock=clock)
    offer = sandbox.create(order)
    request = sandbox.pay(order.key)          # money came; this is the callback about it
    notice = sandbox.read_callback(request)   # signature and time are checked as for any other

Its QR is no VietQR: no bank app can be made to send real money by it. Refuses to open where
TIEPDON_ENV is production.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from payments.errors import (
    Declined,
    NotSupported,
    OutcomeUnknown,
    PaymentError,
    ProviderMisconfigured,
)
from payments.models import (
    BankAccount,
    Bill,
    BillLookup,
    CallbackAnswer,
    CallbackRequest,
    Credit,
    Features,
    MethodKind,
    Money,
    Notice,
    NoticeKind,
    Offer,
    Order,
    OrderReport,
    OrderStatus,
    Payer,
    PlacedOrder,
    RefundOrder,
    RefundReport,
    RefundState,
)
from payments.partial import PartialProvider, json_answer
from payments.providers.sandbox.book import Book, Happening
from payments.providers.sandbox.callback import credit_content, read, sign
from payments.providers.sandbox.config import SandboxConfig
from payments.providers.sandbox.scripts import Script, acts_of, script_of
from payments.settings import read_settings

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


class SandboxProvider(PartialProvider):
    def __init__(self, name: str, config: SandboxConfig, *, clock: Callable[[], datetime]) -> None:
        super().__init__(name)
        self._config = config
        self._clock = clock
        self._book = Book(provider=name, account=config.account, clock=clock)
        self._lock = threading.Lock()
        self._refunds: dict[str, tuple[RefundOrder, RefundReport]] = {}
        self._troubles: list[PaymentError] = []
        self._down: PaymentError | None = None
        self._answers_to_lose = 0

    # --- the port ----------------------------------------------------------------------------------

    def features(self) -> Features:
        config = self._config
        return Features(
            kind=config.kind,
            pushes=config.pushes,
            can_query=config.can_query,
            can_cancel=config.can_cancel,
            can_refund=config.can_refund,
            lists_credits=config.lists_credits,
            min_vnd=config.min_vnd,
            max_vnd=config.max_vnd,
            lifetime_s=config.lifetime_s,
        )

    def create(self, order: Order) -> Offer:
        self._meet_trouble()
        config, amount_vnd = self._config, order.amount.amount_vnd
        if not config.min_vnd <= amount_vnd <= config.max_vnd:
            raise Declined("amount")
        by_amount = script_of(amount_vnd, otherwise=config.otherwise)
        script = by_amount if config.by_amount else config.otherwise
        offer = self._book.place(
            order,
            self._offer(order),
            acts_of(script, order, now=self._clock(), after_s=config.after_s),
        )
        with self._lock:
            is_lost = self._answers_to_lose > 0
            self._answers_to_lose -= is_lost
        if is_lost:
            raise OutcomeUnknown("the answer was lost")
        return offer

    def query(self, placed: PlacedOrder) -> OrderReport:
        self._need(can=self._config.can_query)
        return self._book.report(placed.order.key)

    def cancel(self, placed: PlacedOrder) -> None:
        self._need(can=self._config.can_cancel)
        self._book.play()
        self._book.end(placed.order.key, OrderStatus.CANCELLED)

    def refund(self, refund: RefundOrder) -> RefundReport:
        self._need(can=self._config.can_refund)
        with self._lock:
            known = self._refunds.get(refund.key)
            if known is not None:
                return known[1]
            given = sum(
                one.amount.amount_vnd
                for one, report in self._refunds.values()
                if one.transaction_id == refund.transaction_id
                and report.state is not RefundState.FAILED
            )
            if given + refund.amount.amount_vnd > refund.paid.amount_vnd:
                raise Declined("more-than-paid")
            pends = self._config.refunds_pend
            state = RefundState.PROCESSING if pends else RefundState.DONE
            report = RefundReport(state=state, provider_ref=f"{refund.key}-B")
            self._refunds[refund.key] = (refund, report)
            return report

    def query_refund(self, refund: RefundOrder) -> RefundReport:
        self._need(can=self._config.can_refund)
        with self._lock:
            known = self._refunds.get(refund.key)
        return known[1] if known else RefundReport(state=RefundState.FAILED, reason="unknown")

    def list_credits(self, day: date) -> tuple[Credit, ...]:
        self._need(can=self._config.lists_credits)
        return tuple(
            credit
            for credit in self._book.credits()
            if credit.paid_at.astimezone(_VIETNAM).date() == day
        )

    def read_callback(self, request: CallbackRequest) -> Notice | BillLookup:
        return read(
            request,
            secret=self._config.secret.reveal_bytes(),
            provider=self.name,
            account=self._config.account,
        )

    def answer_bill(self, lookup: BillLookup, bill: Bill | None) -> CallbackAnswer:
        due = None if bill is None or bill.due is None else bill.due.amount_vnd
        return json_answer({**lookup.context, "found": bill is not None, "due": due})

    def check(self) -> None:
        self._meet_trouble()

    # --- who plays payer and provider ---------------------------------------------------------------

    def pay(
        self,
        order_key: str | None,
        amount: int | None = None,
        *,
        transaction_id: str | None = None,
        bank_reference: str = "",
        memo: str | None = None,
        paid_at: datetime | None = None,
        payer: Payer | None = None,
        names_order: bool = True,
    ) -> CallbackRequest:
        """The payer pays, in full when no amount is told. Gives the callback about it.

        `order_key` None is money for nobody knows what. `names_order` False: the callback tells
        the memo only. A transaction_id that is known is a repeat: the same money once more.
        Raises KeyError for an order that is unknown when no amount is told.
        """
        credit = self._book.pay(
            order_key,
            amount_vnd=amount,
            transaction_id=transaction_id,
            bank_reference=bank_reference,
            memo=memo,
            paid_at=paid_at,
            payer=payer,
        )
        return self.callback_of(credit if names_order else replace(credit, order_key=None))

    def callback_of(
        self, *booked: Credit, confirm: bool = False, sent_at: datetime | None = None
    ) -> CallbackRequest:
        """One callback about all of them."""
        content: dict[str, Any] = {"credits": [credit_content(credit) for credit in booked]}
        if len(booked) == 1:
            content["order_key"] = booked[0].order_key
        return self.call_back(NoticeKind.CREDIT, sent_at=sent_at, confirm=confirm, **content)

    def credits(self) -> tuple[Credit, ...]:
        """All money it has."""
        return self._book.credits()

    def fail(self, order_key: str) -> CallbackRequest:
        return self._end(order_key, OrderStatus.FAILED)

    def expire(self, order_key: str) -> CallbackRequest:
        return self._end(order_key, OrderStatus.EXPIRED)

    def cancel_there(self, order_key: str) -> CallbackRequest:
        """The payer cancels in their app."""
        return self._end(order_key, OrderStatus.CANCELLED)

    def ping(self) -> CallbackRequest:
        """A call that only tests the address."""
        return self.call_back(NoticeKind.TEST)

    def look_up(self, code: str, *, sent_at: datetime | None = None) -> CallbackRequest:
        """A bank asks what is to be paid for that code."""
        return self.call_back("bill", sent_at=sent_at, code=code)

    def call_back(
        self, kind: str, *, sent_at: datetime | None = None, **content: Any
    ) -> CallbackRequest:
        """Any content, well signed."""
        return sign(
            {"kind": kind, **content},
            secret=self._config.secret.reveal_bytes(),
            sent_at=sent_at or self._clock(),
        )

    def due_callbacks(self) -> tuple[CallbackRequest, ...]:
        """About whatever happened by itself, by the amounts, since the last call."""
        untold = self._book.take_untold()
        return tuple(self._told(happening) for happening in untold) if self._config.pushes else ()

    def go_down(self, error: PaymentError) -> None:
        """Every call to it fails so, until `come_back`."""
        self._down = error

    def come_back(self) -> None:
        """Nothing fails any more, nor is going to."""
        with self._lock:
            self._down = None
            self._troubles.clear()
            self._answers_to_lose = 0

    def fail_next(self, *errors: PaymentError) -> None:
        """The next calls to it fail so, one after the other, and do nothing."""
        with self._lock:
            self._troubles.extend(errors)

    def lose_answers(self, count: int) -> None:
        """The next orders are placed, and whoever placed them never hears of it."""
        with self._lock:
            self._answers_to_lose = count

    def refunded(self, order_key: str) -> Money:
        """What was given back for an order so far."""
        with self._lock:
            return Money(
                sum(
                    refund.amount.amount_vnd
                    for refund, report in self._refunds.values()
                    if refund.placed.order.key == order_key and report.state is RefundState.DONE
                )
            )

    def finish_refund(self, key: str, state: RefundState, *, reason: str = "") -> None:
        """Raises KeyError for a refund that was never asked for."""
        with self._lock:
            refund, report = self._refunds[key]
            self._refunds[key] = (refund, replace(report, state=state, reason=reason))

    def _offer(self, order: Order) -> Offer:
        is_bank = self._config.kind is MethodKind.BANK_QR
        account = BankAccount(
            bin="000000",
            number=self._config.account,
            holder="BENH VIEN DEMO",
            bank_name="Ngân hàng thử",
        )
        lifetime = timedelta(seconds=self._config.lifetime_s)
        return Offer(
            provider_ref=f"SB-{order.key}",
            qr_text=f"TIEPDON-SANDBOX:{order.key}:{order.amount.amount_vnd}",
            account=account if is_bank else None,
            memo=order.code,
            expires_at=min(order.expires_at, order.created_at + lifetime),
        )

    def _end(self, order_key: str, status: OrderStatus) -> CallbackRequest:
        return self._told(self._book.end(order_key, status))

    def _told(self, happening: Happening) -> CallbackRequest:
        if happening.credit is not None:
            return self.callback_of(happening.credit)
        return self.call_back(
            NoticeKind.STATUS, order_key=happening.order_key, status=happening.status
        )

    def _need(self, *, can: bool) -> None:
        if not can:
            raise NotSupported("switched off in the settings of the sandbox")
        self._meet_trouble()

    def _meet_trouble(self) -> None:
        with self._lock:
            trouble = self._troubles.pop(0) if self._troubles else self._down
        if trouble is not None:
            raise trouble


def open_provider(
    name: str, settings: Mapping[str, Any], *, clock: Callable[[], datetime]
) -> SandboxProvider:
    """Raises ProviderMisconfigured, also where TIEPDON_ENV is production."""
    if os.environ.get("TIEPDON_ENV") == "production":
        raise ProviderMisconfigured("the sandbox refuses to run where TIEPDON_ENV is production")
    return SandboxProvider(name, read_settings(SandboxConfig, name, settings), clock=clock)


__all__ = ["SandboxProvider", "Script", "open_provider"]
