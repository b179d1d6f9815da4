"""Odd replies of the bank, which the contract of providers does not reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Response, jsonify

from payments.emulation.clock import EmulatedClock
from payments.errors import BrokenReply, Declined, Unavailable
from payments.match_codes import new_match_code
from payments.models import Money, Order, OrderStatus, PlacedOrder
from payments.providers.hdbank.emulator import MERCHANT_ID, PREFIX, SECRET, HdbankEmulator
from payments.providers.hdbank.provider import HdbankProvider, open_provider
from payments.secrets import Secret


class OddBank(HdbankEmulator):
    """Says what a test wants instead of what it would."""

    odd: Callable[[], Response] | None = None

    def _make_qr(self) -> Response:
        return super()._make_qr() if self.odd is None else self.odd()

    def _list_invoices(self) -> Response:
        return super()._list_invoices() if self.odd is None else self.odd()


@pytest.fixture
def bank() -> Iterator[OddBank]:
    with OddBank(clock=EmulatedClock()) as bank:
        yield bank


def opened(bank: OddBank, **changes: Any) -> HdbankProvider:
    settings = {
        "base_url": bank.base_url,
        "merchant_id": MERCHANT_ID,
        "secret": Secret(SECRET),
        "account_prefix": PREFIX,
        "holder": "BENH VIEN DEMO",
    }
    return open_provider("hdbank", settings | changes, clock=bank.clock)


def order(bank: OddBank, amount_vnd: int = 350_000) -> Order:
    now = bank.clock()
    return Order(
        code=new_match_code("VP"),
        attempt=1,
        amount=Money(amount_vnd),
        created_at=now,
        expires_at=now + timedelta(minutes=10),
    )


def placed(bank: OddBank) -> PlacedOrder:
    wanted = order(bank)
    return PlacedOrder(order=wanted, provider_ref=wanted.key)


@pytest.mark.parametrize("changes", [{"secret": Secret("other")}, {"merchant_id": "0"}])
def test_a_bank_that_does_not_know_us(bank: OddBank, changes: dict[str, Any]) -> None:
    provider = opened(bank, **changes)
    with pytest.raises(Declined):
        provider.create(order(bank))
    with pytest.raises(Unavailable):
        provider.check()


def test_a_clock_that_is_wrong_is_declined(bank: OddBank) -> None:
    bank.faults.clock_skew = 120
    with pytest.raises(Declined, match="04"):
        opened(bank).create(order(bank))


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"code": 0},
        {"code": "00"},
        {"code": "00", "data": []},
        {"code": "00", "data": {"qrCode": 7}},
        {"code": "00", "data": {"qrCode": "không"}},
        {"code": "00", "data": {"qrCode": "bm8gVmlldFFS"}},
    ],
)
def test_replies_without_a_qr(bank: OddBank, reply: dict[str, Any]) -> None:
    bank.odd = lambda: jsonify(reply)
    with pytest.raises(BrokenReply):
        opened(bank).create(order(bank))


def test_a_qr_for_anything_else_is_not_shown(bank: OddBank) -> None:
    strange = opened(bank).create(order(bank, 1_000)).qr_text
    bank.odd = lambda: jsonify({"code": "00", "data": {"qrCode": strange}})
    with pytest.raises(BrokenReply):
        opened(bank).create(order(bank))
    with pytest.raises(BrokenReply):
        opened(bank, account_prefix="OTHER").create(order(bank, 1_000))


def test_lists_that_are_none(bank: OddBank) -> None:
    for listed in ("x", [7], {"a": 1}):
        bank.odd = lambda listed=listed: jsonify({"code": "00", "data": listed})
        with pytest.raises(BrokenReply):
            opened(bank).query(placed(bank))


@pytest.mark.parametrize("nothing", [None, []])
def test_an_order_the_bank_never_heard_of(bank: OddBank, nothing: Any) -> None:
    bank.odd = lambda: jsonify({"code": "00", "data": nothing})
    assert opened(bank).query(placed(bank)).status is OrderStatus.UNKNOWN


def test_what_the_bank_does_not_know_is_asked_again(bank: OddBank) -> None:
    wanted = placed(bank)
    entry = {"invoiceId": wanted.order.key, "status": "99"}
    bank.odd = lambda: jsonify({"code": "00", "data": [entry]})
    with pytest.raises(Unavailable):
        opened(bank).query(wanted)
    bank.odd = lambda: jsonify({"code": "00", "data": [entry | {"status": "77"}]})
    with pytest.raises(BrokenReply):
        opened(bank).query(wanted)


def test_an_order_that_is_over_and_unpaid_has_expired(bank: OddBank) -> None:
    provider = opened(bank)
    wanted = order(bank)
    reference = provider.create(wanted).provider_ref
    there = PlacedOrder(order=wanted, provider_ref=reference)
    bank.pay({"ref": wanted.key, "amount": 1_000})
    short = provider.query(there)
    assert (short.status, [c.amount for c in short.credits]) == (OrderStatus.OPEN, [Money(1_000)])
    bank.clock.advance(601)
    assert provider.query(there).status is OrderStatus.EXPIRED
