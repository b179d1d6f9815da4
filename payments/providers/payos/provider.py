"""payOS: a VietQR to the hospital's own account, watched over by payOS. Any bank's app pays it."""

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
)
from payments.models import (
    BankAccount,
    CallbackAnswer,
    CallbackRequest,
    Features,
    MethodKind,
    Notice,
    Offer,
    Order,
    OrderReport,
    OrderStatus,
    PlacedOrder,
)
from payments.partial import PartialProvider, json_answer
from payments.providers.payos.callback import read_credit, read_notice
from payments.providers.payos.client import PayosClient
from payments.providers.payos.config import PayosConfig
from payments.providers.payos.signing import MAX_ATTEMPTS, order_code
from payments.registry import Clock
from payments.settings import read_settings
from payments.vietqr import VietQr, VietQrError, decode
from payments.vietqr.banks import bank_name

_STATUS = {
    "PENDING": OrderStatus.OPEN,
    "PROCESSING": OrderStatus.OPEN,
    "UNDERPAID": OrderStatus.OPEN,
    "PAID": OrderStatus.PAID,
    "CANCELLED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "FAILED": OrderStatus.FAILED,
}
_MAX_TRANSACTIONS = 100
_NO_ORDER = 1


class PayosProvider(PartialProvider):
    def __init__(self, name: str, config: PayosConfig) -> None:
        super().__init__(name)
        self._config = config
        self._client = PayosClient(config)

    def features(self) -> Features:
        """Money is given back by the cashier: payOS only sees it come."""
        return Features(
            kind=MethodKind.BANK_QR,
            pushes=True,
            can_query=True,
            can_cancel=True,
            min_vnd=self._config.min_vnd,
            max_vnd=self._config.max_vnd,
            lifetime_s=self._config.lifetime_s,
        )

    def create(self, order: Order) -> Offer:
        if not self._config.min_vnd <= order.amount.amount_vnd <= self._config.max_vnd:
            raise Declined("amount")
        if order.attempt >= MAX_ATTEMPTS:
            raise Declined("attempts")
        lifetime = timedelta(seconds=self._config.lifetime_s)
        expires_at = min(order.expires_at, order.created_at + lifetime)
        data = self._client.create(order, expires_at=expires_at)
        qr_text, link = data.get("qrCode"), data.get("paymentLinkId")
        if not isinstance(qr_text, str) or not isinstance(link, str) or not 0 < len(link) <= 64:
            raise BrokenReply("no QR")
        qr = self._check_qr(qr_text, data, order)
        holder = data.get("accountName")
        return Offer(
            provider_ref=link,
            qr_text=qr_text,
            account=BankAccount(
                bin=qr.bin,
                number=qr.account,
                holder=holder[:100] if isinstance(holder, str) else "",
                bank_name=bank_name(qr.bin),
            ),
            memo=qr.memo or "",
            expires_at=expires_at,
        )

    def query(self, placed: PlacedOrder) -> OrderReport:
        data = self._client.find(order_code(placed.order))
        if data is None:
            return OrderReport(status=OrderStatus.UNKNOWN)
        status, transactions = data.get("status"), data.get("transactions") or []
        if data.get("orderCode") != order_code(placed.order):
            raise BrokenReply("another order")
        if not isinstance(status, str) or status not in _STATUS:
            raise BrokenReply("no status")
        if not isinstance(transactions, list):
            raise BrokenReply("no transactions")
        if len(transactions) > _MAX_TRANSACTIONS:
            raise BrokenReply("too many transactions")
        try:
            credits_ = tuple(
                read_credit(self.name, each if isinstance(each, dict) else {}, placed.order.key)
                for each in transactions
            )
        except MalformedCallback as error:
            raise BrokenReply("a transaction that is none") from error
        return OrderReport(status=_STATUS[status], credits=credits_)

    def cancel(self, placed: PlacedOrder) -> None:
        refusal = self._client.cancel(order_code(placed.order))
        # Refused: paid, over or unknown already. Only what may still be paid is worth an error.
        if refusal is not None and self.query(placed).status is OrderStatus.OPEN:
            raise refusal

    def read_callback(self, request: CallbackRequest) -> Notice:
        return read_notice(self.name, self._config, request)

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer:
        """Well signed and still refused: a repeat would not be better, so payOS is told it was
        taken. This also lets its test call through, whatever that carries.
        """
        status = 401 if isinstance(error, BadSignature) else 200
        return json_answer({"success": False, "code": error.code}, status=status)

    def confirm_webhook(self, address: str) -> None:
        """Once, when it is set up. Raises as `create`."""
        self._client.confirm_webhook(address)

    def check(self) -> None:
        """Asks for an order that is none: payOS then checks our keys first."""
        self._client.find(_NO_ORDER)

    def close(self) -> None:
        self._client.close()

    def _check_qr(self, qr_text: str, data: Mapping[str, Any], order: Order) -> VietQr:
        try:
            qr = decode(qr_text)
        except VietQrError as error:
            raise BrokenReply("the QR cannot be read") from error
        if (qr.bin, qr.account) != (data.get("bin"), data.get("accountNumber")):
            raise BrokenReply("the QR leads to another account")
        if qr.bin != self._config.bin or self._config.account not in {None, qr.account}:
            raise BrokenReply("not the hospital's account")
        if qr.amount != order.amount or data.get("amount") != order.amount.amount_vnd:
            raise BrokenReply("another amount")
        if data.get("orderCode") != order_code(order) or data.get("currency") != "VND":
            raise BrokenReply("another order")
        return qr


def open_provider(name: str, settings: Mapping[str, Any], *, clock: Clock) -> PayosProvider:  # noqa: ARG001 - orders bring their own times
    """Asks nothing of payOS. Raises ProviderMisconfigured."""
    return PayosProvider(name, read_settings(PayosConfig, name, settings))
