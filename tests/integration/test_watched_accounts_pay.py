"""From a bank's app to the books: transfers that the bank, SePay or Casso tell the real server of."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from werkzeug.serving import make_server

from backend.services.reconcile_payments import reconcile_statement
from backend.storage import payment_tables as tables
from backend.storage.database import Database
from payments.emulation.clock import EmulatedClock
from payments.emulation.watching import AccountEmulator
from payments.fields import VIETNAM
from payments.ports import PaymentProvider
from payments.providers.casso.emulator import CassoEmulator
from payments.providers.sepay.emulator import CLIENT_ID, SepayEmulator
from payments.providers.vietqr_bank.emulator import BankEmulator
from payments.registry import open_provider
from tests.conftest import SettableClock
from tests.factories.till import Till, open_till


@dataclass(frozen=True, kw_only=True)
class Way:
    kind: str
    make: Callable[..., Any]
    settings: dict[str, Any]
    auth: str = ""


WAYS = {
    "bank": Way(kind="vietqr_bank", make=BankEmulator, settings={}),
    "bank-virtual": Way(
        kind="vietqr_bank", make=BankEmulator, settings={"virtual_prefix": "V1BVMAU"}
    ),
    "sepay": Way(kind="sepay", make=SepayEmulator, settings={}),
    "sepay-orders": Way(kind="sepay", make=SepayEmulator, settings={"va_orders": True}),
    "sepay-api-key": Way(
        kind="sepay",
        make=SepayEmulator,
        settings={"auth": "api_key", "code_prefix": "VP"},
        auth="api_key",
    ),
    "sepay-oauth2": Way(
        kind="sepay",
        make=SepayEmulator,
        settings={"auth": "oauth2", "client_id": CLIENT_ID, "code_prefix": "VP"},
        auth="oauth2",
    ),
    "casso": Way(kind="casso", make=CassoEmulator, settings={}),
}


@contextmanager
def opened(
    way: Way, database: Database, clock: SettableClock, folder: Path
) -> Iterator[tuple[Till, AccountEmulator]]:
    """A till whose bank is watched that way; both run on the same clock."""
    with (
        open_till(database, clock, folder) as till,
        way.make(clock=EmulatedClock(clock), seed=6) as emulator,
    ):
        if way.auth:
            emulator.auth = way.auth
        settings = emulator.settings(list_fresh_s=0, **way.settings)
        provider = open_provider(way.kind, "bank", settings, clock=clock)
        cast("dict[str, PaymentProvider]", till.resources.providers)["bank"] = provider
        server = make_server("127.0.0.1", 0, till.client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        emulator.callback_url = f"http://127.0.0.1:{server.server_port}/payments/bank"
        try:
            yield till, emulator
        finally:
            provider.close()
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.fixture(params=sorted(WAYS))
def both(
    request: pytest.FixtureRequest, database: Database, clock: SettableClock, tmp_path: Path
) -> Iterator[tuple[Till, AccountEmulator]]:
    with opened(WAYS[request.param], database, clock, tmp_path) as both:
        yield both


@pytest.fixture(params=["bank", "sepay", "casso"])
def plain(
    request: pytest.FixtureRequest, database: Database, clock: SettableClock, tmp_path: Path
) -> Iterator[tuple[Till, AccountEmulator]]:
    with opened(WAYS[request.param], database, clock, tmp_path) as plain:
        yield plain


@pytest.fixture
def bank(
    database: Database, clock: SettableClock, tmp_path: Path
) -> Iterator[tuple[Till, BankEmulator]]:
    with opened(WAYS["bank"], database, clock, tmp_path) as (till, emulator):
        yield till, cast("BankEmulator", emulator)


def start(till: Till, amount_vnd: int = 350_000) -> tuple[dict[str, Any], str]:
    till.bill(amount_vnd)
    payment = till.start()
    return payment, str(payment["offer"]["qr_text"])


def test_a_transfer_with_a_memo_the_bank_rewrote(both: tuple[Till, AccountEmulator]) -> None:
    till, emulator = both
    payment, qr_text = start(till)
    emulator.pay({"qr_text": qr_text, "memo_style": "noise"})
    assert emulator.callbacks.settle()
    assert till.show(payment)["stage"] == "paid"
    assert till.balances() == {"bank:bank": 350_000, "clearing": 350_000, "suspense": 0}


def test_the_news_gets_lost_and_the_money_is_found(both: tuple[Till, AccountEmulator]) -> None:
    till, emulator = both
    payment, qr_text = start(till)
    emulator.faults.drop_webhook = 1
    emulator.pay({"qr_text": qr_text})
    assert emulator.callbacks.settle()
    assert till.show(payment)["stage"] == "waiting"
    till.clock.advance(seconds=30)
    till.pursue()
    assert till.show(payment)["stage"] == "paid"
    emulator.callbacks.replay(1)  # and the news comes after all
    assert emulator.callbacks.settle()
    assert till.count(tables.Credit) == 1
    assert till.balances()["bank:bank"] == 350_000


def test_paid_twice_told_twice_and_in_the_wrong_order(plain: tuple[Till, AccountEmulator]) -> None:
    till, emulator = plain
    payment, qr_text = start(till)
    emulator.faults.duplicate = 1
    emulator.faults.reorder = True
    emulator.pay({"qr_text": qr_text, "times": 2})
    assert emulator.callbacks.settle()
    assert till.show(payment)["stage"] == "paid"
    assert till.count(tables.Credit) == 2
    assert ("duplicate", "open", 350_000) in till.items()
    assert till.balances()["suspense"] == 350_000


def test_our_server_was_down_and_hears_of_it_later(plain: tuple[Till, AccountEmulator]) -> None:
    till, emulator = plain
    payment, qr_text = start(till)
    here, emulator.callback_url = emulator.callback_url, "http://127.0.0.1:9/payments/bank"
    emulator.pay({"qr_text": qr_text})
    assert emulator.callbacks.settle()
    emulator.callback_url = here
    till.clock.advance(seconds=61)
    emulator.clock.advance(0)
    assert emulator.callbacks.settle()
    assert till.show(payment)["stage"] == "paid"


def test_too_little_is_completed_by_the_rest(plain: tuple[Till, AccountEmulator]) -> None:
    till, emulator = plain
    payment, qr_text = start(till)
    emulator.pay({"qr_text": qr_text, "amount": 200_000})
    assert emulator.callbacks.settle()
    assert till.show(payment)["stage"] != "paid"
    emulator.pay({"qr_text": qr_text, "amount": 150_000})
    assert emulator.callbacks.settle()
    assert till.show(payment)["stage"] == "paid"
    assert till.balances()["bank:bank"] == 350_000


def test_a_forged_call_and_a_test_call_change_nothing(both: tuple[Till, AccountEmulator]) -> None:
    till, emulator = both
    payment, qr_text = start(till)
    emulator.ping({})
    assert emulator.callbacks.settle()
    assert emulator.callbacks.as_list()[0]["state"] == "accepted"
    emulator.faults.bad_signature = 1
    emulator.pay({"qr_text": qr_text})
    assert emulator.callbacks.settle()
    [sending] = emulator.callbacks.as_list()[1]["sendings"]
    assert (sending["status"], sending["accepted"]) == (401, False)
    assert till.show(payment)["stage"] == "waiting"
    assert till.count(tables.Credit) == 0


def test_money_without_a_code_is_held(bank: tuple[Till, BankEmulator]) -> None:
    till, emulator = bank
    payment, qr_text = start(till)
    emulator.pay({"qr_text": qr_text, "memo_style": "replaced"})
    assert emulator.callbacks.settle()
    assert till.show(payment)["stage"] == "waiting"
    assert [(state, amount) for _, state, amount in till.items()] == [("open", 350_000)]
    assert till.balances()["suspense"] == 350_000


def test_feed_and_statement_of_the_same_bank_agree(bank: tuple[Till, BankEmulator]) -> None:
    till, emulator = bank
    _, qr_text = start(till)
    emulator.pay({"qr_text": qr_text, "memo_style": "noise"})
    assert emulator.callbacks.settle()
    emulator.faults.drop_webhook = 1
    emulator.pay({"account": "1200000000001", "amount": 90_000, "memo": "nobody knows"})
    day = till.clock().astimezone(VIETNAM).date()
    content = requests.get(
        f"{emulator.base_url}/statement/1200000000001/{day}.xlsx", timeout=5
    ).content

    def reconcile() -> tuple[int, int]:
        outcome = reconcile_statement(
            till.resources, content, provider="bank", account="1200000000001", actor="command"
        )
        return outcome.figures.difference_vnd, till.count(tables.Credit)

    reconcile()
    assert till.count(tables.Credit) == 2, "the one that nobody told of is brought in"
    assert till.balances() == {"bank:bank": 440_000, "clearing": 350_000, "suspense": 90_000}
    reconcile()
    emulator.callbacks.replay(2)
    assert emulator.callbacks.settle()
    assert till.count(tables.Credit) == 2
    assert till.balances()["bank:bank"] == 440_000
