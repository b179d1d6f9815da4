from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from payments.emulation.faults import Faults
from payments.errors import BadSignature
from payments.providers.vietqr_bank.emulator import SECRET, BankEmulator
from payments.providers.vietqr_bank.signing import check, sign
from payments.secrets import Secret

BODY = '{"event":"credit","memo":"Đóng viện phí"}'.encode()
STAMP = "1795140930"


def headers(signature: str, stamp: str = STAMP) -> dict[str, str]:
    return {"x-feed-timestamp": stamp, "x-feed-signature": signature}


def test_the_signature_is_what_the_decision_says() -> None:
    digest = hmac.new(b"key", b"1795140930." + BODY, hashlib.sha256).hexdigest()
    assert sign(Secret("key"), STAMP, BODY) == f"sha256={digest}"


def test_the_emulator_signs_by_itself_and_alike() -> None:
    with BankEmulator() as bank:
        made = {name.lower(): value for name, value in bank._sign(BODY).items()}
    assert made["x-feed-signature"] == sign(Secret(SECRET), made["x-feed-timestamp"], BODY)


def test_old_and_new_secret_are_taken_while_they_change() -> None:
    secrets = (Secret("new"), Secret("old"))
    moment = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
    for key in secrets:
        assert check(headers(sign(key, STAMP, BODY)), BODY, secrets) == moment
    with pytest.raises(BadSignature):
        check(headers(sign(Secret("older"), STAMP, BODY)), BODY, secrets)


def test_upper_case_digits_are_the_same_signature() -> None:
    assert check(headers(sign(Secret("k"), STAMP, BODY).upper()), BODY, (Secret("k"),))


@pytest.mark.parametrize(
    ("signature", "stamp"),
    [
        ("", STAMP),
        ("sha256=", STAMP),
        ("ệ", STAMP),
        (Faults(bad_signature=1).spoil(sign(Secret("k"), STAMP, BODY)), STAMP),
        (sign(Secret("k"), STAMP, BODY), "1795140931"),
        (sign(Secret("k"), "", BODY), ""),
        (sign(Secret("k"), "-5", BODY), "-5"),
        (sign(Secret("k"), "٣", BODY), "٣"),
        (sign(Secret("k"), "9" * 12, BODY), "9" * 12),
        (sign(Secret("k"), "1795140930.5", BODY), "1795140930.5"),
    ],
)
def test_everything_else_is_refused(signature: str, stamp: str) -> None:
    with pytest.raises(BadSignature):
        check(headers(signature, stamp), BODY, (Secret("k"),))


def test_without_a_secret_nothing_is_taken() -> None:
    with pytest.raises(BadSignature):
        check(headers(sign(Secret(""), STAMP, BODY)), BODY, ())
