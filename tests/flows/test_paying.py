"""Paying as it goes well: fees, several bills, an advance, for a relative, in cash, in English."""

from __future__ import annotations

import pytest

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.fake_payments import BILLS, CODE, QR_LIFE_S
from kiosk_ui.gateway.models import ScanOutcome
from kiosk_ui.presenters.views import (
    Action,
    BillsView,
    ChoiceView,
    MessageView,
    PaidView,
    PayView,
    TicketView,
)
from tests.flows.stand_ins import Bench
from tests.flows.steps import (
    TO_BILLS,
    TO_METHOD,
    TO_QR,
    TO_SCAN,
    hold_up,
    offered,
    shows,
    texts_of,
    touch,
    type_in,
    walk,
)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def bills_on(bench: Bench) -> BillsView:
    shows(bench, Screen.PAY_BILLS)
    view = bench.kiosk.frame.view
    assert isinstance(view, BillsView)
    return view


def code_on(bench: Bench) -> PayView:
    shows(bench, Screen.PAY_QR)
    view = bench.kiosk.frame.view
    assert isinstance(view, PayView)
    return view


def paid_on(bench: Bench) -> PaidView:
    shows(bench, Screen.PAID)
    view = bench.kiosk.frame.view
    assert isinstance(view, PaidView)
    return view


def test_from_the_start_screen_to_the_receipt(bench: Bench) -> None:
    walk(bench, TO_QR)
    view = code_on(bench)
    assert view.amount.text == "135.000\u00a0đ"
    assert [row.value for row in view.rows] == [
        "TRUNG TAM Y TE SONG MAY",
        "BIDV 0011001234567",
        CODE,
    ]
    assert bench.gateway.money.begun[0].bill_ids == [bill.id for bill in BILLS]
    bench.gateway.money.receive()
    bench.wait(1)
    paid = paid_on(bench)
    assert paid.amount.text == "135.000\u00a0đ"
    assert not paid.code_large
    assert [receipt.code for receipt in bench.printer.receipts] == [CODE]
    assert bench.reports.payment_ids == ["payment-1"]


def test_the_money_is_on_the_glass_within_a_second(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.wait(5)
    bench.gateway.money.receive()
    bench.wait(0.75)
    shows(bench, Screen.PAID)


def test_what_is_due_is_told_with_its_reasons(bench: Bench) -> None:
    walk(bench, TO_BILLS)
    view = bills_on(bench)
    assert view.total.text == "135.000\u00a0đ"
    assert [bill.toggle.selected for bill in view.bills] == [True, True]
    told = texts_of(bench.kiosk.frame)
    assert "Bảo hiểm trả 36.000\u00a0đ" in told
    assert "Chụp X-quang ngực thẳng × 2" in told
    touch(bench, "lines")
    assert any("Được giảm 5.000\u00a0đ" in text for text in texts_of(bench.kiosk.frame))


def test_a_bill_may_be_left_out_and_taken_in_again(bench: Bench) -> None:
    walk(bench, TO_BILLS)
    touch(bench, "bill", "VP-0001")
    assert bills_on(bench).total.text == "126.000\u00a0đ"
    touch(bench, "bill", "VP-0002")
    view = bills_on(bench)
    assert view.problem is not None
    assert not view.choices[0].enabled
    touch(bench, "bill", "VP-0002")
    touch(bench, "pay")
    touch(bench, "method", "bank")
    assert code_on(bench).amount.text == "126.000\u00a0đ"
    assert bench.gateway.money.begun[0].bill_ids == ["bill-2"]


def test_many_bills_stand_on_pages_and_all_are_paid(bench: Bench) -> None:
    many = [BILLS[0].model_copy(update={"id": f"b{n}", "code": f"VP-{n}"}) for n in range(7)]
    bench.gateway.money.bills = many
    walk(bench, TO_BILLS)
    assert bills_on(bench).page == (1, 3)
    assert bills_on(bench).total.text == "63.000\u00a0đ"
    touch(bench, "page", "1")
    touch(bench, "bill", "VP-4")
    assert bills_on(bench).total.text == "54.000\u00a0đ"
    walk(bench, [(Screen.PAY_BILLS, "pay"), (Screen.PAY_METHOD, "method", "bank")])
    assert len(bench.gateway.money.begun[0].bill_ids) == 6


def test_an_advance_of_a_proposed_amount(bench: Bench) -> None:
    walk(
        bench,
        [
            *TO_BILLS,
            (Screen.PAY_BILLS, "advance"),
            (Screen.PAY_ADVANCE, "amount", "1000000"),
            (Screen.PAY_METHOD, "method", "wallet"),
        ],
    )
    assert code_on(bench).amount.text == "1.000.000\u00a0đ"
    request = bench.gateway.money.begun[0]
    assert (request.bill_ids, request.advance_vnd) == ([], 1_000_000)
    bench.gateway.money.receive()
    bench.wait(1)
    assert paid_on(bench).title.key == "paid.advance"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", "advance.too_little"),
        ("99000", "advance.too_little"),
        ("20010000", "advance.too_much"),
        ("105000", "advance.step"),
    ],
)
def test_an_advance_outside_the_limits_is_typed_again(
    bench: Bench, typed: str, problem: str
) -> None:
    walk(bench, [*TO_BILLS, (Screen.PAY_BILLS, "advance"), (Screen.PAY_ADVANCE, "other")])
    type_in(bench, typed)
    shows(bench, Screen.PAY_AMOUNT)
    assert bench.kiosk._ctx.visit.problem == problem
    touch(bench, "clear")
    for digit in "250":
        touch(bench, "key", digit)
    touch(bench, "key", "000")
    touch(bench, "submit")
    shows(bench, Screen.PAY_METHOD)


def test_who_pays_an_advance_may_still_choose_the_bills(bench: Bench) -> None:
    walk(
        bench,
        [*TO_BILLS, (Screen.PAY_BILLS, "advance"), (Screen.PAY_ADVANCE, "amount", "500000")],
    )
    touch(bench, "back")
    touch(bench, "back")
    walk(bench, [(Screen.PAY_BILLS, "pay"), (Screen.PAY_METHOD, "method", "bank")])
    assert code_on(bench).amount.text == "135.000\u00a0đ"


def test_for_a_relative_by_the_code_on_a_slip(bench: Bench) -> None:
    walk(bench, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "code")])
    type_in(bench, CODE)
    view = bills_on(bench)
    assert "BÉ NĂM" not in str(texts_of(bench.kiosk.frame))
    assert [bill.lines for bill in view.bills] == [(), ()]
    assert bench.gateway.money.asked[0].code == CODE
    assert bench.gateway.scans == []


def test_for_a_relative_by_a_slip_held_up_without_any_notice(bench: Bench) -> None:
    walk(bench, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "relative")])
    hold_up(bench, CODE.encode())
    bills_on(bench)
    assert bench.gateway.scans == []


def test_for_a_relative_by_a_ticket_and_the_notice_when_it_is_a_card(bench: Bench) -> None:
    gateway = bench.gateway
    gateway.scan_reply = gateway.reply(outcome=ScanOutcome.ASK_NOTICE, person=None, ask=[])
    walk(bench, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "relative")])
    hold_up(bench)
    shows(bench, Screen.NOTICE)
    gateway.scan_reply = gateway.reply(
        outcome=ScanOutcome.TICKET, person=None, visits=[gateway.visit()], ask=[]
    )
    touch(bench, "yes")
    hold_up(bench)
    bills_on(bench)
    assert gateway.money.asked[0].scan_id == "scan-1"


def test_a_slip_is_no_card_where_nobody_pays(bench: Bench) -> None:
    walk(bench, TO_SCAN)
    hold_up(bench, CODE.encode())
    assert len(bench.gateway.scans) == 1


@pytest.mark.parametrize("typed", ["BM7K2P4Q", "BM7K2P4QX", "MB7K2P4QS", "123456789"])
def test_a_mistyped_code_is_seen_before_the_server_is_asked(bench: Bench, typed: str) -> None:
    walk(bench, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "code")])
    type_in(bench, typed)
    shows(bench, Screen.PAY_CODE)
    assert bench.gateway.money.asked == []


def test_from_my_ticket(bench: Bench) -> None:
    gateway = bench.gateway
    gateway.scan_reply = gateway.reply(
        outcome=ScanOutcome.TICKET, person=None, visits=[gateway.visit()], ask=[]
    )
    walk(bench, [(Screen.WELCOME, "start", "ticket"), (Screen.NOTICE, "yes")])
    hold_up(bench)
    touch(bench, "pay")
    bills_on(bench)
    touch(bench, "back")
    shows(bench, Screen.MY_TICKET)


def test_a_hospital_that_takes_no_money_here_offers_none(bench: Bench) -> None:
    gateway = bench.gateway
    gateway.settings = gateway.settings.model_copy(update={"pays": False})
    bench.wait(61)
    assert Action("pay") not in [choice.action for choice in offered(bench.kiosk.frame)]
    gateway.scan_reply = gateway.reply(
        outcome=ScanOutcome.TICKET, person=None, visits=[gateway.visit()], ask=[]
    )
    walk(bench, [(Screen.WELCOME, "start", "ticket"), (Screen.NOTICE, "yes")])
    hold_up(bench)
    assert Action("pay") not in [choice.action for choice in offered(bench.kiosk.frame)]


def test_nothing_due_is_said_kindly_with_what_the_hospital_owes(bench: Bench) -> None:
    bench.gateway.money.bills = []
    bench.gateway.money.credit_vnd = 120_000
    walk(bench, TO_BILLS)
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView)
    assert any("120.000\u00a0đ" in line.text for line in view.body)
    touch(bench, "advance")
    shows(bench, Screen.PAY_ADVANCE)


def test_cash_is_offered_like_the_others_and_prints_a_slip(bench: Bench) -> None:
    walk(bench, TO_METHOD)
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    assert {choice.tone for choice in view.choices} == {view.choices[-1].tone}
    assert view.choices[-1].enabled
    touch(bench, "cash")
    shows(bench, Screen.PAY_CASH)
    ticket = bench.kiosk.frame.view
    assert isinstance(ticket, TicketView)
    assert ticket.number == "A001"
    [slip] = bench.printer.receipts
    assert slip.qr == "VP-0001 VP-0002"
    assert bench.gateway.money.begun == []


def test_cash_without_a_ticket_of_today_shows_the_slip_there(bench: Bench) -> None:
    bench.gateway.money.number = None
    walk(bench, [*TO_METHOD, (Screen.PAY_METHOD, "cash")])
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView)
    assert len(bench.printer.receipts) == 1


def test_cash_after_a_code_closes_the_code_first(bench: Bench) -> None:
    walk(bench, [*TO_QR, (Screen.PAY_QR, "other"), (Screen.PAY_METHOD, "cash")])
    shows(bench, Screen.PAY_CASH)
    assert bench.gateway.money.cancelled == ["cancelled"]


def test_another_way_gives_another_code(bench: Bench) -> None:
    walk(bench, TO_QR)
    first = code_on(bench)
    walk(bench, [(Screen.PAY_QR, "other"), (Screen.PAY_METHOD, "method", "wallet")])
    second = code_on(bench)
    assert second.qr != first.qr
    assert second.title.key == "qr.wallet_title"
    assert len(bench.gateway.money.begun) == 1


def test_looking_at_other_ways_and_coming_back_keeps_the_code(bench: Bench) -> None:
    walk(bench, TO_QR)
    first = code_on(bench)
    walk(bench, [(Screen.PAY_QR, "other"), (Screen.PAY_METHOD, "back")])
    assert code_on(bench).qr == first.qr


def test_a_way_is_grey_where_the_amount_does_not_fit(bench: Bench) -> None:
    bench.gateway.money.bills = [BILLS[0].model_copy(update={"due_vnd": 30_000_000})]
    walk(bench, TO_METHOD)
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    assert [choice.enabled for choice in view.choices] == [True, False, True]
    touch(bench, "method", "bank")
    assert code_on(bench).hint is not None


def test_the_time_left_is_told_calmly_and_ends(bench: Bench) -> None:
    walk(bench, TO_QR)
    shares = [code_on(bench).left_share]
    words = [code_on(bench).left.text]
    for _ in range(QR_LIFE_S // 10 - 1):
        bench.time.elapsed_s += 10
        bench.kiosk.touched()
        bench.settle()
        shares.append(code_on(bench).left_share)
        words.append(code_on(bench).left.text)
    assert shares == sorted(shares, reverse=True)
    assert len(set(words)) <= 16
    bench.time.elapsed_s += 11
    bench.kiosk.touched()
    bench.settle()
    assert isinstance(bench.kiosk.frame.view, MessageView)


def test_an_english_journey_is_english_to_the_paper(bench: Bench) -> None:
    touch(bench, "language", "en")
    walk(bench, TO_QR)
    assert bench.gateway.money.asked[0].language == "en"
    assert bench.gateway.money.begun[0].language == "en"
    bench.gateway.money.receive()
    bench.wait(1)
    assert paid_on(bench).title.text == "Paid in full"
    [receipt] = bench.printer.receipts
    assert receipt.lang == "en"
    assert receipt.vi is not None
    touch(bench, "finish")
    touch(bench, "language", "en")
    bench.gateway.money.payment = None
    walk(bench, TO_QR)
    touch(bench, "finish")
    slip = bench.printer.receipts[-1]
    assert (slip.lang, slip.texts.title) == ("en", "NOT PAID YET")
    assert slip.vi is not None


def test_the_receipt_is_printed_again_when_asked_but_not_for_ever(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.receive()
    bench.wait(1)
    touch(bench, "print")
    touch(bench, "print")
    assert len(bench.printer.receipts) == 3
    assert len(set(bench.printer.jobs)) == 3
    assert Action("print") not in [choice.action for choice in offered(bench.kiosk.frame)]


def test_the_word_of_the_hospital_takes_the_note_away(bench: Bench) -> None:
    bench.gateway.money.tells_hospital = False
    walk(bench, TO_QR)
    bench.gateway.money.receive()
    bench.wait(1)
    assert "paid.to_come" in [note.key for note in paid_on(bench).notes]
    bench.gateway.money.hospital_enters_it()
    bench.wait(3)
    assert "paid.to_come" not in [note.key for note in paid_on(bench).notes]
    assert len(bench.printer.receipts) == 1
