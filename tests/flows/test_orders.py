"""What staff order from afar: done once, answered until heard, never while somebody is at it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from devices.models import PrinterState, PrintReason, PrintState
from kiosk_ui.errors import ReplyUnreadable
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.command_journal import CommandJournalFile
from kiosk_ui.gateway.fleet_models import CommandResult, KioskOrders
from kiosk_ui.gateway.models import Label
from kiosk_ui.presenters.orders import MOST_ATTACHED_BYTES
from kiosk_ui.presenters.views import MessageView
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_SCAN, TO_SUMMARY, offered, shows, texts_of, touch, walk

WORDS = Label(vi="Máy đang thay giấy.", en="We are changing the paper.")
OUT = KioskOrders(profile="reception", out_of_service=WORDS)
IN = KioskOrders(profile="reception")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def result_of(bench: Bench, command_id: str) -> CommandResult:
    return bench.gateway.command_results[command_id]


# --- out of service -----------------------------------------------------------------------------------


def test_staff_take_it_out_with_their_words_and_put_it_back(bench: Bench) -> None:
    bench.gateway.orders = OUT
    bench.wait(31)
    shows(bench, Screen.OUT_OF_SERVICE)
    assert WORDS.vi in texts_of(bench.kiosk.frame)
    touch(bench, "language", "en")
    assert WORDS.en in texts_of(bench.kiosk.frame)
    bench.gateway.orders = IN
    bench.wait(31)
    shows(bench, Screen.WELCOME)


def test_who_is_in_the_middle_finishes_first(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    bench.gateway.orders = OUT
    bench.wait(31)
    shows(bench, Screen.SUMMARY)
    walk(bench, [(Screen.SUMMARY, "confirm"), (Screen.DONE, "finish")])
    shows(bench, Screen.OUT_OF_SERVICE)


def test_out_of_service_survives_a_restart_without_a_welcome_in_between() -> None:
    bench = Bench(started=False)
    bench.gateway.orders = OUT
    seen = set()
    for _ in range(8):
        bench.kiosk.tick()
        seen.add(bench.kiosk.frame.screen)
    assert seen == {Screen.OUT_OF_SERVICE}
    assert WORDS.vi in texts_of(bench.kiosk.frame)


def test_no_number_is_given_by_a_machine_that_was_taken_away(bench: Bench) -> None:
    bench.gateway.orders = OUT
    bench.wait(31)
    bench.gateway.down = True
    bench.wait(5)
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView)
    assert "number" not in {choice.action.name for choice in offered(bench.kiosk.frame)}
    assert WORDS.vi in texts_of(bench.kiosk.frame)


def begun_anew_alone(journal: Path) -> Bench:
    """The process begins while the server is away; numbers were granted before."""
    bench = Bench(started=False, journal=CommandJournalFile(journal))
    bench.offline.fetch_grant("Asia/Ho_Chi_Minh")
    bench.gateway.down = True
    bench.wait(5)
    return bench


def offers_numbers(bench: Bench) -> bool:
    return "number" in {choice.action.name for choice in offered(bench.kiosk.frame)}


def test_nor_after_a_restart_while_the_server_is_away(tmp_path: Path) -> None:
    journal = tmp_path / "commands"
    assert offers_numbers(begun_anew_alone(journal))

    bench = Bench(journal=CommandJournalFile(journal))
    bench.gateway.orders = OUT
    bench.wait(31)
    anew = begun_anew_alone(journal)
    assert WORDS.vi in texts_of(anew.kiosk.frame)
    assert not offers_numbers(anew)

    anew.gateway.down = False
    anew.gateway.orders = IN
    anew.wait(5)
    shows(anew, Screen.WELCOME)
    assert offers_numbers(begun_anew_alone(journal))


def test_words_the_disk_did_not_take_are_kept_with_the_next_beat(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    bench = Bench(journal=CommandJournalFile(folder / "commands"))
    bench.gateway.orders = OUT
    bench.wait(31)
    shows(bench, Screen.OUT_OF_SERVICE)
    folder.mkdir()
    bench.wait(31)
    assert CommandJournalFile(folder / "commands").find_out_words() == WORDS


def test_it_still_beats_and_hears_while_out_of_service(bench: Bench) -> None:
    bench.gateway.orders = OUT
    bench.wait(31)
    before = len(bench.gateway.kiosk_reports)
    bench.wait(61)
    assert len(bench.gateway.kiosk_reports) >= before + 2


def test_a_server_that_knows_no_orders_gives_none() -> None:
    bench = Bench(started=False)
    bench.gateway.refusals["beat"] = "not_found"
    bench.settle()
    shows(bench, Screen.WELCOME)


def test_an_answer_that_cannot_be_read_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be the one that says: out of service."""
    bench = Bench(started=False)
    bench.gateway.orders = OUT

    def fail(_report: object = None) -> KioskOrders:
        raise ReplyUnreadable

    with monkeypatch.context() as patch:
        patch.setattr(bench.gateway, "beat", fail)
        bench.wait(31)
        shows(bench, Screen.OUT_OF_SERVICE)
    bench.wait(5)
    shows(bench, Screen.OUT_OF_SERVICE)
    assert WORDS.vi in texts_of(bench.kiosk.frame)


def test_what_this_release_does_not_know_is_refused_and_the_rest_done(bench: Bench) -> None:
    bench.gateway.orders = OUT
    bench.gateway.order("d1", "dance")
    bench.gateway.order("l1", "send_logs")
    bench.wait(31)
    shows(bench, Screen.OUT_OF_SERVICE)
    assert result_of(bench, "d1") == CommandResult(state="refused", reason="not_known")
    assert result_of(bench, "l1").state == "done"


def test_help_can_be_called_from_it(bench: Bench) -> None:
    bench.gateway.orders = OUT
    bench.wait(31)
    touch(bench, "help")
    shows(bench, Screen.HELP)


# --- restart ------------------------------------------------------------------------------------------


def test_a_restart_is_done_once_even_though_the_order_comes_again(tmp_path: Path) -> None:
    journal = tmp_path / "commands"
    bench = Bench(journal=CommandJournalFile(journal))
    bench.gateway.order("r1", "restart")
    bench.wait(31)
    assert bench.kiosk.wants_restart
    assert "r1" not in bench.gateway.command_results

    anew = Bench(started=False, journal=CommandJournalFile(journal))
    anew.gateway.orders = bench.gateway.orders
    anew.wait(22)
    assert not anew.kiosk.wants_restart
    assert result_of(anew, "r1").state == "done"


def test_a_restart_waits_for_whoever_is_in_the_middle(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    bench.gateway.order("r1", "restart")
    bench.wait(31)
    assert not bench.kiosk.wants_restart
    walk(bench, [(Screen.SUMMARY, "confirm"), (Screen.DONE, "finish")])
    bench.wait(31)
    assert bench.kiosk.wants_restart


def test_somebody_who_came_meanwhile_finishes_before_it_restarts(bench: Bench) -> None:
    bench.gateway.order("r1", "restart")
    bench.wait(31)
    walk(bench, TO_SCAN)
    assert not bench.kiosk.wants_restart
    touch(bench, "finish")
    assert bench.kiosk.wants_restart


def test_a_disk_that_takes_no_note_refuses_the_restart(tmp_path: Path) -> None:
    """Without the note it would restart again and again."""
    bench = Bench(journal=CommandJournalFile(tmp_path / "gone" / "commands"))
    bench.gateway.order("r1", "restart")
    bench.wait(31)
    assert not bench.kiosk.wants_restart
    assert result_of(bench, "r1") == CommandResult(state="failed", reason="disk")


# --- test print ---------------------------------------------------------------------------------------


def test_a_test_page_is_printed_once_with_what_a_technician_looks_for(bench: Bench) -> None:
    bench.printer.printer_state = PrinterState.PAPER_NEAR_END
    bench.gateway.order("p1", "test_print")
    bench.wait(25)
    [page] = bench.printer.test_pages
    assert page.room == "Kiosk 1"
    assert "Ẵ" in page.next
    assert page.notes == ["Giấy: sắp hết, mời thay cuộn"]
    assert 0 <= (bench.time.now() - page.issued_at).total_seconds() <= 25
    assert result_of(bench, "p1").state == "done"
    assert bench.printer.tickets == []


def test_a_printer_in_trouble_is_said(bench: Bench) -> None:
    bench.printer.ends, bench.printer.reason = PrintState.FAILED, PrintReason.PAPER_END
    bench.gateway.order("p1", "test_print")
    bench.wait(31)
    assert result_of(bench, "p1") == CommandResult(state="failed", reason="paper_end")


def test_a_test_page_does_not_come_between_a_patient_and_the_ticket(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    bench.gateway.order("p1", "test_print")
    bench.wait(31)
    assert bench.printer.test_pages == []


# --- picture ------------------------------------------------------------------------------------------


def take(bench: Bench) -> None:
    """As the window does when it is asked."""
    if bench.kiosk.wants_picture:
        bench.kiosk.take_picture(lambda: b"\x89PNG of " + bench.kiosk.frame.screen.encode())
    bench.settle()


@pytest.mark.parametrize("orders", [IN, OUT])
def test_a_picture_of_a_screen_that_holds_nobody(bench: Bench, orders: KioskOrders) -> None:
    bench.gateway.orders = orders
    bench.wait(31)
    bench.gateway.order("t1", "take_picture")
    bench.wait(31)
    take(bench)
    attached = result_of(bench, "t1").attachment_base64
    assert attached is not None
    assert base64.b64decode(attached).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "screen", [screen for screen in Screen if screen not in {Screen.WELCOME, Screen.OUT_OF_SERVICE}]
)
def test_nothing_else_is_ever_pictured(screen: Screen) -> None:
    from tests.flows.test_every_screen import at  # the ways to all screens are long

    bench = at(screen)
    bench.gateway.down = False
    bench.gateway.order("t1", "take_picture")
    while "t1" not in bench.gateway.command_results and bench.kiosk.frame.screen == screen:
        assert not bench.kiosk.wants_picture
        bench.worker.held = False
        bench.wait(1)
    if bench.kiosk.frame.screen == screen:
        assert result_of(bench, "t1") == CommandResult(state="refused", reason="visit_open")


def test_somebody_who_comes_before_it_was_taken_is_not_on_it(bench: Bench) -> None:
    bench.gateway.order("t1", "take_picture")
    bench.wait(31)
    assert bench.kiosk.wants_picture
    walk(bench, TO_SCAN)
    assert not bench.kiosk.wants_picture
    bench.settle()
    assert result_of(bench, "t1") == CommandResult(state="refused", reason="visit_open")
    touch(bench, "finish")
    assert not bench.kiosk.wants_picture


def test_a_picture_too_large_is_said_not_sent(bench: Bench) -> None:
    bench.gateway.order("t1", "take_picture")
    bench.wait(31)
    bench.kiosk.take_picture(lambda: bytes(MOST_ATTACHED_BYTES + 1))
    bench.settle()
    assert result_of(bench, "t1") == CommandResult(state="failed", reason="too_large")


# --- logs, and the server away ------------------------------------------------------------------------


def test_logs_are_sent_while_somebody_is_served(bench: Bench) -> None:
    walk(bench, TO_SCAN)
    bench.gateway.order("l1", "send_logs")
    bench.wait(31)
    attached = result_of(bench, "l1").attachment_base64
    assert attached is not None
    assert base64.b64decode(attached) == b"packed log"


def test_an_answer_is_said_again_until_it_was_heard(bench: Bench) -> None:
    bench.gateway.order("p1", "test_print")
    bench.gateway.refusals["tell_command"] = "server_busy"
    bench.wait(31)
    assert "p1" not in bench.gateway.command_results
    bench.wait(31)
    assert result_of(bench, "p1").state == "done"
    assert len(bench.printer.test_pages) == 1


def test_an_answer_survives_a_restart(tmp_path: Path) -> None:
    """Printed, then the power went before the server heard of it."""
    journal = tmp_path / "commands"
    bench = Bench(journal=CommandJournalFile(journal))
    bench.gateway.order("p1", "test_print")
    bench.gateway.refusals["tell_command"] = "server_busy"
    bench.wait(31)

    anew = Bench(started=False, journal=CommandJournalFile(journal))
    anew.gateway.orders = bench.gateway.orders
    anew.settle()
    assert result_of(anew, "p1").state == "done"
    assert anew.printer.test_pages == []


def test_what_breaks_is_answered_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> bytes:
        raise PermissionError

    monkeypatch.setattr(bench.log, "pack", fail)
    bench.gateway.order("l1", "send_logs")
    bench.wait(31)
    assert result_of(bench, "l1") == CommandResult(state="failed", reason="disk")
