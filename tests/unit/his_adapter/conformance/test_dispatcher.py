from __future__ import annotations

from typing import Any, cast

import pytest

from his_adapter.conformance.dispatcher import Dispatcher, Job
from his_adapter.conformance.pace import Pace
from his_adapter.errors import InvalidData, OutcomeUnknown, Unavailable
from his_adapter.models import Receipt, Ref, WriteKey
from his_adapter.ports import HisGateway

DONE = Receipt(ref=Ref("1"))


class Scripted:
    def __init__(self, *answers: object, found: Receipt | None = None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.found = found

    def find_by_key(self, key: WriteKey) -> Receipt | None:
        self.asked.append("find")
        return self.found

    def send(self, _his: HisGateway, _key: WriteKey) -> Any:
        self.asked.append("send")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def deliver(his: Scripted) -> object:
    dispatcher = Dispatcher(cast("HisGateway", his), pace=Pace(speed=1000), give_up_after_s=5)
    return dispatcher.deliver(Job(key=WriteKey("kit-000001"), send=his.send))


def test_busy_is_tried_again() -> None:
    his = Scripted(Unavailable("busy"), DONE)
    assert (deliver(his), his.asked) == (DONE, ["send", "send"])


def test_a_lost_answer_is_looked_up_before_it_is_sent_again() -> None:
    lost = OutcomeUnknown("lost", key="kit-000001")
    his = Scripted(lost, found=DONE)
    assert (deliver(his), his.asked) == (DONE, ["send", "find"])
    his = Scripted(lost, DONE)
    assert (deliver(his), his.asked) == (DONE, ["send", "find", "send"])


def test_a_refusal_is_not_tried_again() -> None:
    his = Scripted(InvalidData("phone", "Sai."))
    with pytest.raises(InvalidData):
        deliver(his)
    assert his.asked == ["send"]
