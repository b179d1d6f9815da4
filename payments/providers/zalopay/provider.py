"""ZaloPay: one order per QR, told by callback on success only, asked by query, given back in parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from payments.errors import BrokenReply, CallbackRefused, Declined, OutcomeUnknown, PaymentError
from payments.models import (
    CallbackAnswer,
    CallbackRequest,
    Credit,
    Features,
    MethodKind,
    Money,
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
from payments.providers.zalopay.callback import read_notice
from payments.providers.zalopay.client import ZalopayClient
from payments.providers.zalopay.config import ZalopayConfig
from payments.providers.zalopay.signing import trans_id
from payments.registry import Clock
from payments.settings import read_settings
from payments.untrusted_json import is_whole, time_of_ms

_DONE, _FAILED, _UNDER_WAY = 1, 2, 3
_NOT_FOUND, _EXPIRED = -101, -54
_BAD_MAC, _BAD_APP = -402, -2
_MAX_QR_CHARS = 1_000


class ZalopayProvider(PartialProvider):
    def __init__(self, name: str, config: ZalopayConfig, *, clock: Clock) -> None:
        super().__init__(name)
        self._config = config
        self._client = ZalopayClient(config, clock=clock)

    def features(self) -> Features:
        return Features(
            kind=MethodKind.WALLET,
            pushes=True,
            can_query=True,
            can_cancel=True,
            can_refund=True,
            min_vnd=self._config.min_vnd,
            max_vnd=self._config.max_vnd,
            lifetime_s=self._config.lifetime_s,
        )

    def create(self, order: Order) -> Offer:
        features = self.features()
        if not features.min_vnd <= order.amount.amount_vnd <= features.max_vnd:
            raise Declined("amount")
        reply = self._client.create(order)
        if reply["return_code"] != _DONE:
            raise _fault(reply)
        qr_text = reply.get("order_url")
        if not isinstance(qr_text, str) or not 0 < len(qr_text) <= _MAX_QR_CHARS:
            raise BrokenReply("no QR")
        lifetime = timedelta(seconds=features.lifetime_s)
        return Offer(
            provider_ref=trans_id(order),
            qr_text=qr_text,
            expires_at=min(order.expires_at, order.created_at + lifetime),
        )

    def query(self, placed: PlacedOrder) -> OrderReport:
        # Made anew from the order: the reference is not known where the answer to create was lost.
        reply = self._client.query(trans_id(placed.order))
        status = _status(reply)
        if status is not OrderStatus.PAID:
            return OrderReport(status=status)
        number, amount = reply.get("zp_trans_id"), reply.get("amount")
        if not (type(number) is int and type(amount) is int and number > 0 and amount > 0):
            raise BrokenReply("paid, without amount or number")
        try:
            paid_at = time_of_ms(reply.get("server_time"))
        except ValueError as error:
            raise BrokenReply("paid, without a time") from error
        credit = Credit(
            provider=self.name,
            account=str(self._config.app_id),
            transaction_id=str(number),
            amount=Money(amount),
            paid_at=paid_at,
            order_key=placed.order.key,
        )
        return OrderReport(status=status, credits=(credit,))

    def cancel(self, placed: PlacedOrder) -> None:
        reply = self._client.cancel(trans_id(placed.order))
        # Refused: paid, over or unknown already. What may still be paid is no longer ours to say.
        if reply["return_code"] != _DONE and self.query(placed).status is OrderStatus.OPEN:
            raise _fault(reply)

    def refund(self, refund: RefundOrder) -> RefundReport:
        reply = self._client.refund(refund)
        report = _refund_report(reply)
        if report.state is not RefundState.FAILED:
            return report
        # ZaloPay refuses a repeat under the same number: it may be running since the first time.
        known = self.query_refund(refund)
        if known.state is RefundState.FAILED:
            raise _fault(reply)
        return known

    def query_refund(self, refund: RefundOrder) -> RefundReport:
        return _refund_report(self._client.query_refund(refund))

    def read_callback(self, request: CallbackRequest) -> Notice:
        return read_notice(self.name, self._config, request)

    def answer(self, notice: Notice, outcome: Outcome) -> CallbackAnswer:  # noqa: ARG002 - the port's
        """1 taken, 2 known already, 0 to be sent again."""
        if outcome is Outcome.NOT_NOW:
            return json_answer({"return_code": 0, "return_message": "try again"})
        if outcome is Outcome.REPEATED:
            return json_answer({"return_code": 2, "return_message": "duplicate"})
        return json_answer({"return_code": 1, "return_message": "success"})

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer:
        return json_answer({"return_code": -1, "return_message": error.code})

    def check(self) -> None:
        """Asks for an order that is none: ZaloPay then checks our key first."""
        reply = self._client.query("700101_CHECK-0")
        _check_keys(reply)

    def close(self) -> None:
        self._client.close()


def _status(reply: dict[str, Any]) -> OrderStatus:
    """Raises Declined for a fault of the question itself."""
    _check_keys(reply)
    code, detail = reply["return_code"], reply.get("sub_return_code")
    if code == _DONE:
        return OrderStatus.PAID
    if code != _FAILED:
        return OrderStatus.OPEN
    by_detail: dict[Any, OrderStatus] = {
        _NOT_FOUND: OrderStatus.UNKNOWN,
        _EXPIRED: OrderStatus.EXPIRED,
    }
    return by_detail.get(detail if is_whole(detail) else None, OrderStatus.FAILED)


def _check_keys(reply: dict[str, Any]) -> None:
    detail = reply.get("sub_return_code")
    if is_whole(detail) and detail in {_BAD_MAC, _BAD_APP}:
        raise _fault(reply)


def _refund_report(reply: dict[str, Any]) -> RefundReport:
    code, number = reply["return_code"], reply.get("refund_id")
    provider_ref = str(number) if is_whole(number) else ""
    if code == _DONE:
        return RefundReport(state=RefundState.DONE, provider_ref=provider_ref)
    if code == _UNDER_WAY:
        return RefundReport(state=RefundState.PROCESSING, provider_ref=provider_ref)
    return RefundReport(state=RefundState.FAILED, reason=_reason(reply))


def _fault(reply: dict[str, Any]) -> PaymentError:
    if reply["return_code"] == _UNDER_WAY:
        return OutcomeUnknown("under way")
    return Declined(_reason(reply))


def _reason(reply: dict[str, Any]) -> str:
    detail = reply.get("sub_return_code")
    return str(detail if is_whole(detail) else reply["return_code"])


def open_provider(name: str, settings: Mapping[str, Any], *, clock: Clock) -> ZalopayProvider:
    """Asks nothing of ZaloPay. Raises ProviderMisconfigured."""
    return ZalopayProvider(name, read_settings(ZalopayConfig, name, settings), clock=clock)
