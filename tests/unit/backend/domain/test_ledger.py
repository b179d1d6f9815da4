from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.ledger import Cause, Movement, accounts_of, balance, is_balanced, is_bank
from payments.models import Money

MOVEMENTS = st.lists(
    st.tuples(st.sampled_from(Cause), st.sampled_from(["momo", "bank"]), st.integers(1, 10**12))
)


def moved(cause: Cause, amount: int, provider: str = "bank") -> Movement:
    debit, credit = accounts_of(cause, provider)
    return Movement(debit=debit, credit=credit, amount=Money(amount))


@given(MOVEMENTS)
def test_whatever_moves_the_books_balance(rows: list[tuple[Cause, str, int]]) -> None:
    movements = [moved(cause, amount, provider) for cause, provider, amount in rows]
    assert is_balanced(balance(movements))


def test_a_payment_its_posting_and_a_refund() -> None:
    way = [
        moved(Cause.RECEIVED, 400),
        moved(Cause.APPLIED, 350),
        moved(Cause.POSTED, 350),
        moved(Cause.REFUND_APPROVED, 50),
        moved(Cause.REFUNDED, 50),
    ]
    assert balance(way[:1]) == {"bank:bank": 400, "suspense": 400}
    assert balance(way[:3])["his"] == 350
    assert balance(way[:3])["suspense"] == 50
    assert balance(way[:4])["refund"] == 50
    assert balance(way) == {
        "bank:bank": 350,
        "suspense": 0,
        "clearing": 0,
        "his": 350,
        "refund": 0,
    }


def test_a_bank_that_holds_something_nobody_is_owed_is_out_of_balance() -> None:
    assert not is_balanced({"bank:bank": 1})
    assert not is_balanced({"bank:bank": 1, "somewhere": 1})


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_names_two_accounts(cause: Cause) -> None:
    debit, credit = accounts_of(cause, "x")
    assert debit != credit
    assert [is_bank(debit), is_bank(credit)].count(True) <= 1
