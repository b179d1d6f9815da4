"""Held money: matched, given back by two people, handed over; never twice, never lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.errors import (
    BackendError,
    ChangedMeanwhile,
    HeldMoneyNotFound,
    MatchNotAllowed,
    ReasonMissing,
    RefundNotAllowed,
    RefundNotFound,
    SecondPersonNeeded,
    StillBeingPaid,
)
from backend.services.approve_refund import approve_refund
from backend.services.check_books import find_faults
from backend.services.confirm_manual_refund import confirm_manual_refund
from backend.services.count_money import count_balances
from backend.services.hand_over_suspense import hand_over_suspense
from backend.services.list_suspense import (
    count_suspense,
    get_suspense,
    list_refunds,
    list_settled,
    list_suspense,
    read_payer,
)
from backend.services.match_suspense import match_suspense
from backend.services.recognise_caller import Caller
from backend.services.reject_refund import reject_refund
from backend.services.request_refund import request_refund
from backend.services.resources import Resources
from backend.services.verify_payments import verify_payments
from backend.storage import payment_tables as tables
from backend.storage.audit_tables import AuditEvent
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.payments import end_payment, lock_payment
from payments.models import Money
from payments.states import PaymentState
from tests.factories.money import Till, make_staff

CASHIER = make_staff()
OTHER = make_staff("Lý Thị Thu")
OFFICE = make_staff("Đặng Thị Toán", StaffRole.ACCOUNTANT)


@pytest.fixture
def till(resources: Resources) -> Till:
    return Till(resources.database, resources.keys)


def ask(resources: Resources, item_id: str, amount_vnd: int = 150_000, **changes: object) -> str:
    refund_id = str(changes.get("refund_id") or new_id())
    request_refund(
        resources,
        item_id,
        refund_id=refund_id,
        version=int(str(changes.get("version", 0))),
        amount=Money(amount_vnd),
        reason=str(changes.get("reason", "trả hai lần")),
        staff=CASHIER,
    )
    return refund_id


def balances(till: Till) -> dict[str, int]:
    with till.database.read() as connection:
        assert find_faults(connection, till.database.facility_id) == []
        found = count_balances(connection, till.database.facility_id)
    with till.database.engine.connect() as connection:
        assert verify_payments(connection, facility_id=till.database.facility_id).faults == []
    return {account: amount for account, amount in found.items() if amount}


def state_of(till: Till, item_id: str) -> tuple[str, int]:
    row = till.row(tables.SuspenseItem, item_id)
    return row.state, row.amount_vnd


# --- matching --------------------------------------------------------------------------------------


def test_money_without_a_code_is_matched_and_the_his_is_told(till: Till) -> None:
    payment_id = till.add_payment()
    item_id = till.hold()
    for _ in range(2):  # a form that is sent twice
        match_suspense(till.database, item_id, version=0, payment_id=payment_id, staff=CASHIER)
    assert state_of(till, item_id) == ("applied", 150_000)
    payment = till.row(tables.Payment, payment_id)
    assert (payment.state, payment.method) == ("paid", "bidv")
    assert till.rows(tables.Credit)[0].payment_id == payment_id
    *_, change = till.rows(tables.PaymentChange)
    assert (change.state, change.cause, change.actor) == ("paid", "cashier", CASHIER.actor)
    (message,) = till.rows(OutboxMessage)
    assert (message.kind, message.payload) == ("his.post_payment", {"payment_id": payment_id})
    assert balances(till) == {"bank:bidv": 150_000, "clearing": 150_000}


def test_more_than_is_due_leaves_the_rest_held(till: Till) -> None:
    payment_id, item_id = till.add_payment(100_000), till.hold(150_000)
    match_suspense(till.database, item_id, version=0, payment_id=payment_id, staff=CASHIER)
    assert state_of(till, item_id) == ("applied", 100_000)
    (rest,) = list_suspense(till.database)
    assert (rest.reason, rest.amount_vnd, rest.payment_id) == ("over", 50_000, payment_id)
    assert balances(till) == {"bank:bidv": 150_000, "clearing": 100_000, "suspense": 50_000}


def test_less_than_is_due_waits_there_for_the_rest(till: Till) -> None:
    payment_id, item_id = till.add_payment(200_000), till.hold(150_000)
    match_suspense(till.database, item_id, version=0, payment_id=payment_id, staff=CASHIER)
    assert till.row(tables.Payment, payment_id).state == "underpaid"
    (item,) = list_suspense(till.database)
    assert (item.reason, item.is_being_paid) == ("short", True)
    with pytest.raises(MatchNotAllowed):
        match_suspense(till.database, item_id, version=1, payment_id=payment_id, staff=CASHIER)
    till.receive(50_000, payment_id=payment_id)
    assert till.row(tables.Payment, payment_id).state == "paid"
    assert balances(till) == {"bank:bidv": 200_000, "clearing": 200_000}


def test_two_parts_make_one_payment(till: Till) -> None:
    payment_id = till.add_payment(200_000)
    first, second = till.hold(150_000), till.hold(50_000)
    match_suspense(till.database, first, version=0, payment_id=payment_id, staff=CASHIER)
    match_suspense(till.database, second, version=0, payment_id=payment_id, staff=CASHIER)
    assert till.row(tables.Payment, payment_id).state == "paid"
    assert balances(till) == {"bank:bidv": 200_000, "clearing": 200_000}


def test_a_payment_that_ran_out_takes_just_its_amount(till: Till) -> None:
    payment_id = till.add_payment(150_000, state="expired")
    other = till.hold(120_000)
    with pytest.raises(MatchNotAllowed) as refused:
        match_suspense(till.database, other, version=0, payment_id=payment_id, staff=CASHIER)
    assert refused.value.reason == "amount"
    item_id = till.hold(150_000)
    match_suspense(till.database, item_id, version=0, payment_id=payment_id, staff=CASHIER)
    assert till.row(tables.Payment, payment_id).state == "late_paid"


def test_what_is_paid_takes_nothing_more(till: Till) -> None:
    payment_id, item_id = till.add_payment(), till.hold()
    till.receive(payment_id=payment_id)
    with pytest.raises(MatchNotAllowed) as refused:
        match_suspense(till.database, item_id, version=0, payment_id=payment_id, staff=CASHIER)
    assert refused.value.reason == "paid"
    assert state_of(till, item_id) == ("open", 150_000)


def test_a_bill_somebody_else_paid_takes_nothing(till: Till) -> None:
    payment_id = till.add_payment(state="expired", bill="HD-9")
    till.receive(payment_id=till.add_payment(bill="HD-9"))
    item_id = till.hold()
    with pytest.raises(MatchNotAllowed) as refused:
        match_suspense(till.database, item_id, version=0, payment_id=payment_id, staff=CASHIER)
    assert refused.value.reason == "taken"


def test_a_part_does_not_leave_a_payment_that_is_still_being_paid(
    resources: Resources, till: Till
) -> None:
    payment_id = till.add_payment(200_000)
    item_id = till.item_of(till.receive(150_000, payment_id=payment_id).credit_id)
    elsewhere = till.add_payment(150_000)
    deeds: tuple[Callable[[], object], ...] = (
        lambda: ask(resources, item_id),
        lambda: hand_over_suspense(
            till.database, item_id, version=0, note="tạm ứng", staff=CASHIER
        ),
        lambda: match_suspense(
            till.database, item_id, version=0, payment_id=elsewhere, staff=CASHIER
        ),
    )
    for deed in deeds:
        with pytest.raises(StillBeingPaid):
            deed()


# --- giving back -----------------------------------------------------------------------------------


def test_two_people_give_money_back_by_hand(resources: Resources, till: Till) -> None:
    till.receive(payment_id=(payment_id := till.add_payment()))
    twice = till.item_of(till.receive(payment_id=payment_id).credit_id)
    refund_id = new_id()
    for _ in range(2):
        ask(resources, twice, refund_id=refund_id)
    assert balances(till)["suspense"] == 150_000
    with pytest.raises(SecondPersonNeeded):
        approve_refund(till.database, refund_id, staff=CASHIER)
    for _ in range(2):
        approve_refund(till.database, refund_id, staff=OFFICE)
    assert balances(till)["refund"] == 150_000
    for _ in range(2):
        confirm_manual_refund(till.database, refund_id, proof="FT123", staff=OTHER)
    assert state_of(till, twice) == ("refunded", 150_000)
    assert balances(till) == {"bank:bidv": 150_000, "clearing": 150_000}
    (refund,) = list_refunds(till.database, item_id=twice)
    assert (refund.state, refund.proof, refund.by_provider) == ("done", "FT123", False)
    events = [row.event for row in till.rows(AuditEvent) if "refund" in row.event]
    assert sorted(events) == [
        "payment_refund_approved",
        "payment_refund_paid_out",
        "payment_refund_requested",
    ]


def test_the_database_itself_wants_two_people(resources: Resources, till: Till) -> None:
    refund_id = ask(resources, till.hold())
    change = update(tables.PaymentRefund).where(tables.PaymentRefund.id == refund_id)
    with pytest.raises(IntegrityError), till.database.write() as unit:
        unit.connection.execute(change.values(approved_by=CASHIER.actor))


def test_a_part_is_given_back_and_the_rest_stays_held(resources: Resources, till: Till) -> None:
    item_id = till.hold(150_000)
    for amount_vnd in (0, 150_001):
        with pytest.raises(RefundNotAllowed):
            ask(resources, item_id, amount_vnd)
    ask(resources, item_id, 30_000)
    assert {(item.state, item.amount_vnd) for item in list_suspense(till.database)} == {
        ("refunding", 30_000),
        ("open", 120_000),
    }
    assert count_suspense(till.database).amount_vnd == 150_000
    assert balances(till) == {"bank:bidv": 150_000, "suspense": 150_000}
    (rest,) = list_suspense(till.database, states=("open",))
    ask(resources, rest.id, 120_000)
    assert [each.serial for each in list_refunds(till.database)] == [1, 2]
    assert [each.serial for each in list_refunds(till.database, newest=1)] == [2]


def test_a_refund_that_is_rejected_leaves_the_money_held(resources: Resources, till: Till) -> None:
    item_id = till.hold()
    refund_id = ask(resources, item_id)
    with pytest.raises(ReasonMissing):
        reject_refund(till.database, refund_id, reason=" ", staff=OFFICE)
    for _ in range(2):
        reject_refund(till.database, refund_id, reason="sai người", staff=OFFICE)
    assert state_of(till, item_id) == ("open", 150_000)
    with pytest.raises(ChangedMeanwhile):
        approve_refund(till.database, refund_id, staff=OFFICE)
    with pytest.raises(ChangedMeanwhile):  # an old page
        ask(resources, item_id)
    ask(resources, item_id, version=till.row(tables.SuspenseItem, item_id).version)


def test_what_the_provider_gives_back_is_not_confirmed_by_hand(
    resources: Resources, till: Till
) -> None:
    refund_id = ask(resources, till.hold())
    with pytest.raises(ChangedMeanwhile):
        confirm_manual_refund(till.database, refund_id, proof="FT1", staff=CASHIER)
    approve_refund(till.database, refund_id, staff=OFFICE)
    with till.database.write() as unit:
        unit.connection.execute(update(tables.PaymentRefund).values(by_provider=True))
    with pytest.raises(ChangedMeanwhile):
        confirm_manual_refund(till.database, refund_id, proof="FT1", staff=CASHIER)


# --- handing over ----------------------------------------------------------------------------------


def test_money_is_handed_over_with_a_note(till: Till) -> None:
    item_id = till.hold()
    with pytest.raises(ReasonMissing):
        hand_over_suspense(till.database, item_id, version=0, note="", staff=CASHIER)
    for _ in range(2):
        hand_over_suspense(till.database, item_id, version=0, note="TU-881", staff=CASHIER)
    with pytest.raises(ChangedMeanwhile):
        hand_over_suspense(till.database, item_id, version=0, note="TU-882", staff=CASHIER)
    assert balances(till) == {"bank:bidv": 150_000, "his": 150_000}
    (item,) = list_settled(till.database)
    assert (item.note, item.settled_by) == ("TU-881", CASHIER.actor)


# --- two at once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("attempt", range(3))
def test_two_cashiers_at_once_the_first_one_counts(
    resources: Resources, till: Till, attempt: int
) -> None:
    payment_id, item_id = till.add_payment(), till.hold()
    database = till.database
    deeds: list[Callable[[Caller], object]] = [
        lambda staff: match_suspense(
            database, item_id, version=0, payment_id=payment_id, staff=staff
        ),
        lambda staff: hand_over_suspense(
            database, item_id, version=0, note=staff.name, staff=staff
        ),
        lambda staff: request_refund(
            resources,
            item_id,
            refund_id=new_id(),
            version=0,
            amount=Money(150_000),
            reason="trả nhầm",
            staff=staff,
        ),
    ]
    done: list[str] = []
    refused: list[BackendError] = []
    start = threading.Barrier(len(deeds) * 2)

    def run(deed: Callable[[Caller], object], staff: Caller) -> None:
        start.wait(10)
        try:
            deed(staff)
            done.append(staff.name)
        except BackendError as error:
            refused.append(error)

    threads = [
        threading.Thread(target=run, args=(deed, replace(staff, id=new_id())))
        for deed in deeds
        for staff in (CASHIER, OTHER)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 1, (attempt, refused)
    assert {type(error) for error in refused} == {ChangedMeanwhile}
    assert sum(amount for name, amount in balances(till).items() if name != "bank:bidv") == 150_000


@pytest.mark.parametrize("attempt", range(3))
def test_money_comes_while_a_cashier_matches_other_money(till: Till, attempt: int) -> None:
    """One of the two pays; the other one is held, or stays so."""
    payment_id, item_id = till.add_payment(), till.hold()
    code = till.code_of(payment_id)
    refused = run_at_once(
        lambda: match_suspense(
            till.database, item_id, version=0, payment_id=payment_id, staff=CASHIER
        ),
        lambda: till.receive(memo=code),
    )
    assert all(isinstance(each, MatchNotAllowed) for each in refused), (attempt, refused)
    assert till.row(tables.Payment, payment_id).state == "paid"
    assert balances(till) == {"bank:bidv": 300_000, "clearing": 150_000, "suspense": 150_000}
    assert len(list_suspense(till.database)) == 1


@pytest.mark.parametrize("attempt", range(3))
def test_the_rest_comes_while_a_part_is_to_be_given_back(
    resources: Resources, till: Till, attempt: int
) -> None:
    """The part is either given back or makes the payment whole, never both."""
    payment_id = till.add_payment(200_000)
    item_id = till.item_of(till.receive(150_000, payment_id=payment_id).credit_id)
    with till.database.write() as unit:
        end_payment(
            unit,
            lock_payment(unit, payment_id),
            PaymentState.EXPIRED,
            cause="time",
            actor="job",
            reason="timed_out",
        )
    code = till.code_of(payment_id)
    refused = run_at_once(lambda: ask(resources, item_id), lambda: till.receive(50_000, memo=code))
    assert all(isinstance(each, ChangedMeanwhile) for each in refused), (attempt, refused)
    whole = {"bank:bidv": 200_000, "clearing": 200_000}
    apart = {"bank:bidv": 200_000, "suspense": 200_000}
    assert balances(till) == (whole if refused else apart)


def run_at_once(*deeds: Callable[[], object]) -> list[BackendError]:
    """What was refused of them."""
    refused: list[BackendError] = []
    start = threading.Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> None:
        start.wait(10)
        try:
            deed()
        except BackendError as error:
            refused.append(error)

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return refused


# --- looking ---------------------------------------------------------------------------------------


def test_a_payment_of_that_amount_is_suggested_and_never_applied(
    resources: Resources, till: Till
) -> None:
    near = till.add_payment(150_000)
    till.add_payment(150_001)
    till.add_payment(150_000, provider="momo")
    item_id = till.hold(150_000)
    detail = get_suspense(resources, item_id)
    assert [each.payment_id for each in detail.suggestions] == [near]
    assert detail.suggestions[0].bills == ("HD-1",)
    assert detail.item.is_open
    assert [move.cause for move in detail.moves] == ["received"]
    assert not detail.can_give_back


def test_memo_and_payer_are_read_by_name(resources: Resources, till: Till) -> None:
    item_id = till.hold(memo="toi la Tra")
    words = read_payer(resources, item_id, staff=CASHIER)
    assert (words.memo, words.name) == ("toi la Tra", "TRAN VAN TRA")
    with till.database.read() as connection:
        (event,) = connection.execute(
            select(AuditEvent.__table__).where(AuditEvent.event == "payment_payer_read")
        )
    assert (event.actor, event.subject) == (CASHIER.actor, f"suspense_item:{item_id}")
    assert "TRA" not in str(event.detail)


def test_what_is_not_there(resources: Resources, till: Till) -> None:
    with pytest.raises(HeldMoneyNotFound):
        get_suspense(resources, new_id())
    with pytest.raises(HeldMoneyNotFound):
        read_payer(resources, new_id(), staff=CASHIER)
    with pytest.raises(HeldMoneyNotFound):
        ask(resources, new_id())
    with pytest.raises(RefundNotFound):
        approve_refund(till.database, new_id(), staff=OFFICE)
