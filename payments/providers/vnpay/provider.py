"""VNPAY-QR on the kiosk's own screen ("merchant hosted QR"), with querydr and refund."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from payments.errors import (
    BadSignature,
    BrokenReply,
    CallbackRefused,
    Declined,
    MalformedCallback,
    OutcomeUnknown,
    PaymentError,
    Throttled,
    Unavailable,
)
from payments.models import (
    CallbackAnswer,
    CallbackRequest,
    Features,
    MethodKind,
    Notice,
    Offer,
    Order,
    OrderReport,
    OrderStatus,
    Outcome,
    PlacedOrder,
    RefundOrder,
    RefundReport,
    RefundState,
)
from payments.partial import PartialProvider, json_answer
from payments.providers.vnpay.callback import (
    PAID,
    UNDECIDED,
    ended,
    read_amount,
    read_credit,
    read_notice,
)
from payments.providers.vnpay.client import VnpayClient, refund_info
from payments.providers.vnpay.config import VnpayConfig
from payments.providers.vnpay.qr_check import check_qr
from payments.providers.vnpay.signing import VIETNAM, read_time, write_time
from payments.registry import Clock
from payments.settings import read_settings

_DONE, _NOT_FOUND, _BUSY, _TIMED_OUT, _OTHER = "00", "91", "94", "98", "99"
_PAYMENT = "01"
_REFUND_RUNS = frozenset({"05", "06"})
_REFUND_REFUSED = "09"
_ANSWERS = {
    Outcome.APPLIED: ("00", "Confirm Success"),
    Outcome.RECORDED: ("00", "Confirm Success"),
    Outcome.REPEATED: ("02", "Order already confirmed"),
    Outcome.ALREADY_SETTLED: ("02", "Order already confirmed"),
    Outcome.UNKNOWN_ORDER: ("01", "Order not found"),
    Outcome.WRONG_AMOUNT: ("04", "Invalid amount"),
    Outcome.NOT_NOW: ("99", "Try again"),
}
"""00 and 02 end the repeats; all others bring the notice again, every five minutes, ten times."""


class VnpayProvider(PartialProvider):
    def __init__(self, name: str, config: VnpayConfig, *, clock: Clock) -> None:
        super().__init__(name)
        self._config = config
        self._clock = clock
        self._client = VnpayClient(config, clock=clock)

    def features(self) -> Features:
        return Features(
            kind=MethodKind.WALLET,
            pushes=True,
            can_query=True,
            can_refund=True,
            min_vnd=self._config.min_vnd,
            max_vnd=self._config.max_vnd,
            lifetime_s=self._config.lifetime_s,
        )

    def create(self, order: Order) -> Offer:
        if not self._config.min_vnd <= order.amount.amount_vnd <= self._config.max_vnd:
            raise Declined("amount")
        lifetime = timedelta(seconds=self._config.lifetime_s)
        expires_at = min(order.expires_at, order.created_at + lifetime)
        reply = self._client.create_qr(order, expires_at=write_time(expires_at))
        code = reply.get("code")
        if not isinstance(code, str):
            raise BrokenReply("no code")
        if code != _DONE:
            raise _fault(code)
        return Offer(
            provider_ref=order.key,
            qr_text=check_qr(reply.get("qrcontent"), order.amount),
            expires_at=expires_at,
        )

    def query(self, placed: PlacedOrder) -> OrderReport:
        reply = self._client.query(placed.order)
        if reply["vnp_ResponseCode"] == _NOT_FOUND:
            return OrderReport(status=OrderStatus.UNKNOWN)
        if reply["vnp_ResponseCode"] != _DONE:
            raise _fault(reply["vnp_ResponseCode"])
        fields = {name: str(value) for name, value in reply.items() if value is not None}
        if fields.get("vnp_TransactionType", _PAYMENT) != _PAYMENT:
            # Once something was given back VNPAY tells of that, and no more of the payment.
            return OrderReport(status=OrderStatus.PAID)
        status = fields.get("vnp_TransactionStatus", "")
        if status != PAID:
            return OrderReport(status=_status(status, placed, self._clock))
        try:
            paid_at = read_time(fields.get("vnp_PayDate", ""))
            credit = read_credit(self.name, self._config, fields, placed.order.key, paid_at)
        except (ValueError, MalformedCallback) as error:
            raise BrokenReply("paid, without amount, number or time") from error
        return OrderReport(status=OrderStatus.PAID, credits=(credit,))

    def refund(self, refund: RefundOrder) -> RefundReport:
        if not refund.transaction_id.isdecimal():
            raise Declined("transaction")
        if not self._is_of_today(refund):
            # VNPAY knows a repeat by its number within one day only.
            known = self.query_refund(refund)
            if known.state is not RefundState.FAILED or known.reason == _REFUND_REFUSED:
                return known
        code = self._client.refund(refund)["vnp_ResponseCode"]
        if code == _BUSY:
            return self.query_refund(refund)
        if code != _DONE:
            raise _refund_fault(code)
        return RefundReport(state=RefundState.PROCESSING)

    def query_refund(self, refund: RefundOrder) -> RefundReport:
        """VNPAY tells of the last refund of an order only. Where that is another one, this one is
        left in progress: a second repayment would be worse than a question to VNPAY.
        """
        reply = self._client.query(refund.placed.order)
        code, kind = reply["vnp_ResponseCode"], str(reply.get("vnp_TransactionType", ""))
        if code == _NOT_FOUND or (code == _DONE and kind in {"", _PAYMENT}):
            return RefundReport(state=RefundState.FAILED, reason=_NOT_FOUND)
        if code != _DONE:
            raise _fault(code)
        if not _is_about(reply, refund):
            return RefundReport(state=RefundState.PROCESSING, reason="ask-vnpay")
        status = str(reply.get("vnp_TransactionStatus", ""))
        number = str(reply.get("vnp_TransactionNo", ""))[:30]
        if status == PAID:
            return RefundReport(state=RefundState.DONE, provider_ref=number)
        if status in _REFUND_RUNS:
            return RefundReport(state=RefundState.PROCESSING, provider_ref=number)
        return RefundReport(state=RefundState.FAILED, reason=status[:8])

    def read_callback(self, request: CallbackRequest) -> Notice:
        return read_notice(self.name, self._config, request)

    def answer(self, notice: Notice, outcome: Outcome) -> CallbackAnswer:  # noqa: ARG002 - the port's
        return _answer(*_ANSWERS[outcome])

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer:
        if isinstance(error, BadSignature):
            return _answer("97", "Invalid Checksum")
        return _answer("99", error.code)

    def check(self) -> None:
        """Asks for an order that is none: VNPAY then checks terminal and hash first."""
        code = self._client.query(None)["vnp_ResponseCode"]
        if code not in {_DONE, _NOT_FOUND}:
            raise _fault(code)

    def close(self) -> None:
        self._client.close()

    def _is_of_today(self, refund: RefundOrder) -> bool:
        made, now = refund.created_at.astimezone(VIETNAM), self._clock().astimezone(VIETNAM)
        return made.date() == now.date()


def _status(transaction_status: str, placed: PlacedOrder, clock: Clock) -> OrderStatus:
    """An order that nobody paid may stay open there; it is over with its QR."""
    if transaction_status in UNDECIDED:
        over = transaction_status == "01" and clock() >= placed.order.expires_at
        return OrderStatus.EXPIRED if over else OrderStatus.OPEN
    return ended(transaction_status)


def _is_about(reply: Mapping[str, Any], refund: RefundOrder) -> bool:
    try:
        amount = read_amount(str(reply.get("vnp_Amount", "")))
    except MalformedCallback:
        return False
    return amount == refund.amount and reply.get("vnp_OrderInfo") == refund_info(refund)


def _fault(code: str) -> PaymentError:
    if code == _BUSY:
        return Throttled("asked twice")
    return Unavailable("code 99") if code == _OTHER else Declined(code[:8])


def _refund_fault(code: str) -> PaymentError:
    if code in {_TIMED_OUT, _OTHER}:
        return OutcomeUnknown(f"code {code}")
    return Declined(code[:8])


def _answer(code: str, message: str) -> CallbackAnswer:
    return json_answer({"RspCode": code, "Message": message})


def open_provider(name: str, settings: Mapping[str, Any], *, clock: Clock) -> VnpayProvider:
    """Asks nothing of VNPAY. Raises ProviderMisconfigured."""
    return VnpayProvider(name, read_settings(VnpayConfig, name, settings), clock=clock)
