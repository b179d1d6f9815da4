"""Each vector, by the client's code and by the stand-in's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from payments.models import Money, Order, PlacedOrder, RefundOrder
from payments.providers.zalopay import emulator, signing
from payments.signatures import hmac_hex

KEY1, KEY2 = "demo-zalopay-key1", "demo-zalopay-key2"
CREATE = {
    "app_id": "9999",
    "app_trans_id": "261120_VP26AB7K9M",
    "app_user": "kiosk01",
    "amount": "350000",
    "app_time": "1795140900000",
    "embed_data": "{}",
    "item": "[]",
}
REFUND = {
    "app_id": "9999",
    "zp_trans_id": "261120000000001",
    "amount": "100000",
    "description": "Hoan mot phan",
    "timestamp": "1795144530000",
}
CALLBACK = (
    '{"app_id":9999,"app_trans_id":"261120_VP26AB7K9M","app_time":1795140900000,'
    '"app_user":"kiosk01","amount":350000,"embed_data":"{}","item":"[]",'
    '"zp_trans_id":261120000000001,"server_time":1795140930000,"channel":38,'
    '"merchant_user_id":"","user_fee_amount":0,"discount_amount":0}'
)


def test_create() -> None:
    expected = "f8c5f7355a63d11e6a3f76a1700f49b4ca8d9e6386192c5a1d872def83a19638"
    assert signing.sign_create(KEY1, CREATE) == expected
    assert emulator.mac_of(KEY1, emulator.text_of("create", CREATE)) == expected


def test_query() -> None:
    expected = "3faf81c788cc92865e398f4e64a2160c26a08adf017d90ebcb7241e031c8189c"
    assert signing.sign_order(KEY1, 9999, "261120_VP26AB7K9M") == expected
    assert emulator.mac_of(KEY1, emulator.text_of("query", CREATE)) == expected


def test_callback() -> None:
    expected = "6ac68122d905f0b1b86884c1bfad02781983aeffb3eef1b9935c25128910e5da"
    assert hmac_hex("sha256", KEY2, CALLBACK) == expected
    assert emulator.mac_of(KEY2, CALLBACK) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "6fad0073b9c1d7bcff1b27a438d6827c3c28103282a34094585788442294e19e"),
        (
            {"refund_fee_amount": "1000"},
            "04f5a92d863d39aab47f47da6c44215c3145eb1ccc2a4dd9e90b5a5dd21b9bd7",
        ),
    ],
)
def test_refund(more: dict[str, str], expected: str) -> None:
    assert signing.sign_refund(KEY1, REFUND | more) == expected
    assert emulator.mac_of(KEY1, emulator.text_of("refund", REFUND | more)) == expected


def test_refund_query() -> None:
    expected = "66757d5cdecf22a2da616439687f31006ae9ffb3337cbc0a5dd1bb4e900c6b08"
    body = {"app_id": "9999", "m_refund_id": "261120_9999_R1", "timestamp": "1795144590000"}
    assert signing.sign(KEY1, 9999, "261120_9999_R1", 1795144590000) == expected
    assert emulator.mac_of(KEY1, emulator.text_of("query_refund", body)) == expected


@pytest.mark.parametrize(
    ("utc", "day"),
    [
        (datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC), "261120"),
        (datetime(2026, 11, 20, 17, 0, 0, tzinfo=UTC), "261121"),
        (datetime(2026, 12, 31, 17, 0, 0, tzinfo=UTC), "270101"),
    ],
)
def test_ids_begin_with_the_day_in_vietnam(utc: datetime, day: str) -> None:
    order = Order(
        code="VP26AB7KX",
        attempt=2,
        amount=Money(350_000),
        created_at=utc,
        expires_at=utc + timedelta(minutes=10),
    )
    number = signing.trans_id(order)
    assert number == f"{day}_VP26AB7KX-2"
    assert len(number) <= 40
    assert signing.find_order_key(number) is None, "the code has no check character"
    refund = RefundOrder(
        placed=PlacedOrder(order=order, provider_ref=number),
        transaction_id="261120000000001",
        paid=Money(350_000),
        amount=Money(1_000),
        serial=1,
        created_at=utc,
        requested_by="thungan01",
    )
    assert signing.refund_id(refund, 9999) == f"{day}_9999_VP26AB7KX-2-R1"
