"""The ways through that do not go well: each ends with a sentence and a way on."""

from __future__ import annotations

import gc
from types import CellType, FunctionType

import numpy as np
import pytest

from devices.models import PrinterState, PrintReason, PrintState, ScannerState
from kiosk_ui.flow import Screen
from kiosk_ui.gateway import models
from kiosk_ui.gateway.fake import PERSON
from kiosk_ui.gateway.models import CoverageOutcome, Question, ScanOutcome
from kiosk_ui.presenters.views import (
    Action,
    CardView,
    KeypadView,
    MessageView,
    ScanView,
    TicketView,
)
from tests.flows.stand_ins import Bench
from tests.flows.steps import (
    TO_DEPARTMENT,
    TO_SCAN,
    TO_SUMMARY,
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


# --- codes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "E_UNKNOWN_QR",
        "E_QR_IS_URL",
        "E_QR_IS_PAYMENT",
        "E_TRUNCATED",
        "E_DOUBLE_SCAN",
        "E_CHARSET_GARBLED",
        "E_CHARSET_LOSSY",
        "E_TOO_LONG",
        "E_CONTROL_CHARS",
        "E_SOMETHING_NEW",
    ],
)
def test_a_code_that_cannot_be_used_gets_a_sentence_and_another_try(
    bench: Bench, code: str
) -> None:
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan", code)])
    view = bench.kiosk.frame.view
    assert isinstance(view, ScanView)
    assert view.problem is not None
    assert not view.busy
    hold_up(bench, b"invented payload")
    shows(bench, Screen.CONFIRM_IDENTITY)


def test_an_oversized_code_is_not_even_sent(bench: Bench) -> None:
    walk(bench, TO_SCAN)
    hold_up(bench, b"x" * 1_000_000)
    assert bench.gateway.scans == []
    view = bench.kiosk.frame.view
    assert isinstance(view, ScanView)
    assert view.problem is not None


def test_text_of_a_code_is_never_shown(bench: Bench) -> None:
    bench.gateway.refusals["scan"] = "E_UNKNOWN_QR"
    walk(bench, TO_SCAN)
    hold_up(bench, b"[b]EVIL[/b] <script>")
    assert not [text for text in texts_of(bench.kiosk.frame) if "EVIL" in text]


def test_a_second_code_while_the_first_is_asked_is_ignored(bench: Bench) -> None:
    walk(bench, TO_SCAN)
    bench.worker.held = True
    hold_up(bench)
    hold_up(bench, b"another")
    bench.wait(0.25)
    view = bench.kiosk.frame.view
    assert isinstance(view, ScanView)
    assert view.busy
    bench.worker.held = False
    bench.settle()
    assert len(bench.gateway.scans) == 1


def test_the_picture_that_was_read_stays_until_the_answer(bench: Bench) -> None:
    """And the screen with it, for a blink: a word about reading would flash by."""
    picture = np.zeros((4, 4), dtype=np.uint8)
    bench.scanner.picture = picture
    walk(bench, TO_SCAN)
    assert bench.kiosk.latest_picture() is picture
    before = bench.kiosk.frame
    bench.worker.held = True
    hold_up(bench)
    assert bench.kiosk.frame is before
    assert bench.kiosk.comes_at_once
    assert bench.kiosk.latest_picture() is None
    bench.wait(0.25)
    assert not bench.kiosk.comes_at_once
    bench.worker.held = False
    bench.settle()
    shows(bench, Screen.CONFIRM_IDENTITY)


def test_a_code_held_up_on_another_screen_is_not_read(bench: Bench) -> None:
    walk(bench, TO_DEPARTMENT)
    hold_up(bench)
    shows(bench, Screen.DEPARTMENT)
    assert len(bench.gateway.scans) == 1


def test_without_a_camera_the_keypad_is_offered_and_the_camera_returns(bench: Bench) -> None:
    bench.scanner.state = ScannerState.ABSENT
    walk(bench, TO_SCAN)
    view = bench.kiosk.frame.view
    assert isinstance(view, ScanView)
    assert not view.camera
    assert bench.kiosk.frame.chrome.notice is not None
    touch(bench, "type")
    touch(bench, "back")
    bench.scanner.state = ScannerState.READY
    bench.wait(1)
    view = bench.kiosk.frame.view
    assert isinstance(view, ScanView)
    assert view.camera
    states = [(event.device, event.state) for event in bench.gateway.device_events]
    assert states == [("scanner", "absent"), ("scanner", "ready")]


def test_a_state_an_older_server_does_not_know_is_told_once(bench: Bench) -> None:
    bench.gateway.refusals["report_device"] = "validation_failed"
    bench.printer.printer_state = PrinterState.COVER_OPEN
    bench.wait(5)
    assert bench.gateway.calls.count("report_device") == 1
    assert bench.gateway.device_events == []
    bench.printer.printer_state = PrinterState.READY
    bench.wait(5)
    assert [event.state for event in bench.gateway.device_events] == ["ready"]


# --- typed numbers ------------------------------------------------------------------------------------


def test_a_short_number_is_not_sent(bench: Bench) -> None:
    walk(bench, [*TO_SCAN, (Screen.SCAN, "type"), (Screen.TYPED_NUMBER, "digits", "0790")])
    view = bench.kiosk.frame.view
    assert isinstance(view, KeypadView)
    assert view.problem is not None
    assert view.entry == "079 0"
    assert bench.gateway.scans == []


@pytest.mark.parametrize("wrong", ["31022000", "12", "01011850", "01013000"])
def test_a_day_that_never_was_is_asked_again(bench: Bench, wrong: str) -> None:
    walk(
        bench,
        [
            *TO_SCAN,
            (Screen.SCAN, "type"),
            (Screen.TYPED_NUMBER, "digits", "079085000000"),
            (Screen.TYPED_BIRTH_DATE, "digits", wrong),
        ],
    )
    view = bench.kiosk.frame.view
    assert isinstance(view, KeypadView)
    assert view.problem is not None
    assert len(bench.gateway.scans) == 1


def test_a_number_of_two_kinds_is_typed_again(bench: Bench) -> None:
    bench.gateway.refusals["scan"] = "E_ID_LENGTH"
    walk(bench, [*TO_SCAN, (Screen.SCAN, "type"), (Screen.TYPED_NUMBER, "digits", "0790850000")])
    view = bench.kiosk.frame.view
    assert isinstance(view, KeypadView)
    assert view.problem is not None
    touch(bench, "clear")
    type_in(bench, "079085000000")
    shows(bench, Screen.TYPED_BIRTH_DATE)


def test_an_unknown_number_leads_to_staff_and_tells_nothing(bench: Bench) -> None:
    walk(
        bench,
        [*TO_SCAN, (Screen.SCAN, "type"), (Screen.TYPED_NUMBER, "digits", "079085000000")],
    )
    bench.gateway.scan_reply = bench.gateway.reply(
        outcome=ScanOutcome.SEE_STAFF, person=None, ask=[]
    )
    type_in(bench, "12041985")
    shows(bench, Screen.TROUBLE)
    assert Action("help") in [choice.action for choice in offered(bench.kiosk.frame)]


# --- who it is -----------------------------------------------------------------------------------------


def test_not_me_forgets_the_person_and_scans_again(bench: Bench) -> None:
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan"), (Screen.CONFIRM_IDENTITY, "no")])
    shows(bench, Screen.SCAN)
    assert names_held(bench) == []


def test_the_name_fades_after_half_a_minute_and_comes_back_at_a_touch(bench: Bench) -> None:
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan")])
    assert PERSON.full_name in texts_of(bench.kiosk.frame)
    bench.wait(31)
    assert PERSON.full_name not in texts_of(bench.kiosk.frame)
    assert PERSON.masked_name in texts_of(bench.kiosk.frame)
    touch(bench, "reveal")
    assert PERSON.full_name in texts_of(bench.kiosk.frame)


@pytest.mark.parametrize("outcome", list(CoverageOutcome))
def test_no_answer_of_the_insurance_stops_anybody(bench: Bench, outcome: CoverageOutcome) -> None:
    bench.gateway.scan_reply = bench.gateway.reply(
        coverage=models.CoverageReply(
            outcome=outcome, provisional=True, valid_to=None, registered_here=None
        )
    )
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm")])
    shows(bench, Screen.DONE)


def test_insurance_not_wanted(bench: Bench) -> None:
    walk(
        bench,
        [
            *TO_SCAN,
            (Screen.SCAN, "scan"),
            (Screen.CONFIRM_IDENTITY, "yes"),
            (Screen.INSURANCE, "without"),
            (Screen.VISIT_KIND, "kind", "new"),
            (Screen.DEPARTMENT, "department", "eyes"),
            (Screen.PRIORITY, "group", ""),
            (Screen.SUMMARY, "confirm"),
        ],
    )
    request = bench.gateway.visit_requests[0]
    assert isinstance(request, models.VisitRequest)
    assert not request.use_insurance


def test_notice_refused_leads_to_the_desk_and_nothing_is_asked(bench: Bench) -> None:
    walk(bench, [(Screen.WELCOME, "start", "visit"), (Screen.NOTICE, "no")])
    shows(bench, Screen.TROUBLE)
    assert bench.gateway.scans == []
    touch(bench, "back")
    shows(bench, Screen.NOTICE)


# --- my ticket ------------------------------------------------------------------------------------------


def test_the_same_card_prints_the_same_ticket(bench: Bench) -> None:
    bench.gateway.existing = bench.gateway.visit()
    bench.gateway.scan_reply = bench.gateway.reply(
        visits=[bench.gateway.existing],
        ask=[Question.CONFIRM, Question.EXISTING, Question.SERVICE, Question.SUMMARY],
    )
    walk(
        bench,
        [
            *TO_SCAN,
            (Screen.SCAN, "scan"),
            (Screen.CONFIRM_IDENTITY, "yes"),
            (Screen.EXISTING_VISIT, "ticket", bench.gateway.existing.id),
            (Screen.MY_TICKET, "reprint"),
        ],
    )
    shows(bench, Screen.DONE)
    assert [ticket.number for ticket in bench.printer.tickets] == ["A001"]
    assert bench.gateway.numbers_given == 1


def ticket_scanned(bench: Bench) -> None:
    held = bench.gateway.visit()
    bench.gateway.scan_reply = bench.gateway.reply(
        outcome=ScanOutcome.TICKET, person=None, coverage=None, visits=[held], ask=[]
    )
    walk(
        bench,
        [(Screen.WELCOME, "start", "ticket"), (Screen.NOTICE, "yes"), (Screen.SCAN, "scan")],
    )
    shows(bench, Screen.MY_TICKET)


def test_change_the_service_with_the_ticket(bench: Bench) -> None:
    ticket_scanned(bench)
    walk(
        bench,
        [
            (Screen.MY_TICKET, "change"),
            (Screen.DEPARTMENT, "department", "eyes"),
            (Screen.SUMMARY, "confirm"),
        ],
    )
    shows(bench, Screen.DONE)
    assert [type(request) for request in bench.gateway.visit_requests] == [models.ChangeRequest]


def test_cancel_asks_once_more(bench: Bench) -> None:
    ticket_scanned(bench)
    walk(bench, [(Screen.MY_TICKET, "cancel"), (Screen.CANCEL_VISIT, "back")])
    assert "cancel_visit" not in bench.gateway.calls
    walk(bench, [(Screen.MY_TICKET, "cancel"), (Screen.CANCEL_VISIT, "give_back")])
    shows(bench, Screen.CANCELLED)
    assert bench.printer.jobs == []


def test_what_the_server_does_not_allow_is_not_offered(bench: Bench) -> None:
    held = bench.gateway.visit().model_copy(update={"actions": ["reprint"]})
    bench.gateway.scan_reply = bench.gateway.reply(
        outcome=ScanOutcome.TICKET, person=None, visits=[held], ask=[]
    )
    walk(
        bench,
        [(Screen.WELCOME, "start", "ticket"), (Screen.NOTICE, "yes"), (Screen.SCAN, "scan")],
    )
    bench.kiosk.act(Action("cancel"))
    bench.settle()
    shows(bench, Screen.MY_TICKET)


# --- the server ------------------------------------------------------------------------------------------


def test_server_away_at_the_start_is_said_within_three_seconds_and_ends_by_itself(
    bench: Bench,
) -> None:
    bench.gateway.down = True
    bench.wait(3)
    shows(bench, Screen.OUT_OF_SERVICE)
    touch(bench, "help")
    shows(bench, Screen.HELP)
    touch(bench, "close")
    bench.gateway.down = False
    bench.wait(2.5)
    shows(bench, Screen.WELCOME)


def test_before_the_server_was_heard_no_visit_begins() -> None:
    bench = Bench(started=False)
    shows(bench, Screen.OUT_OF_SERVICE)
    bench.gateway.enrolled = False
    bench.settle()
    shows(bench, Screen.OUT_OF_SERVICE)
    bench.gateway.enrolled = True
    bench.wait(2.5)
    shows(bench, Screen.WELCOME)


@pytest.mark.parametrize("lost", [1, 2, 5])
def test_server_lost_while_taking_the_number_gives_one_number(bench: Bench, lost: int) -> None:
    walk(bench, TO_SUMMARY)
    bench.gateway.lose_replies = lost
    touch(bench, "confirm")
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView)
    assert view.title.key == "busy.reconnecting"
    bench.wait(lost + 1)
    shows(bench, Screen.DONE)
    assert bench.gateway.numbers_given == 1
    assert len(bench.printer.jobs) == 1


def test_server_killed_in_the_middle_of_a_visit(bench: Bench) -> None:
    """Nobody is thrown out; the question is repeated until it is answered."""
    walk(bench, TO_SUMMARY)
    bench.gateway.down = True
    touch(bench, "confirm")
    bench.wait(20)
    shows(bench, Screen.PRINTING)
    assert bench.kiosk.frame.chrome.offline
    bench.gateway.down = False
    bench.wait(2.5)
    shows(bench, Screen.DONE)
    assert not bench.kiosk.frame.chrome.offline
    assert bench.gateway.numbers_given == 1


def test_two_touches_are_one_number(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    bench.worker.held = True
    bench.kiosk.act(Action("confirm"))
    bench.kiosk.act(Action("confirm"))
    bench.worker.held = False
    bench.settle()
    assert bench.gateway.numbers_given == 1
    assert bench.gateway.calls.count("start_visit") == 1


def test_an_answer_for_a_patient_who_left_is_dropped(bench: Bench) -> None:
    walk(bench, TO_SCAN)
    bench.worker.held = True
    hold_up(bench)
    bench.kiosk.act(Action("finish"))
    bench.worker.held = False
    bench.settle()
    shows(bench, Screen.WELCOME)
    assert names_held(bench) == []


def test_going_back_drops_the_answer_too(bench: Bench) -> None:
    walk(bench, TO_SCAN)
    bench.worker.held = True
    hold_up(bench)
    bench.kiosk.act(Action("back"))
    bench.worker.held = False
    bench.settle()
    shows(bench, Screen.NOTICE)


def test_a_slow_answer_shows_that_the_kiosk_is_busy(bench: Bench) -> None:
    walk(bench, TO_DEPARTMENT[:-1])
    bench.worker.held = True
    touch(bench, "kind", "new")
    bench.wait(1)
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView)
    assert view.busy
    bench.worker.held = False
    bench.settle()
    shows(bench, Screen.DEPARTMENT)


@pytest.mark.parametrize("problem", ["service_full", "slot_taken", "service_closed"])
def test_taken_by_somebody_else_meanwhile(bench: Bench, problem: str) -> None:
    walk(bench, TO_SUMMARY)
    bench.gateway.refusals["start_visit"] = problem
    walk(
        bench,
        [
            (Screen.SUMMARY, "confirm"),
            (Screen.TROUBLE, "again"),
            (Screen.DEPARTMENT, "department", "internal"),
            (Screen.SERVICE, "service", "internal-1"),
            (Screen.PRIORITY, "group", ""),
            (Screen.SUMMARY, "confirm"),
        ],
    )
    shows(bench, Screen.DONE)


def test_a_scan_that_expired_is_made_again(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    bench.gateway.refusals["start_visit"] = "scan_expired"
    walk(bench, [(Screen.SUMMARY, "confirm"), (Screen.TROUBLE, "again"), (Screen.SCAN, "scan")])
    shows(bench, Screen.CONFIRM_IDENTITY)


def test_a_fault_of_our_own_does_not_stop_the_kiosk(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_request: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(bench.gateway, "scan", broken)
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan")])
    shows(bench, Screen.TROUBLE)


# --- the printer ------------------------------------------------------------------------------------------


def done_view(bench: Bench) -> TicketView:
    view = bench.kiosk.frame.view
    assert isinstance(view, TicketView)
    return view


def test_out_of_paper_leaves_the_number_on_the_screen_and_tells_staff(bench: Bench) -> None:
    bench.printer.ends, bench.printer.reason = PrintState.FAILED, PrintReason.PAPER_END
    bench.printer.printer_state = PrinterState.PAPER_END
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm")])
    view = done_view(bench)
    assert (view.number, view.printed) == ("A001", False)
    assert view.qr
    assert view.problem is not None
    assert view.problem.key == "print.no_paper"
    bench.wait(2)
    events = [(event.device, event.state) for event in bench.gateway.device_events]
    assert events == [("printer", "paper_end")]
    assert [(report.state, report.reason) for report in bench.reports.requests] == [
        ("failed", "paper_end")
    ]


def test_a_printer_in_trouble_is_said_at_the_start(bench: Bench) -> None:
    bench.printer.printer_state = PrinterState.UNREACHABLE
    bench.wait(1)
    notice = bench.kiosk.frame.chrome.notice
    assert notice is not None
    assert notice.key == "line.printer"


@pytest.mark.parametrize("end", [PrintState.UNCONFIRMED, PrintState.UNKNOWN])
def test_one_reprint_when_nobody_knows_whether_it_printed(bench: Bench, end: PrintState) -> None:
    bench.printer.ends = end
    walk(bench, [*TO_SUMMARY, (Screen.SUMMARY, "confirm"), (Screen.DONE, "reprint")])
    shows(bench, Screen.DONE)
    assert len(set(bench.printer.jobs)) == 2
    assert Action("reprint") not in [choice.action for choice in offered(bench.kiosk.frame)]
    bench.kiosk.act(Action("reprint"))
    bench.settle()
    assert len(bench.printer.jobs) == 2


def test_a_printer_that_does_not_answer_keeps_nobody_from_the_number(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    bench.kiosk.act(Action("confirm"))
    bench.kiosk.tick()
    bench.worker.held = True
    bench.wait(9)
    view = done_view(bench)
    assert view.problem is not None
    assert view.problem.key == "print.still"
    bench.worker.held = False
    bench.settle()
    assert done_view(bench).printed


# --- help ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["help", "emergency"])
def test_staff_are_coming_only_when_they_said_so(bench: Bench, kind: str) -> None:
    walk(bench, TO_DEPARTMENT)
    bench.worker.held = True
    bench.kiosk.act(Action(kind))
    seen = [title(bench)]
    bench.worker.held = False
    bench.settle()
    seen.append(title(bench))
    bench.wait(6)
    seen.append(title(bench))
    bench.gateway.acknowledge_help = True
    bench.wait(3)
    seen.append(title(bench))
    assert seen == [f"{kind}.sending", f"{kind}.waiting", f"{kind}.waiting", f"{kind}.coming"]
    touch(bench, "close")
    shows(bench, Screen.DEPARTMENT)
    assert len(bench.gateway.help_calls) == 1


def title(bench: Bench) -> str:
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView)
    return view.title.key


@pytest.mark.parametrize("kind", ["help", "emergency"])
def test_a_call_that_did_not_get_through_is_said_and_repeated(bench: Bench, kind: str) -> None:
    bench.gateway.down = True
    touch(bench, kind)
    assert title(bench) == f"{kind}.failed"
    assert any("0200 000 115" in text for text in texts_of(bench.kiosk.frame))
    bench.gateway.down = False
    bench.wait(3)
    assert title(bench) == f"{kind}.waiting"


def test_a_call_says_what_was_chosen_so_far(bench: Bench) -> None:
    """Staff go on at this very step."""
    walk(bench, TO_SUMMARY)
    touch(bench, "help")
    request = bench.gateway.help_requests[-1]
    assert request.screen == "summary"
    assert request.scan_id is not None
    assert request.chosen is not None
    assert request.chosen.service_id is not None
    assert request.chosen.visit_kind is not None


def test_a_call_before_any_scan_says_nothing_of_choices(bench: Bench) -> None:
    touch(bench, "help")
    assert bench.gateway.help_requests[-1].chosen is None


def test_the_visit_goes_on_under_a_call_for_help(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    bench.worker.held = True
    bench.kiosk.act(Action("confirm"))
    bench.kiosk.act(Action("help"))
    bench.worker.held = False
    bench.settle()
    shows(bench, Screen.HELP)
    touch(bench, "close")
    shows(bench, Screen.DONE)


# --- idle, end, forgetting ----------------------------------------------------------------------------------


def test_idle_counts_down_and_forgets(bench: Bench) -> None:
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan")])
    bench.wait(44)
    assert bench.kiosk.frame.idle is None
    bench.wait(2)
    idle = bench.kiosk.frame.idle
    assert idle is not None
    assert idle.seconds_left == 19
    bench.wait(20)
    shows(bench, Screen.WELCOME)
    assert names_held(bench) == []


def test_more_time_as_often_as_needed(bench: Bench) -> None:
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan")])
    for _ in range(12):
        bench.wait(50)
        touch(bench, "more_time")
    shows(bench, Screen.CONFIRM_IDENTITY)


def test_scan_screen_without_anybody_returns_to_the_start(bench: Bench) -> None:
    walk(bench, TO_SCAN)
    assert not bench.scanner.paused
    bench.wait(46)
    shows(bench, Screen.WELCOME)
    assert bench.scanner.paused


@pytest.mark.parametrize("deed", ["finish", "idle"])
def test_the_next_patient_finds_the_start_as_it_always_is(bench: Bench, deed: str) -> None:
    first = bench.kiosk.frame
    walk(
        bench,
        [
            (Screen.WELCOME, "language", "en"),
            (Screen.WELCOME, "large_text"),
            (Screen.WELCOME, "lowered"),
            *TO_SUMMARY,
            (Screen.SUMMARY, "confirm"),
        ],
    )
    if deed == "finish":
        touch(bench, "finish")
    else:
        bench.wait(70)
    after = bench.kiosk.frame
    assert (after.screen, after.view) == (first.screen, first.view)
    assert (after.chrome.language, after.chrome.large_text, after.chrome.lowered) == (
        "vi",
        False,
        False,
    )
    assert names_held(bench) == []


def names_held(bench: Bench) -> list[str]:
    """Texts with the patient's name that can be reached from the kiosk."""
    bench.settle()
    # The stand-in server and printer remember on purpose; they are not the kiosk.
    seen: set[int] = {id(bench.gateway), id(bench.printer), id(bench.reports), id(bench)}
    reachable: list[object] = [vars(bench.kiosk), bench.worker]
    found = []
    while reachable:
        item = reachable.pop()
        if id(item) in seen or isinstance(item, type) or type(item).__name__ == "module":
            continue
        seen.add(id(item))
        if isinstance(item, str):
            if PERSON.full_name in item or PERSON.masked_name in item:
                found.append(item)
            continue
        if isinstance(item, FunctionType):
            reachable.extend(
                cell.cell_contents for cell in item.__closure__ or () if cell_is_filled(cell)
            )
            continue
        reachable.extend(gc.get_referents(item))
    return found


def cell_is_filled(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def test_the_search_for_names_finds_one(bench: Bench) -> None:
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan")])
    assert names_held(bench)
    view = bench.kiosk.frame.view
    assert isinstance(view, CardView)
