"""What the contract of providers does not reach: tokens, accounts, and odd replies of the gate."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Response, jsonify

from payments.emulation.clock import EmulatedClock
from payments.errors import BrokenReply, Declined
from payments.events import PaymentEvent
from payments.match_codes import new_match_code
from payments.models import Money, Order
from payments.providers.bidv.emulator import (
    CLIENT_ID,
    CLIENT_SECRET,
    MERCHANT_ID,
    MERCHANT_NAME,
    PREFIX,
    SECRET,
    SERVICE_ID,
    BidvEmulator,
)
from payments.providers.bidv.provider import BidvProvider, open_provider
from payments.secrets import Secret
from payments.vietqr import decode


class OddBank(BidvEmulator):
    """Says what a test wants instead of what it would."""

    odd: Callable[[], Response] | None = None

    def _answer(self, answer: Any) -> Response:
        return super()._answer(answer) if self.odd is None else self.odd()


@pytest.fixture
def bank() -> Iterator[OddBank]:
    with OddBank(clock=EmulatedClock()) as bank:
        yield bank


def opened(bank: BidvEmulator, **gate: Any) -> BidvProvider:
    settings = {
        "service_id": SERVICE_ID,
        "secret": Secret(SECRET),
        "checksum": "hmac_bar",
        "merchant_name": MERCHANT_NAME,
        "account_prefix": PREFIX,
        "qr": "paygate",
        "paygate": {
            "base_url": bank.base_url,
            "client_id": CLIENT_ID,
            "client_secret": Secret(CLIENT_SECRET),
            "merchant_id": MERCHANT_ID,
            "opens_accounts": True,
            **gate,
        },
    }
    return open_provider("bidv", settings, clock=bank.clock)


def order(bank: BidvEmulator, amount_vnd: int = 350_000, *, code: str = "") -> Order:
    now = bank.clock()
    return Order(
        code=code or new_match_code("VP"),
        attempt=1,
        amount=Money(amount_vnd),
        created_at=now,
        expires_at=now + timedelta(minutes=10),
    )


def test_a_token_that_ran_out_is_renewed(bank: OddBank) -> None:
    provider = opened(bank)
    provider.create(order(bank))
    bank.clock.advance(3_500)
    provider.create(order(bank))
    bank._tokens.clear()  # as after a restart of the bank
    provider.create(order(bank))
    assert len(bank._tokens) == 1


def test_a_bank_that_knows_us_no_more(bank: OddBank, caplog: pytest.LogCaptureFixture) -> None:
    provider = opened(bank, client_secret=Secret("other"))
    with caplog.at_level(logging.ERROR), pytest.raises(Declined, match="login"):
        provider.check()
    assert [record.message for record in caplog.records] == [PaymentEvent.PROVIDER_REFUSES_US]
    bank.odd = lambda: Response("{}", 401, content_type="application/json")
    with pytest.raises(Declined, match="token"):
        opened(bank).create(order(bank))


def test_an_account_that_is_open_gets_the_new_amount(bank: OddBank) -> None:
    provider = opened(bank)
    first = order(bank)
    provider.create(first)
    provider.create(order(bank, 200_000, code=first.code))
    assert bank.describe()["accounts"] == {first.code: "200000"}


def test_another_refusal_is_ours_to_know(bank: OddBank) -> None:
    bank.odd = lambda: jsonify({"errorCode": "033", "errorDesc": "x"})
    with pytest.raises(Declined, match="033"):
        opened(bank).create(order(bank))


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"errorCode": 0},
        {"errorCode": "0" * 40},
        {"errorCode": "000"},
        {"errorCode": "000", "vietQR": 7},
        {"errorCode": "000", "vietQR": "no VietQR"},
        {"errorCode": "000", "data": []},
    ],
)
def test_replies_without_a_qr(bank: OddBank, reply: dict[str, Any]) -> None:
    bank.odd = lambda: jsonify(reply)
    with pytest.raises(BrokenReply):
        opened(bank, opens_accounts=False).create(order(bank))


@pytest.mark.parametrize("name", ["vietQR", "qrCode", "qrData"])
def test_names_a_qr_may_come_under(bank: OddBank, name: str) -> None:
    wanted = order(bank)
    text = opened(bank).create(wanted).qr_text
    for reply in ({name: text}, {"data": {name: text}}):
        bank.odd = lambda reply=reply: jsonify({"errorCode": "000", **reply})
        assert opened(bank, opens_accounts=False).create(wanted).qr_text == text


def test_a_qr_for_anything_else_is_not_shown(bank: OddBank) -> None:
    provider = opened(bank)
    mine, other = order(bank), order(bank)
    for strange in (
        provider.create(other).qr_text,
        provider.create(order(bank, 1_000, code=mine.code)).qr_text,
    ):
        assert decode(strange)
        bank.odd = lambda text=strange: jsonify({"errorCode": "000", "vietQR": text})
        with pytest.raises(BrokenReply):
            opened(bank, opens_accounts=False).create(mine)
        bank.odd = None


def test_a_file_that_is_no_file(bank: OddBank) -> None:
    for content in ("####", 7, ["x"]):
        bank.odd = lambda content=content: jsonify({"errorCode": "000", "fileContent": content})
        with pytest.raises(BrokenReply):
            opened(bank).list_credits(bank.clock().date())
    bank.odd = lambda: jsonify({"errorCode": "000", "fileContent": None})
    assert opened(bank).list_credits(bank.clock().date()) == ()
