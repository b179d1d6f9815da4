"""While staff train nothing may look real: every screen and every paper says so."""

from __future__ import annotations

import pytest

from kiosk_ui.flow import Screen
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_METHOD, TO_QR, TO_SUMMARY, shows, touch, walk
from tests.flows.test_every_screen import at


@pytest.fixture
def bench() -> Bench:
    bench = Bench(started=False)
    bench.gateway.settings = bench.gateway.settings.model_copy(update={"practice": True})
    bench.settle()
    return bench


def said(bench: Bench) -> str:
    words = bench.kiosk.frame.chrome.practice
    return words.text if words else ""


def test_every_step_of_a_visit_says_so_and_the_ticket_too(bench: Bench) -> None:
    for step in (*TO_SUMMARY, (Screen.SUMMARY, "confirm")):
        assert said(bench) == "LUYỆN TẬP – không phải thật"
        walk(bench, [step])
    shows(bench, Screen.DONE)
    touch(bench, "language", "en")
    assert said(bench) == "PRACTICE – not real"
    assert [ticket.practice for ticket in bench.printer.tickets] == [True]


@pytest.mark.parametrize("overlay", ["help", "emergency"])
def test_what_lies_over_a_screen_says_so(bench: Bench, overlay: str) -> None:
    touch(bench, overlay)
    assert said(bench)


def test_receipts_and_slips_say_so(bench: Bench) -> None:
    walk(bench, [*TO_QR])
    bench.gateway.money.receive()
    bench.wait(5)
    shows(bench, Screen.PAID)
    assert [receipt.practice for receipt in bench.printer.receipts] == [True]


def test_a_slip_for_the_cashier_says_so(bench: Bench) -> None:
    walk(bench, [*TO_METHOD, (Screen.PAY_METHOD, "cash")])
    assert [receipt.practice for receipt in bench.printer.receipts] == [True]


def test_a_number_without_the_server_says_so(bench: Bench) -> None:
    bench.gateway.down = True
    bench.wait(3)
    walk(bench, [(Screen.OUT_OF_SERVICE, "number")])
    assert [ticket.practice for ticket in bench.printer.tickets] == [True]


def test_where_work_is_real_nothing_says_practice() -> None:
    bench = at(Screen.DONE)
    assert said(bench) == ""
    assert [ticket.practice for ticket in bench.printer.tickets] == [False]
