"""The same money by a feed and by a statement, under ids of their own, is booked once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.services.apply_transaction import Source
from backend.services.check_payment import book_credit
from backend.storage import payment_tables as tables
from backend.storage.database import Database
from payments.models import Outcome
from tests.conftest import SettableClock
from tests.factories.till import Till, open_till


@pytest.fixture
def till(database: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    with open_till(database, clock, tmp_path) as till:
        yield till


@pytest.mark.parametrize("ways", [("callback", "statement"), ("statement", "callback")])
def test_a_feed_and_a_statement_of_one_account(till: Till, ways: tuple[Source, Source]) -> None:
    told = [till.credit(5_000, bank_reference="FT1") for _ in ways]
    outcomes = [
        book_credit(till.resources, credit, source=way).outcome
        for credit, way in zip(told, ways, strict=True)
    ]
    assert outcomes == [Outcome.UNKNOWN_ORDER, Outcome.REPEATED]
    assert till.count(tables.Credit) == 1
    assert till.balances()["suspense"] == 5_000


@pytest.mark.parametrize("way", ["callback", "statement"])
def test_two_of_one_way_are_two(till: Till, way: Source) -> None:
    for _ in range(2):
        book_credit(
            till.resources,
            till.credit(5_000, bank_reference="FT1"),
            source=way,
        )
    assert till.count(tables.Credit) == 2
    assert till.balances()["suspense"] == 10_000


def test_another_amount_under_one_reference_is_other_money(till: Till) -> None:
    book_credit(till.resources, till.credit(5_000, bank_reference="FT1"), source="callback")
    book_credit(till.resources, till.credit(5_001, bank_reference="FT1"), source="statement")
    assert till.balances()["suspense"] == 10_001
