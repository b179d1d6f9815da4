"""Back to the line at any kiosk: after a missed turn, from outside, with results."""

from __future__ import annotations

import pytest

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import Question, ScanIdRequest, ScanOutcome, StepState, VisitReply
from tests.flows.stand_ins import Bench
from tests.flows.steps import hold_up, offered, shows, texts_of, touch, walk


@pytest.fixture
def bench() -> Bench:
    return Bench()


def show_ticket(bench: Bench, visit: VisitReply, purpose: str = "ticket") -> None:
    gateway = bench.gateway
    gateway.scan_reply = gateway.reply(
        outcome=ScanOutcome.TICKET, person=None, visits=[visit], ask=[]
    )
    walk(bench, [(Screen.WELCOME, "start", purpose), (Screen.NOTICE, "yes")])
    hold_up(bench, b"tk000000000000000000000000")
    shows(bench, Screen.MY_TICKET)


def actions(bench: Bench) -> set[str]:
    return {choice.action.name for choice in offered(bench.kiosk.frame)}


def says(bench: Bench, sentence: str) -> bool:
    return sentence in texts_of(bench.kiosk.frame)


@pytest.mark.parametrize(
    ("state", "reason", "button", "sentence"),
    [
        (
            StepState.MISSED,
            None,
            "Tôi đã quay lại",
            "Bạn đã qua lượt. Số được xếp lại sau 4 người nữa.",
        ),
        (
            StepState.HOLD,
            "stepped_out",
            "Tôi đã quay lại",
            "Chỗ của bạn vẫn như cũ.",
        ),
        (
            StepState.HOLD,
            "results",
            "Tôi đã có đủ kết quả",
            "Đã đủ kết quả, mời trở lại Phòng 101.",
        ),
    ],
)
@pytest.mark.parametrize("purpose", ["ticket", "results"])
def test_one_touch_and_the_number_waits_again(
    bench: Bench, state: StepState, reason: str | None, button: str, sentence: str, purpose: str
) -> None:
    show_ticket(bench, bench.gateway.away(state, reason), purpose)
    assert says(bench, button)
    touch(bench, "return")
    shows(bench, Screen.RETURNED)
    assert says(bench, "Số A001 đã vào hàng lại")
    assert says(bench, sentence)
    assert says(bench, "Chờ khoảng 20–30 phút")
    assert "back" not in actions(bench)
    touch(bench, "finish")
    shows(bench, Screen.WELCOME)


def test_next_in_line_is_said_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    visit = bench.gateway.visit(number="A001")
    step = visit.steps[0].model_copy(update={"people_ahead": 0, "wait_min": (0, 5)})
    reply = visit.model_copy(update={"steps": [step]})
    monkeypatch.setattr(bench.gateway, "return_to_line", lambda *_args, **_key: reply)
    show_ticket(bench, bench.gateway.away(StepState.MISSED))
    touch(bench, "return")
    assert says(bench, "Số của bạn sắp được gọi.")
    assert says(bench, "Chờ không quá 5 phút")


def test_too_late_or_too_often_leads_to_the_desk_with_help_at_hand(bench: Bench) -> None:
    show_ticket(bench, bench.gateway.away(StepState.MISSED, may_return=False))
    assert "return" not in actions(bench)
    assert says(bench, "Số này đã qua lượt. Mời đến quầy tiếp đón.")
    touch(bench, "help")
    shows(bench, Screen.HELP)


def test_refused_at_the_last_moment_leads_to_the_desk_too(bench: Bench) -> None:
    bench.gateway.refusals["return_to_line"] = "return_not_allowed"
    show_ticket(bench, bench.gateway.away(StepState.MISSED))
    touch(bench, "return")
    shows(bench, Screen.TROUBLE)
    assert says(bench, "Số này cần nhân viên xếp lại")
    assert "help" in actions(bench)


def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []
    real = bench.gateway.return_to_line

    def remember(visit_id: str, request: ScanIdRequest, *, key: str) -> VisitReply:
        keys.append(key)
        return real(visit_id, request, key=key)

    monkeypatch.setattr(bench.gateway, "return_to_line", remember)
    bench.gateway.lose_replies = 1
    show_ticket(bench, bench.gateway.away(StepState.MISSED))
    touch(bench, "return")
    bench.wait(1.5)
    shows(bench, Screen.RETURNED)
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_with_results_a_card_leads_to_the_number_of_today(bench: Bench) -> None:
    gateway = bench.gateway
    gateway.scan_reply = gateway.reply(visits=[gateway.away(StepState.HOLD, "results")])
    walk(bench, [(Screen.WELCOME, "start", "results"), (Screen.NOTICE, "yes")])
    hold_up(bench)
    walk(bench, [(Screen.MY_TICKET, "return")])
    shows(bench, Screen.RETURNED)
    assert "Trần Thị Bé Năm" not in texts_of(bench.kiosk.frame)


def test_with_results_and_nothing_of_today_they_are_asked_as_ever(bench: Bench) -> None:
    bench.gateway.scan_reply = bench.gateway.reply(ask=[Question.CONFIRM, Question.SERVICE])
    walk(bench, [(Screen.WELCOME, "start", "results"), (Screen.NOTICE, "yes")])
    hold_up(bench)
    shows(bench, Screen.CONFIRM_IDENTITY)


def test_a_long_way_shows_the_steps_that_are_left(bench: Bench) -> None:
    visit = bench.gateway.away(StepState.HOLD, "results")
    back = visit.steps[0]
    done = [
        back.model_copy(update={"id": f"d{n}", "state": StepState.DONE, "hold_reason": None})
        for n in range(5)
    ]
    show_ticket(bench, visit.model_copy(update={"steps": [*done, back]}))
    assert texts_of(bench.kiosk.frame).count("Dịch vụ") == 1
