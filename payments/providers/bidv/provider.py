"""BIDV as a way to pay: a QR for a bill's own account, and the bank's questions about bills.

The truth is paybill, with its checksum. The bank cannot be asked about one bill; a day's file of
reconciliation, where the contract has it, is the second witness. Nothing is cancelled at the bank:
before it takes money it asks for the bill (getbill), and one that is over is answered 012.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from payments.errors import BrokenReply, CallbackRefused, Declined, NotSupported
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
    Offer,
    Order,
    Outcome,
)
from payments.partial import PartialProvider, json_answer
from payments.providers.bidv.callback import MISSING, RESULT, make_bill_id, read
from payments.providers.bidv.client import Paygate
from payments.providers.bidv.config import BIN, BidvConfig, BillShape, QrSource
from payments.providers.bidv.reconciliation import read_file
from payments.settings import read_settings
from payments.vietqr import VietQr, VietQrError, decode, encode

BANK_NAME = "BIDV"
_MIN_VND = 1_000
_OK, _NO_CUSTOMER, _NOTHING_DUE, _SYSTEM = "000", "011", "012", "031"
_WORDS = {
    "000": "Thành công",
    "001": "Thiếu tham số",
    "003": "Thông tin đăng nhập không đúng",
    "004": "Checksum không hợp lệ",
    "006": "Service ID không đúng/ không tồn tại",
    "011": "Mã khách hàng không đúng/ không tồn tại",
    "012": "Khách hàng không có hóa đơn",
    "021": "Mã hóa đơn không tồn tại",
    "022": "Số tiền gửi lên không đúng với số tiền trong hóa đơn",
    "023": "Hóa đơn đã gạch nợ rồi",
    "031": "Có lỗi phát sinh từ hệ thống",
}
_OF_OUTCOMES = {
    Outcome.APPLIED: _OK,
    Outcome.REPEATED: _OK,
    Outcome.RECORDED: _OK,
    Outcome.UNKNOWN_ORDER: "021",
    Outcome.WRONG_AMOUNT: "022",
    Outcome.ALREADY_SETTLED: "023",
    Outcome.NOT_NOW: _SYSTEM,
}


class BidvProvider(PartialProvider):
    def __init__(self, name: str, config: BidvConfig, *, clock: Callable[[], datetime]) -> None:
        """Raises ProviderMisconfigured for keys that cannot be read."""
        super().__init__(name)
        self._config = config
        gate = config.paygate
        self._paygate = None if gate is None else Paygate(name, config, gate, clock=clock)
        self._lists = gate is not None and gate.reads_files

    def features(self) -> Features:
        return Features(
            kind=MethodKind.BANK_QR,
            pushes=True,
            can_query=False,
            lists_credits=self._lists,
            min_vnd=_MIN_VND,
            max_vnd=self._config.max_vnd,
            lifetime_s=self._config.lifetime_s,
        )

    def create(self, order: Order) -> Offer:
        """Raises NotSupported with `qr = "none"`: there the code alone is paid, in the bank's app."""
        config = self._config
        if config.qr is QrSource.NONE:
            raise NotSupported("no QR: the code is typed in the bank's app")
        if not _MIN_VND <= order.amount.amount_vnd <= config.max_vnd:
            raise Declined("amount")
        if config.qr is QrSource.PAYGATE and self._paygate is not None:
            text = self._paygate.make_qr(order)
        else:
            text = self._make_qr(order)
        shown = self._check_qr(text, order)
        return Offer(
            provider_ref=order.key,
            qr_text=text,
            account=BankAccount(
                bin=shown.bin,
                number=shown.account,
                holder=config.merchant_name,
                bank_name=BANK_NAME,
            ),
            memo=shown.memo or "",
            expires_at=min(
                order.expires_at, order.created_at + timedelta(seconds=config.lifetime_s)
            ),
        )

    def list_credits(self, day: date) -> tuple[Credit, ...]:
        """Of the file of that day; the bank makes it some time after the day is over."""
        gate = self._config.paygate
        if self._paygate is None or gate is None or not self._lists:
            raise NotSupported("list_credits")
        return read_file(
            self._paygate.read_file(day),
            provider=self.name,
            service_id=self._config.service_id,
            prefix=self._config.account_prefix,
            transaction_field=gate.file_transaction_field,
        )

    def read_callback(self, request: CallbackRequest) -> Notice | BillLookup:
        return read(request, self._config, provider=self.name)

    def answer(self, notice: Notice, outcome: Outcome) -> CallbackAnswer:  # noqa: ARG002 - the port
        """The same transaction again is 000, another one on a settled bill 023. A part that was
        booked was not refused: 000.
        """
        if outcome is Outcome.WRONG_AMOUNT and not self._config.refused_goes_back:
            return self._say(_OK)
        return self._say(_OF_OUTCOMES[outcome])

    def answer_bill(self, lookup: BillLookup, bill: Bill | None) -> CallbackAnswer:
        if bill is None:
            return self._say(_NO_CUSTOMER)
        if bill.due is None or not bill.due.is_positive:
            return self._say(_NOTHING_DUE)
        bill_id, amount = make_bill_id(bill.code, self._config), _text(bill.due)
        line = {"bill_id": bill_id, "amount": amount, "remark": bill.title}
        nested = self._config.bill_shape is BillShape.NESTED
        return self._say(
            _OK,
            customer_id=lookup.context["customer_id"],
            customer_name=self._config.merchant_name,
            customer_addr="",
            bill_id=bill_id,
            type=self._config.bill_type,
            total_amount=amount,
            data=[{"period": bill.title, "data": [line]}] if nested else [line],
        )

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer:
        return self._say(error.context.get(RESULT, MISSING))

    def check(self) -> None:
        if self._paygate is not None:
            self._paygate.log_in()

    def close(self) -> None:
        if self._paygate is not None:
            self._paygate.close()

    def _make_qr(self, order: Order) -> str:
        return encode(
            VietQr(
                bin=BIN,
                account=self._config.account_prefix + order.code,
                dynamic=True,
                amount=order.amount,
                memo=order.code,
            )
        )

    def _check_qr(self, text: str, order: Order) -> VietQr:
        """Raises BrokenReply for a QR that pays anything but this order."""
        try:
            qr = decode(text)
        except VietQrError as error:
            raise BrokenReply("the QR is no VietQR") from error
        is_account = qr.account == self._config.account_prefix + order.code or (
            not self._config.account_prefix and qr.account.endswith(order.code)
        )
        if qr.bin != BIN or not is_account or qr.amount != order.amount:
            raise BrokenReply("the QR is for another account or amount")
        return qr

    def _say(self, code: str, **more: Any) -> CallbackAnswer:
        failed = code != _OK and self._config.http_status_speaks
        return json_answer(
            {"result_code": code, "result_desc": _WORDS[code], **more},
            status=400 if failed else 200,
        )


def _text(amount: Money) -> str:
    return str(amount.amount_vnd)


def open_provider(
    name: str, settings: Mapping[str, Any], *, clock: Callable[[], datetime]
) -> BidvProvider:
    """Raises ProviderMisconfigured."""
    return BidvProvider(name, read_settings(BidvConfig, name, settings), clock=clock)
