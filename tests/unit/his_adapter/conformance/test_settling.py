from __future__ import annotations

from typing import Any, cast

import pytest

from his_adapter.conformance.settling import settling
from his_adapter.errors import InvalidData, OutcomeUnknown
from his_adapter.ports import HisGateway


class Scripted:
    def __init__(self, *answers: object, found: object = None) -> None:
        self.answers = list(answers)
        self.found = found

    def find_by_key(self, _key: str) -> object:
        return self.found

    def create_patient(self, _draft: object, *, key: str) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return (key, answer)


def create(his: Scripted) -> tuple[object, list[str]]:
    lost: list[str] = []
    gateway: Any = settling(cast("HisGateway", his), lost.append)
    return gateway.create_patient(None, key="k"), lost


GONE = OutcomeUnknown("gone", key="k")


def test_a_lost_answer_is_looked_up_then_sent_again() -> None:
    assert create(Scripted(1)) == (("k", 1), [])
    assert create(Scripted(GONE, found="it")) == ("it", ["create_patient"])
    assert create(Scripted(GONE, 2)) == (("k", 2), ["create_patient"])


def test_it_gives_up_and_leaves_other_errors_alone() -> None:
    with pytest.raises(OutcomeUnknown):
        create(Scripted(GONE, GONE, GONE))
    with pytest.raises(InvalidData):
        create(Scripted(InvalidData("name", "Sai.")))
