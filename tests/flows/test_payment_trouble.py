"""Paying as it goes badly: late, short, lost, away, changed, twice. Money is never made up."""

from __future__ import annotations

import pytest

from devices.models import PrintReason, PrintState
from kiosk_ui.current_visit import Trouble
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.fake_payments import CODE
from kiosk_ui.presenters.views import (
    Action,
    BillsView,
    ChoiceView,
    MessageView,
    PaidView,
    PayView,
    Tone,
)
from tests.flows.stand_ins import Bench
from tests.flows.steps import (
    TO_BILLS,
    TO_METHOD,
    TO_QR,
    offered,
    shows,
    touch,
    type_in,
    walk,
)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def code_on(bench: Bench) -> PayView:
    shows(bench, Screen.PAY_QR)
    view = bench.kiosk.frame.view
    assert isinstance(view, PayView)
    return view


def message_on(bench: Bench) -> MessageView:
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView)
    return view


# --- paid, or not ------------------------------------------------------------------------------------


def test_a_claim_is_no_payment(bench: Bench) -> None:
    walk(bench, TO_QR)
    touch(bench, "check")
    view = code_on(bench)
    assert view.status.key == "qr.not_yet"
    assert "08:00" in view.status.text
    bench.wait(5)
    shows(bench, Screen.PAY_QR)
    assert bench.printer.receipts == []


def test_a_claim_finds_money_whose_message_was_lost(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.on_the_way_vnd = 135_000
    touch(bench, "check")
    shows(bench, Screen.PAID)


def test_paid_while_cancel_is_pressed(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.on_the_way_vnd = 135_000
    touch(bench, "cancel")
    shows(bench, Screen.PAID)
    assert len(bench.printer.receipts) == 1


def test_cancelled_says_that_no_money_is_lost_and_the_bank_may_still_be_heard(
    bench: Bench,
) -> None:
    walk(bench, [*TO_QR, (Screen.PAY_QR, "cancel")])
    shows(bench, Screen.PAY_ENDED)
    assert "ended.not_lost" in [line.key for line in message_on(bench).body]
    bench.gateway.money.receive()
    bench.wait(3)
    shows(bench, Screen.PAID)


def test_after_cancel_one_begins_anew(bench: Bench) -> None:
    walk(bench, [*TO_QR, (Screen.PAY_QR, "cancel"), (Screen.PAY_ENDED, "again")])
    walk(bench, [(Screen.PAY_BILLS, "pay"), (Screen.PAY_METHOD, "method", "wallet")])
    code_on(bench)
    assert len(bench.gateway.money.begun) == 2


def test_a_part_is_told_and_the_rest_gets_a_code_of_its_own(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.receive(100_000)
    bench.wait(1)
    assert message_on(bench).title.key == "qr.short"
    assert "35.000\u00a0đ" in message_on(bench).title.text
    assert Action("cancel") not in [choice.action for choice in offered(bench.kiosk.frame)]
    touch(bench, "renew")
    view = code_on(bench)
    assert view.amount.text == "35.000\u00a0đ"
    assert view.status.key == "qr.part"
    bench.gateway.money.receive()
    bench.wait(1)
    shows(bench, Screen.PAID)


def test_the_code_of_the_whole_is_gone_once_a_part_came(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.receive(100_000)
    assert bench.gateway.money.payment is not None
    assert bench.gateway.money.payment.offer is not None
    bench.wait(1)
    assert isinstance(bench.kiosk.frame.view, MessageView)


def test_an_expired_code_disappears_and_a_new_one_is_given(bench: Bench) -> None:
    walk(bench, TO_QR)
    first = code_on(bench)
    bench.gateway.money.expire()
    bench.wait(1)
    assert message_on(bench).title.key == "qr.run_out"
    touch(bench, "renew")
    assert code_on(bench).qr != first.qr
    bench.gateway.money.receive()
    bench.wait(1)
    shows(bench, Screen.PAID)


def test_money_for_an_expired_code_still_counts(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.expire()
    bench.wait(1)
    bench.gateway.money.receive()
    bench.wait(1)
    shows(bench, Screen.PAID)


def test_a_payment_that_ends_with_money_leads_to_the_cashier(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.receive(100_000)
    bench.gateway.money.end("timed_out")
    bench.wait(1)
    shows(bench, Screen.PAY_ENDED)
    assert message_on(bench).title.key == "ended.title"
    assert "100.000\u00a0đ" in message_on(bench).body[0].text
    assert Action("again") not in [choice.action for choice in offered(bench.kiosk.frame)]


@pytest.mark.parametrize("reason", ["declined", "timed_out", "paid_elsewhere", "something_new"])
def test_every_end_is_told(bench: Bench, reason: str) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.end(reason)
    bench.wait(1)
    shows(bench, Screen.PAY_ENDED)


def test_news_that_overtook_each_other_do_not_turn_back_time(bench: Bench) -> None:
    walk(bench, TO_QR)
    old = bench.gateway.money.payment
    bench.gateway.money.receive()
    bench.wait(1)
    shows(bench, Screen.PAID)
    bench.gateway.money.payment = old
    bench.wait(5)
    shows(bench, Screen.PAID)


# --- fees that change, others who pay -----------------------------------------------------------------


def test_fees_that_change_while_the_code_shows_are_asked_again(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.change_fees(15_000)
    bench.wait(1)
    shows(bench, Screen.PAY_BILLS)
    view = bench.kiosk.frame.view
    assert isinstance(view, BillsView)
    assert view.problem is not None
    assert view.problem.key == "pay.fee_changed"
    assert view.total.text == "141.000\u00a0đ"
    assert len(bench.gateway.money.begun) == 1


def test_fees_that_changed_before_the_touch_are_shown_again(bench: Bench) -> None:
    walk(bench, TO_METHOD)
    bench.gateway.refusals["start_payment"] = "fee_changed"
    touch(bench, "method", "bank")
    view = bench.kiosk.frame.view
    assert isinstance(view, BillsView)
    assert view.problem is not None
    assert bench.gateway.money.begun == []


def test_fees_read_long_ago_are_read_again(bench: Bench) -> None:
    walk(bench, TO_METHOD)
    bench.wait(50)
    touch(bench, "back")
    assert len(bench.gateway.money.asked) == 2


def test_what_is_paid_at_another_kiosk_is_joined_not_paid_twice(bench: Bench) -> None:
    money = bench.gateway.money
    walk(bench, TO_METHOD)
    other = Bench()
    other.gateway.money = money
    walk(other, TO_QR)
    touch(bench, "method", "bank")
    assert code_on(bench).qr == code_on(other).qr
    assert code_on(bench).status.key == "qr.opened_before"
    assert len(money.begun) == 1
    money.receive()
    for each in (bench, other):
        each.wait(1)
        shows(each, Screen.PAID)


def test_what_was_paid_a_moment_ago_is_not_offered_again(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.receive()
    bench.wait(1)
    touch(bench, "finish")
    walk(bench, TO_BILLS)
    shows(bench, Screen.PAID)
    assert len(bench.printer.receipts) == 1
    touch(bench, "print")
    assert len(bench.printer.receipts) == 2


# --- others that are away --------------------------------------------------------------------------------


def test_a_provider_that_is_away_disappears_and_the_others_stay(bench: Bench) -> None:
    walk(bench, TO_METHOD)
    bench.gateway.money.away = {"bank"}
    touch(bench, "method", "bank")
    shows(bench, Screen.PAY_METHOD)
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    assert view.problem is not None
    assert [choice.action.value for choice in view.choices] == ["wallet", ""]
    touch(bench, "method", "wallet")
    code_on(bench)


def test_without_any_provider_cash_is_left(bench: Bench) -> None:
    bench.gateway.money.away = {"bank", "wallet"}
    walk(bench, TO_METHOD)
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    assert [choice.action for choice in view.choices] == [Action("cash")]
    touch(bench, "cash")
    shows(bench, Screen.PAY_CASH)


def test_a_provider_that_gives_no_code_leaves_the_payment_for_another_way(bench: Bench) -> None:
    walk(bench, TO_METHOD)
    money = bench.gateway.money
    start = money.start

    def without_code(request):
        start(request)
        money.expire()
        return money.payment

    money.start = without_code
    touch(bench, "method", "bank")
    shows(bench, Screen.PAY_METHOD)
    touch(bench, "method", "wallet")
    code_on(bench)
    assert len(money.begun) == 1


def test_a_hospital_that_is_away_is_told_and_tried_again(bench: Bench) -> None:
    bench.gateway.refusals["read_dues"] = "his_unavailable"
    walk(bench, TO_BILLS)
    assert message_on(bench).title.key == "pay.unread"
    touch(bench, "again")
    assert isinstance(bench.kiosk.frame.view, BillsView)


def test_an_unknown_code_is_typed_again(bench: Bench) -> None:
    walk(bench, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "code")])
    bench.gateway.refusals["read_dues"] = "payment_not_found"
    type_in(bench, CODE)
    shows(bench, Screen.PAY_CODE)
    assert bench.kiosk._ctx.visit.problem == "pay_code.unknown"


def test_the_line_is_lost_while_the_code_shows_and_comes_back_with_the_money(
    bench: Bench,
) -> None:
    walk(bench, TO_QR)
    bench.gateway.down = True
    bench.wait(2)
    view = code_on(bench)
    assert (view.status.key, view.status_tone) == ("qr.line_lost", Tone.CAUTION)
    bench.gateway.money.receive()
    bench.wait(10)
    code_on(bench)
    bench.gateway.down = False
    bench.wait(2)
    shows(bench, Screen.PAID)


def test_the_answer_to_the_touch_is_lost_and_one_payment_is_made(bench: Bench) -> None:
    walk(bench, TO_METHOD)
    bench.gateway.lose_replies = 1
    touch(bench, "method", "bank")
    bench.wait(2)
    code_on(bench)
    assert len(bench.gateway.money.begun) == 1


def test_a_double_touch_pays_once(bench: Bench) -> None:
    walk(bench, TO_BILLS)
    for _ in range(2):
        bench.kiosk.act(Action("pay"))
    bench.settle()
    for _ in range(3):
        bench.kiosk.act(Action("method", "bank"))
    bench.settle()
    code_on(bench)
    assert len(bench.gateway.money.begun) == 1


def test_a_slow_question_to_the_bank_holds_up_nothing(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.worker.held = True
    touch(bench, "check")
    assert code_on(bench).status.key == "qr.checking"
    assert not code_on(bench).choices[0].enabled
    touch(bench, "language", "en")
    touch(bench, "help")
    shows(bench, Screen.HELP)
    bench.worker.held = False
    bench.gateway.money.receive()
    bench.wait(1)
    touch(bench, "close")
    shows(bench, Screen.PAID)


def test_choosing_the_same_way_again_does_not_make_its_code_younger(bench: Bench) -> None:
    walk(bench, TO_QR)
    money = bench.gateway.money
    first = money.payment
    money.offer = lambda _payment_id, _request: first
    bench.wait(80)
    walk(bench, [(Screen.PAY_QR, "other")])
    share = bench.kiosk._ctx.visit.pay.qr_ends_s
    touch(bench, "method", "bank")
    code_on(bench)
    assert bench.kiosk._ctx.visit.pay.qr_ends_s == share


def test_trouble_after_a_code_was_shown_still_sees_the_money(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.kiosk._ctx.fail(Trouble(happened="trouble.title", do="trouble.staff"))
    bench.wait(0.3)
    shows(bench, Screen.TROUBLE)
    bench.gateway.money.receive()
    bench.wait(3)
    shows(bench, Screen.PAID)


def test_who_leaves_from_trouble_gets_the_slip_too(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.kiosk._ctx.fail(Trouble(happened="trouble.title", do="trouble.staff"))
    bench.wait(0.3)
    touch(bench, "finish")
    assert [receipt.code for receipt in bench.printer.receipts] == [CODE]


def test_a_code_that_cannot_be_closed_is_not_followed_by_cash(bench: Bench) -> None:
    walk(bench, [*TO_QR, (Screen.PAY_QR, "other")])
    money = bench.gateway.money
    money.cancel = lambda _payment_id, _request: money.payment
    touch(bench, "cash")
    shows(bench, Screen.PAY_METHOD)
    assert bench.kiosk._ctx.visit.problem == "method.not_now"
    assert money.cash_requests == []


# --- paper -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (PrintState.FAILED, PrintReason.PAPER_END),
        (PrintState.FAILED, PrintReason.PRINTER_ERROR),
        (PrintState.UNKNOWN, PrintReason.LINE_LOST),
        (PrintState.UNCONFIRMED, PrintReason.NOT_REPORTED),
    ],
)
def test_without_paper_the_payment_stands_and_the_code_is_large(
    bench: Bench, state: PrintState, reason: PrintReason
) -> None:
    bench.printer.ends, bench.printer.reason = state, reason
    walk(bench, TO_QR)
    bench.gateway.money.receive()
    bench.wait(1)
    view = bench.kiosk.frame.view
    assert isinstance(view, PaidView)
    assert view.code_large
    assert view.code.replace(" ", "") == CODE
    assert view.problem is not None
    assert [request.state for request in bench.reports.requests] == [state.value]
    bench.printer.ends = PrintState.PRINTED
    touch(bench, "print")
    view = bench.kiosk.frame.view
    assert isinstance(view, PaidView)
    assert view.problem is None


def test_a_printer_that_hangs_does_not_hide_that_it_is_paid(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.receive()
    bench.time.elapsed_s += 1
    bench.kiosk.tick()
    bench.kiosk.tick()
    bench.worker.held = True
    bench.wait(5)
    shows(bench, Screen.PAID)


def test_a_kiosk_that_restarts_prints_no_receipt_a_second_time(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.receive()
    bench.wait(1)
    [first] = bench.printer.jobs
    restarted = Bench()
    restarted.gateway.money, restarted.printer.jobs = bench.gateway.money, bench.printer.jobs
    walk(restarted, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "code")])
    type_in(restarted, CODE)
    shows(restarted, Screen.PAID)
    assert restarted.printer.jobs == [first]
    touch(restarted, "print")
    assert len(restarted.printer.jobs) == 2


def test_a_kiosk_that_restarts_while_the_code_shows_goes_on_and_prints_once(bench: Bench) -> None:
    walk(bench, TO_QR)
    restarted = Bench()
    restarted.gateway.money = bench.gateway.money
    walk(restarted, TO_BILLS)
    code_on(restarted)
    bench.gateway.money.receive()
    restarted.wait(1)
    shows(restarted, Screen.PAID)
    bench.wait(1)
    assert bench.printer.jobs == restarted.printer.jobs, "one job, whichever kiosk prints it"


# --- walking away --------------------------------------------------------------------------------------------


def test_who_walks_away_is_asked_after_90_seconds_and_gets_a_slip(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.wait(89)
    assert bench.kiosk.frame.idle is None
    bench.wait(2)
    idle = bench.kiosk.frame.idle
    assert idle is not None
    assert idle.title.key == "idle.paying"
    bench.wait(30)
    shows(bench, Screen.WELCOME)
    [slip] = bench.printer.receipts
    assert (slip.code, slip.qr) == (CODE, CODE)
    assert slip.texts.title == "CHƯA TRẢ XONG"
    assert [line.label for line in slip.texts.lines] == ["Khoản VP-0001", "Khoản VP-0002"]
    assert bench.gateway.money.cancelled == []
    assert bench.gateway.money.payment is not None
    assert bench.gateway.money.payment.stage == "waiting"


def test_more_time_is_given_as_often_as_it_is_asked_for(bench: Bench) -> None:
    walk(bench, TO_QR)
    for _ in range(5):
        bench.wait(95)
        touch(bench, "more_time")
    code_on(bench)


def test_money_that_comes_during_the_countdown_is_seen(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.wait(95)
    bench.gateway.money.receive()
    bench.wait(1)
    shows(bench, Screen.PAID)
    assert bench.kiosk.frame.idle is None


def test_the_slip_leads_back_to_the_same_payment(bench: Bench) -> None:
    walk(bench, TO_QR)
    touch(bench, "finish")
    walk(bench, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "code")])
    type_in(bench, CODE)
    code_on(bench)
    touch(bench, "finish")
    assert len(bench.printer.receipts) == 1, "the slip of a payment is on paper once"
    assert len(bench.gateway.money.begun) == 1


def test_a_payment_that_nobody_can_pay_any_more_is_closed_by_leaving(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.expire()
    bench.wait(1)
    touch(bench, "finish")
    bench.settle()
    assert bench.gateway.money.cancelled == ["left"]
    assert bench.printer.receipts == []


def test_leaving_after_a_part_prints_a_slip_with_what_is_left(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.receive(100_000)
    bench.wait(1)
    touch(bench, "finish")
    bench.settle()
    [slip] = bench.printer.receipts
    assert slip.texts.total.value == "35.000\u00a0đ"
    assert slip.texts.facts[0].value == "100.000\u00a0đ"
    assert bench.gateway.money.cancelled == []


def test_leaving_without_the_server_prints_a_slip_all_the_same(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.expire()
    bench.wait(1)
    bench.gateway.down = True
    bench.wait(2)
    touch(bench, "finish")
    bench.settle()
    assert len(bench.printer.receipts) == 1


def test_the_next_patient_finds_nothing_of_the_one_before(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.worker.held = True
    bench.wait(1)
    bench.kiosk.act(Action("finish"))
    bench.gateway.money.receive()
    bench.worker.held = False
    bench.wait(2)
    shows(bench, Screen.WELCOME)
    assert bench.kiosk._ctx.visit.pay is None
