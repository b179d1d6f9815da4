from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from payments.errors import BrokenReply
from payments.http import Reply
from payments.providers.bidv.config import PaygateConfig
from payments.providers.bidv.emulated_signing import (
    NotSealed,
    check_detached,
    new_key_and_certificate,
    open_sealed,
    sign_detached,
)
from payments.providers.bidv.envelope import HEADER, Envelope
from payments.secrets import Secret
from tests.unit.payments.providers.bidv.factories import NOW

SHARED = "00112233445566778899aabbccddeeff" * 2
OUR_KEY, OUR_PEM, OUR_CERTIFICATE = new_key_and_certificate("US", NOW)
BANK_KEY, BANK_PEM, BANK_CERTIFICATE = new_key_and_certificate("BANK", NOW)


def envelope(**changes: Any) -> Envelope:
    parts: dict[str, Any] = {
        "client_id": "c",
        "client_secret": Secret("s"),
        "merchant_id": "m",
        "symmetric_key": Secret(SHARED),
        "private_key": Secret(OUR_PEM.decode()),
        "certificate": Secret(OUR_CERTIFICATE.decode()),
    }
    return Envelope(PaygateConfig(**parts | changes))


@pytest.mark.parametrize("encryption", ["A128CBC-HS256", "A128GCM"])
@pytest.mark.parametrize("form", ["detached", "compact"])
def test_the_bank_opens_what_we_seal(encryption: str, form: Literal["detached", "compact"]) -> None:
    here = envelope(encryption=encryption, jws=form)
    body = here.seal({"code": "VP23AB7K2"})
    content = json.loads(body)
    assert "VP23AB7K2" not in body.decode()
    assert json.loads(open_sealed(content, bytes.fromhex(SHARED))) == {"code": "VP23AB7K2"}
    signature = here.sign(body)
    assert (".." in signature) is (form == "detached")
    check_detached(signature, body, OUR_CERTIFICATE)
    with pytest.raises(NotSealed):
        check_detached(signature, body + b" ", OUR_CERTIFICATE)
    with pytest.raises(NotSealed):
        open_sealed(content | {"tag": "AAAAAAAAAAAAAAAAAAAAAA"}, bytes.fromhex(SHARED))
    with pytest.raises(NotSealed):
        open_sealed(content, bytes(32))


def test_without_keys_it_is_plain() -> None:
    here = envelope(symmetric_key=None, private_key=None, certificate=None)
    assert here.seal({"a": "đ"}) == '{"a":"đ"}'.encode()
    assert here.sign(b"x") == here.certificate == ""


def test_a_sealed_reply_is_opened() -> None:
    here = envelope()
    reply = Reply(status=200, headers={}, untrusted_body=here.seal({"errorCode": "000"}))
    assert here.open(reply) == {"errorCode": "000"}
    with pytest.raises(BrokenReply):
        envelope(symmetric_key=None).open(reply)
    with pytest.raises(BrokenReply):
        envelope(symmetric_key=Secret("0" * 64)).open(reply)
    damaged = Reply(status=200, headers={}, untrusted_body=b'{"ciphertext":[],"protected":1}')
    with pytest.raises(BrokenReply):
        here.open(damaged)


def test_with_the_banks_certificate_replies_are_signed() -> None:
    here = envelope(bank_certificate=Secret(BANK_CERTIFICATE.decode()))
    body = b'{"errorCode":"000"}'
    good = {HEADER.lower(): sign_detached(body, BANK_KEY)}
    assert here.open(Reply(status=200, headers=good, untrusted_body=body)) == {"errorCode": "000"}
    for headers in ({}, {HEADER: "a.b"}, {HEADER: "a..b"}, good):
        changed = Reply(status=200, headers=headers, untrusted_body=body + b" ")
        with pytest.raises(BrokenReply):
            here.open(changed)


def test_the_certificate_goes_without_its_frame() -> None:
    assert envelope().certificate.startswith("MII")
    assert "-" not in envelope().certificate
