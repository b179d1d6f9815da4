"""The one door for money: told twice, by two ways, at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from backend.services.apply_transaction import NotWanted
from backend.services.check_payment import book_credit
from backend.storage import payment_tables as tables
from backend.storage.database import Database
from payments.models import Credit, Money, Outcome
from tests.conftest import SettableClock
from tests.factories.till import Till, open_till


@pytest.fixture
def till(database: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    with open_till(database, clock, tmp_path) as till:
        yield till


def memo_credit(till: Till, payment: dict[str, object], amount: int = 350_000) -> Credit:
    return till.credit(amount, memo=f"{payment['code']} chuyen tien", bank_reference="FT26330001")


def test_a_feed_and_a_statement_tell_of_the_same_money_once(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    credit = memo_credit(till, payment)
    first = book_credit(till.resources, credit, source="callback")
    other = replace(credit, provider="statement", transaction_id="row-17", memo="")
    again = book_credit(till.resources, other, source="statement")
    assert (first.outcome, again.outcome) == (Outcome.APPLIED, Outcome.REPEATED)
    assert again.credit_id == first.credit_id
    assert till.balances()["bank:bank"] == 350_000


def test_one_provider_that_names_two_transactions_means_two(till: Till) -> None:
    credit = till.credit(90_000, bank_reference="FT26330001")
    for number in ("1", "2"):
        book_credit(till.resources, replace(credit, transaction_id=number), source="callback")
    assert till.balances()["bank:bank"] == 180_000


def test_two_codes_in_one_memo_are_none(till: Till) -> None:
    till.bill(100_000)
    one = till.start()
    till.bill(200_000)
    two = till.start(bill_ids=["b2"])
    credit = till.credit(100_000, memo=f"{one['code']} {two['code']}")
    assert book_credit(till.resources, credit, source="callback").outcome is Outcome.UNKNOWN_ORDER
    assert till.items() == [("unknown", "open", 100_000)]


def test_an_order_of_another_provider_is_not_believed(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    credit = till.credit(350_000, provider="wallet", order_key=till.key_of(payment))
    assert book_credit(till.resources, credit, source="callback").outcome is Outcome.UNKNOWN_ORDER


@pytest.mark.parametrize("amount", [349_999, 350_001])
def test_a_bank_that_asks_first_is_told_no_and_nothing_is_kept(till: Till, amount: int) -> None:
    till.bill(350_000)
    payment = till.start()
    with pytest.raises(NotWanted):
        book_credit(
            till.resources, memo_credit(till, payment, amount), source="callback", asks=True
        )
    assert till.count(tables.Credit) == till.count(tables.JournalEntry) == 0
    book_credit(till.resources, memo_credit(till, payment), source="callback", asks=True)
    assert till.show(payment)["stage"] == "paid"


def test_told_by_sixteen_at_once_it_is_booked_once(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    credit = memo_credit(till, payment)
    outcomes: list[Outcome] = []

    def tell(number: int) -> None:
        told = credit if number % 2 else replace(credit, provider="feed", transaction_id="x")
        outcomes.append(book_credit(till.resources, told, source="callback").outcome)

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Outcome.APPLIED] + [Outcome.REPEATED] * 15
    assert sum(till.balances()[each] for each in till.balances() if ":" in each) == 350_000


def test_different_money_for_one_bill_at_once_pays_it_once(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    threads = [
        threading.Thread(
            target=book_credit,
            args=(till.resources, till.credit(350_000, memo=str(payment["code"]))),
            kwargs={"source": "callback"},
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert till.items() == [("duplicate", "open", 350_000)] * 7
    assert till.balances()["clearing"] == 350_000


@pytest.mark.parametrize("table", [tables.JournalEntry, tables.PaymentChange])
def test_the_database_itself_refuses_to_change_what_happened(
    till: Till, table: type[tables.JournalEntry]
) -> None:
    till.bill(350_000)
    till.pay(till.start())
    for statement in (
        update(table).values(actor="somebody"),
        table.__table__.delete(),
    ):
        with pytest.raises(DBAPIError), till.resources.database.engine.begin() as connection:
            connection.execute(statement)
    assert till.balances()["clearing"] == 350_000


def test_verify_finds_money_that_was_made_up(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    till.pay(payment)
    with till.resources.database.write() as unit:
        unit.connection.execute(update(tables.SuspenseItem).values(amount_vnd=1))
        unit.connection.execute(update(tables.Payment).values(state="posted"))
    faults = till.verify().faults
    assert any("its trail ends elsewhere" in fault for fault in faults)
    assert any("nobody posts it" in fault for fault in faults)


def test_amounts_beyond_32_bits(till: Till) -> None:
    book_credit(till.resources, till.credit(999_999_999_999), source="statement")
    assert till.balances()["suspense"] == Money(999_999_999_999).amount_vnd
