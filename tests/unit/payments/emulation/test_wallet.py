from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
import requests

from payments.emulation.callbacks import Message
from payments.emulation.wallet import (
    Closed,
    EmulatedOrder,
    EmulatedPayment,
    OrderState,
    TooMuch,
    WalletEmulator,
)


class PlainWallet(WalletEmulator):
    party = "plain"
    title: ClassVar[str] = "Ví mẫu"
    refund_takes_s = 30.0

    def paid_message(self, order: EmulatedOrder, payment: EmulatedPayment) -> Message | None:
        return None

    def place_one(self, ref: str = "A-1") -> EmulatedOrder:
        return self.place(ref, amount_vnd=350_000, title="Thanh toán viện phí", lifetime_s=600)


@pytest.fixture
def wallet() -> Iterator[PlainWallet]:
    with PlainWallet() as wallet:
        yield wallet


def test_paid_once(wallet: PlainWallet) -> None:
    wallet.place_one()
    order = wallet.take_money("A-1")
    assert order.state is OrderState.PAID
    assert order.paid_vnd == 350_000
    with pytest.raises(Closed):
        wallet.take_money("A-1")
    with pytest.raises(LookupError):
        wallet.take_money("B-1")


def test_what_takes_more_is_paid_again(wallet: PlainWallet) -> None:
    wallet.place_one()
    wallet.take_money("A-1", times=2)
    type(wallet).takes_more = True
    try:
        wallet.take_money("A-1", 1_000)
    finally:
        type(wallet).takes_more = False
    payments = wallet.orders["A-1"].payments
    assert [payment.amount_vnd for payment in payments] == [350_000, 350_000, 1_000]
    assert len({payment.number for payment in payments}) == 3


def test_over_after_its_life_unless_the_switch_is_on(wallet: PlainWallet) -> None:
    wallet.place_one()
    wallet.clock.advance(601)
    with pytest.raises(Closed):
        wallet.take_money("A-1")
    wallet.faults.set_from("pay_after_expiry", {})
    assert wallet.take_money("A-1").state is OrderState.PAID


def test_a_payment_that_fails_takes_no_money(wallet: PlainWallet) -> None:
    wallet.place_one()
    wallet.faults.set_from("fail", {"n": 1})
    assert wallet.take_money("A-1").state is OrderState.FAILED
    assert wallet.orders["A-1"].payments == []


@pytest.mark.parametrize("amount", [0, -1, 10**12])
def test_an_amount_that_is_none_changes_nothing(wallet: PlainWallet, amount: int) -> None:
    wallet.place_one()
    with pytest.raises(ValueError):
        wallet.take_money("A-1", amount)
    assert wallet.orders["A-1"].state is OrderState.OPEN


def test_refunds_once_per_name_and_never_more_than_paid(wallet: PlainWallet) -> None:
    wallet.place_one()
    order = wallet.take_money("A-1")
    payment = order.payments[0]
    first = wallet.give_back(order, payment, "R1", 100_000)
    assert wallet.give_back(order, payment, "R1", 100_000) is first
    with pytest.raises(TooMuch):
        wallet.give_back(order, payment, "R2", 250_001)
    wallet.give_back(order, payment, "R3", 250_000)
    assert order.refunded_vnd == 350_000


def test_refund_switches(wallet: PlainWallet) -> None:
    wallet.place_one()
    order = wallet.take_money("A-1")
    wallet.faults.set_from("partial_refund", {"amount": 5_000})
    refund = wallet.give_back(order, order.payments[0], "R1", 100_000)
    assert refund.amount_vnd == 5_000
    assert not wallet.is_refund_done(refund)
    wallet.faults.set_from("refund_pending", {})
    wallet.clock.advance(31)
    assert not wallet.is_refund_done(refund)
    wallet.faults.set_from("refund_pending", {"on": False})
    assert wallet.is_refund_done(refund)


def test_the_payer_confirms_on_the_page(wallet: PlainWallet) -> None:
    wallet.place_one()
    page = requests.get(f"{wallet.base_url}/", timeout=5)
    assert "350.000 đ" in page.text
    assert page.headers["Content-Security-Policy"] == "default-src 'self'"
    address = f"{wallet.base_url}/pay/A-1"
    assert "Xác nhận trả" in requests.get(address, timeout=5).text
    done = requests.post(address, data={"action": "confirm"}, timeout=5)
    assert "Đã thanh toán" in done.text
    assert "Xác nhận trả" not in done.text
    again = requests.post(address, data={"action": "confirm"}, timeout=5)
    assert "Đã thanh toán" in again.text
    assert len(wallet.orders["A-1"].payments) == 1
    assert requests.get(f"{wallet.base_url}/pay/B-9", timeout=5).status_code == 404
    assert requests.get(f"{wallet.base_url}/payer/payer.css", timeout=5).ok


def test_the_payer_refuses_or_pays_another_amount(wallet: PlainWallet) -> None:
    wallet.place_one("A-1")
    wallet.place_one("A-2")
    requests.post(f"{wallet.base_url}/pay/A-1", data={"action": "refuse"}, timeout=5)
    requests.post(
        f"{wallet.base_url}/pay/A-2", data={"action": "confirm", "amount": "200000"}, timeout=5
    )
    wallet.place_one("A-3")
    requests.post(f"{wallet.base_url}/pay/A-3", data={"action": "fail"}, timeout=5)
    assert wallet.orders["A-1"].state is OrderState.REFUSED
    assert wallet.orders["A-3"].state is OrderState.FAILED
    assert wallet.orders["A-2"].paid_vnd == 200_000


def test_names_are_written_out_on_the_page(wallet: PlainWallet) -> None:
    wallet.place("X-1", amount_vnd=1_000, title="<script>alert(1)</script>", lifetime_s=600)
    assert "<script>" not in requests.get(f"{wallet.base_url}/pay/X-1", timeout=5).text


def test_control(wallet: PlainWallet) -> None:
    wallet.place_one()
    control = f"{wallet.base_url}/_emu"
    paid = requests.post(f"{control}/pay", json={"ref": "A-1", "amount": 300_000}, timeout=5)
    assert paid.json()["state"] == "paid"
    assert requests.post(f"{control}/pay", json={"ref": "A-1"}, timeout=5).status_code == 400
    assert requests.post(f"{control}/pay", json={"ref": "Z"}, timeout=5).status_code == 400
    assert requests.post(f"{control}/pay", json={}, timeout=5).status_code == 400
    state = requests.get(f"{control}/state", timeout=5).json()
    assert state["orders"][0]["payments"][0]["amount_vnd"] == 300_000
