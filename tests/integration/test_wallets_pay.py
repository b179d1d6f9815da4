"""The four wallets from the QR to the books: their stand-ins call the real server over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from backend.domain.ids import new_id
from backend.services.approve_refund import approve_refund
from backend.services.list_suspense import list_suspense
from backend.services.offer_payment import order_of
from backend.services.pay_refund import pay_refund
from backend.services.request_refund import request_refund
from backend.storage import payment_tables as tables
from backend.storage.database import Database
from payments.emulation.clock import EmulatedClock
from payments.models import Money, Order
from payments.ports import PaymentProvider
from payments.registry import open_provider
from tests.conftest import SettableClock
from tests.contract.test_momo import MomoHarness
from tests.contract.test_payos import PayosHarness
from tests.contract.test_vnpay import VnpayHarness
from tests.contract.test_zalopay import ZalopayHarness
from tests.contract.wallet_harness import WalletHarness
from tests.factories.money import make_staff
from tests.factories.till import Till, open_till

NAME = "wallet"
KINDS: dict[str, Callable[..., WalletHarness]] = {
    "momo": MomoHarness,
    "zalopay": ZalopayHarness,
    "vnpay": VnpayHarness,
    "payos": PayosHarness,
}


@dataclass(frozen=True, kw_only=True)
class Place:
    till: Till
    harness: WalletHarness
    clock: SettableClock

    def start(self) -> dict[str, Any]:
        self.till.bill(350_000)
        return self.till.start(method=NAME)

    def order(self, payment: dict[str, Any]) -> Order:
        with self.till.resources.database.read() as connection:
            attempt = connection.execute(
                select(tables.PaymentAttempt.__table__).where(
                    tables.PaymentAttempt.payment_id == payment["id"]
                )
            ).one()
        return order_of(attempt)

    def advance(self, seconds: float) -> None:
        self.settle()
        self.clock.advance(seconds=seconds)
        self.harness.emulator.clock.advance(0)
        self.settle()

    def settle(self) -> None:
        assert self.harness.emulator.callbacks.settle()

    def stage(self, payment: dict[str, Any]) -> str:
        return str(self.till.show(payment)["stage"])


@pytest.fixture(params=sorted(KINDS))
def place(
    request: pytest.FixtureRequest, database: Database, clock: SettableClock, tmp_path: Path
) -> Iterator[Place]:
    with open_till(database, clock, tmp_path) as till:
        server = make_server("127.0.0.1", 0, till.client.application, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/payments/{NAME}"
        harness = KINDS[request.param](clock=EmulatedClock(clock), callback_url=url)
        settings = harness.settings(harness.base_url, url)
        provider = open_provider(harness.kind, NAME, settings, clock=clock)
        cast("dict[str, PaymentProvider]", till.resources.providers)[NAME] = provider
        try:
            yield Place(till=till, harness=harness, clock=clock)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
            harness.close()


def test_paid_and_told_twice(place: Place) -> None:
    payment = place.start()
    place.harness.emulator.faults.duplicate = 1
    place.harness.pay(place.order(payment))
    place.settle()
    assert place.stage(payment) == "paid"
    assert place.till.items() == []
    assert place.till.count(tables.Credit) == 1
    answers = [each["state"] for each in place.harness.emulator.callbacks.as_list()]
    assert set(answers[-2:]) == {"accepted"}


def test_a_forged_callback_and_a_lost_one_change_nothing_and_asking_finds_the_money(
    place: Place,
) -> None:
    payment = place.start()
    emulator = place.harness.emulator
    emulator.faults.bad_signature = 1
    place.harness.pay(place.order(payment))
    place.settle()
    assert place.stage(payment) == "waiting"
    place.till.post(f"/payments/{payment['id']}/check")
    assert place.stage(payment) == "paid"
    place.advance(1_200)  # honest repeats, where there are some
    assert place.till.count(tables.Credit) == 1
    assert place.till.balances()["suspense"] == 0


def test_money_that_comes_when_all_is_over_is_held_and_given_back_by_two(place: Place) -> None:
    payment = place.start()
    order = place.order(payment)
    place.advance(7_200)
    place.till.pursue()
    assert place.stage(payment) == "ended"
    place.harness.pay(order, Money(120_000), late=True)
    place.settle()
    resources = place.till.resources
    (item,) = list_suspense(resources.database)
    assert item.amount_vnd == 120_000
    refund_id = new_id()
    request_refund(
        resources,
        item.id,
        refund_id=refund_id,
        version=item.version,
        amount=Money(120_000),
        reason="trả nhầm",
        staff=make_staff(),
    )
    approve_refund(resources.database, refund_id, staff=make_staff("Lý Thị Thu"))
    if not resources.providers[NAME].features().can_refund:
        return
    for _ in range(3):
        pay_refund(resources, refund_id)
        place.advance(120)
    with resources.database.read() as connection:
        state = connection.scalar(
            select(tables.PaymentRefund.state).where(tables.PaymentRefund.id == refund_id)
        )
    assert state == "done"
    assert place.harness.refunded(order) == Money(120_000)
    assert place.till.balances()["suspense"] == 0
