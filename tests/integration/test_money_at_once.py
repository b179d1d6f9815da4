"""Callbacks twice and at once, and two kiosks at one bill, over many threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backend.storage import payment_tables as tables
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.till import Till, open_till

pytestmark = [pytest.mark.slow]
THREADS = 16


@pytest.fixture
def till(database: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    with open_till(database, clock, tmp_path) as till:
        yield till


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """All begin at the same moment; what they gave."""
    gate = threading.Barrier(len(works))
    given: list[Any] = [None] * len(works)
    errors: list[BaseException] = []

    def run(index: int, work: Callable[[], Any]) -> None:
        gate.wait()
        try:
            given[index] = work()
        except Exception as error:  # a thread's failure is the test's
            errors.append(error)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    return given


def test_one_callback_sixteen_times_at_once_is_one_credit(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    request = till.bank.pay(till.key_of(payment))
    replies = at_once(*[partial(till.call_back, request)] * THREADS)
    assert {reply.status_code for reply in replies} == {200}
    assert till.count(tables.Credit) == 1
    assert till.show(payment)["stage"] == "paid"
    assert till.balances() == {"bank:bank": 350_000, "clearing": 350_000, "suspense": 0}


def test_sixteen_payers_of_one_bill_at_once_pay_it_once(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    requests = [
        till.bank.pay(till.key_of(payment), 350_000, transaction_id=f"T{n}") for n in range(THREADS)
    ]
    at_once(*[partial(till.call_back, each) for each in requests])
    assert till.show(payment)["stage"] == "paid"
    assert till.items() == [("duplicate", "open", 350_000)] * (THREADS - 1)
    till.deliver()
    assert till.balances() == {
        "bank:bank": THREADS * 350_000,
        "clearing": 0,
        "his": 350_000,
        "suspense": (THREADS - 1) * 350_000,
    }


def test_sixteen_parts_at_once_are_the_whole(till: Till) -> None:
    till.bill(THREADS * 10_000)
    payment = till.start()
    requests = [
        till.bank.pay(till.key_of(payment), 10_000, transaction_id=f"T{n}") for n in range(THREADS)
    ]
    at_once(*[partial(till.call_back, each) for each in requests])
    assert till.show(payment)["state"] == "paid"
    assert Counter(till.items()) == {("short", "applied", 10_000): THREADS - 1}
    till.balances()


def test_money_cancel_expiry_and_another_way_at_once(till: Till) -> None:
    """Whoever comes first: nobody waits for ever, and the money is somewhere."""
    for round_ in range(4):
        till.bill(100_000)
        payment = till.start()
        request = till.bank.pay(till.key_of(payment), 100_000, transaction_id=f"R{round_}")
        expiry = till.bank.expire(till.key_of(payment))
        path = f"/payments/{payment['id']}"
        at_once(
            *[partial(till.call_back, request)] * 4,
            *[partial(till.call_back, expiry)] * 4,
            partial(till.post, f"{path}/cancel", {"reason": "cancelled"}),
            partial(till.post, f"{path}/cancel", {"reason": "left"}),
            partial(till.post, f"{path}/offer", {"method": "wallet"}),
            partial(till.post, f"{path}/offer", {"method": "bank"}),
            partial(till.post, f"{path}/check"),
            *[till.pursue] * 2,
        )
        assert till.show(payment)["stage"] == "paid"
        till.deliver()
        till.deliver()
    assert till.balances()["his"] == 400_000


def test_late_money_of_two_payments_at_once_pays_their_bill_once(
    till: Till, clock: SettableClock
) -> None:
    """The second one holds the bill already, or both had ended: one is applied, never both."""
    till.bill(350_000)
    first = till.start()
    clock.advance(minutes=20)
    till.pursue()
    second = till.start()
    clock.advance(minutes=20)
    till.pursue()
    requests = [
        till.bank.pay(till.key_of(each), 350_000, transaction_id=each["code"])
        for each in (first, second)
    ]
    at_once(*[partial(till.call_back, each) for each in requests * 4])
    states = sorted(till.show(each)["state"] for each in (first, second))
    assert states == ["expired", "late_paid"]
    assert till.items() == [("late", "open", 350_000)]
    till.deliver()
    assert till.balances()["his"] == 350_000


def test_one_bill_at_sixteen_kiosks_is_one_payment(till: Till) -> None:
    till.bill(350_000)
    quotes = [till.dues()["dues_id"] for _ in range(THREADS)]
    replies = at_once(
        *[
            partial(till.post, "/payments", {"dues_id": dues, "bill_ids": ["b1"], "method": method})
            for dues, method in zip(quotes, ["bank", "wallet"] * (THREADS // 2), strict=True)
        ]
    )
    assert Counter(reply.status_code for reply in replies) == {201: 1, 409: THREADS - 1}
    assert till.count(tables.Payment) == 1


def test_several_workers_at_once_post_and_ask_once(till: Till, clock: SettableClock) -> None:
    till.bill(350_000)
    payment = till.start()
    till.bank.pay(till.key_of(payment))
    clock.advance(seconds=6)
    at_once(*[till.pursue] * 4)
    assert till.show(payment)["stage"] == "paid"
    at_once(*[till.deliver] * 4)
    assert till.due_vnd() == 0
    assert till.balances()["his"] == 350_000
