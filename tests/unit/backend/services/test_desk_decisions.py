"""Priority, identity and insurance: one effect, whoever else stands there."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from backend.domain.desk import CoverageDecision, IdentityReason, Need, PriorityReason
from backend.domain.rooms import list_room_queues
from backend.domain.scan import CoverageFacts
from backend.domain.visit import StepState
from backend.errors import ChangedMeanwhile, NothingToConfirm, VisitNotFound
from backend.events import Event
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import Step
from backend.storage.visit_tables import Visit
from tests.conftest import SettableClock
from tests.factories.desk import Desk, read
from tests.factories.hospital import Hospital, make_person, make_scan
from tests.factories.reception import Receptionist, audited
from tests.factories.rooms import Console

STANDS = PriorityReason.PAPERS_SEEN
LOWERS = PriorityReason.NO_PAPERS


@pytest.fixture
def lan(resources: Resources) -> Receptionist:
    return Receptionist(resources)


@pytest.fixture
def binh(resources: Resources) -> Receptionist:
    return Receptionist(resources, "Bình")


def pregnant(desk: Desk, serial: int = 1, service: str = "NOI", **person: Any) -> str:
    content = make_scan(make_person(serial, **person))
    scan_id = desk.hospital.add_scan(desk.kiosk, content)
    return read(desk.start(desk.wish(service, scan_id, priority_group="pregnant"))).id


def step_of(database: Database, visit_id: str) -> Any:
    with database.read() as connection:
        return connection.execute(select(Step.__table__).where(Step.visit_id == visit_id)).one()


def test_a_priority_that_stands_stays_in_its_lane(lan: Receptionist, desk: Desk) -> None:
    visit_id = pregnant(desk)
    assert lan.see(visit_id).visit.needs == [Need.PRIORITY]
    lan.decide(visit_id, STANDS)
    seen = lan.see(visit_id)
    assert (seen.visit.lane, seen.declared, seen.visit.needs) == ("P", False, [])
    (row,) = audited(lan.resources, Event.PRIORITY_CONFIRMED)
    assert (row.actor, row.detail["reason"]) == ("staff:staff-Lan", "papers_seen")


def test_a_lowered_priority_waits_from_the_time_it_came(
    lan: Receptionist, desk: Desk, clock: SettableClock, database: Database
) -> None:
    visit_id = pregnant(desk)
    came_at = step_of(database, visit_id).queue_key_at
    clock.advance(minutes=9)
    later = desk.take()
    lan.decide(visit_id, LOWERS)
    step = step_of(database, visit_id)
    assert (step.lane, step.queue_key_at, step.state) == ("N", came_at, "waiting")
    seen = lan.see(visit_id)
    assert (seen.visit.lane, seen.group, seen.declared) == ("N", None, False)
    assert later.number != seen.visit.number
    (row,) = audited(lan.resources, Event.PRIORITY_LOWERED)
    assert row.detail == {"reason": "no_papers", "lane": "N"}


def test_the_room_calls_in_the_new_order(
    lan: Receptionist, desk: Desk, hospital: Hospital, resources: Resources, clock: SettableClock
) -> None:
    first = [
        read(
            desk.start(
                desk.wish("CHUNG", hospital.add_scan(desk.kiosk, make_scan(make_person(serial))))
            )
        )
        for serial in (1, 2)
    ]
    clock.advance(minutes=1)
    visit_id = pregnant(desk, 3, "CHUNG")
    lan.decide(visit_id, LOWERS)
    console = Console(resources, hospital, "101")
    called = [console.next().current[0].visit_id for _ in range(3)]
    assert called == [first[0].id, first[1].id, visit_id]


def test_age_gives_priority_whatever_was_declared(lan: Receptionist, desk: Desk) -> None:
    """Rank decides which of the two stands on the ticket; the birth date needs no papers."""
    content = make_scan(make_person(birth_date="1948-02-01"))
    scan_id = desk.hospital.add_scan(desk.kiosk, content)
    visit_id = read(desk.start(desk.wish(scan_id=scan_id, priority_group="disabled"))).id
    assert lan.see(visit_id).declared
    lan.decide(visit_id, LOWERS)
    seen = lan.see(visit_id)
    assert (seen.visit.lane, seen.group, seen.declared) == ("P", "from_75", False)


def test_who_was_called_meanwhile_is_not_called_back(
    lan: Receptionist, desk: Desk, hospital: Hospital, resources: Resources, database: Database
) -> None:
    visit_id = pregnant(desk, service="CHUNG")
    Console(resources, hospital, "101").next()
    lan.decide(visit_id, LOWERS)
    step = step_of(database, visit_id)
    assert (step.state, step.lane) == (StepState.CALLED, "P")
    assert list_room_queues(resources.catalogue.get(), hospital.rooms["101"])


def test_two_staff_on_one_ticket_have_one_effect(
    lan: Receptionist, binh: Receptionist, desk: Desk
) -> None:
    visit_id = pregnant(desk)
    seen = lan.see(visit_id).visit.version
    lan.decide(visit_id, STANDS, seen=seen)
    with pytest.raises(ChangedMeanwhile):
        binh.decide(visit_id, LOWERS, seen=seen)
    with pytest.raises(NothingToConfirm):
        binh.decide(visit_id, LOWERS)
    assert lan.see(visit_id).visit.lane == "P"


def test_a_double_press_is_one_decision(lan: Receptionist, desk: Desk) -> None:
    visit_id = pregnant(desk)
    first = lan.decide(visit_id, STANDS, seen=0, key="press")
    assert lan.decide(visit_id, STANDS, seen=0, key="press") == first
    assert len(audited(lan.resources, Event.PRIORITY_CONFIRMED)) == 1


def test_papers_confirm_a_typed_identity(lan: Receptionist, desk: Desk) -> None:
    visit = desk.take(verified=False)
    assert visit.ticket.notes == ["Mời xuất trình giấy tờ tùy thân tại quầy"]
    lan.decide(visit.id, IdentityReason.ID_CARD)
    seen = lan.see(visit.id)
    assert (seen.verified, seen.visit.needs) == (True, [])
    with lan.resources.database.read() as connection:
        content = connection.scalar(select(Ticket.content).where(Ticket.visit_id == visit.id))
    assert content["notes"] == []
    with pytest.raises(NothingToConfirm):
        lan.decide(visit.id, IdentityReason.ID_CARD)


@pytest.mark.parametrize(
    ("decision", "insured", "outcome"),
    [
        (CoverageDecision.VALID, True, "ok"),
        (CoverageDecision.NOT_VALID, False, "none"),
        (CoverageDecision.PATIENT_PAYS, False, "none"),
    ],
)
def test_insurance_looked_up_by_hand(
    lan: Receptionist, desk: Desk, decision: CoverageDecision, insured: bool, outcome: str
) -> None:
    visit = desk.take(coverage=CoverageFacts(outcome="later"))
    assert lan.look(Need.COVERAGE).items[0].id == visit.id
    lan.decide(visit.id, decision)
    seen = lan.see(visit.id)
    assert (seen.provisional, seen.use_insurance, seen.coverage) == (False, insured, outcome)
    assert lan.look(Need.COVERAGE).items == []


@pytest.mark.parametrize("reason", [STANDS, IdentityReason.ID_CARD, CoverageDecision.VALID])
def test_what_is_of_another_day_or_facility_is_not_there(
    lan: Receptionist, desk: Desk, clock: SettableClock, reason: Any
) -> None:
    visit = desk.take()
    with pytest.raises(VisitNotFound):
        lan.decide("unknown", reason, seen=0)
    with lan.resources.database.write() as unit:
        unit.connection.execute(Visit.__table__.update().values(facility_id="other"))
    with pytest.raises(VisitNotFound):
        lan.decide(visit.id, reason, seen=0)
    with lan.resources.database.write() as unit:
        unit.connection.execute(Visit.__table__.update().values(facility_id=unit.facility_id))
    clock.advance(days=1)
    with pytest.raises(VisitNotFound):
        lan.decide(visit.id, reason, seen=0)
