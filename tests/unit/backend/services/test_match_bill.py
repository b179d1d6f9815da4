"""Held money goes to a bill of the HIS that nobody began to pay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.domain.ids import new_id
from backend.errors import (
    BeingPaid,
    ChangedMeanwhile,
    FeeChanged,
    FeesUnavailable,
    HeldMoneyNotFound,
    MatchNotAllowed,
)
from backend.services.check_payment import book_credit
from backend.services.match_bill import OpenBills, find_open_bills, match_bill
from backend.storage import payment_tables as tables
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from tests.conftest import SettableClock
from tests.factories.money import make_staff
from tests.factories.till import Till, open_till

CASHIER = make_staff()


@pytest.fixture
def till(database: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    with open_till(database, clock, tmp_path) as till:
        yield till


def hold(till: Till, amount_vnd: int) -> str:
    """Money that came without a code; the id of its item."""
    applied = book_credit(till.resources, till.credit(amount_vnd), source="callback", actor="bank")
    item = tables.SuspenseItem
    with till.resources.database.read() as connection:
        found = connection.scalar(select(item.id).where(item.credit_id == applied.credit_id))
    assert found is not None
    return found


def look(till: Till) -> OpenBills:
    return find_open_bills(till.resources, str(till.patient()), staff=CASHIER)


def match(till: Till, item_id: str, found: OpenBills, *, version: int = 0, due_vnd: int = 0) -> str:
    bill = found.bills[0]
    return match_bill(
        till.resources,
        item_id,
        version=version,
        patient_ref=found.patient_ref,
        number=found.number,
        bill_ref=bill.ref,
        due_vnd=due_vnd or bill.due_vnd,
        staff=CASHIER,
    )


def test_the_bill_is_paid_and_what_is_more_stays_held(till: Till) -> None:
    till.bill(350_000)
    item_id = hold(till, 400_000)
    found = look(till)
    payment_id = match(till, item_id, found)
    till.deliver()
    assert till.due_vnd() == 0
    assert till.items() == [("unknown", "applied", 350_000), ("over", "open", 50_000)]
    balances = {account: amount for account, amount in till.balances().items() if amount}
    assert balances == {"bank:bank": 400_000, "his": 350_000, "suspense": 50_000}
    with till.resources.database.read() as connection:
        payment = connection.execute(
            select(tables.Payment.__table__).where(tables.Payment.id == payment_id)
        ).one()
        events = connection.scalars(select(AuditEvent.event)).all()
    assert (payment.state, payment.method, payment.kiosk_id) == ("posted", "bank", None)
    assert "dues_read" in events
    with pytest.raises(FeeChanged):  # pressed twice: the bill is paid by now
        match(till, item_id, found)


def test_pressed_twice_before_the_his_knows(till: Till) -> None:
    till.bill(350_000)
    item_id = hold(till, 350_000)
    found = look(till)
    match(till, item_id, found)
    with pytest.raises(ChangedMeanwhile):
        match(till, item_id, found)
    assert till.count(tables.Payment) == 1


def test_a_bill_that_is_paid_at_a_kiosk_is_not_taken(till: Till) -> None:
    till.bill(350_000)
    item_id = hold(till, 350_000)
    found = look(till)
    payment = till.start()
    with pytest.raises(BeingPaid):
        match(till, item_id, found)
    till.pay(payment)
    with pytest.raises((BeingPaid, FeeChanged)):
        match(till, item_id, found)
    assert till.items() == [("unknown", "open", 350_000)]


def test_less_than_the_bill_and_another_amount_are_refused(till: Till) -> None:
    till.bill(350_000)
    item_id = hold(till, 349_999)
    found = look(till)
    with pytest.raises(MatchNotAllowed):
        match(till, item_id, found)
    with pytest.raises(FeeChanged):
        match(till, item_id, found, due_vnd=1)
    with pytest.raises(HeldMoneyNotFound):
        match(till, new_id(), found)
    assert till.count(tables.Payment) == 0


def test_nobody_is_found_by_what_the_his_does_not_know(till: Till) -> None:
    for text in ("", "  ", "BN-NOBODY", "A001"):
        with pytest.raises(FeesUnavailable):
            find_open_bills(till.resources, text, staff=CASHIER)
