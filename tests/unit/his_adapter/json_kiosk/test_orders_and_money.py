"""Orders, results and money of a vendor that has them, through emulator and adapter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from his_adapter.errors import BrokenReply, Duplicate, InvalidData, NotSupported
from his_adapter.json_kiosk.config import read_settings
from his_adapter.json_kiosk.emulator import JsonKioskEmulator
from his_adapter.json_kiosk.gateway import JsonKioskGateway
from his_adapter.models import (
    Account,
    Charge,
    Feature,
    Invoice,
    InvoiceStatus,
    Order,
    OrderStatus,
    Page,
    PaymentMethod,
    PaymentPosting,
    PaymentReceipt,
    Ref,
    Report,
    ReportKind,
    ReportStatus,
    ServiceKind,
    WriteKey,
)
from his_adapter.partial import PartialGateway
from his_adapter.ports import HisGateway
from tests.contract.test_json_kiosk import make_settings

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
KEY = WriteKey("a-payment-of-a-test")

ORDER = Order(
    ref=Ref("CD1"),
    version="1",
    patient=Ref("P1"),
    visit=Ref("V1"),
    service=Ref("lab"),
    kind=ServiceKind.LABORATORY,
    code="CTM",
    name_vi="Tổng phân tích tế bào máu",
    status=OrderStatus.ACTIVE,
    preparation_vi="Nhịn ăn 8 giờ.",
    ordered_at=NOW,
)
REPORT = Report(
    ref=Ref("KQ1"),
    version="2",
    patient=Ref("P1"),
    order=Ref("CD1"),
    visit=None,
    kind=ReportKind.LABORATORY,
    title_vi="Tổng phân tích tế bào máu",
    status=ReportStatus.CORRECTED,
    issued_at=NOW,
    signed=True,
)
INVOICE = Invoice(
    ref=Ref("PT1"),
    version="1",
    code="PT2612020007",
    status=InvoiceStatus.ISSUED,
    title_vi="Công khám",
    total_vnd=150_000,
    due_vnd=120_000,
    charges=(
        Charge(
            code="KB", name_vi="Công khám", quantity=1, amount_vnd=150_000, insurance_vnd=30_000
        ),
    ),
    issued_at=NOW,
)
ACCOUNT = Account(
    patient=Ref("P1"),
    visit=Ref("V1"),
    invoices=(INVOICE,),
    charged_vnd=150_000,
    insurance_vnd=30_000,
    discount_vnd=0,
    advances_vnd=0,
    paid_vnd=0,
    due_vnd=120_000,
    as_of=NOW,
)


class Rich(PartialGateway):
    """A hospital that has one patient with one of each."""

    def __init__(self) -> None:
        self.account = ACCOUNT
        self.orders = (ORDER, replace(ORDER, ref=Ref("CD2"), status=OrderStatus.CANCELLED))
        self.posted: dict[str, PaymentReceipt] = {}

    def list_orders(self, *_: Any, **__: Any) -> Page[Order]:
        return Page(items=self.orders, complete=True)

    def list_reports(self, *_: Any, **__: Any) -> Page[Report]:
        return Page(items=(REPORT,), complete=True)

    def read_account(self, *_: Any, **__: Any) -> Account:
        return self.account

    def post_payment(self, payment: PaymentPosting, *, key: str) -> PaymentReceipt:
        if key in self.posted:
            return self.posted[key]
        if self.posted:
            raise Duplicate("paid", existing="BL1")
        if payment.amount_vnd != 120_000:
            raise InvalidData("amount_vnd", "Số tiền không khớp.")
        self.posted[key] = PaymentReceipt(
            ref=Ref("BL1"),
            invoice=payment.invoice,
            invoice_status=InvoiceStatus.BALANCED,
            amount_vnd=payment.amount_vnd,
            posted_at=payment.paid_at,
        )
        return self.posted[key]


@pytest.fixture
def rich() -> Rich:
    return Rich()


@pytest.fixture
def his(rich: Rich, tmp_path: Path) -> Iterator[JsonKioskGateway]:
    with JsonKioskEmulator(cast("HisGateway", rich), clock=lambda: NOW) as emulator:
        settings = read_settings(make_settings(emulator.base_url, tmp_path))
        gateway = JsonKioskGateway(settings, clock=lambda: NOW)
        yield gateway
        gateway.close()


def test_orders_and_results_come_whole(his: JsonKioskGateway) -> None:
    assert {Feature.LIST_ORDERS, Feature.READ_ACCOUNT} <= his.capabilities().features
    since = NOW - timedelta(days=1)
    assert his.list_orders(Ref("P1"), since).items[0] == ORDER
    active = frozenset({OrderStatus.ACTIVE})
    assert [each.ref for each in his.list_orders(Ref("P1"), since, statuses=active).items] == [
        "CD1"
    ]
    assert his.list_orders(Ref("P1"), NOW + timedelta(seconds=1)).items == ()
    assert his.list_reports(Ref("P1"), since).items == (REPORT,)
    assert his.list_reports(Ref("P1"), since, kinds=frozenset({ReportKind.IMAGING})).items == ()
    with pytest.raises(NotSupported):
        his.read_report_part(Ref("KQ1"), "pdf", patient=Ref("P1"))


def test_orders_of_somebody_else_are_a_broken_reply(his: JsonKioskGateway, rich: Rich) -> None:
    rich.orders = (ORDER, replace(ORDER, patient=Ref("P2")))
    with pytest.raises(BrokenReply):
        his.list_orders(Ref("P1"), NOW - timedelta(days=1))
    with pytest.raises(BrokenReply):
        his.read_account(Ref("P2"))


def test_an_account_adds_up_or_is_refused(his: JsonKioskGateway, rich: Rich) -> None:
    assert his.read_account(Ref("P1"), Ref("V1")) == ACCOUNT
    rich.account = replace(ACCOUNT, due_vnd=119_999)
    with pytest.raises(BrokenReply):
        his.read_account(Ref("P1"))
    rich.account = replace(ACCOUNT, paid_vnd=130_000, due_vnd=0, credit_vnd=10_000)
    assert his.read_account(Ref("P1")).credit_vnd == 10_000


def payment(**changes: Any) -> PaymentPosting:
    values: dict[str, Any] = {
        "patient": Ref("P1"),
        "invoice": Ref("PT1"),
        "amount_vnd": 120_000,
        "method": PaymentMethod.QR,
        "provider": "hdbank",
        "provider_reference": "FT26336000077",
        "paid_at": NOW,
    }
    return PaymentPosting(**(values | changes))


def test_a_payment_is_posted_once(his: JsonKioskGateway) -> None:
    with pytest.raises(InvalidData):
        his.post_payment(payment(amount_vnd=1), key=WriteKey("another-payment"))
    receipt = his.post_payment(payment(), key=KEY)
    assert (receipt.invoice_status, receipt.posted_at) == (InvoiceStatus.BALANCED, NOW)
    assert his.post_payment(payment(), key=KEY) == receipt
    with pytest.raises(Duplicate):
        his.post_payment(payment(), key=WriteKey("a-second-payment"))
