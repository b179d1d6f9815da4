from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.demo import personas
from his_adapter.demo.faults import Faults, write_faults
from his_adapter.demo.personas import Persona
from his_adapter.errors import InvalidData, Unavailable
from his_adapter.models import (
    BirthDate,
    Coverage,
    CoverageOutcome,
    CoverageQuery,
    Identifier,
    IdentifierKind,
    PatientQuery,
)
from tests.unit.his_adapter.demo.conftest import Clock

TODAY = date(2026, 1, 5)


def about(persona: Persona, **changes: Any) -> CoverageQuery:
    query = CoverageQuery(
        identifiers=persona.identifiers[:1],
        full_name=persona.full_name,
        birth_date=persona.birth_date,
    )
    return replace(query, **changes)


def check(demo: BuiltinGateway, query: CoverageQuery) -> Coverage:
    return demo.check_coverage(query, on=TODAY, timeout_s=8)


@pytest.mark.parametrize(
    ("persona", "code", "outcome", "registered_here"),
    [
        (personas.INSURED, "000", CoverageOutcome.OK, True),
        (personas.VALID_ELSEWHERE, "000", CoverageOutcome.OK, False),
        (personas.SOLDIER, "001", CoverageOutcome.OK_DESK_NOTE, True),
        (personas.CARD_RENEWED, "003", CoverageOutcome.USE_NEW, True),
        (personas.CARD_REPLACED, "004", CoverageOutcome.OK, True),
        (personas.EXPIRED, "010", CoverageOutcome.NONE, True),
        (personas.NOT_INSURED, "050", CoverageOutcome.NONE, None),
        (personas.STAFF_NOT_REGISTERED, "054", CoverageOutcome.CONFIG_ERROR, None),
        (personas.NAME_WRONG, "060", CoverageOutcome.MISMATCH, None),
        (personas.WITHDRAWN, "110", CoverageOutcome.NONE, True),
        (personas.FOREIGNER, "050", CoverageOutcome.NONE, None),
    ],
    ids=lambda value: getattr(value, "key", str(value)),
)
def test_what_each_persona_hears(
    demo: BuiltinGateway,
    persona: Persona,
    code: str,
    outcome: CoverageOutcome,
    registered_here: bool | None,
) -> None:
    coverage = check(demo, about(persona))
    assert (coverage.code, coverage.outcome) == (code, outcome)
    assert coverage.registered_here is registered_here


@pytest.mark.parametrize(
    ("persona", "valid"),
    [(personas.INSURED, True), (personas.EXPIRED, False), (personas.CARD_RENEWED, True)],
)
@pytest.mark.parametrize("on", [TODAY, date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1)])
def test_validity_fits_the_answer_on_any_day(
    demo: BuiltinGateway, persona: Persona, valid: bool, on: date
) -> None:
    coverage = demo.check_coverage(about(persona), on=on, timeout_s=8)
    assert coverage.valid_from is not None
    assert coverage.valid_to is not None
    assert (coverage.valid_from <= on <= coverage.valid_to) is valid


def test_asked_by_reference_or_by_any_number(demo: BuiltinGateway) -> None:
    persona = personas.INSURED
    (match,) = demo.find_patients(PatientQuery(identifiers=persona.identifiers[:1])).items
    answers = [check(demo, CoverageQuery(patient=match.ref))]
    for kind, number in (
        (IdentifierKind.BHYT15, persona.bhyt_number),
        (IdentifierKind.BHXH10, persona.bhxh_number),
    ):
        item = Identifier(kind=kind, value=number or "")
        answers.append(check(demo, about(persona, identifiers=(item,))))
    assert {(answer.code, answer.card_number) for answer in answers} == {
        ("000", persona.bhyt_number)
    }


def test_a_renewed_card_has_a_new_number(demo: BuiltinGateway) -> None:
    coverage = check(demo, about(personas.CARD_RENEWED))
    assert coverage.card_number != personas.CARD_RENEWED.bhyt_number


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"full_name": "Trần Văn Khác"}, "060"),
        ({"full_name": "Ngô Mạnh Hải"}, "061"),
        ({"full_name": "NGUYEN MINH HOA"}, "000"),
        ({"birth_date": BirthDate.from_iso("1985-09-06")}, "070"),
        ({"birth_date": BirthDate.from_iso("1985")}, "000"),
    ],
)
def test_the_insurer_compares(demo: BuiltinGateway, changes: dict[str, Any], code: str) -> None:
    assert check(demo, about(personas.INSURED, **changes)).code == code


def test_silence_ends_with_the_time_limit(demo: BuiltinGateway, clock: Clock) -> None:
    with pytest.raises(Unavailable):
        check(demo, about(personas.INSURER_SILENT))
    assert clock.slept_s[-1] == 8


@pytest.mark.parametrize(("silent_s", "answers"), [(2, True), (30, False)])
def test_a_slow_insurer(demo: BuiltinGateway, folder: Path, silent_s: float, answers: bool) -> None:
    write_faults(folder, Faults(coverage_silent_s=silent_s))
    if answers:
        assert check(demo, about(personas.INSURED)).outcome is CoverageOutcome.OK
    else:
        with pytest.raises(Unavailable):
            check(demo, about(personas.INSURED))


def test_a_code_for_everybody(demo: BuiltinGateway, folder: Path) -> None:
    write_faults(folder, Faults(coverage_code="101"))
    coverage = check(demo, about(personas.INSURED))
    assert (coverage.code, coverage.outcome) == ("101", CoverageOutcome.LATER)
    assert coverage.card_number is None


def test_nobody_is_asked_about_without_a_name(demo: BuiltinGateway) -> None:
    with pytest.raises(InvalidData):
        check(demo, about(personas.INSURED, full_name=None))
