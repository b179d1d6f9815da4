"""Moments of paying that are no screens of their own: how a kiosk is brought to each of them."""

from __future__ import annotations

from collections.abc import Callable

from devices.models import PrintReason, PrintState
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.fake_payments import CODE
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_BILLS, TO_METHOD, TO_QR, touch, walk


def nothing_is_due(bench: Bench) -> None:
    bench.gateway.money.bills = []
    bench.gateway.money.credit_vnd = 120_000
    walk(bench, TO_BILLS)


def fees_cannot_be_read(bench: Bench) -> None:
    bench.gateway.refusals["read_dues"] = "his_unavailable"
    walk(bench, TO_BILLS)


def fees_by_code(bench: Bench) -> None:
    walk(bench, [*TO_BILLS[:1], (Screen.PAY_WHO, "code"), (Screen.PAY_CODE, "digits", CODE)])
    touch(bench, "bill", "VP-0001")


def fees_have_changed(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.change_fees(15_000)
    bench.wait(1)


def one_way_is_away(bench: Bench) -> None:
    bench.gateway.money.away = {"wallet"}
    walk(bench, TO_METHOD)
    bench.gateway.money.away = {"bank"}
    touch(bench, "method", "bank")


def a_wallet_is_chosen(bench: Bench) -> None:
    bench.gateway.money.large_vnd = 100_000
    walk(bench, [*TO_METHOD, (Screen.PAY_METHOD, "method", "wallet")])


def no_money_yet(bench: Bench) -> None:
    walk(bench, TO_QR)
    touch(bench, "check")


def line_is_lost(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.down = True
    bench.wait(3)


def opened_before(bench: Bench) -> None:
    walk(bench, TO_QR)
    touch(bench, "finish")
    if bench.kiosk.frame.chrome.language != "en" and bench.printer.receipts[0].lang == "en":
        touch(bench, "language", "en")
    walk(
        bench,
        [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "code"), (Screen.PAY_CODE, "digits", CODE)],
    )


def a_part_came(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.receive(100_000)
    bench.wait(1)


def rest_is_offered(bench: Bench) -> None:
    a_part_came(bench)
    touch(bench, "renew")


def code_ran_out(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.gateway.money.expire()
    bench.wait(1)


def nobody_moves(bench: Bench) -> None:
    walk(bench, TO_QR)
    bench.wait(95)


def paid_without_paper(bench: Bench) -> None:
    bench.gateway.money.tells_hospital = False
    bench.printer.ends, bench.printer.reason = PrintState.FAILED, PrintReason.PAPER_END
    walk(bench, TO_QR)
    bench.gateway.money.receive()
    bench.wait(4)


def does_not_take_money(bench: Bench) -> None:
    bench.gateway.settings = bench.gateway.settings.model_copy(update={"pays": False})
    bench.wait(61)


PAYING: dict[str, Callable[[Bench], None]] = {
    "pay_bills_nothing": nothing_is_due,
    "pay_bills_unread": fees_cannot_be_read,
    "pay_bills_by_code": fees_by_code,
    "pay_bills_changed": fees_have_changed,
    "pay_method_away": one_way_is_away,
    "pay_qr_wallet": a_wallet_is_chosen,
    "pay_qr_not_yet": no_money_yet,
    "pay_qr_line_lost": line_is_lost,
    "pay_qr_opened_before": opened_before,
    "pay_qr_part": a_part_came,
    "pay_qr_rest": rest_is_offered,
    "pay_qr_run_out": code_ran_out,
    "pay_qr_idle": nobody_moves,
    "paid_unprinted": paid_without_paper,
    "welcome_without_paying": does_not_take_money,
}
