"""What the stand-in for VNPAY refuses, and how often it tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from payments.providers.vnpay.emulator import (
    _ASKED,
    TERMINAL,
    VnpayEmulator,
    hash_of,
    piped,
    signed_query,
)
from tests.unit.payments.emulation.hospital import HospitalStandIn

GMT7 = timezone(timedelta(hours=7))


@pytest.fixture
def vnpay() -> Iterator[VnpayEmulator]:
    with VnpayEmulator() as vnpay:
        yield vnpay


def stamp(vnpay: VnpayEmulator, **later: float) -> str:
    return (vnpay.clock() + timedelta(**later)).astimezone(GMT7).strftime("%Y%m%d%H%M%S")


def order(vnpay: VnpayEmulator, **changes: str) -> str:
    fields = {
        "vnp_Version": "2.1.0",
        "vnp_Command": "genqr",
        "vnp_TmnCode": TERMINAL,
        "vnp_Amount": "35000000",
        "vnp_CreateDate": stamp(vnpay),
        "vnp_ExpireDate": stamp(vnpay, minutes=15),
        "vnp_CurrCode": "VND",
        "vnp_IpAddr": "127.0.0.1",
        "vnp_Locale": "vn",
        "vnp_OrderInfo": "Thanh toan vien phi",
        "vnp_OrderType": "other",
        "vnp_ReturnUrl": "https://kiosk.example/return",
        "vnp_TxnRef": "A-1",
        **{f"vnp_{name}": value for name, value in changes.items()},
    }
    text = signed_query(fields)
    digest = fields.get("vnp_SecureHash") or hash_of(text)
    return f"{vnpay.base_url}/paymentv2/vpcpay.html?{text}&vnp_SecureHash={digest}"


def create(vnpay: VnpayEmulator, **changes: str) -> str:
    return str(requests.get(order(vnpay, **changes), timeout=5).json()["code"])


def transact(vnpay: VnpayEmulator, command: str, **changes: str) -> dict[str, Any]:
    body = {
        "vnp_RequestId": "RQ1",
        "vnp_Version": "2.1.0",
        "vnp_Command": command,
        "vnp_TmnCode": TERMINAL,
        "vnp_TxnRef": "A-1",
        "vnp_TransactionDate": vnpay.orders["A-1"].details["fields"]["vnp_CreateDate"],
        "vnp_TransactionType": "03",
        "vnp_TransactionNo": "0",
        "vnp_Amount": "10000000",
        "vnp_CreateBy": "thungan01",
        "vnp_CreateDate": stamp(vnpay),
        "vnp_IpAddr": "127.0.0.1",
        "vnp_OrderInfo": "Hoan tien A 1 R1",
        **{f"vnp_{name}": value for name, value in changes.items()},
    }
    body.setdefault("vnp_SecureHash", hash_of(piped(_ASKED[command], body)))
    content: dict[str, Any] = requests.post(
        f"{vnpay.base_url}/merchant_webapi/api/transaction", json=body, timeout=5
    ).json()
    return content


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"SecureHash": "0" * 128}, "97"),
        ({"TmnCode": "OTHERTMN"}, "02"),
        ({"Amount": "35000050"}, "03"),
        ({"Amount": "-5"}, "03"),
        ({"Amount": "9" * 13}, "03"),
        ({"TxnRef": "A" * 101}, "03"),
        ({"OrderInfo": ""}, "03"),
    ],
)
def test_orders_it_refuses(vnpay: VnpayEmulator, changes: dict[str, str], code: str) -> None:
    reply = requests.get(order(vnpay, **changes), timeout=5).json()
    assert (reply["code"], reply["qrcontent"]) == (code, "")
    assert not vnpay.orders


def test_questions_it_refuses(vnpay: VnpayEmulator) -> None:
    assert create(vnpay) == "00"
    assert create(vnpay, Amount="36000000") == "94"

    def asked(command: str, **changes: str) -> str:
        return str(transact(vnpay, command, **changes)["vnp_ResponseCode"])

    assert asked("querydr", RequestId="1", SecureHash="0" * 128) == "97"
    assert asked("querydr", RequestId="2", TmnCode="OTHERTMN") == "02"
    assert asked("querydr", RequestId="3", TxnRef="B-1") == "91"
    assert asked("querydr", RequestId="4", TransactionDate="20200101000000") == "91"
    assert asked("querydr", RequestId="5") == "00"
    assert asked("querydr", RequestId="5") == "94"
    vnpay.clock.advance(86_400)
    assert asked("querydr", RequestId="5") == "00"


def test_refunds_it_refuses(vnpay: VnpayEmulator) -> None:
    create(vnpay)
    assert transact(vnpay, "refund")["vnp_ResponseCode"] == "95"
    vnpay.take_money("A-1")
    refused = transact(vnpay, "refund", RequestId="2", Amount="35000100")
    assert refused["vnp_ResponseCode"] == "93"
    refused = transact(vnpay, "refund", RequestId="3", TransactionNo="1")
    assert refused["vnp_ResponseCode"] == "91"
    assert transact(vnpay, "refund", RequestId="4")["vnp_TransactionStatus"] == "05"
    vnpay.clock.advance(31)
    assert transact(vnpay, "querydr", RequestId="5")["vnp_TransactionStatus"] == "00"


@pytest.mark.parametrize(("code", "sendings"), [("00", 1), ("02", 1), ("04", 10), ("99", 10)])
def test_repeats_ten_times_every_five_minutes(
    vnpay: VnpayEmulator, code: str, sendings: int
) -> None:
    with HospitalStandIn((200, json.dumps({"RspCode": code, "Message": ""}))) as hospital:
        vnpay.callback_url = hospital.url
        create(vnpay)
        vnpay.take_money("A-1")
        for _ in range(12):
            assert vnpay.callbacks.settle()
            vnpay.clock.advance(300)
        assert len(hospital.seen) == sendings
        assert {method for method, *_ in hospital.seen} == {"GET"}


def test_the_payment_page_leads_back_signed(vnpay: VnpayEmulator) -> None:
    page = requests.get(order(vnpay, Command="pay"), timeout=5)
    assert urlsplit(page.url).path == "/pay/A-1"
    with HospitalStandIn((200, '{"RspCode":"00"}')) as hospital:
        vnpay.callback_url = hospital.url
        requests.post(page.url, data={"action": "confirm"}, timeout=5)
        assert vnpay.callbacks.settle()
    address = urlsplit(vnpay.orders["A-1"].details["return_url"])
    fields = dict(parse_qsl(address.query))
    assert fields["vnp_SecureHash"] == hash_of(signed_query(fields))
    bad = requests.get(order(vnpay, Command="pay", SecureHash="0" * 128), timeout=5)
    assert bad.status_code == 400


def test_banks(vnpay: VnpayEmulator) -> None:
    address = f"{vnpay.base_url}/qrpayauth/api/merchant/get_bank_list"
    known = requests.post(address, data={"tmn_code": TERMINAL}, timeout=5).json()
    assert "VNPAYQR" in {bank["bank_code"] for bank in known}
    assert requests.post(address, data={"tmn_code": "OTHERTMN"}, timeout=5).json() == []
