"""What the stand-in for ZaloPay refuses, and how often it tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
import requests

from payments.providers.zalopay.emulator import APP_ID, KEY1, ZalopayEmulator, mac_of, text_of
from tests.unit.payments.emulation.hospital import HospitalStandIn

GMT7 = timezone(timedelta(hours=7))
MINUTE = timedelta(minutes=1)


@pytest.fixture
def zalopay() -> Iterator[ZalopayEmulator]:
    with ZalopayEmulator() as zalopay:
        yield zalopay


def today(zalopay: ZalopayEmulator, days: int = 0) -> str:
    return (zalopay.clock().astimezone(GMT7) + timedelta(days=days)).strftime("%y%m%d")


def ask(zalopay: ZalopayEmulator, call: str, **changes: str) -> dict[str, int]:
    body = {
        "app_id": str(APP_ID),
        "app_trans_id": f"{today(zalopay)}_A-1",
        "app_user": "kiosk",
        "app_time": str(int(zalopay.clock().timestamp() * 1000)),
        "amount": "350000",
        "item": "[]",
        "embed_data": "{}",
        "description": "Thanh toan vien phi",
        "expire_duration_seconds": "600",
        "timestamp": str(int(zalopay.clock().timestamp() * 1000)),
        **changes,
    }
    if "mac" not in body:
        body["mac"] = mac_of(KEY1, text_of(call, body))
    content: dict[str, int] = requests.post(
        f"{zalopay.base_url}/v2/{call}", data=body, timeout=5
    ).json()
    return content


def details(content: dict[str, int]) -> tuple[int, int]:
    return content["return_code"], content["sub_return_code"]


def test_orders_it_refuses(zalopay: ZalopayEmulator) -> None:
    now: datetime = zalopay.clock()
    wrong: list[dict[str, str]] = [
        {"app_trans_id": f"{today(zalopay, -1)}_A-1"},
        {"app_trans_id": f"{today(zalopay, 1)}_A-1"},
        {"app_trans_id": "A-1"},
        {"app_trans_id": f"{today(zalopay)}_{'A' * 40}"},
        {"app_time": str(int((now - 16 * MINUTE).timestamp() * 1000))},
        {"expire_duration_seconds": "299"},
        {"expire_duration_seconds": "2592001"},
        {"amount": "x"},
        {"item": "{}"},
        {"embed_data": "not json"},
        {"app_user": "k" * 51},
    ]
    for changes in wrong:
        assert details(ask(zalopay, "create", **changes)) == (2, -401), changes
    for changes in ({"mac": "0" * 64}, {"app_id": "1"}):
        assert details(ask(zalopay, "create", **changes)) == (2, -402), changes
    assert not zalopay.orders


def test_an_order_twice(zalopay: ZalopayEmulator) -> None:
    assert details(ask(zalopay, "create")) == (1, 1)
    assert details(ask(zalopay, "create")) == (2, -68)
    assert details(ask(zalopay, "query", app_trans_id="700101_B")) == (2, -101)
    assert details(ask(zalopay, "cancel")) == (1, 1)
    assert details(ask(zalopay, "cancel")) == (2, -55)


def test_json_is_taken_too(zalopay: ZalopayEmulator) -> None:
    body = {"app_id": APP_ID, "app_trans_id": "700101_B"}
    texts = {key: str(value) for key, value in body.items()}
    mac = mac_of(KEY1, text_of("query", texts))
    reply = requests.post(f"{zalopay.base_url}/v2/query", json={**body, "mac": mac}, timeout=5)
    assert reply.json()["sub_return_code"] == -101


def test_refunds(zalopay: ZalopayEmulator) -> None:
    ask(zalopay, "create")
    ref = f"{today(zalopay)}_A-1"
    number = str(zalopay.take_money(ref).payments[0].number)
    good = {"zp_trans_id": number, "m_refund_id": f"{today(zalopay)}_{APP_ID}_R1"}
    assert details(ask(zalopay, "refund", **good, amount="350001"))[1] == -14
    assert details(ask(zalopay, "refund", **(good | {"m_refund_id": "R1"})))[1] == -401
    assert details(ask(zalopay, "refund", **(good | {"zp_trans_id": "1"})))[1] == -101
    assert ask(zalopay, "refund", **good, amount="100000")["return_code"] == 3
    assert details(ask(zalopay, "refund", **good, amount="100000"))[1] == -68
    about = {"m_refund_id": good["m_refund_id"]}
    assert ask(zalopay, "query_refund", **about)["return_code"] == 3
    zalopay.clock.advance(31)
    assert ask(zalopay, "query_refund", **about)["return_code"] == 1


@pytest.mark.parametrize(("answered", "sendings"), [(1, 1), (2, 1), (-1, 1), (0, 4)])
def test_repeats_until_it_is_taken(zalopay: ZalopayEmulator, answered: int, sendings: int) -> None:
    with HospitalStandIn((200, json.dumps({"return_code": answered}))) as hospital:
        zalopay.callback_url = hospital.url
        ask(zalopay, "create")
        zalopay.take_money(f"{today(zalopay)}_A-1")
        for _ in range(6):
            assert zalopay.callbacks.settle()
            zalopay.clock.advance(300)
        assert len(hospital.bodies) == sendings
