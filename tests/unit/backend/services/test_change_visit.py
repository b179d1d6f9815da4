from __future__ import annotations

import pytest
from sqlalchemy import select, update

from backend.errors import ChangeNotAllowed, ServiceFull, VisitNotFound
from backend.services.change_visit import ChangeWish, change_visit
from backend.storage.number_tables import Number
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.queue_tables import Step, StepChange
from backend.web import visit_schemas as schemas
from tests.conftest import SettableClock
from tests.factories.desk import Desk, count, read
from tests.factories.hospital import make_person


def change(desk: Desk, visit: schemas.VisitReply, service: str, scan_id: str) -> schemas.VisitReply:
    wish = ChangeWish(scan_id=scan_id, service_id=desk.hospital.services[service])
    answer = change_visit(desk.resources, visit.id, wish, kiosk=desk.kiosk, intent=desk.intent())
    return read(answer)


def test_another_service_keeps_the_number_and_the_phone_page(desk: Desk) -> None:
    first = desk.take("NOI")
    changed = change(desk, first, "CHUNG", desk.scan_ticket(first.id))
    assert changed.number == first.number
    assert changed.ticket.qr == first.ticket.qr
    assert changed.ticket.service == "Khám CHUNG"
    assert [step.state for step in changed.steps] == ["cancelled", "waiting"]
    assert changed.print_state == "pending"
    assert changed.actions == ["cancel", "reprint"]
    assert count(desk, Number) == 1


def test_only_once(desk: Desk) -> None:
    visit = desk.take("NOI")
    change(desk, visit, "CHUNG", desk.scan_ticket(visit.id))
    with pytest.raises(ChangeNotAllowed):
        change(desk, visit, "NOI", desk.scan_ticket(visit.id))


def test_not_to_what_the_person_waits_for_already(desk: Desk) -> None:
    person = make_person(7)
    visit = desk.take("NOI", person=person)
    desk.take("CHUNG", person=person)
    with pytest.raises(ChangeNotAllowed):
        change(desk, visit, "CHUNG", desk.scan_ticket(visit.id))


def test_only_within_ten_minutes(desk: Desk, clock: SettableClock) -> None:
    visit = desk.take("NOI")
    clock.advance(minutes=10)
    with pytest.raises(ChangeNotAllowed):
        change(desk, visit, "CHUNG", desk.scan_ticket(visit.id))


def test_not_after_being_called(desk: Desk) -> None:
    visit = desk.take("NOI")
    with desk.hospital.database.write() as unit:
        unit.connection.execute(update(Step).values(state="called"))
    with pytest.raises(ChangeNotAllowed):
        change(desk, visit, "CHUNG", desk.scan_ticket(visit.id))


def test_not_with_somebody_elses_scan(desk: Desk) -> None:
    visit, other = desk.take("NOI"), desk.take("NOI")
    with pytest.raises(VisitNotFound):
        change(desk, visit, "CHUNG", desk.scan_ticket(other.id))


def test_a_place_is_given_back_only_when_the_new_one_is_held(desk: Desk) -> None:
    limited = desk.take("NHO")
    other = desk.take("NOI")
    with pytest.raises(ServiceFull):
        change(desk, other, "NHO", desk.scan_ticket(other.id))
    assert count(desk, StepChange) == 2
    change(desk, limited, "NOI", desk.scan_ticket(limited.id))
    change(desk, other, "NHO", desk.scan_ticket(other.id))


def test_the_his_hears_of_both(desk: Desk) -> None:
    visit = desk.take("NOI")
    change(desk, visit, "CHUNG", desk.scan_ticket(visit.id))
    with desk.hospital.database.read() as connection:
        kinds = connection.scalars(select(OutboxMessage.kind).order_by(OutboxMessage.id)).all()
    assert kinds == ["his.check_in", "his.cancel_visit", "his.check_in"]
