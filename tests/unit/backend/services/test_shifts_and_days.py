"""Shifts and days: every đồng has one who answers for it, and what was signed never changes."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DBAPIError

from backend.domain.ids import new_id
from backend.domain.ledger import Cause
from backend.domain.money_figures import DayFigures, Figures, Tally
from backend.domain.roles import StaffRole
from backend.errors import (
    BooksNotBalanced,
    DayClosed,
    DayNotOver,
    NotAllowed,
    ReasonMissing,
    ShiftNotFound,
    ShiftTaken,
)
from backend.services.check_books import find_faults
from backend.services.close_day import close_day
from backend.services.close_shift import close_shift
from backend.services.open_shift import open_shift
from backend.services.resources import Resources
from backend.services.show_money_day import list_money_days, show_money_day
from backend.services.show_shifts import find_open_shift, get_shift, list_shifts
from backend.storage import payment_tables as tables
from backend.storage.cashier_tables import CashierShift, DayClose, ShiftEntry
from tests.conftest import SettableClock
from tests.factories.money import Till, make_staff

MORNING, NOON = make_staff(), make_staff("Lý Thị Thu")
OFFICE = make_staff("Đặng Thị Toán", StaffRole.ACCOUNTANT)
MONDAY = date(2026, 11, 23)


@pytest.fixture
def till(resources: Resources) -> Till:
    return Till(resources.database, resources.keys)


def test_one_person_is_in_charge_and_hands_over(till: Till) -> None:
    database = till.database
    till.receive(10_000)  # at night: the first one in the morning answers for it
    first = open_shift(database, staff=MORNING)
    assert open_shift(database, staff=MORNING) == first
    till.receive(20_000, payment_id=till.add_payment(20_000))
    with pytest.raises(ShiftTaken):
        open_shift(database, staff=NOON)
    open_now = find_open_shift(database)
    assert open_now is not None
    assert open_now.figures.received == Tally(count=2, amount_vnd=30_000)
    with pytest.raises(NotAllowed):
        close_shift(database, first, staff=NOON)
    second = open_shift(database, staff=NOON, taking_over=first)
    till.receive(5_000, provider="momo", account="MOMO1")
    for _ in range(2):
        close_shift(database, second, staff=NOON)
    newest, oldest = list_shifts(database)
    assert (oldest.id, oldest.closed_by, oldest.cashier) == (first, NOON.actor, MORNING.actor)
    assert oldest.figures.by_kind() == {
        "unknown": Tally(count=1, amount_vnd=10_000),
        "fees": Tally(count=1, amount_vnd=20_000),
    }
    assert oldest.figures.moved_by(Cause.APPLIED) == Tally(count=1, amount_vnd=20_000)
    assert newest.figures.by_provider() == {"momo": Tally(count=1, amount_vnd=5_000)}
    assert find_open_shift(database) is None
    assert Figures.from_json(newest.figures.to_json()) == newest.figures


def test_nobody_loses_what_is_committed_while_a_shift_is_closed(till: Till) -> None:
    """Money comes from many sides while shifts follow each other: each đồng is in one of them."""
    database = till.database
    left = threading.Barrier(4)

    def pay() -> None:
        left.wait(10)
        for _ in range(8):
            till.receive(1_000)

    threads = [threading.Thread(target=pay) for _ in range(3)]
    for thread in threads:
        thread.start()
    left.wait(10)
    for _ in range(6):
        shift_id = open_shift(database, staff=MORNING)
        close_shift(database, shift_id, staff=MORNING)
    for thread in threads:
        thread.join(60)
    close_shift(database, open_shift(database, staff=MORNING), staff=MORNING)
    received = [shift.figures.received for shift in list_shifts(database)]
    assert sum(each.amount_vnd for each in received) == 24_000
    assert sum(each.count for each in received) == 24
    assert len(till.rows(tables.JournalEntry)) == 24
    with database.read() as connection:
        assert connection.scalar(ShiftEntry.__table__.select().with_only_columns(1).limit(1)) == 1


def test_two_open_a_shift_at_once(till: Till) -> None:
    results: list[str] = []
    start = threading.Barrier(2)

    def open_one(staff: object) -> None:
        start.wait(10)
        try:
            open_shift(till.database, staff=staff)  # type: ignore[arg-type]  # threads take objects
            results.append("opened")
        except ShiftTaken:
            results.append("taken")

    threads = [threading.Thread(target=open_one, args=(each,)) for each in (MORNING, NOON)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["opened", "taken"]


def test_what_was_signed_cannot_be_changed(till: Till, clock: SettableClock) -> None:
    database = till.database
    shift_id = open_shift(database, staff=MORNING)
    till.receive(payment_id=till.add_payment())
    with database.write() as unit:  # an open one may still be changed
        unit.connection.execute(update(CashierShift).values(cashier_name="Vũ Thị Ngân"))
    close_shift(database, shift_id, staff=MORNING)
    clock.advance(days=1)
    close_day(database, till.catalogue, MONDAY, note="chờ HIS", staff=OFFICE)
    for statement in (
        update(CashierShift).values(cashier_name="khác"),
        delete(CashierShift),
        update(ShiftEntry).values(shift_id=shift_id),
        delete(ShiftEntry),
        update(DayClose).values(note="khác"),
        delete(DayClose),
    ):
        with pytest.raises(DBAPIError), database.engine.begin() as connection:
            connection.execute(statement)
    assert get_shift(database, shift_id).cashier_name == "Vũ Thị Ngân"
    with pytest.raises(ShiftNotFound):
        get_shift(database, new_id())


def test_a_day_is_signed_once_it_is_over(till: Till, clock: SettableClock) -> None:
    database, catalogue = till.database, till.catalogue
    open_shift(database, staff=MORNING)
    till.receive(150_000, payment_id=till.add_payment())
    till.receive(70_000)
    clock.advance(hours=16, minutes=2)  # two minutes past midnight
    with pytest.raises(DayNotOver):
        close_day(database, catalogue, MONDAY, staff=OFFICE)
    till.receive(1_000)
    clock.advance(minutes=4)
    with pytest.raises(ReasonMissing):  # money is held, a payment is not posted
        close_day(database, catalogue, MONDAY, staff=OFFICE)
    for _ in range(2):
        close_day(database, catalogue, MONDAY, note="chờ HIS", staff=OFFICE)
    with pytest.raises(DayClosed):
        close_day(database, catalogue, MONDAY, note="x", staff=make_staff("Ai Khác"))
    day = show_money_day(database, catalogue, MONDAY)
    assert day.signed is not None
    assert (day.closed_name, day.note, day.differs) == ("Đặng Thị Toán", "chờ HIS", False)
    assert day.signed.figures.received == Tally(count=2, amount_vnd=220_000)
    assert day.signed.balances == {"bank:bidv": 220_000, "suspense": 70_000, "clearing": 150_000}
    assert [(name, tally.amount_vnd) for name, tally in day.signed.list_open()] == [
        ("held", 71_000),
        ("unposted", 150_000),
    ]
    assert day.signed.shifts[0].received.amount_vnd == 220_000
    assert day.signed.cashless == Tally(count=1, amount_vnd=150_000)
    assert day.signed.cashless_percent == 100.0
    assert DayFigures.from_json(day.signed.to_json()) == day.signed
    newest, oldest = list_money_days(database, catalogue)
    assert (newest.received.amount_vnd, newest.closed_at) == (1_000, None)
    assert (oldest.day, oldest.closed_name) == (MONDAY, "Đặng Thị Toán")


def test_nothing_is_signed_on_books_that_do_not_add_up(till: Till, clock: SettableClock) -> None:
    till.receive(70_000)
    with till.database.write() as unit:
        unit.connection.execute(update(tables.SuspenseItem).values(amount_vnd=69_999))
    clock.advance(days=1)
    with pytest.raises(BooksNotBalanced):
        close_day(till.database, till.catalogue, MONDAY, note="x", staff=OFFICE)
    with till.database.read() as connection:
        (fault,) = find_faults(connection, "main")
    assert (fault.what, fault.expected, fault.found) == ("suspense", 69_999, 70_000)


def test_money_that_was_booked_by_hand_is_found(till: Till) -> None:
    credit_id = till.receive(payment_id=till.add_payment()).credit_id
    with till.database.write() as unit:
        unit.connection.execute(
            insert(tables.JournalEntry).values(
                facility_id="main",
                at=unit.now,
                debit="bank:bidv",
                credit="suspense",
                amount_vnd=5,
                cause="received",
                actor="nobody",
                credit_id=credit_id,
            )
        )
    with till.database.read() as connection:
        faults = {fault.what for fault in find_faults(connection, "main")}
    assert faults == {"suspense", "credits"}


def test_a_signed_day_that_moved_is_shown(till: Till, clock: SettableClock) -> None:
    """It cannot happen by itself: a clock that went wrong, or a hand in the database."""
    till.receive(payment_id=till.add_payment())
    clock.advance(days=1)
    close_day(till.database, till.catalogue, MONDAY, note="chờ HIS", staff=OFFICE)
    clock.advance(days=-1)
    till.receive(payment_id=till.add_payment())
    assert show_money_day(till.database, till.catalogue, MONDAY).differs


def test_who_was_served_at_the_counter_counts_against_the_share_of_qr() -> None:
    figures = DayFigures(
        figures=Figures(), balances={}, cashless=Tally(count=3, amount_vnd=9), at_counter=1
    )
    assert figures.cashless_percent == 75.0
    assert DayFigures(figures=Figures(), balances={}).cashless_percent is None
