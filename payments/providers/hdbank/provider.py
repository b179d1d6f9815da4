"""HDBank's dynamic QR as a way to pay: a QR of the bank's own making, its IPN, and its list.

Truth is the signed IPN, or the list when asked. The IPN says when money came and not when it was
sent: there is no window of time, and a replay is the same transaction once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from payments.errors import (
    BadSignature,
    BrokenReply,
    CallbackRefused,
    Declined,
    MalformedCallback,
    NotOurs,
    Unavailable,
)
from payments.models import (
    BankAccount,
    CallbackAnswer,
    CallbackRequest,
    Features,
    MethodKind,
    Notice,
    NoticeKind,
    Offer,
    Order,
    OrderReport,
    OrderStatus,
    Outcome,
    PlacedOrder,
)
from payments.partial import PartialProvider, json_answer
from payments.providers.hdbank.client import HdbankClient
from payments.providers.hdbank.config import BIN, HdbankConfig
from payments.providers.hdbank.invoices import InvoiceStatus, OtherShape, read_invoice
from payments.providers.hdbank.signing import check, unpack
from payments.settings import read_settings
from payments.vietqr import VietQr, VietQrError, decode
from payments.vietqr.banks import bank_name

_MIN_VND = 1_000
_MAX_DATA_CHARS = 20_000
_OK, _BAD_SIGN, _PAID_BEFORE, _AMOUNT, _INVALID, _REPEATED, _ERROR = (
    "00", "01", "02", "03", "04", "05", "99",
)  # fmt: skip
_WORDS = {
    _BAD_SIGN: "Sai xác thực chữ kí",
    _PAID_BEFORE: "Đơn đã được thanh toán trước đó",
    _AMOUNT: "Số tiền không khớp",
    _INVALID: "Dữ liệu xác thực không hợp lệ",
    _REPEATED: "Yêu cầu gạch nợ bị trùng lặp",
    _ERROR: "Lỗi không xác định",
}
_OF_OUTCOMES = {
    Outcome.APPLIED: _OK,
    Outcome.RECORDED: _OK,
    Outcome.REPEATED: _REPEATED,
    Outcome.UNKNOWN_ORDER: _INVALID,
    Outcome.WRONG_AMOUNT: _AMOUNT,
    Outcome.ALREADY_SETTLED: _PAID_BEFORE,
    Outcome.NOT_NOW: _ERROR,
}


class HdbankProvider(PartialProvider):
    def __init__(self, name: str, config: HdbankConfig, *, clock: Callable[[], datetime]) -> None:
        super().__init__(name)
        self._config = config
        self._clock = clock
        self._client = HdbankClient(config, clock=clock)

    def features(self) -> Features:
        return Features(
            kind=MethodKind.BANK_QR,
            pushes=True,
            can_query=True,
            min_vnd=_MIN_VND,
            max_vnd=self._config.max_vnd,
            lifetime_s=self._config.lifetime_s,
        )

    def create(self, order: Order) -> Offer:
        if not _MIN_VND <= order.amount.amount_vnd <= self._config.max_vnd:
            raise Declined("amount")
        text = self._client.make_qr(order)
        shown = self._check_qr(text, order)
        lifetime = timedelta(seconds=self._config.lifetime_s)
        return Offer(
            provider_ref=order.key,
            qr_text=text,
            account=BankAccount(
                bin=shown.bin,
                number=shown.account,
                holder=self._config.holder,
                bank_name=bank_name(shown.bin),
            ),
            memo=shown.memo or "",
            expires_at=min(order.expires_at, order.created_at + lifetime),
        )

    def query(self, placed: PlacedOrder) -> OrderReport:
        """01 is "unpaid, or it failed": open until our own time is over, for it may yet be paid."""
        order = placed.order
        found = self._client.find_invoice(order.key)
        if found is None:
            return OrderReport(status=OrderStatus.UNKNOWN)
        try:
            invoice = read_invoice(found, provider=self.name, account=self._config.merchant_id)
        except OtherShape as error:
            raise BrokenReply(str(error)) from error
        if invoice.status is InvoiceStatus.UNKNOWN:
            raise Unavailable("the bank does not know yet")
        if invoice.credit is not None and invoice.credit.amount >= order.amount:
            return OrderReport(status=OrderStatus.PAID, credits=(invoice.credit,))
        is_over = self._clock() >= order.expires_at
        return OrderReport(
            status=OrderStatus.EXPIRED if is_over else OrderStatus.OPEN,
            credits=() if invoice.credit is None else (invoice.credit,),
        )

    def read_callback(self, request: CallbackRequest) -> Notice:
        data, sign = request.arguments.get("data", ""), request.arguments.get("sign", "")
        if not data or not sign or len(data) > _MAX_DATA_CHARS:
            raise BadSignature("no data or no sign")
        check(data, sign, self._config.secret.reveal_bytes(), self._config.sign_form)
        content = unpack(data)
        if content.get("merchantId") != self._config.merchant_id:
            raise NotOurs("another hospital")
        try:
            invoice = read_invoice(content, provider=self.name, account=self._config.merchant_id)
        except OtherShape as error:
            raise MalformedCallback(str(error)) from error
        if invoice.credit is not None:
            return Notice(
                kind=NoticeKind.CREDIT, credits=(invoice.credit,), order_key=invoice.invoice_id
            )
        failed = invoice.status is InvoiceStatus.UNPAID
        return Notice(
            kind=NoticeKind.STATUS if failed else NoticeKind.OTHER,
            order_key=invoice.invoice_id,
            status=OrderStatus.FAILED if failed else None,
        )

    def answer(self, notice: Notice, outcome: Outcome) -> CallbackAnswer:  # noqa: ARG002 - the port
        return _say(_OF_OUTCOMES[outcome])

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer:
        return _say(_BAD_SIGN if isinstance(error, BadSignature) else _INVALID)

    def check(self) -> None:
        """Asks for an invoice that is none: whoever knows us answers without one."""
        self._client.find_invoice("TIEPDON-CHECK")

    def close(self) -> None:
        self._client.close()

    def _check_qr(self, text: str, order: Order) -> VietQr:
        """Raises BrokenReply for a QR that pays anything but this order."""
        try:
            qr = decode(text)
        except VietQrError as error:
            raise BrokenReply("the QR is no VietQR") from error
        is_account = qr.account.startswith(self._config.account_prefix)
        if qr.bin != BIN or not is_account or qr.amount != order.amount:
            raise BrokenReply("the QR is for another account or amount")
        return qr


def _say(code: str) -> CallbackAnswer:
    """`data` is the detail of an error, and null without one."""
    message = "Thành công" if code == _OK else "Lỗi"
    return json_answer({"code": code, "message": message, "data": _WORDS.get(code)})


def open_provider(
    name: str, settings: Mapping[str, Any], *, clock: Callable[[], datetime]
) -> HdbankProvider:
    """Raises ProviderMisconfigured."""
    return HdbankProvider(name, read_settings(HdbankConfig, name, settings), clock=clock)
