"""The banks of the demonstration, and whoever stands before its kiosk with a phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk_ui.presenters.views import Icon, MessageView, PayView, Phrase, View
from payments.config_file import read_config_file
from payments.match_codes import new_match_code
from payments.models import Credit, Money, Order, PlacedOrder
from payments.ports import PaymentProvider
from payments.registry import open_providers
from tiepdon.demo.banks import ACCOUNT, BANK, WALLET, DemoBanks
from tiepdon.demo.payer import Payer

NOWHERE = "http://127.0.0.1:9"
AMOUNT = Money(103_880)


@dataclass
class Counter:
    """What a kiosk shows, and what its server would hear when it asks."""

    banks: DemoBanks
    providers: Mapping[str, PaymentProvider]
    view: View = field(
        default=MessageView(title=Phrase(key="", text=""), icon=Icon.INFO, choices=())
    )

    def show_qr(self, method: str) -> PlacedOrder:
        now = datetime.now(UTC)
        order = Order(
            code=new_match_code("VP"),
            attempt=1,
            amount=AMOUNT,
            created_at=now,
            expires_at=now + timedelta(minutes=10),
        )
        offer = self.providers[method].create(order)
        text = Phrase(key="", text="")
        self.view = PayView(
            title=text,
            amount=text,
            qr=offer.qr_text,
            rows=(),
            left=text,
            left_share=1.0,
            status=text,
            choices=(),
        )
        return PlacedOrder(order=order, provider_ref=offer.provider_ref)

    def credits(self, method: str, placed: PlacedOrder) -> tuple[Credit, ...]:
        return self.providers[method].query(placed).credits


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with DemoBanks(tmp_path / "banks", server_address=NOWHERE) as banks:
        entries = read_config_file(Path(banks.environment["TIEPDON_PAYMENTS_CONFIG"]))
        assert [entry.name for entry in entries] == [BANK, WALLET]
        providers = open_providers(entries, clock=lambda: datetime.now(UTC))
        yield Counter(banks=banks, providers=providers)
        for provider in providers.values():
            provider.close()


def test_the_settings_lead_to_a_bank_and_a_wallet_that_answer(counter: Counter) -> None:
    for provider in counter.providers.values():
        provider.check()


def test_no_secret_stands_in_the_settings(counter: Counter) -> None:
    settings = Path(counter.banks.environment["TIEPDON_PAYMENTS_CONFIG"]).read_text()
    assert "secret = { file" in settings
    assert "demo-bank-feed" not in settings
    assert "demo-momo" not in settings


@pytest.mark.parametrize("method", [BANK, WALLET])
def test_what_stands_on_the_glass_is_paid(counter: Counter, method: str) -> None:
    placed = counter.show_qr(method)
    Payer(counter.banks, lambda: counter.view).pay()
    (credit,) = counter.credits(method, placed)
    assert credit.amount == AMOUNT


def test_twice_and_too_little(counter: Counter) -> None:
    placed = counter.show_qr(BANK)
    Payer(counter.banks, lambda: counter.view).pay(times=2, less_vnd=1_000)
    amounts = [credit.amount for credit in counter.credits(BANK, placed)]
    assert amounts == [Money(102_880), Money(102_880)]
    assert {each.account for each in counter.banks.bank.banks.movements} == {ACCOUNT.number}


def test_a_lost_message_never_leaves(counter: Counter) -> None:
    counter.show_qr(WALLET)
    Payer(counter.banks, lambda: counter.view).pay(told=False)
    assert counter.banks.wallet.callbacks.settle(5)
    assert [each["state"] for each in counter.banks.wallet.callbacks.as_list()][-1] == "dropped"


def test_without_a_qr_nothing_is_paid(counter: Counter, capsys: pytest.CaptureFixture[str]) -> None:
    Payer(counter.banks, lambda: counter.view).pay()
    assert not counter.banks.bank.banks.movements
    assert "no QR" in capsys.readouterr().err
