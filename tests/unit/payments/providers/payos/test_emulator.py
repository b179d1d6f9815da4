"""What the stand-in for payOS refuses, and what it tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from payments.providers.payos.emulator import (
    API_KEY,
    CLIENT_ID,
    PayosEmulator,
    sign,
    text_of_create,
    text_of_data,
    viet_qr,
)
from payments.vietqr import decode
from tests.unit.payments.emulation.hospital import HospitalStandIn

KEYS = {"x-client-id": CLIENT_ID, "x-api-key": API_KEY}
ORDERS = "/v2/payment-requests"


@pytest.fixture
def payos() -> Iterator[PayosEmulator]:
    with PayosEmulator() as payos:
        yield payos


def create(payos: PayosEmulator, **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "orderCode": 26000042,
        "amount": 350_000,
        "description": "VP26AB7KX",
        "cancelUrl": "https://kiosk.example/cancel",
        "returnUrl": "https://kiosk.example/return",
        **changes,
    }
    body.setdefault("signature", sign(text_of_create(body)))
    content: dict[str, Any] = requests.post(
        payos.base_url + ORDERS, json=body, headers=KEYS, timeout=5
    ).json()
    return content


def show(payos: PayosEmulator, ref: object) -> dict[str, Any]:
    address = f"{payos.base_url}{ORDERS}/{ref}"
    content: dict[str, Any] = requests.get(address, headers=KEYS, timeout=5).json()
    return content


@pytest.mark.parametrize("headers", [{}, {"x-client-id": CLIENT_ID}, {**KEYS, "x-api-key": "x"}])
def test_without_its_keys(payos: PayosEmulator, headers: dict[str, str]) -> None:
    for path in (ORDERS, f"{ORDERS}/1/cancel", "/confirm-webhook"):
        reply = requests.post(payos.base_url + path, json={}, headers=headers, timeout=5)
        assert reply.status_code == 401


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signature": "0" * 64}, "201"),
        ({"amount": "350000"}, "20"),
        ({"amount": 0}, "20"),
        ({"orderCode": 2**53}, "20"),
        ({"description": "x" * 26}, "20"),
    ],
)
def test_orders_it_refuses(payos: PayosEmulator, changes: dict[str, Any], code: str) -> None:
    assert create(payos, **changes)["code"] == code
    assert not payos.orders


def test_an_order_twice(payos: PayosEmulator) -> None:
    first = create(payos)
    assert first["signature"] == sign(text_of_data(first["data"]))
    assert decode(first["data"]["qrCode"]).memo == first["data"]["description"]
    assert create(payos)["code"] == "231"
    assert show(payos, 1)["code"] == "101"
    by_link = show(payos, first["data"]["paymentLinkId"])["data"]
    assert by_link == show(payos, 26000042)["data"]


def test_short_paid(payos: PayosEmulator) -> None:
    create(payos)
    payos.take_money("26000042", 200_000)
    data = show(payos, 26000042)["data"]
    assert (data["status"], data["amountPaid"], data["amountRemaining"]) == (
        "UNDERPAID",
        200_000,
        150_000,
    )
    payos.take_money("26000042", 150_000)
    assert show(payos, 26000042)["data"]["status"] == "PAID"


def test_a_memo_that_the_bank_changed_is_the_same_in_webhook_and_answer(
    payos: PayosEmulator,
) -> None:
    with HospitalStandIn((200, "{}")) as hospital:
        payos.callback_url = hospital.url
        payos.faults.set_from("memo_style", {"style": "noise"})
        create(payos)
        payos.take_money("26000042")
        assert payos.callbacks.settle()
        told = json.loads(hospital.bodies[0])["data"]
    asked = show(payos, 26000042)["data"]["transactions"][0]
    assert told["description"] == asked["description"] != payos.orders["26000042"].title


def test_an_address_is_tried_before_it_is_kept(payos: PayosEmulator) -> None:
    def confirm(address: object) -> int:
        body = {"webhookUrl": address}
        return requests.post(
            f"{payos.base_url}/confirm-webhook", json=body, headers=KEYS, timeout=5
        ).status_code

    with HospitalStandIn((200, "{}")) as hospital:
        assert confirm(hospital.url) == 200
        assert payos.callback_url == hospital.url
        assert json.loads(hospital.bodies[0])["data"]["orderCode"] == 123
        assert payos.control("ping", {}) == {"answered": True}
    with HospitalStandIn((500, "{}")) as hospital:
        assert confirm(hospital.url) == 400
    for wrong in (None, 7, "nowhere", "http://127.0.0.1:9/"):
        assert confirm(wrong) == 400


def test_its_qr_is_read_by_ours() -> None:
    qr = decode(viet_qr(350_000, "CS123456 VP26AB7KX"))
    assert (qr.bin, qr.account, qr.memo) == ("970418", "1200000000001", "CS123456 VP26AB7KX")
    assert qr.amount is not None
    assert qr.amount.amount_vnd == 350_000
