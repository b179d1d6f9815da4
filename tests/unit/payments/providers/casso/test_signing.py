from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payments.emulation.clock import EmulatedClock
from payments.errors import BadSignature, StaleCallback
from payments.providers.casso.emulator import CassoEmulator, canonical
from payments.providers.casso.signing import check, write_ways
from payments.secrets import Secret

NOW = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
KEY = Secret("demo-casso-secret")
STAMP = "1795140930000"
# payments: signature vectors, calculated with invented keys
CONTENT: dict[str, Any] = {
    "error": 0,
    "data": {
        "id": 218897,
        "reference": "FT26000000001",
        "description": "VP26AB7K9M",
        "amount": 350000,
        "runningBalance": 19077000,
        "transactionDateTime": "2026-11-20 09:15:30",
        "accountNumber": "1200000000001",
        "bankName": "BIDV",
        "bankAbbreviation": "BIDV",
        "virtualAccountNumber": "",
        "virtualAccountName": "",
        "counterAccountName": "NGUYEN VAN DEMO",
        "counterAccountNumber": "0000000000",
        "counterAccountBankId": "970436",
        "counterAccountBankName": "Vietcombank",
    },
}
SIGNATURE = (
    "93ee761f0923e3498793dc4b41679af2e7c5dc8ab0167b26c1166c97e1e5b407"
    "63869cf88630b5535aff0066bafd0e3bb9e7036e251cf3d88e9ccd84321c1a3c"
)


def header(signature: str = SIGNATURE, stamp: str = STAMP) -> dict[str, str]:
    return {"x-casso-signature": f"t={stamp},v1={signature}"}


def signed(text: str) -> dict[str, str]:
    digest = hmac.new(KEY.reveal_bytes(), f"{STAMP}.{text}".encode(), hashlib.sha512)
    return header(digest.hexdigest())


def test_the_vector() -> None:
    assert check(header(), CONTENT, KEY, NOW) == NOW
    assert write_ways(CONTENT) == (canonical(CONTENT),)


@pytest.mark.parametrize("way", ["js", "php"])
def test_the_emulator_makes_the_vector_by_itself(way: str) -> None:
    with CassoEmulator(clock=EmulatedClock(lambda: NOW)) as emulator:
        emulator.way = way
        assert emulator.sign(CONTENT) == f"t={STAMP},v1={SIGNATURE}"


@pytest.mark.parametrize(
    "written",
    [
        '{"a":"Đóng viện phí 20/11 \U0001f642"}',
        '{"a":"\\u0110\\u00f3ng vi\\u1ec7n ph\\u00ed 20\\/11 \\ud83d\\ude42"}',
        '{"a":"\\u0110\\u00f3ng vi\\u1ec7n ph\\u00ed 20/11 \\ud83d\\ude42"}',
    ],
    ids=["JavaScript", "PHP", "Python"],
)
def test_accents_and_slashes_as_different_languages_write_them(written: str) -> None:
    content = {"a": "Đóng viện phí 20/11 \U0001f642"}
    assert json.loads(written) == content
    assert check(signed(written), content, KEY, NOW) == NOW


def test_the_emulator_differs_in_its_ways_and_both_are_taken() -> None:
    content = {"error": 0, "data": {"description": "Đóng viện phí 20/11"}}
    made = []
    with CassoEmulator(clock=EmulatedClock(lambda: NOW)) as emulator:
        for way in ("js", "php"):
            emulator.way = way
            made.append(emulator.sign(content))
            assert check({"x-casso-signature": made[-1]}, content, KEY, NOW) == NOW
    assert made[0] != made[1]


def test_order_and_blanks_of_the_body_do_not_count() -> None:
    shuffled = json.loads(json.dumps({"data": CONTENT["data"], "error": 0}, indent=2))
    assert check(header(), shuffled, KEY, NOW) == NOW


def test_whole_numbers_with_a_point() -> None:
    assert check(signed('{"a":350000}'), {"a": 350000.0}, KEY, NOW) == NOW
    assert check(signed('{"a":350000.0}'), {"a": 350000.0}, KEY, NOW) == NOW
    with pytest.raises(BadSignature):
        check(signed('{"a":350000}'), {"a": 350000.5}, KEY, NOW)


@pytest.mark.parametrize(
    "value",
    [
        "",
        SIGNATURE,
        f"v1={SIGNATURE}",
        f"t=,v1={SIGNATURE}",
        f"t={STAMP},v1=",
        f"t={STAMP},v1={SIGNATURE[:-1]}",
        f"t={STAMP},v1={SIGNATURE[:-1]}d",
        f"t={STAMP}1,v1={SIGNATURE}",
        f"t=-{STAMP},v1={SIGNATURE}",
        f"t={STAMP},v1={SIGNATURE},v2=x",
        "t=٣,v1=x",
    ],
)
def test_anything_else_is_refused(value: str) -> None:
    with pytest.raises(BadSignature):
        check({"x-casso-signature": value}, CONTENT, KEY, NOW)


def test_another_amount_is_refused() -> None:
    forged = {**CONTENT, "data": {**CONTENT["data"], "amount": 950000}}
    with pytest.raises(BadSignature):
        check(header(), forged, KEY, NOW)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_replay_is_stale(minutes: int) -> None:
    with pytest.raises(StaleCallback):
        check(header(), CONTENT, KEY, NOW + timedelta(minutes=minutes))
