"""Visits reach a vendor that has the published kiosk contract and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.bootstrap import assemble
from backend.jobs.deliver_outbox import deliver_outbox
from backend.services.resources import Resources
from backend.services.sync_catalogue import sync_catalogue
from backend.storage.crypto import demo_keys
from backend.storage.database import Database
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.visit_tables import Visit
from his_adapter.demo.gateway import open_demo
from his_adapter.json_kiosk.config import read_settings
from his_adapter.json_kiosk.emulator import (
    MERCHANT_ID,
    PUBLISHED_ONLY,
    SECRET,
    JsonKioskEmulator,
)
from his_adapter.json_kiosk.gateway import JsonKioskGateway
from his_adapter.models import Identifier, IdentifierKind, PatientQuery
from his_adapter.ports import HisGateway
from his_adapter.testing import fill_demo_folder
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_config, make_person


@pytest.fixture
def vendor(tmp_path: Path, clock: SettableClock) -> Iterator[JsonKioskEmulator]:
    fill_demo_folder(tmp_path / "vendor", now=clock())
    hospital = open_demo(tmp_path / "vendor", clock=clock)
    with JsonKioskEmulator(hospital, clock=clock, extensions=PUBLISHED_ONLY) as emulator:
        emulator.hospital = hospital  # type: ignore[attr-defined]  # for the test to look at
        yield emulator


@pytest.fixture
def resources(
    database: Database, vendor: JsonKioskEmulator, tmp_path: Path, clock: SettableClock
) -> Iterator[Resources]:
    (tmp_path / "secret").write_bytes(SECRET)
    settings = {
        "base_url": vendor.base_url,
        "merchant_id": MERCHANT_ID,
        "secret_file": str(tmp_path / "secret"),
        "facility": {"code": "99001", "name_vi": "Trung tâm Y tế Mẫu"},
    }
    his = JsonKioskGateway(read_settings(settings), clock=clock)
    sync_catalogue(database, his)
    resources = assemble(make_config(), database=database, keys=demo_keys(), his=his)
    yield resources
    resources.his_party.close()
    resources.insurer_party.close()
    his.close()


@pytest.fixture
def desk(resources: Resources, database: Database) -> Desk:
    hospital = Hospital(database, keys=resources.keys)
    for service in resources.catalogue.get().services.values():
        hospital.services[service.code] = service.id
    return Desk(resources, hospital)


def test_a_new_person_comes_with_the_visit(
    desk: Desk, resources: Resources, vendor: JsonKioskEmulator
) -> None:
    person = make_person(555_555)
    visit = desk.take(surgery(resources), person=person)
    assert deliver_outbox(resources) == 1
    hospital: HisGateway = vendor.hospital  # type: ignore[attr-defined]  # as above
    number = Identifier(kind=IdentifierKind.ID12, value=person.numbers["id12"])
    (match,) = hospital.find_patients(PatientQuery(identifiers=(number,))).items
    assert hospital.read_patient(match.ref).full_name == person.full_name
    with resources.database.read() as connection:
        row = connection.execute(
            select(Visit.his_number, Visit.his_record_code, OutboxMessage.state).join(
                OutboxMessage, OutboxMessage.visit_id == Visit.id
            )
        ).one()
    assert (row.state, bool(row.his_number), bool(row.his_record_code)) == ("done", True, True)
    assert visit.number


def test_a_lost_answer_is_never_sent_twice(
    desk: Desk, resources: Resources, vendor: JsonKioskEmulator, clock: SettableClock
) -> None:
    desk.take(surgery(resources), person=make_person(555_556))
    resources.his.list_services()
    lose_registrations(vendor)
    for _ in range(5):
        deliver_outbox(resources)
        clock.advance(minutes=5)
    assert [call.value for call in vendor.calls].count("register") == 1


def test_a_vendor_that_was_away_hears_of_it_later(
    desk: Desk, resources: Resources, vendor: JsonKioskEmulator, clock: SettableClock
) -> None:
    """Nothing was sent, so there is nothing to be in doubt about."""
    desk.take(surgery(resources), person=make_person(555_557))
    vendor.switches.lose_replies = 4  # each read is tried twice
    for _ in range(6):
        deliver_outbox(resources)
        clock.advance(minutes=5)
    with resources.database.read() as connection:
        states = connection.scalars(select(OutboxMessage.state)).all()
    assert states == ["done"]
    assert [call.value for call in vendor.calls].count("register") == 1


def surgery(resources: Resources) -> str:
    """The code of a service of the demo hospital that is open to everybody."""
    services = resources.catalogue.get().services.values()
    return next(each.code for each in services if each.his_ref == "surgery")


def lose_registrations(vendor: JsonKioskEmulator) -> None:
    """Looking up still works; the answer to the registration does not arrive."""
    answer = vendor.answer

    def answer_or_not(method: str, target: str, headers: object, body: bytes) -> object:
        if method == "POST":
            vendor.switches.lose_replies = 1
        return answer(method, target, headers, body)  # type: ignore[arg-type]  # passed on

    vendor.answer = answer_or_not  # type: ignore[method-assign, assignment]  # a line that fails
