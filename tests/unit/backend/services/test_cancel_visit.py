from __future__ import annotations

import pytest
from sqlalchemy import update

from backend.errors import ChangeNotAllowed, VisitNotFound
from backend.services.cancel_visit import cancel_visit
from backend.services.follow_events import EventFeed
from backend.storage.queue_tables import Step
from backend.web import visit_schemas as schemas
from tests.conftest import SettableClock
from tests.factories.desk import Desk, read
from tests.factories.hospital import Hospital, make_person, make_scan


def cancel(desk: Desk, visit: schemas.VisitReply, scan_id: str) -> schemas.VisitReply:
    answer = cancel_visit(
        desk.resources, visit.id, scan_id=scan_id, kiosk=desk.kiosk, intent=desk.intent()
    )
    return read(answer)


def test_cancelled_by_ticket_at_another_kiosk(desk: Desk, other_desk: Desk) -> None:
    visit = desk.take()
    cancelled = cancel(other_desk, visit, other_desk.scan_ticket(visit.id))
    assert (cancelled.state, cancelled.actions) == ("cancelled", [])


def test_cancelled_by_the_card(desk: Desk) -> None:
    visit = desk.take(person=make_person(3))
    card = desk.hospital.add_scan(desk.kiosk, make_scan(make_person(3)))
    assert cancel(desk, visit, card).state == "cancelled"


def test_a_cancelled_number_is_not_given_again(desk: Desk) -> None:
    person = make_person(3)
    visit = desk.take(person=person)
    cancel(desk, visit, desk.scan_ticket(visit.id))
    again = desk.take(person=person)
    assert (again.existing, again.number) == (False, "A002")


def test_the_place_is_free_again(desk: Desk) -> None:
    visit = desk.take("NHO")
    cancel(desk, visit, desk.scan_ticket(visit.id))
    desk.take("NHO")


def test_not_after_being_called_and_not_twice(desk: Desk) -> None:
    visit = desk.take()
    with desk.hospital.database.write() as unit:
        unit.connection.execute(update(Step).values(state="called"))
    with pytest.raises(ChangeNotAllowed):
        cancel(desk, visit, desk.scan_ticket(visit.id))
    with desk.hospital.database.write() as unit:
        unit.connection.execute(update(Step).values(state="waiting"))
    cancel(desk, visit, desk.scan_ticket(visit.id))
    with pytest.raises(ChangeNotAllowed):
        cancel(desk, visit, desk.scan_ticket(visit.id))


def test_yesterdays_ticket_is_no_visit_any_more(desk: Desk, clock: SettableClock) -> None:
    visit = desk.take()
    clock.advance(days=1)
    with pytest.raises(VisitNotFound):
        cancel(desk, visit, desk.scan_ticket(visit.id))


def test_rooms_hear_that_somebody_went_home(desk: Desk, hospital: Hospital) -> None:
    visit = desk.take("CHUNG")
    feed = EventFeed(hospital.database)
    feed.start()
    cancel_visit(
        desk.resources, visit.id, scan_id=desk.scan_ticket(visit.id), kiosk=desk.kiosk,
        intent=desk.intent(),
    )  # fmt: skip
    (message,) = feed.read()
    assert message.topics >= {visit.id, hospital.services["CHUNG"], hospital.rooms["101"]}
