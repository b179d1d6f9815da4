"""Each vector, by the client's code and by the stand-in's; orders as numbers and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.match_codes import check_character, is_match_code
from payments.models import Money, Order
from payments.providers.payos import emulator, signing

KEY = "demo-payos-checksum-key"
CREATE: dict[str, str | int] = {
    "amount": 350000,
    "cancelUrl": "https://kiosk.example/cancel",
    "description": "VP26AB7K9",
    "orderCode": 26000042,
    "returnUrl": "https://kiosk.example/return",
    "expiredAt": 1795141500,
}
WEBHOOK: dict[str, Any] = {
    "orderCode": 26000042,
    "amount": 350000,
    "description": "CSABC123 VP26AB7K9",
    "accountNumber": "1200000000001",
    "reference": "FT26000000001",
    "transactionDateTime": "2026-11-20 09:15:30",
    "currency": "VND",
    "paymentLinkId": "0123456789abcdef0123456789abcdef",
    "code": "00",
    "desc": "success",
    "counterAccountBankId": "970436",
    "counterAccountBankName": None,
    "counterAccountName": "NGUYEN VAN DEMO",
    "counterAccountNumber": "0000000000",
    "virtualAccountName": "",
    "virtualAccountNumber": "V1DEMO0001",
}
ORDER = Order(
    code="ZZZZZZZZZ",
    attempt=63,
    amount=Money(350_000),
    created_at=datetime(2026, 11, 20, tzinfo=UTC),
    expires_at=datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=10),
)


def test_create() -> None:
    expected = "afefec5480c23ac487704b725c97038e5419e1c1a35925a96127e030a95d50c4"
    assert signing.sign_create(KEY, CREATE) == expected
    assert emulator.sign(emulator.text_of_create(CREATE)) == expected


def test_webhook() -> None:
    expected = "cd26e428279194e49a77105ded21dccc30c77addebd381baf9d2c0b798a6d8a1"
    assert signing.sign_data(KEY, WEBHOOK) == expected
    assert emulator.sign(emulator.text_of_data(WEBHOOK)) == expected


def test_lists_truth_values_and_vietnamese() -> None:
    data = {
        "desc": "Thành công",
        "canceledAt": None,
        "isLast": True,
        "transactions": [{"b": 2, "a": "Lê"}, {"a": None, "b": False}],
    }
    expected = emulator.sign(
        "canceledAt=&desc=Thành công&isLast=true"
        '&transactions=[{"a":"Lê","b":2},{"a":null,"b":false}]'
    )
    assert signing.sign_data(KEY, data) == expected
    assert emulator.sign(emulator.text_of_data(data)) == expected


def test_a_fraction_is_never_signed() -> None:
    with pytest.raises(ValueError):
        signing.sign_data(KEY, {"amount": 350000.0})


def test_the_largest_number_fits() -> None:
    assert signing.order_code(ORDER) < 2**53
    for attempt in (0, 64, -1):
        with pytest.raises(ValueError):
            signing.order_code(replace(ORDER, attempt=attempt))


@given(
    body=st.from_regex(r"[A-Z]{2}[0-9A-Z]{6}", fullmatch=True),
    attempt=st.integers(1, 63),
)
def test_there_and_back(body: str, attempt: int) -> None:
    code = body + check_character(body)
    assert is_match_code(code)
    order = replace(ORDER, code=code, attempt=attempt)
    assert signing.find_order_key(signing.order_code(order)) == order.key


@given(number=st.integers(-(2**70), 2**70))
def test_a_number_of_somebody_else_is_no_order_of_ours(number: int) -> None:
    key = signing.find_order_key(number)
    assert key is None or is_match_code(key.split("-")[0])


@pytest.mark.parametrize("number", [0, 1, 123, 26000042, 64, -64])
def test_small_numbers_are_none_of_ours(number: int) -> None:
    assert signing.find_order_key(number) is None
