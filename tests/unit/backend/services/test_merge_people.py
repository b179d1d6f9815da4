"""Two records of one person: shown first, done once, no number given twice."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from backend.errors import ChangedMeanwhile, DifferentPeople, MoveNotAllowed, SamePerson
from backend.events import Event
from backend.services.act_on_step import StepAct, StepReason
from backend.services.resources import Resources
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.queue_tables import StepChange
from backend.storage.visit_tables import Person
from tests.factories.desk import Desk, read
from tests.factories.hospital import Hospital, make_person, make_scan
from tests.factories.reception import Receptionist, audited
from tests.factories.rooms import Console


@pytest.fixture
def lan(resources: Resources) -> Receptionist:
    return Receptionist(resources)


def by_name(serial: int) -> object:
    return make_person(full_name=f"Trần Thử {serial}", name_key=f"tran thu {serial}", numbers={})


def people(lan: Receptionist) -> int:
    with lan.resources.database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(Person)) or 0)


def test_nothing_happens_before_the_second_question(lan: Receptionist, desk: Desk) -> None:
    first, second = desk.take(person=make_person(1)), desk.take(person=by_name(1))
    keep, other = lan.see(first.id).visit, lan.see(second.id).visit
    preview = lan.merge(keep, other, confirmed=False)
    assert preview == {
        "merged": False,
        "cancelled": [second.number],
        "same_name": False,
        "same_birth_date": True,
    }
    assert people(lan) == 2
    assert lan.see(second.id).visit.state == "waiting"


def test_both_cards_lead_to_the_kept_record(lan: Receptionist, desk: Desk) -> None:
    first, second = desk.take(person=make_person(1)), desk.take(person=by_name(1))
    lan.merge(lan.see(first.id).visit, lan.see(second.id).visit)
    assert people(lan) == 1
    ended = lan.see(second.id)
    assert (ended.visit.state, lan.see(first.id).visit.state) == ("cancelled", "waiting")
    assert ended.person is not None
    assert ended.person.full_name == "Nguyễn Thị Thử"
    for person in (make_person(1), by_name(1)):
        scan_id = desk.hospital.add_scan(desk.kiosk, make_scan(person))
        assert read(desk.start(desk.wish(scan_id=scan_id))).number == first.number
    with lan.resources.database.read() as connection:
        change = connection.execute(
            select(StepChange.__table__).where(StepChange.to_state == "cancelled")
        ).one()
        message = connection.execute(
            select(OutboxMessage.__table__).where(OutboxMessage.kind == "his.cancel_visit")
        ).one()
    assert (change.reason, change.source, message.visit_id) == ("merged", "reception", second.id)
    (row,) = audited(lan.resources, Event.PEOPLE_MERGED)
    assert row.actor == "staff:staff-Lan"


def test_who_is_further_on_keeps_the_place(
    lan: Receptionist, desk: Desk, hospital: Hospital, resources: Resources
) -> None:
    first = desk.take("CHUNG", person=make_person(1))
    second = desk.take("CHUNG", person=by_name(1))
    console = Console(resources, hospital, "101")
    console.act(console.next().current[0], StepAct.MISS, reason=StepReason.NO_ANSWER)
    called = console.next().current[0]
    assert called.visit_id == second.id
    lan.merge(lan.see(first.id).visit, lan.see(second.id).visit)
    assert lan.see(first.id).visit.state == "cancelled"
    assert lan.see(second.id).visit.state == "called"


def test_two_in_rooms_are_not_merged(
    lan: Receptionist, desk: Desk, hospital: Hospital, resources: Resources
) -> None:
    visits = [desk.take("CHUNG", person=each) for each in (make_person(1), by_name(1))]
    for room in ("101", "102"):
        console = Console(resources, hospital, room)
        console.act(console.next().current[0], StepAct.SERVE)
    keep, other = (lan.see(visit.id).visit for visit in visits)
    with pytest.raises(MoveNotAllowed):
        lan.merge(keep, other)
    assert people(lan) == 2


def test_different_services_both_stay(lan: Receptionist, desk: Desk) -> None:
    first, second = desk.take(person=make_person(1)), desk.take("CHUNG", person=by_name(1))
    done = lan.merge(lan.see(first.id).visit, lan.see(second.id).visit)
    assert done["cancelled"] == []
    assert lan.see(second.id).visit.state == "waiting"


def test_two_personal_numbers_are_two_people(lan: Receptionist, desk: Desk) -> None:
    first, second = desk.take(person=make_person(1)), desk.take(person=make_person(2))
    with pytest.raises(DifferentPeople):
        lan.merge(lan.see(first.id).visit, lan.see(second.id).visit)


def test_an_old_page_and_a_second_press_change_nothing(lan: Receptionist, desk: Desk) -> None:
    first, second = desk.take(person=make_person(1)), desk.take(person=by_name(1))
    keep, other = lan.see(first.id).visit, lan.see(second.id).visit
    lan.merge(keep, other)
    with pytest.raises(ChangedMeanwhile):
        Receptionist(lan.resources, "Bình").merge(keep, other)
    with pytest.raises(SamePerson):
        lan.merge(lan.see(first.id).visit, lan.see(second.id).visit)
