from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from his_adapter.config_file import HisConfig
from his_adapter.conformance.case import CASES, Level, Status
from his_adapter.conformance.kit import (
    GOLD_ROUNDS,
    CaseResult,
    Refused,
    certify,
    level_of,
)
from his_adapter.conformance.settings import read_certify_settings
from his_adapter.errors import GatewayMisconfigured
from his_adapter.testing import fill_demo_folder
from tests.contract.his_harness import MONDAY_MORNING

INSURED = "079085000000"


def result(case_id: str, status: Status = Status.PASSED, number: int = 1) -> CaseResult:
    return CaseResult(
        case=CASES[case_id], status=status, reason=None, seconds=0, notes=(), calls=(), round=number
    )


def results(**other: Status) -> list[CaseResult]:
    return [
        result(case.id, other.get(case.id, Status.PASSED), number)
        for case in CASES.values()
        for number in range(1, (GOLD_ROUNDS if case.level is Level.VANG else 1) + 1)
    ]


def test_levels_build_on_each_other() -> None:
    assert level_of(results(), has_wire=True) is Level.VANG
    assert level_of(results(C33=Status.FAILED), has_wire=True) is Level.BAC
    assert level_of(results(C14=Status.FAILED), has_wire=True) is Level.DONG
    assert level_of(results(C01=Status.FAILED), has_wire=True) is None


def test_what_does_not_apply_holds_nobody_back_but_what_is_not_prepared_does() -> None:
    assert level_of(results(C24=Status.NOT_APPLICABLE), has_wire=True) is Level.VANG
    assert level_of(results(C24=Status.UNPREPARED), has_wire=True) is Level.DONG


def test_a_level_of_which_little_applies_is_not_reached() -> None:
    absent = {f"C{number}": Status.NOT_APPLICABLE for number in range(13, 20)}
    assert level_of(results(**absent), has_wire=True) is Level.DONG
    del absent["C19"]
    assert level_of(results(**absent), has_wire=True) is Level.VANG


def test_gold_needs_a_wire_two_rounds_and_every_case() -> None:
    assert level_of(results(), has_wire=False) is Level.BAC
    once = [each for each in results() if each.round == 1]
    assert level_of(once, has_wire=True) is Level.BAC
    assert level_of(results()[1:], has_wire=True) is None


@contextmanager
def demo(folder: Path, **certify_section: Any) -> Iterator[HisConfig]:
    fill_demo_folder(folder, now=MONDAY_MORNING)
    yield HisConfig(
        adapter="demo",
        settings={"folder": str(folder)},
        certify={"marker_patient": INSURED, "max_patients": 5000} | certify_section,
    )


def test_refuses_a_his_with_many_people(tmp_path: Path) -> None:
    with demo(tmp_path, max_patients=100) as config, pytest.raises(Refused, match="thật"):
        certify(config, only=["C09"])


def test_refuses_a_his_without_the_marker(tmp_path: Path) -> None:
    with (
        demo(tmp_path, marker_patient="099099999999") as config,
        pytest.raises(Refused, match="marker"),
    ):
        certify(config, only=["C09"])


def test_one_case_alone_reaches_no_level(tmp_path: Path) -> None:
    with demo(tmp_path) as config:
        outcome = certify(config, only=["C09"])
    assert [each.case.id for each in outcome.results] == ["C09"]
    assert (outcome.level, outcome.results[0].status) == (None, Status.PASSED)
    assert {call.method for call in outcome.results[0].calls} == {"list_services"}


@pytest.mark.parametrize(
    "wrong", [{}, {"marker_patient": "12"}, {"marker_patient": INSURED, "x": 1}]
)
def test_settings_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(GatewayMisconfigured) as caught:
        read_certify_settings(wrong)
    assert INSURED not in str(caught.value)
