"""The HIS numbers: its number is called when it comes in time, and nobody's number comes twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from backend.bootstrap import set_up
from backend.domain.ids import new_id
from backend.domain.settings import FacilitySettings
from backend.errors import ConfigError, ServiceFull
from backend.jobs.deliver_outbox import deliver_outbox
from backend.services.cancel_visit import cancel_visit
from backend.services.number_visit import number_visit
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.storage.catalogue import CatalogueSource
from backend.storage.catalogue_tables import Facility
from backend.storage.database import Database
from backend.storage.outbox_tables import LiveEvent
from backend.storage.queue_tables import Step
from backend.storage.repositories import Intent
from backend.storage.visit_tables import Visit
from backend.web.visit_schemas import VisitReply
from his_adapter.models import Feature, VisitStatus
from tests.conftest import SettableClock
from tests.factories.clinic import FOLLOWED, FakeClinic
from tests.factories.desk import Desk, read
from tests.factories.hospital import Hospital, make_config, make_person, make_scan

CAN = FOLLOWED | {Feature.CHECK_IN, Feature.FIND_BY_KEY, Feature.CANCEL_VISIT}


@pytest.fixture
def hospital(database: Database) -> Hospital:
    settings = FacilitySettings(numbering="his", numbering_wait_s=0.3)
    hospital = Hospital(database).set_up(settings)
    hospital.add_room("101")
    hospital.add_room("102")
    hospital.add_room("201", limit=1)
    hospital.add_service("NOI", "101", "102")
    hospital.add_service("NHO", "201")
    return hospital


@pytest.fixture
def clinic(clock: SettableClock) -> FakeClinic:
    return FakeClinic(clock, features=CAN)


@pytest.fixture
def resources(resources: Resources, clinic: FakeClinic) -> Iterator[Resources]:
    party = RemoteParty("his", max_calls=8)
    yield replace(resources, his=cast("Any", clinic), his_party=party)
    clinic.answer()
    party.close()


@pytest.fixture
def desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital)


@pytest.fixture
def deliver(resources: Resources, clock: SettableClock) -> Callable[[], None]:
    def deliver() -> None:
        for _ in range(3):
            deliver_outbox(resources)
            clock.advance(seconds=5)

    return deliver


def take(
    desk: Desk, serial: int = 1, service: str = "NOI", key: str | None = None, known: bool = True
) -> VisitReply:
    person = make_person(serial, his_ref=f"BN-{serial}" if known else None)
    scan_id = desk.hospital.add_scan(desk.kiosk, make_scan(person))
    intent = Intent(caller=desk.kiosk.actor, key=key or new_id(), body_hash="b")
    wish = desk.wish(service, scan_id)
    return read(number_visit(desk.resources, wish, kiosk=desk.kiosk, intent=intent))


def stored(resources: Resources, visit_id: str) -> Any:
    with resources.database.read() as connection:
        return connection.execute(
            select(Visit.__table__, Step.his_ref)
            .join(Step, Step.visit_id == Visit.id)
            .where(Visit.id == visit_id)
        ).one()


def test_the_number_of_the_his_is_printed(
    desk: Desk, resources: Resources, clinic: FakeClinic, deliver: Callable[[], None]
) -> None:
    visit = take(desk)
    assert visit.number == "K001"
    row = stored(resources, visit.id)
    assert (row.his_number, row.his_record_code, row.his_ref) == ("K1", "MALK1", "LK-1")
    deliver()
    assert len(clinic.visits) == 1


def test_who_waited_at_the_scan_does_not_wait_as_long_again(
    desk: Desk, hospital: Hospital, clinic: FakeClinic
) -> None:
    with hospital.database.write() as unit:
        settings = FacilitySettings(numbering="his", numbering_wait_s=20).to_json()
        unit.connection.execute(update(Facility).values(settings=settings))
    hospital.touch_catalogue()
    desk.resources = replace(desk.resources, catalogue=CatalogueSource(hospital.database))
    clinic.hold_back()
    scan = make_scan(make_person(1, his_ref="BN-1"), known_to_his=False)
    wish = desk.wish("NOI", hospital.add_scan(desk.kiosk, scan))
    began_s = time.monotonic()
    visit = read(number_visit(desk.resources, wish, kiosk=desk.kiosk, intent=desk.intent()))
    assert visit.number.startswith("Z")
    assert time.monotonic() - began_s < 10


def test_somebody_new_to_the_his_gets_its_number_too(desk: Desk, clinic: FakeClinic) -> None:
    assert take(desk, known=False).number == "K001"
    assert clinic.calls["create_patient"] == 1


def test_the_room_the_his_chose(desk: Desk, resources: Resources, clinic: FakeClinic) -> None:
    clinic.room = "PHONG-102"
    visit = take(desk)
    assert visit.steps[0].room.vi == "Phòng khám 102"


def test_a_late_his_is_stored_beside_and_nothing_is_made_twice(
    desk: Desk, resources: Resources, clinic: FakeClinic, deliver: Callable[[], None]
) -> None:
    clinic.hold_back()
    visit = take(desk)
    assert visit.number == "Z001"
    clinic.answer()
    deliver()
    assert stored(resources, visit.id).his_number == "K1"
    assert len(clinic.visits) == 1


def test_a_his_that_heard_nothing_is_told_later(
    desk: Desk, resources: Resources, clinic: FakeClinic, deliver: Callable[[], None]
) -> None:
    clinic.down = True
    visit = take(desk)
    assert visit.number == "Z001"
    clinic.down = False
    deliver()
    ((request, _),) = clinic.visits.values()
    assert request.number == "Z001"
    assert stored(resources, visit.id).his_ref == "LK-1"


def test_the_same_wish_twice_is_one_check_in(desk: Desk, clinic: FakeClinic) -> None:
    scan_id = desk.hospital.add_scan(desk.kiosk, make_scan(make_person(1, his_ref="BN-1")))
    intent = Intent(caller=desk.kiosk.actor, key="once", body_hash="b")
    wish = desk.wish("NOI", scan_id)
    answers = [
        number_visit(desk.resources, wish, kiosk=desk.kiosk, intent=intent) for _ in range(3)
    ]
    assert len({answer.body for answer in answers}) == 1
    assert clinic.calls["check_in"] == 1
    assert take(desk).existing
    assert len(clinic.visits) == 1


def test_a_number_somebody_holds_is_not_given_again(
    desk: Desk, resources: Resources, clinic: FakeClinic
) -> None:
    assert take(desk).number == "K001"
    clinic.next_number = 1
    visit = take(desk, 2)
    assert visit.number == "Z001"
    assert stored(resources, visit.id).his_number == "K1"
    with resources.database.read() as connection:
        alarms = connection.scalars(
            select(LiveEvent.detail).where(LiveEvent.event == "his_number_refused")
        ).all()
    assert [alarm["why"] for alarm in alarms] == ["taken"]


def test_a_his_without_letters_of_its_own(desk: Desk, clinic: FakeClinic) -> None:
    clinic.prefix = ""
    assert take(desk).number == "Z001"
    clinic.prefix = "Z"
    assert take(desk, 2).number == "Z002"


def test_a_wish_that_fails_is_taken_back_in_the_his(
    desk: Desk, clinic: FakeClinic, deliver: Callable[[], None]
) -> None:
    take(desk, 1, "NHO")
    with pytest.raises(ServiceFull):
        take(desk, 2, "NHO")
    deliver()
    states = [visit.status for _, visit in clinic.visits.values()]
    assert sorted(states) == [VisitStatus.ARRIVED, VisitStatus.CANCELLED]


def test_cancelled_before_the_his_answered(
    desk: Desk, resources: Resources, clinic: FakeClinic, deliver: Callable[[], None]
) -> None:
    clinic.hold_back()
    visit = take(desk)
    scan = desk.scan_ticket(visit.id)
    cancel_visit(resources, visit.id, scan_id=scan, kiosk=desk.kiosk, intent=desk.intent())
    clinic.answer()
    time.sleep(0.2)
    deliver()
    assert [visit.status for _, visit in clinic.visits.values()] == [VisitStatus.CANCELLED]


def test_own_numbers_go_on_behind_those_of_the_his(
    desk: Desk, resources: Resources, hospital: Hospital, clinic: FakeClinic
) -> None:
    clinic.prefix, clinic.next_number = "A", 7
    assert take(desk).number == "A007"
    assert desk.take("NOI").number == "Z001"
    with hospital.database.write() as unit:
        settings = FacilitySettings(numbering="own").to_json()
        unit.connection.execute(Facility.__table__.update().values(settings=settings))
    hospital.touch_catalogue()
    time.sleep(2.1)
    assert take(desk, 3).number == "A008"


def test_a_storm_while_the_his_dawdles(
    desk: Desk, resources: Resources, clinic: FakeClinic, deliver: Callable[[], None]
) -> None:
    """60 people, 12 at once, a HIS that hangs and comes back: everybody has a number of their own."""
    ask, back = clinic.check_in, threading.Event()

    def dawdle(request: Any, *, key: Any) -> Any:
        serial = int(str(request.patient).removeprefix("BN-"))
        if serial >= 20 and serial % 3 == 0:
            back.wait(30)
        return ask(request, key=key)

    clinic.check_in = dawdle  # type: ignore[method-assign]  # sometimes silent
    with ThreadPoolExecutor(max_workers=12) as pool:
        visits = list(pool.map(lambda serial: take(desk, serial), range(60)))
    numbers = [visit.number for visit in visits]
    assert len(set(numbers)) == 60
    assert {number[0] for number in numbers} == {"K", "Z"}
    back.set()
    time.sleep(0.5)
    for _ in range(10):
        deliver()
    his = {request.patient for request, _ in clinic.visits.values()}
    assert len(his) == len(clinic.visits) == 60
    with resources.database.read() as connection:
        refs = connection.scalars(select(Step.his_ref)).all()
    assert len(set(refs)) == 60
    assert None not in refs


def test_the_server_does_not_start_with_a_letter_of_the_his(
    database: Database, hospital: Hospital
) -> None:
    set_up(database, make_config())
    hospital.add_service("MAT", "101", series_letter="Z")
    with pytest.raises(ConfigError):
        set_up(database, make_config())


def test_a_his_that_cannot_look_back_is_not_asked(
    desk: Desk, clinic: FakeClinic, hospital: Hospital
) -> None:
    """A lost answer could not be settled: the next try would make a second check-in."""
    can = sorted(CAN - {Feature.FIND_BY_KEY})
    with hospital.database.write() as unit:
        unit.connection.execute(update(Facility).values(his_features=can))
    hospital.touch_catalogue()
    assert take(desk).number == "Z001"
    assert not clinic.visits
