"""What the stand-ins for wallets share: a book of orders, the payer's page, refunds.

    POST /_emu/pay {"ref": …, "amount"?: …, "delay"?: s, "times"?: n}
    POST /_emu/refuse {"ref": …}            the payer, or their bank, says no
    POST /_emu/wrong_merchant · wrong_currency {"n": 1}   signed well, for somebody else
    GET  /            the payer's app: what waits to be paid      GET /pay/<ref>   one order

Words for people are Vietnamese; numbers and names are invented.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar

from flask import Blueprint, Flask, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as WsgiResponse

from payments.emulation.callbacks import Message
from payments.emulation.frame import Control, Emulator, only_value

_log = logging.getLogger(__name__)
_SHOWN = 50
_MAX_ORDERS = 20_000
_DAY = timedelta(days=1)


class OrderState(StrEnum):
    OPEN = "open"
    PAID = "paid"
    REFUSED = "refused"
    """By the payer."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    """By the hospital."""
    EXPIRED = "expired"


@dataclass(kw_only=True)
class EmulatedPayment:
    number: int
    amount_vnd: int
    paid_at: datetime
    bank_reference: str


@dataclass(kw_only=True)
class EmulatedRefund:
    ref: str
    number: int
    payment: int
    amount_vnd: int
    created_at: datetime
    done: bool = False


@dataclass(kw_only=True)
class EmulatedOrder:
    """`ref` names it at `/pay/<ref>`; `details` is what the provider itself keeps."""

    ref: str
    amount_vnd: int
    title: str
    created_at: datetime
    expires_at: datetime
    state: OrderState = OrderState.OPEN
    payments: list[EmulatedPayment] = field(default_factory=list)
    refunds: dict[str, EmulatedRefund] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def refunded_vnd(self) -> int:
        return sum(refund.amount_vnd for refund in self.refunds.values())

    @property
    def paid_vnd(self) -> int:
        return sum(payment.amount_vnd for payment in self.payments)


class Closed(ValueError):
    """The order takes no money any more."""


class TooMuch(ValueError):
    """More than what was paid would be given back."""


class WalletEmulator(Emulator):
    """A subclass adds the provider's calls, and makes the messages its callbacks are."""

    title: ClassVar[str]
    """What the payer's app calls itself."""
    refund_takes_s: ClassVar[float] = 0.0
    takes_more: ClassVar[bool] = False
    """What was paid can be paid once more: nothing holds a second transfer back."""
    fault_free = ("/_emu", "/pay", "/payer", "/")

    def __init__(self, **options: Any) -> None:
        self.orders: dict[str, EmulatedOrder] = {}
        self._payments: dict[int, tuple[EmulatedOrder, EmulatedPayment]] = {}
        self._refunds: dict[str, EmulatedRefund] = {}
        self._wrong_merchant = 0
        self._wrong_currency = 0
        super().__init__(**options)

    # --- what a wallet adds

    @abstractmethod
    def paid_message(self, order: EmulatedOrder, payment: EmulatedPayment) -> Message | None:
        """Signed at the time of the call. None: there is no address."""

    def ended_message(self, order: EmulatedOrder) -> Message | None:  # noqa: ARG002 - for subclasses
        """Of an order that ended without money. None: this wallet does not tell."""
        return None

    # --- the book

    def place(
        self, ref: str, *, amount_vnd: int, title: str, lifetime_s: float, **details: Any
    ) -> EmulatedOrder:
        now = self.clock()
        order = EmulatedOrder(
            ref=ref,
            amount_vnd=amount_vnd,
            title=title,
            created_at=now,
            expires_at=now + timedelta(seconds=lifetime_s),
            details=details,
        )
        with self.lock:
            if len(self.orders) >= _MAX_ORDERS:
                self.orders.pop(next(iter(self.orders)))
            self.orders[ref] = order
        return order

    def find(self, ref: str) -> EmulatedOrder | None:
        """With its state as it is now."""
        with self.lock:
            order = self.orders.get(ref)
            if order and order.state is OrderState.OPEN and self.clock() >= order.expires_at:
                order.state = OrderState.EXPIRED
            return order

    def find_payment(self, number: int) -> tuple[EmulatedOrder, EmulatedPayment] | None:
        with self.lock:
            return self._payments.get(number)

    def find_refund(self, ref: str) -> EmulatedRefund | None:
        with self.lock:
            return self._refunds.get(ref)

    def take_money(
        self, ref: str, amount_vnd: int | None = None, *, times: int = 1, delay_s: float = 0.0
    ) -> EmulatedOrder:
        """A payer confirms. Raises LookupError, Closed."""
        with self.lock:
            order = self._get(ref)
            late = order.state is OrderState.EXPIRED and self.faults.pay_after_expiry
            again = order.state is OrderState.PAID and self.takes_more
            if order.state is not OrderState.OPEN and not late and not again:
                raise Closed(f"the order is {order.state}")
            if self.faults.take("fail"):
                return self._end(order, OrderState.FAILED)
            made = [self._pay_once(order, amount_vnd) for _ in range(times)]
            order.state = OrderState.PAID
        for payment in made:
            message = partial(self.paid_message, order, payment)
            self.callbacks.add(order.ref, message, delay_s=delay_s)
        return order

    def close_order(self, ref: str, state: OrderState) -> EmulatedOrder:
        """It ends without money. Raises LookupError, Closed."""
        with self.lock:
            order = self._get(ref)
            if order.state is not OrderState.OPEN:
                raise Closed(f"the order is {order.state}")
            return self._end(order, state)

    def give_back(
        self, order: EmulatedOrder, payment: EmulatedPayment, ref: str, amount_vnd: int
    ) -> EmulatedRefund:
        """Once for each `ref`. Raises TooMuch."""
        with self.lock:
            if ref in order.refunds:
                return order.refunds[ref]
            given = [r.amount_vnd for r in order.refunds.values() if r.payment == payment.number]
            if amount_vnd <= 0 or sum(given) + amount_vnd > payment.amount_vnd:
                raise TooMuch("more than was paid")
            limit = self.faults.partial_refund
            refund = EmulatedRefund(
                ref=ref,
                number=self.next_number(),
                payment=payment.number,
                amount_vnd=min(amount_vnd, limit) if limit else amount_vnd,
                created_at=self.clock(),
            )
            order.refunds[ref] = self._refunds[ref] = refund
            return refund

    def is_refund_done(self, refund: EmulatedRefund) -> bool:
        age_s = (self.clock() - refund.created_at).total_seconds()
        if not self.faults.refund_pending and age_s >= self.refund_takes_s:
            refund.done = True
        return refund.done

    def next_number(self) -> int:
        """Of a transaction: ten digits, never twice."""
        with self.lock:
            self._number: int = getattr(self, "_number", 4_000_000_000) + self.random.randint(1, 9)
            return self._number

    def is_wrong_merchant(self) -> bool:
        """For the callback that is made now."""
        with self.lock:
            is_on = self._wrong_merchant > 0
            self._wrong_merchant -= is_on
            return is_on

    def is_wrong_currency(self) -> bool:
        with self.lock:
            is_on = self._wrong_currency > 0
            self._wrong_currency -= is_on
            return is_on

    def signed_at(self, moment: datetime) -> datetime:
        """The time that a callback about this moment carries, as the switches have it."""
        stale = _DAY if self.faults.take("stale_timestamp") else timedelta()
        return moment + timedelta(seconds=self.faults.clock_skew) - stale

    # --- control

    def controls(self) -> Mapping[str, Control]:
        return {
            "pay": self._control_pay,
            "refuse": self._control_refuse,
            "wrong_merchant": self._control_wrong_merchant,
            "wrong_currency": self._control_wrong_currency,
        }

    def describe(self) -> dict[str, Any]:
        with self.lock:
            return {"orders": [_plain(self.find(ref)) for ref in list(self.orders)[-_SHOWN:]]}

    def _control_pay(self, arguments: dict[str, Any]) -> dict[str, Any]:
        amount = arguments.get("amount")
        times, delay_s = int(arguments.get("times", 1)), float(arguments.get("delay", 0))
        if not 1 <= times <= 20 or not 0 <= delay_s <= 86_400:
            raise ValueError("times 1 to 20, delay up to a day")
        order = self.take_money(
            str(arguments["ref"]),
            None if amount is None else int(amount),
            times=times,
            delay_s=delay_s,
        )
        return _plain(order)

    def _control_refuse(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return _plain(self.close_order(str(arguments["ref"]), OrderState.REFUSED))

    def _control_wrong_merchant(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._wrong_merchant = int(only_value(arguments))
        return {}

    def _control_wrong_currency(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._wrong_currency = int(only_value(arguments))
        return {}

    # --- the payer's app

    def add_routes(self, app: Flask) -> None:
        pages = Blueprint(
            "payer",
            __name__,
            template_folder="payer_pages",
            static_folder="payer_pages",
            static_url_path="/payer",
        )

        @pages.get("/")
        def show_orders() -> str:
            with self.lock:
                orders = [self.find(ref) for ref in reversed(list(self.orders)[-_SHOWN:])]
            return render_template("orders.html", title=self.title, orders=orders, words=_WORDS)

        @pages.get("/pay/<ref>")
        def show_order(ref: str) -> str:
            order = self.find(ref) or abort(404)
            late = order.state is OrderState.EXPIRED and self.faults.pay_after_expiry
            return render_template(
                "order.html",
                title=self.title,
                order=order,
                words=_WORDS,
                payable=order.state is OrderState.OPEN or late,
            )

        @pages.post("/pay/<ref>")
        def act(ref: str) -> WsgiResponse:
            try:
                self._act(ref, request.form)
            except LookupError:
                abort(404)
            except ValueError:
                _log.debug("nothing was paid")  # closed meanwhile: the page shows how it stands
            return redirect(url_for("payer.show_order", ref=ref), code=303)

        @pages.after_request
        def restrict(response: Response) -> Response:
            response.headers["Content-Security-Policy"] = "default-src 'self'"
            response.headers["Cache-Control"] = "no-store"
            return response

        app.add_template_filter(lambda amount: f"{amount:,}".replace(",", ".") + " đ", "dong")
        app.register_blueprint(pages)

    def _act(self, ref: str, form: Mapping[str, str]) -> None:
        ends = {"refuse": OrderState.REFUSED, "fail": OrderState.FAILED}
        if form.get("action") in ends:
            self.close_order(ref, ends[form["action"]])
        else:
            self.take_money(ref, int(form["amount"]) if form.get("amount") else None)

    # --- under the lock

    def _get(self, ref: str) -> EmulatedOrder:
        order = self.find(ref)
        if order is None:
            raise LookupError("no such order")
        return order

    def _pay_once(self, order: EmulatedOrder, amount_vnd: int | None) -> EmulatedPayment:
        amount = order.amount_vnd if amount_vnd is None else amount_vnd
        if not 0 < amount < 10**12:
            raise ValueError("no such amount")
        number = self.next_number()
        payment = EmulatedPayment(
            number=number,
            amount_vnd=amount,
            paid_at=self.clock(),
            bank_reference=f"FT{number}",
        )
        order.payments.append(payment)
        self._payments[number] = order, payment
        return payment

    def _end(self, order: EmulatedOrder, state: OrderState) -> EmulatedOrder:
        order.state = state
        self.callbacks.add(order.ref, lambda: self.ended_message(order))
        return order


_WORDS = {
    OrderState.OPEN: "Chờ thanh toán",
    OrderState.PAID: "Đã thanh toán",
    OrderState.REFUSED: "Bạn đã từ chối",
    OrderState.FAILED: "Không thành công",
    OrderState.CANCELLED: "Nơi bán đã hủy",
    OrderState.EXPIRED: "Đã hết hạn",
}


def _plain(order: EmulatedOrder | None) -> dict[str, Any]:
    if order is None:
        return {}
    content = asdict(order)
    del content["details"]
    return content
