"""Today's list and the search: exact by number, without accents by name, audited by person."""

from __future__ import annotations

import pytest

from backend.domain.desk import Need
from backend.domain.scan import OnBehalfFacts
from backend.errors import ChangedMeanwhile, ReturnNotAllowed
from backend.events import Event
from backend.services import search_visits
from backend.services.act_on_step import StepAct, StepReason
from backend.services.resources import Resources
from backend.storage.visit_tables import Visit
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_person
from tests.factories.reception import Receptionist, audited
from tests.factories.rooms import Console


@pytest.fixture
def lan(resources: Resources) -> Receptionist:
    return Receptionist(resources)


def person(serial: int, name: str, key: str, **more: object) -> object:
    return make_person(serial, full_name=name, name_key=key, **more)


def test_the_newest_come_first_in_pages(lan: Receptionist, desk: Desk) -> None:
    taken = [desk.take().id for _ in range(5)]
    first = lan.look(limit=2)
    second = lan.look(limit=2, before=first.next)
    last = lan.look(limit=2, before=second.next)
    shown = [visit.id for page in (first, second, last) for visit in page.items]
    assert shown == taken[::-1]
    assert (first.counts["all"], last.next) == (5, None)


def test_the_list_names_nobody_and_leaves_no_trace(lan: Receptionist, desk: Desk) -> None:
    desk.take()
    lan.look()
    assert audited(lan.resources, Event.PERSON_READ) == []


def test_what_is_to_be_looked_at_is_counted(
    lan: Receptionist, desk: Desk, hospital: Hospital, resources: Resources
) -> None:
    desk.take(verified=False)
    desk.take("CHUNG")
    console = Console(resources, hospital, "102")
    step = console.next().current[0]
    console.act(step, StepAct.MISS, StepReason.NO_ANSWER)
    counts = lan.look().counts
    assert (counts["identity"], counts["missed"], counts["coverage"]) == (1, 1, 0)
    (missed,) = lan.look(Need.MISSED).items
    assert missed.needs == [Need.MISSED]
    lan.resume(missed)
    assert lan.look(Need.MISSED).items == []
    with pytest.raises(ChangedMeanwhile):
        lan.resume(missed)
    with pytest.raises(ReturnNotAllowed):
        lan.resume(lan.see(missed.id).visit)


@pytest.mark.parametrize(
    "text", ["{number}", "{digits}", "079185000007", "nguyen be", "0912 345 678"]
)
def test_every_way_leads_to_the_visit(lan: Receptionist, desk: Desk, text: str) -> None:
    desk.take(person=person(1, "Lê Văn Khác", "le van khac"))
    visit = desk.take(
        person=person(7, "Nguyễn Thị Bé", "nguyen thi be"),
        on_behalf=OnBehalfFacts(relation="parent", phone="+84912345678"),
    )
    wanted = text.format(number=visit.number, digits=int(visit.number[1:]))
    found = lan.find(wanted)
    assert [each.visit.id for each in found.items] == [visit.id]
    assert found.items[0].person is not None
    (row,) = audited(lan.resources, Event.PERSON_READ)
    assert (row.actor, row.subject) == ("staff:staff-Lan", f"visit:{visit.id}")
    assert row.detail == {"why": "search"}


def test_a_ticket_is_found_by_its_code(lan: Receptionist, desk: Desk) -> None:
    visit = desk.take()
    assert lan.find(visit.ticket.qr).items[0].visit.id == visit.id


def test_a_search_that_means_nothing_says_so(lan: Receptionist, desk: Desk) -> None:
    desk.take()
    assert not lan.find("?").understood
    assert lan.find("khong ai").items == []


def test_many_names_are_opened_in_batches_up_to_a_bound(
    lan: Receptionist, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_visits, "BATCH", 2)
    ids = [desk.take(person=person(n, f"Trần Thử {n}", f"tran thu {n}")).id for n in range(5)]
    assert [each.visit.id for each in lan.find("tran thu").items] == ids[::-1]
    monkeypatch.setattr(search_visits, "MAX_OPENED", 3)
    found = lan.find("tran thu")
    assert (len(found.items), found.complete) == (3, False)
    monkeypatch.setattr(search_visits, "MAX_OPENED", 100)
    monkeypatch.setattr(search_visits, "MAX_FOUND", 2)
    found = lan.find("tran thu")
    assert (len(found.items), found.complete) == (2, False)


def test_yesterday_and_other_facilities_are_not_found(
    lan: Receptionist, desk: Desk, clock: SettableClock
) -> None:
    visit = desk.take(person=person(3, "Trần Thử", "tran thu"))
    with lan.resources.database.write() as unit:
        unit.connection.execute(Visit.__table__.update().values(facility_id="other"))
    assert lan.find("tran thu").items == []
    assert lan.find(visit.number).items == []
    assert lan.look().items == []
    with lan.resources.database.write() as unit:
        unit.connection.execute(Visit.__table__.update().values(facility_id=unit.facility_id))
    clock.advance(days=1)
    assert lan.find("tran thu").items == []
    assert lan.find("079185000003").items == []


def test_opening_a_visit_leaves_a_trace(lan: Receptionist, desk: Desk) -> None:
    visit = desk.take()
    opened = lan.see(visit.id)
    assert opened.person is not None
    assert [row.detail for row in audited(lan.resources, Event.PERSON_READ)] == [{"why": "opened"}]
