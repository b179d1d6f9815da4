"""The kiosk without its server: numbers for the desk, handed in when the server is back."""

from __future__ import annotations

import pytest

from devices.models import PrintState
from kiosk_ui.flow import Screen
from kiosk_ui.presenters.views import TicketView
from tests.flows.stand_ins import Bench
from tests.flows.steps import offered, shows, touch


@pytest.fixture
def alone() -> Bench:
    """The server went away a moment ago."""
    bench = Bench()
    bench.gateway.down = True
    bench.wait(3)
    shows(bench, Screen.OUT_OF_SERVICE)
    return bench


def names(bench: Bench) -> set[tuple[str, str]]:
    return {(choice.action.name, choice.action.value) for choice in offered(bench.kiosk.frame)}


def ticket_on(bench: Bench) -> TicketView:
    view = bench.kiosk.frame.view
    assert isinstance(view, TicketView)
    return view


def take(bench: Bench, value: str = "") -> str:
    """A number, and back to the start; says the number that was on the glass."""
    touch(bench, "number", value)
    bench.settle()
    shows(bench, Screen.OFFLINE_NUMBER)
    number = ticket_on(bench).number
    touch(bench, "finish")
    bench.settle()
    return number


def test_a_number_is_printed_and_shown(alone: Bench) -> None:
    touch(alone, "number")
    alone.settle()
    shows(alone, Screen.OFFLINE_NUMBER)
    assert [ticket.number for ticket in alone.printer.tickets] == ["ZA001"]
    assert alone.printer.tickets[0].qr == ""


def test_each_patient_gets_the_next_one_in_their_lane(alone: Bench) -> None:
    assert [take(alone), take(alone, "priority"), take(alone)] == ["ZA001", "ZA002", "ZA003"]
    alone.gateway.down = False
    alone.wait(15)
    handed = sorted(alone.gateway.handed_in.values(), key=lambda number: number.number)
    assert [(n.number, n.priority, n.print_state) for n in handed] == [
        (1, False, "printed"),
        (2, True, "printed"),
        (3, False, "printed"),
    ]


def test_in_english_the_ticket_is_english_with_vietnamese_beside_it(alone: Bench) -> None:
    touch(alone, "language", "en")
    touch(alone, "number")
    alone.settle()
    (ticket,) = alone.printer.tickets
    assert ticket.lang == "en"
    assert ticket.vi is not None


def test_the_number_stays_when_the_printer_is_dead(alone: Bench) -> None:
    alone.printer.ends = PrintState.FAILED
    touch(alone, "number")
    alone.settle()
    shows(alone, Screen.OFFLINE_NUMBER)
    assert ticket_on(alone).problem is not None
    assert ("help", "") in names(alone)
    alone.gateway.down = False
    alone.wait(15)
    assert [n.print_state for n in alone.gateway.handed_in.values()] == ["failed"]


def test_lost_answers_hand_in_again_until_it_is_said(alone: Bench) -> None:
    take(alone)
    alone.gateway.down = False
    alone.gateway.lose_replies = 2
    alone.wait(45)
    assert len(alone.gateway.handed_in) == 1
    assert alone.offline.waiting() == 0


def test_the_cap_of_an_hour_sends_people_to_the_desk(alone: Bench) -> None:
    for _ in range(60):
        take(alone)
    assert ("number", "") not in names(alone)
    assert ("help", "") in names(alone)
    alone.wait(3_700)
    assert ("number", "") in names(alone)


def test_a_kiosk_without_a_letter_gives_none() -> None:
    bench = Bench(started=False)
    bench.gateway.grants_numbers = False
    bench.settle()
    bench.gateway.down = True
    bench.wait(3)
    assert ("number", "") not in names(bench)


def test_a_kiosk_that_was_revoked_gives_none(alone: Bench) -> None:
    alone.gateway.down = False
    alone.gateway.enrolled = False
    alone.wait(70)
    shows(alone, Screen.OUT_OF_SERVICE)
    assert ("number", "") not in names(alone)


def test_back_on_line_the_usual_start_comes_by_itself(alone: Bench) -> None:
    touch(alone, "number")
    alone.settle()
    alone.gateway.down = False
    alone.wait(3)
    shows(alone, Screen.OFFLINE_NUMBER)  # nobody is thrown out while reading the number
    touch(alone, "finish")
    alone.settle()
    shows(alone, Screen.WELCOME)


def test_a_double_tap_takes_one_number(alone: Bench) -> None:
    alone.worker.held = True
    touch(alone, "number")
    for choice in offered(alone.kiosk.frame):
        if choice.action.name == "number":
            alone.kiosk.act(choice.action)
    alone.worker.held = False
    alone.settle()
    assert len(alone.printer.tickets) == 1
