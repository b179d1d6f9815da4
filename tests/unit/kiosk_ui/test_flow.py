from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk_ui import flow
from kiosk_ui.flow import Appointed, Screen
from kiosk_ui.gateway.models import Question


def reachable_from(start: Screen) -> set[Screen]:
    seen, todo = {start}, [start]
    while todo:
        here = todo.pop()
        for there in Screen:
            if there not in seen and flow.may_move(here, there):
                seen.add(there)
                todo.append(there)
    return seen


def test_every_screen_has_its_moves_and_can_be_reached() -> None:
    assert set(flow.MOVES) == set(Screen)
    assert reachable_from(Screen.WELCOME) == set(Screen)


@pytest.mark.parametrize("screen", list(Screen))
def test_from_everywhere_to_start_help_and_emergency(screen: Screen) -> None:
    for there in (Screen.WELCOME, Screen.HELP, Screen.EMERGENCY, Screen.TROUBLE):
        assert flow.may_move(screen, there)


def test_only_what_the_table_says_is_a_move() -> None:
    assert not flow.may_move(Screen.WELCOME, Screen.PRINTING)
    assert not flow.may_move(Screen.NOTICE, Screen.CONFIRM_IDENTITY)
    assert not flow.may_move(Screen.DONE, Screen.SUMMARY)


@pytest.mark.parametrize("screen", list(Screen))
def test_idle_leads_out_of_every_screen_with_time_to_answer(screen: Screen) -> None:
    rule = flow.idle_rule(screen)
    assert 0 < rule.quiet_s <= 180
    assert rule.countdown_s == 0 or rule.countdown_s >= 20


def test_screens_with_a_person_on_them_count_down() -> None:
    for screen in (Screen.CONFIRM_IDENTITY, Screen.SUMMARY, Screen.MY_TICKET, Screen.TYPED_NUMBER):
        assert flow.idle_rule(screen) == flow.IdleRule(quiet_s=45, countdown_s=20)


questions = st.lists(st.sampled_from(list(Question)), max_size=12)
decisions = st.sampled_from([None, *Appointed])


@given(ask=questions, appointed=decisions)
def test_a_plan_asks_nothing_twice(ask: list[Question], appointed: Appointed | None) -> None:
    planned = flow.plan(ask, appointed=appointed)
    assert len(planned) == len(set(planned))
    if appointed is Appointed.ARRIVES:
        assert Question.SERVICE not in planned
    if appointed is Appointed.WALK_IN:
        assert {Question.VISIT_KIND, Question.SERVICE} <= set(planned)


@given(ask=questions, appointed=decisions)
def test_every_plan_can_be_walked_to_its_end(
    ask: list[Question], appointed: Appointed | None
) -> None:
    """Whatever order the server chooses, each screen may move to the next."""
    planned = flow.plan(ask, appointed=appointed)
    if Question.SUMMARY in planned:
        planned = planned[: planned.index(Question.SUMMARY) + 1]
    screens = [flow.SCREENS_OF[question] for question in planned]
    for here, there in itertools.pairwise([Screen.SCAN, *screens, Screen.PRINTING]):
        assert flow.may_move(here, there)
    walked = []
    screen: Screen = Screen.SCAN
    while (question := flow.question_after(planned, screen)) is not None:
        walked.append(question)
        screen = flow.SCREENS_OF[question]
    assert tuple(walked) == planned


def test_service_doctor_and_hour_are_one_question() -> None:
    planned = flow.plan([Question.SERVICE, Question.SUMMARY])
    for screen in (Screen.DEPARTMENT, Screen.SERVICE, Screen.DOCTOR, Screen.HOUR):
        assert flow.question_after(planned, screen) is Question.SUMMARY
