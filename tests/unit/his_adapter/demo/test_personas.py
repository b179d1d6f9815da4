from __future__ import annotations

from datetime import date

import pytest

from backend.domain.identity.parser import parse
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.demo.people import CoverageCase
from his_adapter.demo.personas import PERSONAS, Card, Persona, get_persona
from his_adapter.models import IdentifierKind, PatientQuery

ids = [persona.key for persona in PERSONAS]


def test_every_persona_is_somebody_else() -> None:
    assert len(set(ids)) == len(ids)
    numbers = [number for persona in PERSONAS for number in persona.identifiers]
    assert len(set(numbers)) == len(numbers)
    assert len({persona.full_name for persona in PERSONAS}) == len(PERSONAS)


def test_serial_parts_are_zeros() -> None:
    assert {persona.id_number[6:] for persona in PERSONAS if persona.id_number} == {"000000"}


def test_found_by_key() -> None:
    assert get_persona("insured").full_name == "Nguyễn Minh Hòa"
    with pytest.raises(KeyError):
        get_persona("nobody")


def test_there_is_one_for_each_thing_that_can_happen() -> None:
    assert {persona.card for persona in PERSONAS} == set(Card)
    assert {persona.coverage for persona in PERSONAS} >= {
        CoverageCase.VALID_HERE,
        CoverageCase.VALID_ELSEWHERE,
        CoverageCase.EXPIRED,
        CoverageCase.NOT_FOUND,
        CoverageCase.WRONG_NAME,
        CoverageCase.RENEWED,
        CoverageCase.REPLACED,
        CoverageCase.ARMY,
        CoverageCase.SILENT,
    }


@pytest.mark.parametrize("persona", PERSONAS, ids=ids)
def test_the_server_reads_every_card(persona: Persona) -> None:
    result = parse(persona.payload.encode(), today=date(2026, 1, 5))
    assert result.error is None
    assert result.kind == {Card.PASSPORT: "mrz"}.get(persona.card, persona.card)
    assert not {str(warning) for warning in result.warnings}
    identity = result.identity
    assert identity is not None
    assert identity.birth_date is not None
    assert identity.birth_date.isoformat() == persona.birth_date.isoformat()
    assert identity.gender == persona.gender
    if persona.card is not Card.PASSPORT:
        assert identity.full_name == persona.full_name
    assert persona.id_number in {identity.id_number, None} or persona.card is Card.BHYT


@pytest.mark.parametrize("persona", PERSONAS, ids=ids)
def test_the_hospital_knows_those_it_should(demo: BuiltinGateway, persona: Persona) -> None:
    matches = demo.find_patients(PatientQuery(identifiers=persona.identifiers[:1])).items
    assert len(matches) == persona.registered
    if persona.registered:
        patient = demo.read_patient(matches[0].ref)
        assert patient.find_identifier(IdentifierKind.MRN) == persona.mrn
        assert patient.full_name == persona.full_name
    else:
        assert persona.mrn is None
