from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from payments.models import Money
from payments.providers.hdbank.invoices import (
    InvoiceStatus,
    OtherShape,
    read_invoice,
    read_time,
    write_time,
)

PAID: dict[str, Any] = {
    "invoiceId": "VP26AB7K9-1",
    "transactionId": "XXXXXXXXX1",
    "status": "00",
    "paidAmount": 10_000,
    "transactionAmount": 10_000,
    "paidDescription": "VP26AB7K9 chuyen khoan",
    "paidTime": 20230929103311,
}


def test_a_paid_one() -> None:
    credit = read_invoice(PAID, provider="hdbank", account="79032").credit
    assert credit is not None
    assert (credit.transaction_id, credit.amount) == ("XXXXXXXXX1", Money(10_000))
    assert credit.order_key == "VP26AB7K9-1"
    assert credit.paid_at == datetime(2023, 9, 29, 10, 33, 11, tzinfo=UTC)


def test_another_amount_is_told_as_it_was_paid() -> None:
    told = PAID | {"status": "10", "paidAmount": Decimal("9000.00")}
    invoice = read_invoice(told, provider="hdbank", account="79032")
    assert invoice.status is InvoiceStatus.OTHER_AMOUNT
    assert invoice.credit is not None
    assert invoice.credit.amount == Money(9_000)


@pytest.mark.parametrize("status", ["01", "99"])
def test_without_money(status: str) -> None:
    nothing = dict.fromkeys(PAID) | {"invoiceId": "VP26AB7K9-1", "status": status}
    assert read_invoice(nothing, provider="hdbank", account="79032").credit is None


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "02"},
        {"status": None},
        {"status": ["00"]},
        {"invoiceId": None},
        {"invoiceId": 7},
        {"transactionId": None},
        {"transactionId": ""},
        {"transactionId": "x" * 201},
        {"paidAmount": None},
        {"paidAmount": 0},
        {"paidAmount": -1},
        {"paidAmount": True},
        {"paidAmount": "10000"},
        {"paidAmount": Decimal("0.5")},
        {"paidAmount": Decimal("Infinity")},
        {"paidAmount": 10**13},
        {"paidTime": None},
        {"paidTime": 2023092910331},
        {"paidTime": "20231329103311"},
        {"paidTime": -20230929103311},
        {"paidDescription": 7},
    ],
)
def test_other_shapes(changes: dict[str, Any]) -> None:
    with pytest.raises(OtherShape):
        read_invoice(PAID | changes, provider="hdbank", account="79032")


def test_times_there_and_back() -> None:
    now = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
    assert read_time(write_time(now)) == read_time(str(write_time(now))) == now
