"""The kit against each target, with time scaled. Any difference to what is expected is a failure.

    TIEPDON_EXPECTED=write pytest tests/conformance

writes down what was found; look at the difference before it is committed.
"""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pytest

from his_adapter.conformance.case import CASES, Level
from his_adapter.conformance.report import report_of
from tests.conformance.targets import TARGETS, certify_target, sql_views

EXPECTED = Path(__file__).with_name("expected")
SPEED = 3600
ONLY = {"fhir_careless": ("C05", "C06", "C08", "C13", "C14")}
"""What its carelessness is about; `fhir` is run whole."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.postgres] if name == "sql_views" else [])
        for name in sorted(TARGETS)
    ],
)
def test_each_case_ends_as_expected(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    target = TARGETS[name]
    if name == "sql_views":
        target = partial(sql_views, server=request.getfixturevalue("postgres_server"))
    with target(tmp_path) as config:
        outcome = certify_target(config, speed=SPEED, rounds=1, only=ONLY.get(name, ()))
    results = outcome.by_case()
    found = {case_id: result.status.value for case_id, result in results.items()}
    file = EXPECTED / f"{name}.json"
    if os.environ.get("TIEPDON_EXPECTED") == "write":
        file.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    expected = json.loads(file.read_text(encoding="utf-8"))
    assert {
        case_id: (status, results[case_id].reason)
        for case_id, status in found.items()
        if status != expected.get(case_id)
    } == {}
    assert list(found) == sorted(ONLY.get(name, CASES))
    people = {"Nguyễn Thị Đánh Dấu", "Trần Văn Thử", "Nguyễn Văn Thử", "09905000000"}
    told = json.dumps(report_of(outcome)["cases"], ensure_ascii=False)
    assert [each for each in people if each in told] == []


def test_every_case_of_the_levels_is_there() -> None:
    assert sorted(CASES) == [f"C{number:02d}" for number in range(1, 35)]
    assert [sum(case.level is level for case in CASES.values()) for level in Level] == [12, 12, 10]
    assert all(case.title.vi and case.title.en for case in CASES.values())
