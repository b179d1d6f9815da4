"""Where a kiosk stands decides what it offers; what is offered works."""

from __future__ import annotations

import pytest

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.fleet_models import KioskOrders
from kiosk_ui.gateway.models import ScanOutcome, StepState
from kiosk_ui.presenters.views import ChoiceView
from kiosk_ui.presenters.welcome import MENUS
from tests.flows.stand_ins import Bench
from tests.flows.steps import Step, offered, shows, touch, walk


def standing(profile: str, *, pays: bool = True) -> Bench:
    bench = Bench(started=False)
    bench.gateway.settings = bench.gateway.settings.model_copy(update={"pays": pays})
    bench.gateway.orders = KioskOrders(profile=profile)
    bench.settle()
    shows(bench, Screen.WELCOME)
    return bench


def first(bench: Bench) -> str:
    view = bench.kiosk.frame.view
    assert isinstance(view, ChoiceView)
    return view.choices[0].action.value or view.choices[0].action.name


TICKET: tuple[Step, ...] = (
    (Screen.WELCOME, "start", "ticket"),
    (Screen.NOTICE, "yes"),
    (Screen.SCAN, "scan"),
    (Screen.MY_TICKET, "return"),
)


def test_at_the_laboratory_people_look_at_their_number_and_go_back_to_the_line() -> None:
    bench = standing("laboratory")
    assert first(bench) == "ticket"
    bench.gateway.scan_reply = bench.gateway.reply(
        outcome=ScanOutcome.TICKET,
        person=None,
        visits=[bench.gateway.away(StepState.HOLD, "results")],
        ask=[],
    )
    walk(bench, TICKET)
    shows(bench, Screen.RETURNED)


def test_at_the_cashier_paying_comes_first() -> None:
    bench = standing("fees")
    assert first(bench) == "pay"
    walk(bench, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "own")])
    shows(bench, Screen.NOTICE)


def test_at_the_cashier_without_paying_there_is_still_something_to_do() -> None:
    bench = standing("fees", pays=False)
    assert first(bench) == "ticket"
    assert "pay" not in {choice.action.name for choice in offered(bench.kiosk.frame)}


@pytest.mark.parametrize("profile", MENUS)
@pytest.mark.parametrize("pays", [True, False])
def test_whatever_is_offered_leads_somewhere(profile: str, *, pays: bool) -> None:
    view = standing(profile, pays=pays).kiosk.frame.view
    assert isinstance(view, ChoiceView)
    for choice in (*view.choices, *view.aside):
        bench = standing(profile, pays=pays)
        touch(bench, choice.action.name, choice.action.value)
        assert bench.kiosk.frame.screen != Screen.WELCOME


def test_a_place_that_only_a_newer_server_knows_offers_what_the_entrance_does() -> None:
    assert first(standing("roof")) == first(standing("reception"))


def test_a_new_profile_shows_with_the_next_beat() -> None:
    bench = standing("reception")
    bench.gateway.orders = KioskOrders(profile="fees")
    bench.wait(31)
    assert first(bench) == "pay"


def test_who_is_in_the_middle_does_not_notice() -> None:
    bench = standing("reception")
    walk(bench, [(Screen.WELCOME, "start", "visit"), (Screen.NOTICE, "yes")])
    bench.gateway.orders = KioskOrders(profile="fees")
    bench.wait(31)
    shows(bench, Screen.SCAN)
