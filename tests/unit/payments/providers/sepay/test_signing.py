from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from payments.emulation.clock import EmulatedClock
from payments.errors import BadSignature, CallbackRefused, StaleCallback
from payments.providers.sepay.emulator import SECRET, SepayEmulator
from payments.providers.sepay.signing import (
    check_address,
    check_api_key,
    check_client,
    check_hmac,
    check_token,
    make_token,
    sign,
)
from payments.secrets import Secret

NOW = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
STAMP = "1795140930"
# payments: signature vectors, calculated with invented keys
BODY = (
    b'{"id":92704,"gateway":"BIDV","transactionDate":"2026-11-20 09:15:30",'
    b'"accountNumber":"1200000000001","code":"VP26AB7K9M","content":"VP26AB7K9M chuyen tien",'
    b'"transferType":"in","transferAmount":350000,"accumulated":19077000,"subAccount":null,'
    b'"referenceCode":"FT26000000001","description":""}'
)
SIGNATURE = "sha256=46c1161956f4ee932da700dfb9015cb5881354e83c6bf8c182116b58be1ded1a"
KEY = Secret("demo-sepay-secret")


def headers(signature: str = SIGNATURE, stamp: str = STAMP) -> dict[str, str]:
    return {"x-sepay-timestamp": stamp, "x-sepay-signature": signature}


def test_the_vector() -> None:
    assert sign(KEY, STAMP, BODY) == SIGNATURE
    assert check_hmac(headers(), BODY, KEY, NOW) == NOW


def test_the_emulator_makes_the_vector_by_itself() -> None:
    with SepayEmulator(clock=EmulatedClock(lambda: NOW)) as emulator:
        made = emulator._authorise("http://127.0.0.1/", BODY)
    assert KEY.reveal() == SECRET
    assert made == {"X-SePay-Timestamp": STAMP, "X-SePay-Signature": SIGNATURE}


@pytest.mark.parametrize(
    ("signature", "stamp", "body"),
    [
        (SIGNATURE, STAMP, BODY.replace(b"350000", b"950000")),
        (SIGNATURE, "1795140931", BODY),
        (SIGNATURE[7:], STAMP, BODY),
        ("", STAMP, BODY),
        ("ệ", STAMP, BODY),
        (sign(KEY, "", BODY), "", BODY),
        (sign(KEY, "1e9", BODY), "1e9", BODY),
    ],
)
def test_anything_else_is_refused(signature: str, stamp: str, body: bytes) -> None:
    with pytest.raises(BadSignature):
        check_hmac(headers(signature, stamp), body, KEY, NOW)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_replay_is_stale(minutes: int) -> None:
    with pytest.raises(StaleCallback):
        check_hmac(headers(), BODY, KEY, NOW + timedelta(minutes=minutes))


def test_the_api_key() -> None:
    check_api_key({"authorization": "Apikey demo-sepay-secret"}, KEY)
    check_api_key({"authorization": "apikey  demo-sepay-secret"}, KEY)
    for wrong in ("", "Apikey", "Apikey x", "Bearer demo-sepay-secret", "demo-sepay-secret", "ệ"):
        with pytest.raises(BadSignature):
            check_api_key({"authorization": wrong}, KEY)


def test_addresses() -> None:
    allowed = ("172.236.138.20", "10.1.0.0/16", "2001:db8::/32")
    for address in ("172.236.138.20", "10.1.255.1", "2001:db8::5", "::ffff:10.1.2.3"):
        check_address(address, allowed)
    for address in ("", "172.236.138.21", "10.2.0.1", "::1", "localhost", "10.1.0.1, 1.2.3.4"):
        with pytest.raises(BadSignature):
            check_address(address, allowed)


def basic(pair: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def test_client_credentials() -> None:
    check_client(basic("me:demo-sepay-secret"), b"", client_id="me", secret=KEY)
    form = b"grant_type=client_credentials&client_id=me&client_secret=demo-sepay-secret"
    check_client({}, form, client_id="me", secret=KEY)


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (basic("me:wrong"), b""),
        (basic("you:demo-sepay-secret"), b""),
        ({"authorization": "Basic !!!"}, b""),
        ({"authorization": "Basic /w=="}, b""),
        ({}, b""),
        ({}, b"\xff"),
        ({}, b"client_id=me"),
        ({}, b"a=1&" * 1000),
    ],
)
def test_other_clients_are_refused(given: dict[str, str], body: bytes) -> None:
    with pytest.raises(BadSignature):
        check_client(given, body, client_id="me", secret=KEY)


def test_tokens_end_and_cannot_be_made_by_others() -> None:
    token = make_token(KEY, NOW)
    check_token({"authorization": f"Bearer {token}"}, KEY, NOW + timedelta(minutes=4))
    with pytest.raises(StaleCallback):
        check_token({"authorization": f"Bearer {token}"}, KEY, NOW + timedelta(minutes=6))
    ends, _, digest = token.partition(".")
    for wrong in (
        "",
        token,
        f"Bearer {make_token(Secret('other'), NOW)}",
        f"Bearer {int(ends) + 600}.{digest}",
        f"Bearer {ends}.",
        f"Bearer .{digest}",
        "Bearer x.y",
        "Bearer ٣.y",
    ):
        with pytest.raises(CallbackRefused):
            check_token({"authorization": wrong}, KEY, NOW)
