"""Money in bad company: lost answers, two ways of telling, renamed providers, clocks set back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from backend.domain.dues import BillFacts
from backend.domain.ids import new_id
from backend.domain.ledger import Cause
from backend.errors import FeeChanged
from backend.jobs.pursue_payments import probe_providers
from backend.services import offer_payment
from backend.services.apply_transaction import apply_transaction
from backend.services.check_payment import book_credit
from backend.services.payment_methods import find_away, party_of
from backend.services.share_answering import share_answering
from backend.services.start_payment import refuse_if_being_paid
from backend.storage import payment_tables as tables
from backend.storage.database import Database
from backend.storage.payments import write_journal
from backend.storage.unit_of_work import UnitOfWork
from payments.errors import BrokenReply, Declined, NotSupported, PaymentError, Unavailable
from payments.models import Money, NoticeKind, Outcome, RefundState
from tests.conftest import SettableClock
from tests.factories.till import Till, open_till


@pytest.fixture
def till(database: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    with open_till(database, clock, tmp_path) as till:
        yield till


# --- giving back


def approve_refund(till: Till) -> str:
    """The second payment of a bill, and two people who agree to give it back."""
    till.bill(350_000)
    payment = till.start()
    till.pay(payment)
    till.pay(payment, 350_000)
    refund_id, item = new_id(), tables.SuspenseItem

    def approve(unit: UnitOfWork) -> None:
        held = unit.connection.execute(select(item.__table__).where(item.state == "open")).one()
        unit.add(
            tables.PaymentRefund,
            id=refund_id,
            item_id=held.id,
            credit_id=held.credit_id,
            serial=1,
            amount_vnd=held.amount_vnd,
            by_provider=True,
            state="approved",
            reason="paid twice",
            requested_by="user:a",
            requested_at=unit.now,
            approved_by="user:b",
            approved_at=unit.now,
        )
        unit.connection.execute(update(item).where(item.id == held.id).values(state="refunding"))
        write_journal(
            unit,
            Cause.REFUND_APPROVED,
            Money(held.amount_vnd),
            provider="bank",
            actor="user:b",
            credit_id=held.credit_id,
            item_id=held.id,
            refund_id=refund_id,
        )

    till.resources.database.transact(approve)
    return refund_id


def is_away(till: Till, name: str) -> bool:
    database = till.resources.database
    with database.read() as connection:
        return party_of(name) in find_away(connection, database.facility_id)


def refund_state(till: Till, refund_id: str) -> str:
    table = tables.PaymentRefund
    with till.resources.database.read() as connection:
        return str(connection.scalar(select(table.state).where(table.id == refund_id)))


@pytest.mark.parametrize("trouble", [BrokenReply("html"), Unavailable("away")])
def test_a_refund_whose_answer_cannot_be_read_is_asked_about(
    till: Till, clock: SettableClock, trouble: PaymentError
) -> None:
    refund_id = approve_refund(till)
    till.bank.fail_next(trouble)
    till.pursue()
    assert refund_state(till, refund_id) == "processing"
    assert till.balances()["refund"] == 350_000
    clock.advance(seconds=61)
    till.pursue()  # the sandbox never heard of it, and says so plainly
    assert refund_state(till, refund_id) == "failed"
    assert till.items()[-1] == ("duplicate", "open", 350_000)
    assert till.balances()["refund"] == 0


def test_a_refund_that_is_refused_is_free_again(till: Till) -> None:
    refund_id = approve_refund(till)
    till.bank.fail_next(Declined("closed"))
    till.pursue()
    assert refund_state(till, refund_id) == "failed"
    assert till.balances()["suspense"] == 350_000


@pytest.mark.parametrize("trouble", [BrokenReply("html"), Declined("busy"), NotSupported("gone")])
def test_a_refund_that_was_asked_for_is_set_free_by_a_plain_answer_only(
    till: Till, clock: SettableClock, trouble: PaymentError
) -> None:
    refund_id = approve_refund(till)
    till.bank.fail_next(Unavailable("away"))
    till.pursue()
    clock.advance(seconds=61)
    till.bank.fail_next(trouble)
    till.pursue()
    assert refund_state(till, refund_id) == "processing"
    assert till.balances()["refund"] == 350_000


def test_a_refund_under_way_survives_a_provider_that_left_the_settings(
    till: Till, clock: SettableClock
) -> None:
    refund_id = approve_refund(till)
    till.bank.fail_next(Unavailable("away"))
    till.pursue()
    clock.advance(seconds=61)
    providers = till.resources.providers
    bank = providers.pop("bank")  # type: ignore[attr-defined]  # a dict, whatever it is declared as
    try:
        till.pursue()
        assert refund_state(till, refund_id) == "processing"
        assert till.balances()["refund"] == 350_000
    finally:
        providers["bank"] = bank  # type: ignore[index]  # likewise


def test_a_refund_waits_for_a_provider_that_is_away(till: Till, clock: SettableClock) -> None:
    refund_id = approve_refund(till)
    till.bank.go_down(Unavailable("away"))
    for _ in range(3):
        till.resources.provider_parties["bank"].ask(till.bank.check)
    deadline = time.monotonic() + 10
    while not is_away(till, "bank"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    till.pursue()
    # Not asked, so nothing is unknown: it is asked for when the bank is back.
    assert refund_state(till, refund_id) == RefundState.APPROVED


def test_a_provider_comes_back_whoever_saw_it_go(till: Till) -> None:
    """Another process said that it is away, and was killed: nobody here ever saw it fail."""
    share_answering(till.resources.database, party_of("bank"), answers=False)
    assert [method["name"] for method in till.dues()["methods"]] == ["wallet"]
    till.bank.fail_next(Unavailable("still away"))
    probe_providers(till.resources)
    assert is_away(till, "bank")
    probe_providers(till.resources)
    assert [method["name"] for method in till.dues()["methods"]] == ["bank", "wallet"]


# --- whose money it is


def test_one_provider_ends_no_order_of_another(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    forged = till.wallet.call_back(
        NoticeKind.STATUS, order_key=till.key_of(payment), status="failed"
    )
    till.call_back(forged, "wallet")
    assert till.show(payment)["offer"] is not None
    till.call_back(till.bank.fail(till.key_of(payment)))
    assert till.show(payment)["offer"] is None


def test_a_renamed_provider_tells_of_nothing_new(till: Till) -> None:
    credit = till.credit(5_000)
    book_credit(till.resources, credit, source="query")
    again = book_credit(till.resources, replace(credit, provider="wallet"), source="query")
    assert again.outcome is Outcome.REPEATED
    assert till.balances()["suspense"] == 5_000


def test_other_letters_do_not_lose_who_pays_by_those_of_before(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    catalogue = till.resources.catalogue.get()
    other = replace(catalogue, settings=replace(catalogue.settings, payment_prefix="ZZ"))
    credit = till.credit(350_000, memo=f"MBVCB.{payment['code'].lower()}.CT")
    with till.resources.database.write() as unit:
        applied = apply_transaction(
            unit, till.resources.keys, other, credit, source="callback", actor="provider:bank"
        )
    assert applied.outcome is Outcome.APPLIED


def test_a_memo_with_two_codes_is_for_a_person_to_read(till: Till) -> None:
    till.bill(100_000)
    first = till.start()
    till.bill(200_000)
    dues = till.dues()
    bill = next(each for each in dues["bills"] if each["due_vnd"] == 200_000)
    second = till.post(
        "/payments", {"dues_id": dues["dues_id"], "bill_ids": [bill["id"]], "method": "wallet"}
    ).json
    memo = f"{first['code']} {second['code']}"
    till.call_back(till.bank.pay(None, 100_000, memo=memo))
    assert till.items() == [("unknown", "open", 100_000)]
    till.call_back(
        till.bank.pay(None, 100_000, memo=f"{first['code']} VP2345678", transaction_id="2")
    )
    assert till.show(first)["stage"] == "paid"


@pytest.mark.parametrize("apart", [timedelta(seconds=2), timedelta(hours=-3)])
def test_about_midnight_two_ways_may_name_two_days(till: Till, apart: timedelta) -> None:
    midnight = till.clock().replace(hour=17, minute=0)  # UTC
    feed = till.credit(5_000, bank_reference="FT1", paid_at=midnight - timedelta(seconds=1))
    day_after = till.credit(5_000, bank_reference="FT1", paid_at=midnight + abs(apart))
    book_credit(till.resources, feed, source="callback")
    told = book_credit(till.resources, day_after, source="statement")
    assert told.outcome is Outcome.REPEATED
    next_day = till.credit(5_000, bank_reference="FT1", paid_at=midnight + timedelta(hours=13))
    assert book_credit(till.resources, next_day, source="statement").outcome is not Outcome.REPEATED


def test_a_large_sum_is_kept_to_the_dong(till: Till) -> None:
    till.call_back(till.bank.pay(None, 10**12, memo="x"))
    assert till.balances() == {"bank:bank": 10**12, "suspense": 10**12}


# --- late and half


def test_the_rest_comes_after_the_end(till: Till, clock: SettableClock) -> None:
    till.bill(350_000)
    payment = till.start()
    till.pay(payment, 100_000)
    clock.advance(minutes=20)
    till.pursue()
    assert till.show(payment)["stage"] == "ended"
    till.pay(payment, 200_000)
    assert till.items()[-1] == ("late", "open", 200_000)  # still not all of it
    till.pay(payment, 250_000)
    assert till.show(payment)["state"] == "late_paid"
    till.deliver()
    assert till.balances() == {
        "bank:bank": 550_000,
        "clearing": 0,
        "his": 350_000,
        "suspense": 200_000,
    }


def test_what_the_his_entered_a_moment_ago_is_not_paid_again(till: Till) -> None:
    """The HIS was read, then it was told of money for that bill; the reading is old."""
    invoice = till.bill(350_000)
    read_at = till.clock()
    payment = till.start()
    bill = BillFacts(
        id="b1", ref=invoice.ref, code=invoice.code, version="1", title="", issued_at="",
        due_vnd=350_000,
    )  # fmt: skip
    till.pay(payment)
    till.deliver()
    with till.resources.database.write() as unit:
        with pytest.raises(FeeChanged):
            refuse_if_being_paid(unit, [bill], read_at=read_at)
        refuse_if_being_paid(unit, [bill], read_at=read_at + timedelta(seconds=1))


def test_a_payment_shows_a_bounded_number_of_qrs(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offer_payment, "MOST_ATTEMPTS", 2)
    till.bill(350_000)
    payment = till.start()
    path = f"/payments/{payment['id']}/offer"
    assert till.post(path, {"method": "wallet"}).status_code == 200
    refused = till.post(path, {"method": "bank"})
    assert (refused.status_code, refused.json["code"]) == (503, "provider_unavailable")


# --- proving it


def test_the_proof_holds_when_a_clock_was_set_back(
    till: Till, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.bill(350_000)
    payment = till.start()
    clock.advance(hours=-2)
    # What a second machine writes whose clock is behind: ids begin with the time.
    monkeypatch.setattr("backend.storage.payments.new_id", lambda: "0" * 32)
    till.pay(payment)
    assert till.show(payment)["stage"] == "paid"
    assert till.verify().ok


@pytest.mark.parametrize("state", ["posted", "expired"])
def test_the_proof_finds_a_payment_that_was_moved_by_hand(till: Till, state: str) -> None:
    till.bill(350_000)
    payment = till.start()
    till.pay(payment)
    table = tables.Payment
    with till.resources.database.write() as unit:
        unit.connection.execute(update(table).where(table.id == payment["id"]).values(state=state))
    assert any("its trail ends elsewhere" in fault for fault in till.verify().faults)
