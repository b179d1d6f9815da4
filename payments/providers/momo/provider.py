"""MoMo: one QR per order, paid in the MoMo app; told by notice, asked by query, given back in parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from payments.errors import BrokenReply, Declined, MalformedCallback
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
from payments.providers.momo.callback import read_credit, read_notice
from payments.providers.momo.client import MomoClient
from payments.providers.momo.codes import DONE, NOT_FINAL, REPEATED, fault_of, status_of
from payments.providers.momo.config import MomoConfig
from payments.registry import Clock
from payments.settings import read_settings
from payments.untrusted_json import is_whole, time_of_ms

_FEATURES = Features(
    kind=MethodKind.WALLET,
    pushes=True,
    can_query=True,
    can_refund=True,
    min_vnd=1_000,
    max_vnd=50_000_000,
    lifetime_s=600,
)
_MAX_QR_CHARS = 1_000


class MomoProvider(PartialProvider):
    def __init__(self, name: str, config: MomoConfig) -> None:
        super().__init__(name)
        self._config = config
        self._client = MomoClient(config)

    def features(self) -> Features:
        return _FEATURES

    def create(self, order: Order) -> Offer:
        if not _FEATURES.min_vnd <= order.amount.amount_vnd <= _FEATURES.max_vnd:
            raise Declined("amount")
        reply = self._client.create(order)
        if reply["resultCode"] != DONE:
            raise fault_of(reply["resultCode"])
        if reply.get("amount") != order.amount.amount_vnd:
            raise BrokenReply("another amount")
        # The text the wallet reads; without it the page that shows the same QR.
        qr_text = reply.get("qrCodeUrl") or reply.get("payUrl")
        if not isinstance(qr_text, str) or not 0 < len(qr_text) <= _MAX_QR_CHARS:
            raise BrokenReply("no QR")
        lifetime = timedelta(seconds=_FEATURES.lifetime_s)
        return Offer(
            provider_ref=order.key,
            qr_text=qr_text,
            expires_at=min(order.expires_at, order.created_at + lifetime),
        )

    def query(self, placed: PlacedOrder) -> OrderReport:
        reply = self._client.query(placed.order.key)
        status = status_of(reply["resultCode"])
        if status is not OrderStatus.PAID:
            return OrderReport(status=status)
        if not all(is_whole(reply.get(name)) for name in ("amount", "transId")):
            raise BrokenReply("paid, without amount or number")
        try:
            # Of the answer: MoMo does not tell here when it was paid.
            answered_at = time_of_ms(reply.get("responseTime"))
            credit = read_credit(self.name, self._config, reply, placed.order.key, answered_at)
        except (MalformedCallback, ValueError) as error:
            raise BrokenReply("paid, without money or time") from error
        return OrderReport(status=status, credits=(credit,))

    def refund(self, refund: RefundOrder) -> RefundReport:
        if not refund.transaction_id.isdecimal():
            raise Declined("transaction")
        reply = self._client.refund(refund)
        if reply["resultCode"] in REPEATED:
            return self.query_refund(refund)
        report = _refund_report(reply, refund)
        if report.state is RefundState.FAILED:
            raise fault_of(reply["resultCode"])
        return report

    def query_refund(self, refund: RefundOrder) -> RefundReport:
        return _refund_report(self._client.query_refund(refund.key), refund)

    def read_callback(self, request: CallbackRequest) -> Notice:
        return read_notice(self.name, self._config, request)

    def answer(self, notice: Notice, outcome: Outcome) -> CallbackAnswer:  # noqa: ARG002 - the port's
        """204 within 15 s is the one answer MoMo takes."""
        if outcome is Outcome.NOT_NOW:
            return json_answer({"success": False}, status=503)
        return CallbackAnswer(status=204)

    def check(self) -> None:
        """Asks for an order that is none: MoMo then checks our keys first."""
        status_of(self._client.query("CHECK-0")["resultCode"])

    def close(self) -> None:
        self._client.close()


def _refund_report(reply: dict[str, Any], refund: RefundOrder) -> RefundReport:
    code, number = reply["resultCode"], reply.get("transId")
    if code in NOT_FINAL:
        return RefundReport(state=RefundState.PROCESSING)
    if code != DONE:
        status_of(code)  # a fault of the call says nothing about the refund
        return RefundReport(state=RefundState.FAILED, reason=str(code))
    if reply.get("amount", refund.amount.amount_vnd) != refund.amount.amount_vnd:
        raise BrokenReply("another amount was given back")
    return RefundReport(
        state=RefundState.DONE, provider_ref=str(number) if is_whole(number) else ""
    )


def open_provider(name: str, settings: Mapping[str, Any], *, clock: Clock) -> MomoProvider:  # noqa: ARG001 - orders bring their own times
    """Asks nothing of MoMo. Raises ProviderMisconfigured."""
    return MomoProvider(name, read_settings(MomoConfig, name, settings))
