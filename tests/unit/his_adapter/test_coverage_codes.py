from __future__ import annotations

import pytest

from his_adapter.coverage_codes import OUTCOMES, outcome_of
from his_adapter.models import CoverageOutcome


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("000", "ok"),
        ("001", "ok_desk_note"),
        ("003", "use_new"),
        ("004", "ok"),
        ("010", "none"),
        ("060", "mismatch"),
        ("054", "config_error"),
        ("101", "later"),
    ],
)
def test_codes_of_the_insurer(code: str, outcome: str) -> None:
    assert outcome_of(code) == outcome


@pytest.mark.parametrize("code", ["", "002x", "777", "<b>"])
def test_an_unknown_code_leaves_it_to_the_desk(code: str) -> None:
    assert outcome_of(code) is CoverageOutcome.LATER


def test_a_hospital_may_block_other_codes() -> None:
    assert outcome_of("001", {**OUTCOMES, "001": CoverageOutcome.NONE}) is CoverageOutcome.NONE


def test_every_outcome_has_a_code() -> None:
    assert set(OUTCOMES.values()) == set(CoverageOutcome)
