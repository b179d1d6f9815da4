from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from his_adapter.builtin.catalogue import STARTER_FILE, load_catalogue
from his_adapter.builtin.gateway import BuiltinGateway, open_gateway
from his_adapter.builtin.store import Store
from his_adapter.errors import GatewayMisconfigured, InvalidData, MultipleMatches
from his_adapter.models import (
    BirthDate,
    CheckIn,
    Coverage,
    CoverageOutcome,
    HealthState,
    Identifier,
    IdentifierKind,
    MatchGrade,
    PatientDraft,
    PatientQuery,
    Ref,
    WriteKey,
)

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
OLD_NUMBER = Identifier(kind=IdentifierKind.CMND9, value="271450001")


@pytest.fixture
def register(tmp_path: Path) -> BuiltinGateway:
    return BuiltinGateway(
        Store(tmp_path / "register.sqlite3"), load_catalogue(STARTER_FILE), clock=lambda: NOW
    )


def add(register: BuiltinGateway, name: str, *identifiers: Identifier) -> Ref:
    draft = PatientDraft(
        full_name=name, birth_date=BirthDate.from_iso("1960-01-01"), identifiers=identifiers
    )
    return register.create_patient(draft, key=WriteKey(f"add-{hash(name)}")).ref


def test_an_old_number_of_two_people_needs_a_name(register: BuiltinGateway) -> None:
    first = add(register, "Trần Văn Một", OLD_NUMBER)
    add(register, "Lê Thị Hai", OLD_NUMBER)
    with pytest.raises(MultipleMatches):
        register.find_patients(PatientQuery(identifiers=(OLD_NUMBER,)))
    named = PatientQuery(
        identifiers=(OLD_NUMBER,),
        full_name="tran van mot",
        birth_date=BirthDate.from_iso("1960"),
    )
    (match,) = register.find_patients(named).items
    assert (match.ref, match.grade) == (first, MatchGrade.CERTAIN)


def test_an_old_number_alone_is_no_proof(register: BuiltinGateway) -> None:
    add(register, "Trần Văn Một", OLD_NUMBER)
    (match,) = register.find_patients(PatientQuery(identifiers=(OLD_NUMBER,))).items
    assert match.grade is MatchGrade.POSSIBLE


def test_merged_records_are_one(register: BuiltinGateway) -> None:
    number = Identifier(kind=IdentifierKind.ID12, value="079060000000")
    card = Identifier(kind=IdentifierKind.BHXH10, value="7900000000")
    keep, drop = add(register, "Trần Văn Một", number), add(register, "Trần Văn Mốt", card)
    visit = register.check_in(
        CheckIn(patient=drop, service=Ref("examination")), key=WriteKey("visit-of-drop")
    )
    merged = register.merge_patients(keep, drop, key=WriteKey("merge-0001"))
    assert register.merge_patients(keep, drop, key=WriteKey("merge-0001")) == merged
    assert register.read_patient(drop) == merged
    assert {number, card} <= set(merged.identifiers)
    (match,) = register.find_patients(PatientQuery(identifiers=(card,))).items
    assert match.ref == keep
    assert [item.ref for item in register.list_visits(keep, date(2026, 1, 1)).items] == [visit.ref]


def test_two_open_visits_for_one_service_are_not_merged(register: BuiltinGateway) -> None:
    keep, drop = add(register, "Trần Văn Một"), add(register, "Trần Văn Mốt")
    for patient in (keep, drop):
        register.check_in(
            CheckIn(patient=patient, service=Ref("examination")), key=WriteKey(f"in-{patient}-1")
        )
    with pytest.raises(InvalidData):
        register.merge_patients(keep, drop, key=WriteKey("merge-0002"))
    assert register.read_patient(drop).ref == drop


@pytest.mark.parametrize(
    ("outcome", "provisional", "fee_due_vnd"),
    [
        (None, False, 36_500),
        (CoverageOutcome.NONE, False, 36_500),
        (CoverageOutcome.OK, False, None),
        (CoverageOutcome.LATER, True, None),
    ],
)
def test_only_the_price_of_a_self_payer_is_known(
    register: BuiltinGateway,
    outcome: CoverageOutcome | None,
    provisional: bool,
    fee_due_vnd: int | None,
) -> None:
    coverage = outcome and Coverage(outcome=outcome, code="000", checked_at=NOW)
    request = CheckIn(
        patient=add(register, "Trần Văn Một"),
        service=Ref("examination"),
        coverage=coverage,
        provisional=provisional,
    )
    visit = register.check_in(request, key=WriteKey("visit-0001"))
    assert visit.fee_due_vnd == fee_due_vnd


def test_a_check_in_delivered_late_counts_for_its_own_day(register: BuiltinGateway) -> None:
    yesterday = datetime(2026, 1, 4, 16, 59, tzinfo=UTC)  # a minute before midnight in Việt Nam
    request = CheckIn(
        patient=add(register, "Trần Văn Một"), service=Ref("examination"), arrived_at=yesterday
    )
    visit = register.check_in(request, key=WriteKey("visit-0001"))
    assert visit.created_at == yesterday
    assert ".20260104." in visit.record_code


def test_nothing_of_a_person_is_logged(
    register: BuiltinGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    add(register, "Trần Văn Một", OLD_NUMBER)
    assert "Trần" not in caplog.text
    assert OLD_NUMBER.value not in caplog.text


def test_a_register_that_cannot_be_read_is_down(tmp_path: Path) -> None:
    file = tmp_path / "register.sqlite3"
    register = BuiltinGateway(Store(file), load_catalogue(STARTER_FILE), clock=lambda: NOW)
    assert register.health().state is HealthState.OK
    for leftover in tmp_path.iterdir():
        leftover.unlink()
    health = register.health()
    assert health.state is HealthState.DOWN
    assert health.cause


def test_a_misspelt_setting_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(GatewayMisconfigured, match="fiel"):
        open_gateway({"fiel": str(tmp_path)})
