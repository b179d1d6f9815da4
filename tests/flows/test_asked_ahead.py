"""What is asked while a finger is still down: used once, while fresh, for the same question only."""

from __future__ import annotations

import pytest

from kiosk_ui.flow import Screen
from kiosk_ui.presenters.context import FRESH_S
from kiosk_ui.presenters.views import Action, ChoiceView, MessageView
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_DEPARTMENT, TO_SCAN, TO_SUMMARY, shows, walk

TO_KIND = TO_DEPARTMENT[:-1]
TO_SERVICE = (*TO_DEPARTMENT, (Screen.DEPARTMENT, "department", "internal"))
TO_DOCTOR = (*TO_SERVICE, (Screen.SERVICE, "service", "internal-2"))
NEW, UNSURE = Action("kind", "new"), Action("kind", "unsure")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def asked(bench: Bench, call: str) -> int:
    return bench.gateway.calls.count(call)


def offered(bench: Bench) -> list[str]:
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    return [choice.action.value for choice in view.choices]


def test_the_answer_is_there_when_the_finger_leaves(bench: Bench) -> None:
    walk(bench, TO_KIND)
    bench.kiosk.pressed(NEW)
    bench.settle()
    assert asked(bench, "list_services") == 1
    shows(bench, Screen.VISIT_KIND)
    bench.kiosk.act(NEW)
    shows(bench, Screen.DEPARTMENT)
    assert offered(bench)
    bench.settle()
    assert asked(bench, "list_services") == 1


def test_an_answer_on_its_way_is_waited_for_and_not_asked_twice(bench: Bench) -> None:
    walk(bench, TO_KIND)
    bench.worker.held = True
    bench.kiosk.pressed(NEW)
    bench.kiosk.act(NEW)
    bench.settle()
    shows(bench, Screen.VISIT_KIND)
    bench.worker.held = False
    bench.settle()
    shows(bench, Screen.DEPARTMENT)
    assert asked(bench, "list_services") == 1


@pytest.mark.parametrize(
    ("way", "action", "call"),
    [
        (TO_KIND, NEW, "list_services"),
        (TO_SERVICE, Action("service", "internal-2"), "list_doctors"),
        (TO_DOCTOR, Action("doctor", ""), "list_slots"),
        (TO_DOCTOR, Action("doctor", "doctor-1"), "list_slots"),
    ],
)
def test_each_list_is_asked_for_once(
    bench: Bench, way: tuple[tuple[Screen, str, str], ...], action: Action, call: str
) -> None:
    walk(bench, way)
    before = asked(bench, call)
    bench.kiosk.pressed(action)
    bench.settle()
    assert asked(bench, call) == before + 1
    bench.kiosk.act(action)
    bench.settle()
    assert asked(bench, call) == before + 1
    assert offered(bench)


def test_a_stale_answer_is_asked_for_again(bench: Bench) -> None:
    walk(bench, TO_KIND)
    bench.kiosk.pressed(NEW)
    bench.wait(FRESH_S + 0.25)
    bench.gateway.services = bench.gateway.services[:1]
    bench.kiosk.act(NEW)
    bench.settle()
    assert asked(bench, "list_services") == 2


def test_a_failure_ahead_is_nobodys_and_the_screen_asks_itself(bench: Bench) -> None:
    walk(bench, TO_KIND)
    bench.gateway.refusals["list_services"] = "rate_limited"
    bench.kiosk.pressed(NEW)
    bench.settle()
    shows(bench, Screen.VISIT_KIND)
    bench.kiosk.act(NEW)
    bench.settle()
    shows(bench, Screen.DEPARTMENT)
    assert offered(bench)


def test_a_failure_on_its_way_is_made_good(bench: Bench) -> None:
    walk(bench, TO_KIND)
    bench.gateway.down = True
    bench.kiosk.pressed(NEW)
    bench.kiosk.act(NEW)
    bench.wait(0.5)
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView)
    assert view.title.key == "busy.reconnecting"
    bench.gateway.down = False
    bench.wait(2)
    shows(bench, Screen.DEPARTMENT)
    assert offered(bench)


def test_the_answer_for_another_choice_is_not_shown(bench: Bench) -> None:
    walk(bench, TO_KIND)
    bench.kiosk.pressed(UNSURE)
    bench.settle()
    bench.kiosk.act(NEW)
    bench.settle()
    assert asked(bench, "list_services") == 2
    assert len(offered(bench)) > 1


def test_a_finger_that_slides_off_leads_nowhere(bench: Bench) -> None:
    walk(bench, TO_KIND)
    bench.worker.held = True
    bench.kiosk.pressed(NEW)
    bench.worker.held = False
    bench.settle()
    shows(bench, Screen.VISIT_KIND)


def test_an_answer_counts_once(bench: Bench) -> None:
    """Back and forth: the second time the list is asked for anew."""
    walk(bench, TO_KIND)
    bench.kiosk.pressed(NEW)
    bench.settle()
    bench.kiosk.act(NEW)
    bench.settle()
    bench.kiosk.act(Action("back"))
    bench.kiosk.act(NEW)
    bench.settle()
    shows(bench, Screen.DEPARTMENT)
    assert asked(bench, "list_services") == 2


def test_nothing_asked_for_one_person_is_shown_to_the_next(bench: Bench) -> None:
    walk(bench, TO_KIND)
    bench.worker.held = True
    bench.kiosk.pressed(NEW)
    bench.kiosk.act(NEW)
    bench.kiosk.act(Action("finish"))
    bench.worker.held = False
    bench.settle()
    shows(bench, Screen.WELCOME)
    before = asked(bench, "list_services")
    walk(bench, TO_KIND)
    bench.kiosk.act(NEW)
    bench.settle()
    assert asked(bench, "list_services") == before + 1


def test_the_scan_is_part_of_the_question(bench: Bench) -> None:
    """Not me, somebody else scans: what was asked with the first card does not count."""
    ask = [q for q in bench.gateway.reply().ask if q != "visit_kind"]
    bench.gateway.scan_reply = bench.gateway.reply(ask=ask)
    walk(bench, [*TO_SCAN, (Screen.SCAN, "scan"), (Screen.CONFIRM_IDENTITY, "yes")])
    shows(bench, Screen.INSURANCE)
    bench.kiosk.pressed(Action("next"))
    bench.settle()
    assert asked(bench, "list_services") == 1
    bench.kiosk.act(Action("back"))
    bench.kiosk.act(Action("no"))
    bench.gateway.scan_reply = bench.gateway.reply(ask=ask, scan_id="scan-2")
    walk(bench, [(Screen.SCAN, "scan"), (Screen.CONFIRM_IDENTITY, "yes")])
    bench.kiosk.act(Action("next"))
    bench.settle()
    assert asked(bench, "list_services") == 2


def test_a_finger_down_writes_nothing(bench: Bench) -> None:
    walk(bench, TO_SUMMARY)
    bench.kiosk.pressed(Action("confirm"))
    bench.settle()
    assert asked(bench, "start_visit") == 0
    shows(bench, Screen.SUMMARY)


def test_nothing_is_asked_ahead_under_help(bench: Bench) -> None:
    walk(bench, TO_KIND)
    bench.kiosk.act(Action("help"))
    bench.kiosk.pressed(NEW)
    bench.settle()
    assert asked(bench, "list_services") == 0
