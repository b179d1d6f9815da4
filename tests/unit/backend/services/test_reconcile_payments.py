"""A statement laid beside the books: what agrees, what does not, to the đồng."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from backend.domain.ids import new_id
from backend.domain.reconciling import Kind, Sum, Way
from backend.domain.roles import StaffRole
from backend.errors import (
    ChangedMeanwhile,
    ReasonMissing,
    ReconciliationNotFound,
    ReconciliationSigned,
    StatementNotAccepted,
)
from backend.jobs.reconcile_payments import reconcile_payments
from backend.services.check_payment import book_credit
from backend.services.close_shift import close_shift
from backend.services.export_reconciliation import export_reconciliation
from backend.services.open_shift import open_shift
from backend.services.recognise_caller import Caller
from backend.services.reconcile_payments import Outcome, find_account, reconcile_statement
from backend.services.show_reconciliations import (
    get_reconciliation,
    list_items,
    list_reconciliations,
    list_shift_sums,
    read_content,
)
from backend.services.sign_off_reconciliation import sign_off_reconciliation
from backend.storage import payment_tables as tables
from backend.storage.database import Database
from backend.storage.reconciliation_tables import Reconciliation, ReconciliationItem
from payments.emulation.clock import EmulatedClock
from payments.models import Credit, Money
from payments.providers.vietqr_bank.emulator import BankEmulator
from payments.providers.vietqr_bank.provider import open_provider as open_bank
from payments.statements import Debit, StatementLine
from payments.statements.values import VIETNAM
from payments.statements.writing import write_statement
from tests.conftest import SettableClock
from tests.factories.till import Till, open_till

ACCOUNT = "SANDBOX"
ACCOUNTANT = Caller(
    role="staff", id=new_id(), name="Trần Thị Sổ", roles=frozenset({StaffRole.CASHIER})
)
OTHER = Caller(role="staff", id=new_id(), name="Lê Văn Sách", roles=frozenset({StaffRole.CASHIER}))


@pytest.fixture
def till(database: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    with open_till(database, clock, tmp_path) as till:
        yield till


def line_of(credit: Credit, **changes: Any) -> StatementLine:
    return StatementLine(row=1, credit=replace(credit, **changes))


def debit(amount_vnd: int, till: Till, **changes: Any) -> StatementLine:
    values: dict[str, Any] = {
        "provider": "bank",
        "account": ACCOUNT,
        "transaction_id": new_id(),
        "amount": Money(amount_vnd),
        "paid_at": till.clock(),
    }
    return StatementLine(row=1, debit=Debit(**(values | changes)))


def today(till: Till) -> date:
    return till.clock().astimezone(VIETNAM).date()


def statement(till: Till, *lines: StatementLine, layout: str = "generic") -> bytes:
    return write_statement(
        lines,
        layout=layout,
        account=ACCOUNT,
        opening=Money(1_000_000),
        days=(today(till), today(till)),
    )


def reconcile(till: Till, content: bytes, **options: Any) -> Outcome:
    values: dict[str, Any] = {"provider": "bank", "account": ACCOUNT, "actor": "command"}
    return reconcile_statement(till.resources, content, **(values | options))


def kinds(till: Till, outcome: Outcome) -> list[tuple[str, str | None, int | None, int | None]]:
    items = [each.item for each in list_items(till.resources.database, outcome.id)]
    check_sums(outcome, items)
    return [
        (item.kind.value, item.way and item.way.value, item.expected_vnd, item.found_vnd)
        for item in items
    ]


def check_sums(outcome: Outcome, items: list[Any]) -> None:
    """The bank's sum less ours is what the items differ by."""
    incoming = [item for item in items if item.is_incoming]
    assert outcome.figures.difference_vnd == sum(
        (item.found_vnd or 0) - (item.expected_vnd or 0) for item in incoming
    )
    assert outcome.differences == sum(item.is_difference for item in items)


def credit_of(till: Till, payment: dict[str, Any] | None = None) -> Credit:
    """The newest credit, as the bank would tell of it."""
    with till.resources.database.read() as connection:
        row = connection.execute(
            select(tables.Credit.__table__).order_by(tables.Credit.id.desc()).limit(1)
        ).one()
    return Credit(
        provider="bank",
        account=row.account,
        transaction_id=row.transaction_id,
        bank_reference=row.bank_reference,
        amount=Money(row.amount_vnd),
        paid_at=row.paid_at,
        memo=payment["code"] if payment else "",
    )


def paid(till: Till, amount_vnd: int = 350_000) -> dict[str, Any]:
    """Paid by a message of the bank, and entered in the HIS."""
    till.bill(amount_vnd)
    payment = till.start()
    assert till.pay(payment).status_code == 200
    till.deliver()
    return payment


def test_what_agrees(till: Till) -> None:
    payment = paid(till)
    content = statement(till, line_of(credit_of(till, payment)), debit(11_000, till, memo="PHI"))
    outcome = reconcile(till, content)

    assert kinds(till, outcome) == [("ok", "transaction", 350_000, 350_000)]
    assert outcome.differences == 0
    assert outcome.figures.came == Sum(count=1, amount_vnd=350_000)
    assert outcome.figures.left == Sum(count=1, amount_vnd=11_000)
    assert outcome.figures.booked == Sum()
    assert outcome.figures.days == {today(till).isoformat(): Sum(count=1, amount_vnd=350_000)}
    (item,) = list_items(till.resources.database, outcome.id)
    assert item.code == payment["code"]


def test_the_banks_own_reference_and_the_code_find_it_too(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    feed = till.credit(350_000, bank_reference="FT1", memo=payment["code"])
    book_credit(till.resources, feed, source="callback")
    till.deliver()

    by_reference = statement(till, line_of(feed, transaction_id="FT1"))
    assert kinds(till, reconcile(till, by_reference)) == [("ok", "reference", 350_000, 350_000)]

    unnamed = (
        f"Ngày;Tiền vào;Nội dung\n{till.clock().astimezone(VIETNAM):%d/%m/%Y %H:%M:%S};"
        f"350.000;{payment['code']} nop vien phi\n"
    )
    outcome = reconcile(till, unnamed.encode())
    assert kinds(till, outcome) == [("ok", "code", 350_000, 350_000)]
    assert till.count(tables.Credit) == 1


def test_a_lost_message_is_made_good_by_the_statement(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    content = statement(
        till, line_of(till.credit(350_000, bank_reference="FT1", memo=payment["code"]))
    )
    outcome = reconcile(till, content)

    assert kinds(till, outcome) == [("not_posted_to_his", "booked", 350_000, 350_000)]
    assert outcome.figures.booked == Sum(count=1, amount_vnd=350_000)
    assert till.show(payment)["stage"] == "paid"
    till.deliver()
    again = reconcile(till, content)
    assert kinds(till, again) == [("ok", "booked", 350_000, 350_000)]
    assert (again.id, again.was_new) == (outcome.id, False)
    assert till.balances()["his"] == 350_000

    # The message comes at last, under an id of its own.
    late = till.credit(350_000, bank_reference="FT1", memo=payment["code"])
    book_credit(till.resources, late, source="callback")
    assert till.count(tables.Credit) == 1


def test_money_nobody_asked_for_is_held_and_listed(till: Till) -> None:
    content = statement(till, line_of(till.credit(77_777, memo="ung ho benh vien")))
    outcome = reconcile(till, content)

    assert kinds(till, outcome) == [("money_without_intent", "booked", 0, 77_777)]
    assert outcome.figures.difference_vnd == 77_777
    assert till.items() == [("unknown", "open", 77_777)]


def test_a_payment_the_bank_does_not_tell_of(till: Till) -> None:
    paid(till)
    outcome = reconcile(till, statement(till))
    assert kinds(till, outcome) == [("paid_without_bank_line", None, 350_000, 0)]
    assert outcome.figures.difference_vnd == -350_000


def test_money_of_another_account_or_day_is_not_missed(till: Till, clock: SettableClock) -> None:
    book_credit(till.resources, till.credit(1_000, account="OTHER"), source="callback")
    clock.advance(days=-1)
    book_credit(till.resources, till.credit(2_000), source="callback")
    clock.advance(days=1)
    assert kinds(till, reconcile(till, statement(till))) == []


def test_an_amount_that_differs_is_not_corrected(till: Till) -> None:
    payment = paid(till)
    content = statement(till, line_of(credit_of(till, payment), amount=Money(349_999)))
    outcome = reconcile(till, content)

    assert kinds(till, outcome) == [("amount_differs", "transaction", 350_000, 349_999)]
    assert outcome.figures.difference_vnd == -1
    assert till.count(tables.Credit) == 1


def test_what_is_only_alike_is_left_to_a_person(till: Till) -> None:
    """The books have it without a reference, the statement without a code."""
    feed = till.credit(60_000, transaction_id="7")
    book_credit(till.resources, feed, source="callback")
    content = statement(till, line_of(feed, transaction_id="FT1", bank_reference="FT1"))
    outcome = reconcile(till, content)

    assert kinds(till, outcome) == [("to_confirm", "suggested", 60_000, 60_000)]
    assert till.count(tables.Credit) == 1


def test_not_yet_in_the_his(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    till.pay(payment)
    outcome = reconcile(till, statement(till, line_of(credit_of(till, payment))))
    assert kinds(till, outcome) == [("not_posted_to_his", "transaction", 350_000, 350_000)]


def test_paid_twice_is_two_lines_and_one_held(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    memo = payment["code"]
    first = till.credit(350_000, bank_reference="FT1", memo=memo)
    second = till.credit(350_000, bank_reference="FT2", memo=memo)
    book_credit(till.resources, first, source="callback")
    till.deliver()
    lines = [line_of(credit, transaction_id=credit.bank_reference) for credit in (first, second)]
    outcome = reconcile(till, statement(till, *lines))

    # The second line must not be taken for the first credit: both bear the same code.
    assert [each[:2] for each in kinds(till, outcome)] == [
        ("ok", "reference"),
        ("ok", "booked"),
    ]
    assert till.items() == [("duplicate", "open", 350_000)]
    assert till.balances()["bank:bank"] == 700_000


def test_rows_that_cannot_be_read_are_differences(till: Till) -> None:
    text = (
        "Ngày;Tiền vào;Số dư;Nội dung;Số tham chiếu\n"
        f"{today(till):%d/%m/%Y};1.000;1.000;a;R1\n"
        f"{today(till):%d/%m/%Y};2.000;9.000;b;R2\n"
        f"{today(till):%d/%m/%Y};1,5;;c;R3\n"
    )
    outcome = reconcile(till, text.encode())
    items = [each.item for each in list_items(till.resources.database, outcome.id)]
    assert [(item.kind, item.row, item.detail) for item in items[2:]] == [
        (Kind.UNREADABLE, 4, "amount"),
        (Kind.DOUBT, 3, "balance"),
    ]
    assert outcome.differences == 4


def give_back(till: Till, amount_vnd: int, **values: Any) -> str:
    """A refund of the newest credit that is done; its id."""
    refund_id = new_id()
    with till.resources.database.write() as unit:
        item = unit.connection.execute(
            select(tables.SuspenseItem.__table__).order_by(tables.SuspenseItem.id.desc()).limit(1)
        ).one()
        row = {
            "id": refund_id,
            "facility_id": unit.facility_id,
            "item_id": item.id,
            "credit_id": item.credit_id,
            "serial": 1,
            "amount_vnd": amount_vnd,
            "by_provider": True,
            "state": "done",
            "reason": "x",
            "requested_by": "staff:a",
            "requested_at": unit.now,
            "approved_by": "staff:b",
            "approved_at": unit.now,
            "provider_ref": "RF1",
            "done_at": unit.now,
        }
        unit.connection.execute(insert(tables.PaymentRefund).values(**row | values))
    return refund_id


@pytest.mark.parametrize(
    ("made", "told", "found"),
    [
        (5_000, 5_000, ("ok", "transaction", 5_000, 5_000)),
        (5_000, 4_999, ("refund_differs", "transaction", 5_000, 4_999)),
        (5_000, None, ("refund_differs", None, 5_000, 0)),
    ],
)
def test_refunds(
    till: Till, made: int, told: int | None, found: tuple[str, str | None, int, int]
) -> None:
    credit = till.credit(5_000)
    book_credit(till.resources, credit, source="callback")
    refund_id = give_back(till, made)
    lines = [debit(told, till, transaction_id="RF1")] if told else []
    outcome = reconcile(till, statement(till, line_of(credit), *lines))

    assert kinds(till, outcome)[1:] == [found]
    (_, item) = list_items(till.resources.database, outcome.id)
    assert item.item.refund_id == refund_id
    assert outcome.figures.refunded == Sum(count=1, amount_vnd=made)


def test_money_given_back_that_the_books_know_nothing_of(till: Till) -> None:
    payment = paid(till)
    content = statement(
        till,
        line_of(credit_of(till, payment)),
        debit(350_000, till, memo=f"HOAN TIEN {payment['code']}"),
        debit(9_000_000, till, memo="luong thang 10"),
    )
    assert kinds(till, reconcile(till, content))[1:] == [("refund_differs", None, 0, 350_000)]


def test_cash_given_back_at_the_counter_leaves_no_line(till: Till) -> None:
    credit = till.credit(5_000)
    book_credit(till.resources, credit, source="callback")
    give_back(till, 5_000, by_provider=False, provider_ref="phieu chi 7")
    outcome = reconcile(till, statement(till, line_of(credit)))
    assert [each[0] for each in kinds(till, outcome)] == ["money_without_intent"]


# --- again, and signed ---------------------------------------------------------------------------


def rows_of(till: Till) -> list[Any]:
    with till.resources.database.read() as connection:
        return [
            *connection.execute(select(Reconciliation.__table__)),
            *connection.execute(select(ReconciliationItem.__table__)),
            *connection.execute(select(tables.Credit.__table__)),
            *connection.execute(select(tables.JournalEntry.__table__)),
        ]


def test_twice_changes_nothing(till: Till) -> None:
    payment = paid(till)
    content = statement(
        till, line_of(credit_of(till, payment)), line_of(till.credit(5_000, bank_reference="FT9"))
    )
    first = reconcile(till, content)
    before = rows_of(till)
    second = reconcile(till, content)

    assert replace(second, was_new=True) == first
    assert not second.was_new
    assert rows_of(till) == before


def test_a_file_that_overlaps_books_nothing_twice(till: Till) -> None:
    lines = [line_of(till.credit(5_000, bank_reference=f"FT{n}")) for n in range(3)]
    reconcile(till, statement(till, *lines[:2]))
    reconcile(till, statement(till, *lines))
    reconcile(till, statement(till, *lines, layout="bidv"))
    assert till.count(tables.Credit) == 3
    assert till.count(Reconciliation) == 3


def test_it_is_signed_by_name_and_kept(till: Till) -> None:
    database = till.resources.database
    content = statement(till, line_of(till.credit(5_000, bank_reference="FT1")))
    outcome = reconcile(till, content)

    with pytest.raises(ReasonMissing):
        sign_off_reconciliation(database, outcome.id, version=1, staff=ACCOUNTANT)
    with pytest.raises(ChangedMeanwhile):
        sign_off_reconciliation(database, outcome.id, version=2, note="x", staff=ACCOUNTANT)
    with pytest.raises(ReconciliationNotFound):
        sign_off_reconciliation(database, new_id(), version=1, note="x", staff=ACCOUNTANT)
    for _ in range(2):
        sign_off_reconciliation(
            database, outcome.id, version=1, note="Chờ người chuyển gọi", staff=ACCOUNTANT
        )
    with pytest.raises(ReconciliationSigned):
        sign_off_reconciliation(database, outcome.id, version=1, note="x", staff=OTHER)

    report = get_reconciliation(database, outcome.id)
    assert (report.signed_by, report.signed_name) == (ACCOUNTANT.actor, "Trần Thị Sổ")
    assert (report.note, report.differences) == ("Chờ người chuyển gọi", 1)
    before = rows_of(till)
    assert reconcile(till, content).signed
    assert rows_of(till) == before


@pytest.mark.parametrize(
    "change",
    [
        update(Reconciliation).values(differences=0),
        update(ReconciliationItem).values(kind="ok"),
        Reconciliation.__table__.delete(),
        ReconciliationItem.__table__.delete(),
    ],
)
def test_the_database_refuses_to_change_what_is_signed(till: Till, change: Any) -> None:
    database = till.resources.database
    outcome = reconcile(till, statement(till, line_of(till.credit(5_000))))
    sign_off_reconciliation(database, outcome.id, version=1, note="x", staff=ACCOUNTANT)
    with pytest.raises(DBAPIError), database.engine.begin() as connection:
        connection.execute(change)


def test_lists(till: Till) -> None:
    database = till.resources.database
    content = statement(till, line_of(till.credit(5_000)))
    outcome = reconcile(till, content)

    (report,) = list_reconciliations(database)
    assert report == get_reconciliation(database, outcome.id)
    assert list_reconciliations(database, day=today(till)) == [report]
    assert list_reconciliations(database, day=date(2020, 1, 1)) == []
    assert list_items(database, outcome.id, only_differences=True) == list_items(
        database, outcome.id
    )
    assert read_content(till.resources, outcome.id) == content
    with pytest.raises(ReconciliationNotFound):
        read_content(till.resources, new_id())
    with database.read() as connection:
        assert content not in connection.scalars(select(Reconciliation.sealed)).all()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_it_is_exported(till: Till, language: str) -> None:
    payment = paid(till)
    content = statement(
        till,
        line_of(credit_of(till, payment)),
        line_of(till.credit(5_000, transaction_id="=1+1", bank_reference="=1+1", memo="@x")),
    )
    outcome = reconcile(till, content)
    catalogue = till.resources.catalogue.get()
    as_csv, as_xlsx = (
        export_reconciliation(
            till.resources.database, catalogue, outcome.id, form=form, language=language
        )
        for form in ("csv", "xlsx")
    )
    text = as_csv.decode("utf-8-sig")
    assert payment["code"] in text
    assert "'=1+1" in text
    assert "350000" in text
    assert as_xlsx.startswith(b"PK")
    assert as_csv == export_reconciliation(
        till.resources.database, catalogue, outcome.id, form="csv", language=language
    )


def test_what_came_by_shift(till: Till) -> None:
    database = till.resources.database
    early, late = (till.credit(n, bank_reference=f"FT{n}") for n in (5_000, 7_000))
    book_credit(till.resources, early, source="callback")
    shift_id = open_shift(database, staff=ACCOUNTANT)
    close_shift(database, shift_id, staff=ACCOUNTANT)
    book_credit(till.resources, late, source="callback")
    outcome = reconcile(till, statement(till, line_of(early), line_of(late)))

    first, rest = list_shift_sums(database, outcome.id)
    assert (first.name, first.sum) == ("Trần Thị Sổ", Sum(count=1, amount_vnd=5_000))
    assert (rest.name, rest.since, rest.sum) == (None, None, Sum(count=1, amount_vnd=7_000))
    text = export_reconciliation(
        database, till.resources.catalogue.get(), outcome.id, form="csv"
    ).decode("utf-8-sig")
    assert "Ca Trần Thị Sổ, từ 23/11/2026 08:00:00,1,5000" in text.replace('"', "")
    assert "Chưa thuộc ca nào đã chốt,1,7000" in text


# --- files and accounts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "statement-headings"),
        ("Ngày;Tiền vào;Nội dung\n".encode(), "statement-days"),
        (b"\xd0\xcf\x11\xe0", "statement-not-a-table"),
    ],
)
def test_a_file_that_cannot_be_used(till: Till, content: bytes, reason: str) -> None:
    with pytest.raises(StatementNotAccepted) as refused:
        reconcile(till, content)
    assert refused.value.reason == reason
    assert till.count(Reconciliation) == 0


def test_whose_account_it_is(till: Till) -> None:
    content = statement(till, line_of(till.credit(5_000)))
    with pytest.raises(StatementNotAccepted):
        reconcile(till, content, account=None)
    assert find_account(till.resources, "bank") is None
    book_credit(till.resources, till.credit(1), source="callback")
    assert find_account(till.resources, "bank") == ACCOUNT
    reconcile(till, content, account=None)
    book_credit(till.resources, till.credit(1, account="B"), source="callback")
    assert find_account(till.resources, "bank") is None


# --- every night -----------------------------------------------------------------------------------


def test_every_night_yesterday_is_laid_beside_the_lists(till: Till, clock: SettableClock) -> None:
    till.bill(350_000)
    payment = till.start()
    till.bank.pay(till.key_of(payment))  # and the message is lost
    book_credit(till.resources, till.credit(9_000), source="callback")
    clock.advance(days=1)
    before_two = till.clock().astimezone(VIETNAM).replace(hour=1, minute=59)
    clock.advance(seconds=(before_two - till.clock()).total_seconds())
    assert reconcile_payments(till.resources) == []

    clock.advance(minutes=1)
    assert reconcile_payments(till.resources) == ["bank", "wallet"]
    assert reconcile_payments(till.resources) == []
    reports = list_reconciliations(till.resources.database, day=today(till) - timedelta(days=1))
    report, empty = sorted(reports, key=lambda each: each.provider)
    assert (report.source, report.account, report.differences) == ("list", ACCOUNT, 2)
    assert (empty.provider, empty.account, empty.differences) == ("wallet", "*", 0)
    items = [each.item for each in list_items(till.resources.database, report.id)]
    assert sorted((item.kind, item.way) for item in items) == [
        (Kind.NOT_POSTED, Way.BOOKED),
        (Kind.WITHOUT_LINE, None),
    ]
    assert till.show(payment)["stage"] == "paid"


@pytest.mark.parametrize(
    ("bin_", "account", "kind", "way"),
    [
        ("970418", "1200000000001", "csv", "reference"),
        ("970437", "0680000000001", "xlsx", "reference"),
        ("970436", "0071000000001", "csv", "transaction"),
    ],
)
def test_the_feed_and_the_statement_of_a_bank_by_its_own_numbers(
    till: Till, bin_: str, account: str, kind: str, way: str
) -> None:
    """Two of three messages arrived; the statement brings the third, and nothing twice."""
    till.bill(350_000)
    memo = till.start()["code"]
    with BankEmulator(clock=EmulatedClock(till.clock)) as bank:
        for amount, text in ((1_000, "A"), (2_000, "B"), (350_000, memo)):
            arguments = {"bin": bin_, "account": account, "amount": amount, "memo": text}
            requests.post(f"{bank.base_url}/_emu/pay", json=arguments, timeout=10)
        provider = open_bank("bank", bank.settings(bin_), clock=till.clock)
        for credit in provider.list_credits(today(till))[:2]:
            book_credit(till.resources, credit, source="callback")
        content = requests.get(
            f"{bank.base_url}/statement/{account}/{today(till)}.{kind}", timeout=10
        ).content
        outcome = reconcile(till, content, account=account)
        for credit in provider.list_credits(today(till)):
            book_credit(till.resources, credit, source="query")
        provider.close()

    assert [each[:2] for each in kinds(till, outcome)] == [
        ("money_without_intent", way),
        ("money_without_intent", way),
        ("not_posted_to_his", "booked"),
    ]
    assert till.count(tables.Credit) == 3
    assert till.balances()["bank:bank"] == 353_000


def test_a_list_of_a_wallet(till: Till) -> None:
    """Its own numbers find what the callbacks told of; its fees are no difference."""
    till.bill(350_000)
    payment = till.start(method="wallet")
    request = till.wallet.pay(till.key_of(payment))
    assert till.call_back(request, "wallet").status_code == 200
    till.deliver()
    credit = credit_of(till)
    text = (
        "Mã đơn hàng;Mã giao dịch MoMo;Thời gian thanh toán;Số tiền;Phí;Trạng thái;Loại giao dịch\n"
        f"{till.key_of(payment)};{credit.transaction_id};{till.clock().astimezone(VIETNAM):%d/%m/%Y};"
        "350.000;7.700;Thành công;Thanh toán\n"
        f"{till.key_of(payment)};RF9;{till.clock().astimezone(VIETNAM):%d/%m/%Y};"
        "50.000;0;Thành công;Hoàn tiền\n"
    )
    outcome = reconcile(till, text.encode(), provider="wallet")
    assert kinds(till, outcome) == [
        ("ok", "transaction", 350_000, 350_000),
        ("refund_differs", None, 0, 50_000),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_told_how_often_and_in_which_order(till: Till, seed: int) -> None:
    """Feeds, questions and overlapping statements of twenty movements: each is booked once."""
    dice = random.Random(seed)
    till.bill(350_000)
    code = till.start()["code"]
    moves = [
        till.credit(
            dice.choice([350_000, 350_000, 120_000, 9_000]),
            bank_reference=f"FT{number}",
            memo=dice.choice([code, "", "chuyen tien", f"{code} {code}"]),
            paid_at=till.clock() + timedelta(seconds=number),
        )
        for number in range(20)
    ]
    lines = [
        line_of(move, transaction_id=dice.choice([move.bank_reference, move.transaction_id]))
        for move in moves
    ]
    tellings: list[Any] = [*moves, *dice.sample(moves, 10)]
    for _ in range(4):
        start, end = sorted(dice.sample(range(21), 2))
        tellings.append(statement(till, *lines[start:end], layout=dice.choice(["bidv", "hdbank"])))
    dice.shuffle(tellings)
    for told in tellings:
        if isinstance(told, Credit):
            book_credit(till.resources, told, source=dice.choice(["callback", "query"]))
        else:
            reconcile(till, told)
    outcome = reconcile(till, statement(till, *lines))

    kinds(till, outcome)
    assert till.count(tables.Credit) == 20
    assert till.balances()["bank:bank"] == sum(move.amount.amount_vnd for move in moves)
    assert outcome.figures.came.amount_vnd == till.balances()["bank:bank"]
    assert outcome.figures.booked == Sum()
