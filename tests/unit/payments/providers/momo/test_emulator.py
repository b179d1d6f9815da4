"""What the stand-in for MoMo refuses, and how it tells."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from payments.providers.momo.emulator import (
    _SIGNED,
    ACCESS_KEY,
    PARTNER,
    QR_LIFE_S,
    MomoEmulator,
    sign_text,
)
from tests.unit.payments.emulation.hospital import HospitalStandIn


@pytest.fixture
def momo() -> Iterator[MomoEmulator]:
    with MomoEmulator() as momo:
        yield momo


def ask(momo: MomoEmulator, call: str, **changes: Any) -> requests.Response:
    body: dict[str, Any] = {
        "partnerCode": PARTNER,
        "requestId": changes.get("orderId", "A-1"),
        "orderId": "A-1",
        "amount": 350_000,
        "orderInfo": "Thanh toan vien phi",
        "redirectUrl": "http://127.0.0.1:9/",
        "ipnUrl": "http://127.0.0.1:9/",
        "requestType": "captureWallet",
        "extraData": "",
        "description": "",
        "transId": 0,
        **changes,
    }
    fields = {name: body[name] for name in _SIGNED[call].split()}
    body.setdefault("signature", sign_text({**fields, "accessKey": ACCESS_KEY}))
    return requests.post(f"{momo.base_url}/v2/gateway/api/{call}", json=body, timeout=5)


def code(reply: requests.Response) -> int:
    return int(reply.json()["resultCode"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"signature": "0" * 64}, 13),
        ({"partnerCode": "OTHER"}, 13),
        ({"amount": "350000"}, 21),
        ({"amount": 999}, 22),
        ({"amount": 50_000_001}, 22),
    ],
)
def test_orders_it_refuses(momo: MomoEmulator, changes: dict[str, Any], expected: int) -> None:
    assert code(ask(momo, "create", **changes)) == expected
    assert not momo.orders


def test_a_body_that_is_none(momo: MomoEmulator) -> None:
    for body in (b"", b"[]", b"{", b'{"partnerCode":1}'):
        reply = requests.post(f"{momo.base_url}/v2/gateway/api/create", data=body, timeout=5)
        assert (reply.status_code, code(reply)) == (400, 20)


def test_repeats(momo: MomoEmulator) -> None:
    first = ask(momo, "create")
    assert ask(momo, "create").json() == first.json()
    assert code(ask(momo, "create", amount=360_000)) == 40
    assert code(ask(momo, "create", requestId="B-1")) == 41
    assert code(ask(momo, "query", orderId="C-1")) == 42


def test_a_repeat_while_the_first_is_worked_on(momo: MomoEmulator) -> None:
    momo.lock.acquire()
    try:
        first = threading.Thread(target=ask, args=(momo, "create"))
        first.start()
        while "A-1" not in momo._in_flight:
            threading.Event().wait(0.01)
        busy = ask(momo, "create")
    finally:
        momo.lock.release()
    first.join()
    assert (busy.status_code, code(busy)) == (422, 7000)
    assert code(ask(momo, "create")) == 0


def test_over_after_ten_minutes_and_told(momo: MomoEmulator) -> None:
    with HospitalStandIn((204, "")) as hospital:
        momo.callback_url = hospital.url
        ask(momo, "create")
        assert code(ask(momo, "query", requestId="q1")) == 1000
        momo.clock.advance(QR_LIFE_S + 1)
        assert momo.callbacks.settle()
        assert json.loads(hospital.bodies[-1])["resultCode"] == 1005
        assert code(ask(momo, "query", requestId="q2")) == 1005


def test_cancelled_by_confirm(momo: MomoEmulator) -> None:
    ask(momo, "create")
    assert code(ask(momo, "confirm", requestType="cancel", requestId="c1")) == 0
    assert code(ask(momo, "confirm", requestType="cancel", requestId="c2")) == 42
    assert code(ask(momo, "query", requestId="q1")) == 1017


def test_refund_of_more_than_was_paid(momo: MomoEmulator) -> None:
    ask(momo, "create")
    number = momo.take_money("A-1").payments[0].number
    refund = {"orderId": "A-1-R1", "transId": number}
    assert code(ask(momo, "refund", **refund, amount=350_001)) == 1081
    assert code(ask(momo, "refund", orderId="A-1-R2", transId=number, amount=999)) == 22
    assert code(ask(momo, "refund", orderId="A-1-R3", transId=1, amount=1_000)) == 42
    momo.faults.set_from("refund_pending", {})
    assert code(ask(momo, "refund", orderId="A-1-R4", transId=number, amount=1_000)) == 7002
