"""Each screen, shown for real: reached, drawn in both languages, left again."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kiosk_ui import i18n
from kiosk_ui.flow import NO_WAY_BACK, Screen, idle_rule
from kiosk_ui.gateway.models import Question, ScanOutcome, StepState
from kiosk_ui.presenters.views import Phrase
from tests.flows.stand_ins import Bench
from tests.flows.steps import (
    TO_BILLS,
    TO_DEPARTMENT,
    TO_METHOD,
    TO_QR,
    TO_SCAN,
    TO_SUMMARY,
    Step,
    offered,
    touch,
    walk,
)

TO_CONFIRM: tuple[Step, ...] = (*TO_SCAN, (Screen.SCAN, "scan"))
TO_SERVICE: tuple[Step, ...] = (*TO_DEPARTMENT, (Screen.DEPARTMENT, "department", "internal"))
TO_DOCTOR: tuple[Step, ...] = (*TO_SERVICE, (Screen.SERVICE, "service", "internal-2"))
TO_PAPERS: tuple[Step, ...] = (*TO_CONFIRM, (Screen.CONFIRM_IDENTITY, "yes"))
TYPE: tuple[Step, ...] = (*TO_SCAN, (Screen.SCAN, "type"))
OTHER: tuple[Step, ...] = (*TO_SCAN, (Screen.SCAN, "other"))
DONE: tuple[Step, ...] = (*TO_SUMMARY, (Screen.SUMMARY, "confirm"))

WAYS: Mapping[Screen, tuple[Step, ...]] = {
    Screen.WELCOME: (),
    Screen.INFO: ((Screen.WELCOME, "info"),),
    Screen.INFO_PRICES: ((Screen.WELCOME, "info"), (Screen.INFO, "prices")),
    Screen.INFO_MAP: ((Screen.WELCOME, "info"), (Screen.INFO, "map")),
    Screen.INFO_HOW: ((Screen.WELCOME, "info"), (Screen.INFO, "how")),
    Screen.NOTICE: TO_SCAN[:1],
    Screen.SCAN: TO_SCAN,
    Screen.ON_BEHALF: OTHER,
    Screen.ON_BEHALF_PHONE: (*OTHER, (Screen.ON_BEHALF, "relation", "child")),
    Screen.TYPED_NUMBER: TYPE,
    Screen.TYPED_BIRTH_DATE: (*TYPE, (Screen.TYPED_NUMBER, "digits", "079085000000")),
    Screen.CONFIRM_IDENTITY: TO_CONFIRM,
    Screen.EXISTING_VISIT: (*TO_CONFIRM, (Screen.CONFIRM_IDENTITY, "yes")),
    Screen.INSURANCE: (*TO_CONFIRM, (Screen.CONFIRM_IDENTITY, "yes")),
    Screen.VISIT_KIND: TO_DEPARTMENT[:-1],
    Screen.APPOINTMENT: (*TO_CONFIRM, (Screen.CONFIRM_IDENTITY, "yes")),
    Screen.DEPARTMENT: TO_DEPARTMENT,
    Screen.SERVICE: TO_SERVICE,
    Screen.DOCTOR: TO_DOCTOR,
    Screen.HOUR: (*TO_DOCTOR, (Screen.DOCTOR, "doctor", "")),
    Screen.PAPERS: TO_PAPERS,
    Screen.TRANSFER_NUMBER: (*TO_PAPERS, (Screen.PAPERS, "papers", "transfer")),
    Screen.REVISIT_NUMBER: (*TO_PAPERS, (Screen.PAPERS, "papers", "revisit")),
    Screen.PRIORITY: TO_SUMMARY[:-1],
    Screen.SUMMARY: TO_SUMMARY,
    Screen.PRINTING: DONE,
    Screen.DONE: DONE,
    Screen.MY_TICKET: TO_CONFIRM,
    Screen.RETURNED: (*TO_CONFIRM, (Screen.MY_TICKET, "return")),
    Screen.CANCEL_VISIT: (*TO_CONFIRM, (Screen.MY_TICKET, "cancel")),
    Screen.CANCELLED: (
        *TO_CONFIRM,
        (Screen.MY_TICKET, "cancel"),
        (Screen.CANCEL_VISIT, "give_back"),
    ),
    Screen.PAY_WHO: TO_BILLS[:1],
    Screen.PAY_CODE: (*TO_BILLS[:1], (Screen.PAY_WHO, "code")),
    Screen.PAY_BILLS: TO_BILLS,
    Screen.PAY_LINES: (*TO_BILLS, (Screen.PAY_BILLS, "lines")),
    Screen.PAY_ADVANCE: (*TO_BILLS, (Screen.PAY_BILLS, "advance")),
    Screen.PAY_AMOUNT: (*TO_BILLS, (Screen.PAY_BILLS, "advance"), (Screen.PAY_ADVANCE, "other")),
    Screen.PAY_METHOD: TO_METHOD,
    Screen.PAY_CASH: (*TO_METHOD, (Screen.PAY_METHOD, "cash")),
    Screen.PAY_QR: TO_QR,
    Screen.PAID: TO_QR,
    Screen.PAY_ENDED: (*TO_QR, (Screen.PAY_QR, "cancel")),
    Screen.TROUBLE: (*TO_SCAN[:1], (Screen.NOTICE, "no")),
    Screen.OUT_OF_SERVICE: (),
    Screen.OFFLINE_NUMBER: ((Screen.OUT_OF_SERVICE, "number"),),
    Screen.HELP: ((Screen.WELCOME, "help"),),
    Screen.EMERGENCY: ((Screen.WELCOME, "emergency"),),
}
ASKED: Mapping[Screen, list[Question]] = {
    Screen.EXISTING_VISIT: [Question.CONFIRM, Question.EXISTING],
    Screen.APPOINTMENT: [Question.CONFIRM, Question.APPOINTMENT],
    Screen.PAPERS: [Question.CONFIRM, Question.PAPERS],
    Screen.TRANSFER_NUMBER: [Question.CONFIRM, Question.PAPERS],
    Screen.REVISIT_NUMBER: [Question.CONFIRM, Question.PAPERS],
}
WITHOUT_SERVER = {Screen.OUT_OF_SERVICE, Screen.OFFLINE_NUMBER}
TICKETS = {Screen.MY_TICKET, Screen.CANCEL_VISIT, Screen.CANCELLED}


def at(screen: Screen) -> Bench:
    """A kiosk that shows that screen."""
    bench = Bench()
    gateway = bench.gateway
    if screen in ASKED:
        gateway.scan_reply = gateway.reply(
            ask=ASKED[screen], visits=[gateway.visit()], appointments=[gateway.appointment()]
        )
    if screen in TICKETS:
        gateway.scan_reply = gateway.reply(
            outcome=ScanOutcome.TICKET, person=None, visits=[gateway.visit()], ask=[]
        )
    if screen is Screen.RETURNED:
        gateway.scan_reply = gateway.reply(
            outcome=ScanOutcome.TICKET, person=None, visits=[gateway.away(StepState.MISSED)], ask=[]
        )
    if screen in WITHOUT_SERVER:
        gateway.down = True
        bench.wait(3)
    if screen is Screen.PRINTING:
        walk(bench, DONE[:-1])
        bench.worker.held = True
        touch(bench, "confirm")
        bench.wait(0.3)
    else:
        walk(bench, WAYS[screen])
    if screen is Screen.PAID:
        gateway.money.receive()
        bench.wait(1)
    assert bench.kiosk.frame.screen == screen
    return bench


def test_no_screen_is_forgotten() -> None:
    assert set(WAYS) == set(Screen)


@pytest.mark.parametrize("screen", list(Screen))
def test_help_emergency_language_and_looks_are_everywhere(screen: Screen) -> None:
    bench = at(screen)
    for name, value in (("language", "en"), ("large_text", ""), ("lowered", "")):
        touch(bench, name, value)
        assert bench.kiosk.frame.screen == screen
    chrome = bench.kiosk.frame.chrome
    assert (chrome.language, chrome.large_text, chrome.lowered) == ("en", True, True)
    if screen not in {Screen.HELP, Screen.EMERGENCY}:
        for overlay in ("help", "emergency"):
            touch(bench, overlay)
            assert bench.kiosk.frame.screen == overlay
            touch(bench, "close")
            assert bench.kiosk.frame.screen == screen


@pytest.mark.parametrize("screen", list(Screen))
def test_left_alone_it_ends_at_the_start(screen: Screen) -> None:
    bench = at(screen)
    rule = idle_rule(screen)
    bench.wait(rule.quiet_s + rule.countdown_s + 1)
    expected = Screen.OUT_OF_SERVICE if screen in WITHOUT_SERVER else Screen.WELCOME
    assert bench.kiosk.frame.screen == expected


@pytest.mark.parametrize("screen", list(Screen))
def test_there_is_a_way_back_or_an_end(screen: Screen) -> None:
    bench = at(screen)
    actions = {choice.action.name for choice in offered(bench.kiosk.frame)}
    if screen not in NO_WAY_BACK:
        assert "back" in actions
    if screen not in {Screen.WELCOME, Screen.OUT_OF_SERVICE, Screen.HELP, Screen.EMERGENCY}:
        touch(bench, "finish")
        start = Screen.OUT_OF_SERVICE if screen in WITHOUT_SERVER else Screen.WELCOME
        assert bench.kiosk.frame.screen == start


@pytest.mark.parametrize("screen", list(Screen))
@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_fixed_text_has_its_clip_s_name(screen: Screen, language: i18n.Language) -> None:
    bench = at(screen)
    if language == "en":
        touch(bench, "language", "en")
    phrases = list(phrases_of(bench.kiosk.frame))
    assert phrases
    for phrase in phrases:
        assert phrase.text.strip()
        assert "{" not in phrase.text
        assert not phrase.key or phrase.key in i18n.texts(language)


def phrases_of(value: object) -> list[Phrase]:
    if isinstance(value, Phrase):
        return [value]
    if isinstance(value, tuple):
        return [phrase for item in value for phrase in phrases_of(item)]
    if hasattr(value, "__dataclass_fields__"):
        fields = value.__dataclass_fields__
        return [phrase for name in fields for phrase in phrases_of(getattr(value, name))]
    return []
