"""The category of a visit: proposed at check-in, confirmed by a person, never by a machine."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.domain.desk import CategoryReason, CoverageDecision
from backend.domain.scan import CoverageFacts
from backend.domain.settings import FacilitySettings, FacilityStanding
from backend.errors import ChangedMeanwhile, SlipNotValid, ValidationFailed
from backend.events import Event
from backend.services.confirm_category import confirm_category
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Facility
from backend.storage.queue_tables import Step
from backend.storage.visit_tables import Visit
from tests.factories.desk import Desk, read
from tests.factories.hospital import Hospital, make_person, make_scan
from tests.factories.reception import Receptionist, audited

HERE = CoverageFacts(outcome="ok", code="000", registered_here=True)
ELSEWHERE = CoverageFacts(outcome="ok", code="000", registered_here=False)


@pytest.fixture
def lan(resources: Resources, hospital: Hospital) -> Receptionist:
    settings = FacilitySettings(standing=FacilityStanding(level="basic", points=45))
    with hospital.database.write() as unit:
        unit.connection.execute(
            update(Facility).values(settings=settings.to_json(), catalogue_version=2)
        )
    return Receptionist(resources)


def come(desk: Desk, coverage: CoverageFacts | None, serial: int = 1, **wish: Any) -> str:
    content = make_scan(make_person(serial), coverage=coverage)
    scan_id = desk.hospital.add_scan(desk.kiosk, content)
    papers = wish.pop("papers", {})
    chosen = desk.wish(scan_id=scan_id, **wish)
    object.__setattr__(chosen, "papers", papers)
    return read(desk.start(chosen)).id


def visit_of(resources: Resources, visit_id: str) -> Any:
    with resources.database.read() as connection:
        return connection.execute(select(Visit.__table__).where(Visit.id == visit_id)).one()


def confirm(
    lan: Receptionist,
    visit_id: str,
    code: str,
    reason: CategoryReason,
    seen: int | None = None,
    papers: dict[str, Any] | None = None,
) -> int:
    version = lan.see(visit_id).visit.version if seen is None else seen
    answer = confirm_category(
        lan.resources,
        visit_id,
        code,
        reason,
        seen=version,
        staff=lan.caller,
        intent=lan.intent(),
        papers=papers,
    )
    return int(json.loads(answer.body)["version"])


@pytest.mark.parametrize(
    ("coverage", "wish", "code", "why"),
    [
        (HERE, {}, "1.1", "registered_here"),
        (HERE, {"use_insurance": False}, "9", "not_insured"),
        (CoverageFacts(outcome="none", code="010"), {}, "9", "not_insured"),
        (CoverageFacts(outcome="later"), {}, None, "card_unknown"),
        (CoverageFacts(outcome="mismatch", code="060"), {}, None, "card_unknown"),
        (None, {}, None, "card_unknown"),
        (ELSEWHERE, {}, "1.12", "facility_level"),
        (ELSEWHERE, {"papers": {"transfer_slip": True}}, "1.3", "transfer_slip"),
        (
            ELSEWHERE,
            {"papers": {"transfer_slip": True, "transfer_signed_on": "2026-11-09"}},
            "1.3",
            "transfer_slip",
        ),
        (
            ELSEWHERE,
            {"papers": {"transfer_slip": True, "transfer_signed_on": "2026-11-06"}},
            "1.12",
            "facility_level",
        ),
        (
            ELSEWHERE,
            {
                "papers": {
                    "transfer_slip": True,
                    "transfer_signed_on": "2026-01-06",
                    "transfer_for_a_year": True,
                }
            },
            "1.3",
            "transfer_slip",
        ),
        (ELSEWHERE, {"papers": {"revisit_slip": True}}, "1.5", "revisit_slip"),
    ],
)
def test_proposed_from_what_is_known(
    lan: Receptionist,
    desk: Desk,
    coverage: CoverageFacts | None,
    wish: dict[str, Any],
    code: str | None,
    why: str,
) -> None:
    visit = visit_of(lan.resources, come(desk, coverage, **wish))
    assert (visit.category_code, visit.category_reason) == (code, why)
    assert not visit.category_confirmed


def test_a_revisit_slip_serves_once(lan: Receptionist, desk: Desk) -> None:
    papers = {"revisit_slip": True, "revisit_number": "99001/GHKL/26-0017"}
    first = come(desk, ELSEWHERE, 1, papers=papers)
    assert visit_of(lan.resources, first).category_code == "1.5"
    again = {**papers, "revisit_number": "99001/ghkl/26-0017 "}
    second = come(desk, ELSEWHERE, 2, papers=again)
    assert visit_of(lan.resources, second).category_code == "1.12"
    with lan.resources.database.write() as unit:
        unit.connection.execute(update(Step).values(state="cancelled"))
    third = come(desk, ELSEWHERE, 3, papers=papers)
    assert visit_of(lan.resources, third).category_code == "1.5"


def test_numbers_of_slips_are_sealed(lan: Receptionist, desk: Desk) -> None:
    visit_id = come(
        desk, ELSEWHERE, papers={"transfer_slip": True, "transfer_number": "99002/GCT/26-0003"}
    )
    visit = visit_of(lan.resources, visit_id)
    assert visit.papers == {"transfer_slip": True}
    opened = lan.resources.keys.unseal(visit.sealed_slips, context=f"slips:{visit_id}")
    assert json.loads(opened) == {"transfer_number": "99002/GCT/26-0003"}


def test_confirmed_as_proposed(lan: Receptionist, desk: Desk) -> None:
    visit_id = come(desk, HERE)
    seen = lan.see(visit_id)
    assert seen.category is not None
    assert (seen.category.code, seen.category_confirmed) == ("1.1", False)
    assert confirm(lan, visit_id, "1.1", CategoryReason.AS_PROPOSED) == 1
    assert lan.see(visit_id).category_confirmed
    (row,) = audited(lan.resources, Event.CATEGORY_CONFIRMED)
    assert row.actor == "staff:staff-Lan"
    assert row.detail == {"reason": "as_proposed", "code": "1.1", "before": "1.1"}


def test_another_code_needs_a_reason_and_must_be_on_the_list(lan: Receptionist, desk: Desk) -> None:
    visit_id = come(desk, ELSEWHERE)
    with pytest.raises(ValidationFailed):
        confirm(lan, visit_id, "1.16", CategoryReason.AS_PROPOSED)
    with pytest.raises(ValidationFailed):
        confirm(lan, visit_id, "1.8", CategoryReason.OTHER)
    confirm(lan, visit_id, "1.16", CategoryReason.LISTED_DISEASE)
    with pytest.raises(ChangedMeanwhile):
        confirm(lan, visit_id, "1.3", CategoryReason.SLIP_SEEN, seen=0)
    assert visit_of(lan.resources, visit_id).category_code == "1.16"


def test_a_decision_about_the_card_brings_a_new_proposal(lan: Receptionist, desk: Desk) -> None:
    visit_id = come(desk, CoverageFacts(outcome="later"))
    lan.decide(visit_id, CoverageDecision.PATIENT_PAYS)
    assert visit_of(lan.resources, visit_id).category_code == "9"


def test_what_a_person_confirmed_stays(lan: Receptionist, desk: Desk) -> None:
    visit_id = come(desk, CoverageFacts(outcome="later"))
    confirm(lan, visit_id, "2", CategoryReason.EMERGENCY)
    lan.decide(visit_id, CoverageDecision.VALID)
    assert visit_of(lan.resources, visit_id).category_code == "2"


def test_a_slip_that_is_read_off_at_the_desk(lan: Receptionist, desk: Desk) -> None:
    visit_id = come(desk, ELSEWHERE, 1)
    papers = {"transfer_slip": True, "transfer_signed_on": "2026-11-06", "transfer_number": "GCT 3"}
    slip = CategoryReason.SLIP_SEEN
    with pytest.raises(SlipNotValid):
        confirm(lan, visit_id, "1.3", slip, papers=papers)
    assert not visit_of(lan.resources, visit_id).category_confirmed
    confirm(lan, visit_id, "1.3", slip, papers={**papers, "transfer_for_a_year": True})
    visit = visit_of(lan.resources, visit_id)
    assert visit.papers["transfer_signed_on"] == "2026-11-06"
    assert "transfer_number" not in visit.papers
    assert b"GCT" not in visit.sealed_slips


def test_a_revisit_slip_serves_once_at_the_desk_too(lan: Receptionist, desk: Desk) -> None:
    papers = {"revisit_slip": True, "revisit_number": "GHKL/26-0017"}
    first, second = (come(desk, ELSEWHERE, serial) for serial in (1, 2))
    confirm(lan, first, "1.5", CategoryReason.SLIP_SEEN, papers=papers)
    with pytest.raises(SlipNotValid):
        confirm(lan, second, "1.5", CategoryReason.SLIP_SEEN, papers=papers)
    confirm(lan, first, "1.5", CategoryReason.SLIP_SEEN, papers=papers)
