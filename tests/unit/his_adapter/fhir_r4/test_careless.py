"""Servers that do half of what FHIR says: the adapter looks again, and takes back what was wrong."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from his_adapter.demo.gateway import open_demo
from his_adapter.errors import BrokenReply, HisError, OutcomeUnknown, SlotTaken
from his_adapter.fhir_r4.client import FhirClient
from his_adapter.fhir_r4.config import read_config
from his_adapter.fhir_r4.emulated.careless import Careless
from his_adapter.fhir_r4.emulator import FhirEmulator
from his_adapter.fhir_r4.gateway import FhirGateway
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    CheckIn,
    HealthState,
    Patient,
    Ref,
    Slot,
    Visit,
)
from his_adapter.testing import fill_demo_folder
from tests.contract.his_harness import MONDAY_MORNING, by_number, draft, next_key
from tests.unit.his_adapter.fhir_r4.hostile import HostileServer, bundle, reply
from tiepdon.demo.fhir_server.hospital import HOURLY, SETTINGS, WALK_IN, seed
from tiepdon.demo.fhir_server.process import FhirServer


@pytest.fixture(scope="module")
def running() -> Iterator[FhirServer]:
    with FhirServer() as server:
        server.set_clock(MONDAY_MORNING - timedelta(days=1))
        server.put(*seed(hours_from=(MONDAY_MORNING,)))
        server.keep()
        yield server


@pytest.fixture
def server(running: FhirServer) -> FhirServer:
    running.reset()
    running.set_clock(MONDAY_MORNING)
    return running


@pytest.fixture
def his(server: FhirServer) -> Iterator[FhirGateway]:
    config = read_config({**SETTINGS, "base_url": server.base_url})
    gateway = FhirGateway(config, clock=lambda: MONDAY_MORNING)
    yield gateway
    gateway.close()


def first_slot(his: FhirGateway) -> Slot:
    day = timedelta(days=1)
    return his.find_slots(HOURLY, None, MONDAY_MORNING, MONDAY_MORNING + day, limit=500).items[0]


def people(his: FhirGateway, count: int) -> list[Patient]:
    return [his.create_patient(draft(800 + n), key=next_key()) for n in range(count)]


def standing(server: FhirServer, slot: Ref) -> list[dict[str, Any]]:
    found = server.get(f"Appointment?slot=Slot/{slot}&status=booked").get("entry", [])
    return [entry["resource"] for entry in found]


# --- half a transaction


def test_a_loser_leaves_no_booking_behind_where_transactions_are_not_undone(
    server: FhirServer, his: FhirGateway
) -> None:
    server.switch("no-rollback")
    slot, racers = first_slot(his), people(his, 8)

    def book(patient: Patient) -> Appointment | None:
        try:
            return his.book_appointment(patient.ref, slot.ref, HOURLY, key=next_key())
        except SlotTaken:
            return None

    with ThreadPoolExecutor(8) as pool:
        won = [booked for booked in pool.map(book, racers) if booked]
    assert [item["id"] for item in standing(server, slot.ref)] == [item.ref for item in won]
    assert len(won) <= 1
    if won:
        assert server.get(f"Slot/{slot.ref}")["status"] == "busy"


def test_one_after_the_other_the_first_wins(server: FhirServer, his: FhirGateway) -> None:
    server.switch("no-rollback")
    slot = first_slot(his)
    one, two = people(his, 2)
    booked = his.book_appointment(one.ref, slot.ref, HOURLY, key=next_key())
    with pytest.raises(SlotTaken):
        his.book_appointment(two.ref, slot.ref, HOURLY, key=next_key())
    assert [item["id"] for item in standing(server, slot.ref)] == [booked.ref]


def test_a_booking_that_died_between_its_halves_is_taken_back_when_sent_again(
    server: FhirServer, his: FhirGateway
) -> None:
    """The Appointment was stored, the Slot never marked, nobody answered."""
    slot = first_slot(his)
    (patient,) = people(his, 1)
    key = next_key()
    orphan = {
        "resourceType": "Appointment",
        "id": "orphan",
        "identifier": [{"system": "urn:tiepdon:request", "value": key}],
        "status": "booked",
        "start": slot.start.isoformat(),
        "end": slot.end.isoformat(),
        "slot": [{"reference": f"Slot/{slot.ref}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{patient.ref}"}, "status": "accepted"},
            {"actor": {"reference": f"HealthcareService/{HOURLY}"}, "status": "accepted"},
        ],
    }
    server.put(orphan)
    booked = his.book_appointment(patient.ref, slot.ref, HOURLY, key=key)
    assert booked.ref != "orphan"
    assert [item["id"] for item in standing(server, slot.ref)] == [booked.ref]


# --- no lock at all


class Forgetful:
    """Takes If-None-Exist and If-Match off every request of this client."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        send = FhirClient._send

        def forgetting(self: FhirClient, method: str, path: str, **more: Any) -> Any:
            more["headers"] = {}
            body = more.get("body")
            if body and body["resourceType"] == "Bundle":
                for entry in body["entry"]:
                    for name in ("ifMatch", "ifNoneExist"):
                        entry["request"].pop(name, None)
            return send(self, method, path, **more)

        monkeypatch.setattr(FhirClient, "_send", forgetting)


def test_without_any_lock_one_patient_remains(
    server: FhirServer, his: FhirGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    Forgetful(monkeypatch)

    def create(_: int) -> str:
        try:
            return his.create_patient(draft(3), key=next_key()).ref
        except HisError as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(create, range(8)))
    (remaining,) = his.find_patients(by_number(3)).items
    assert {outcome for outcome in outcomes if outcome != "Duplicate"} <= {remaining.ref}
    assert len(server.get("Patient?identifier=099190000003")["entry"]) == 1


def test_without_any_lock_no_hour_is_sold_twice(
    server: FhirServer, his: FhirGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot, racers = first_slot(his), people(his, 6)
    Forgetful(monkeypatch)

    def book(patient: Patient) -> Appointment | None:
        try:
            return his.book_appointment(patient.ref, slot.ref, HOURLY, key=next_key())
        except SlotTaken:
            return None

    with ThreadPoolExecutor(6) as pool:
        won = [booked for booked in pool.map(book, racers) if booked]
    assert len(won) <= 1
    assert [item["id"] for item in standing(server, slot.ref)] == [item.ref for item in won]


def test_without_any_lock_one_visit_remains(
    server: FhirServer, his: FhirGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    (patient,) = people(his, 1)
    Forgetful(monkeypatch)
    request = CheckIn(patient=patient.ref, service=WALK_IN)

    def check_in(_: int) -> str:
        try:
            return his.check_in(request, key=next_key()).ref
        except HisError as error:
            return type(error).__name__

    with ThreadPoolExecutor(6) as pool:
        outcomes = set(pool.map(check_in, range(6)))
    (visit,) = his.list_visits(patient.ref, MONDAY_MORNING.date()).items
    assert outcomes <= {visit.ref, "Duplicate"}


# --- the emulator's carelessness


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[FhirEmulator]:
    fill_demo_folder(tmp_path, now=MONDAY_MORNING)
    his = open_demo(tmp_path, clock=lambda: MONDAY_MORNING)
    with FhirEmulator(his, clock=lambda: MONDAY_MORNING) as running:
        yield running
    his.close()


@pytest.fixture
def careless(emulator: FhirEmulator) -> Iterator[FhirGateway]:
    gateway = FhirGateway(read_config(emulator.settings), clock=lambda: MONDAY_MORNING)
    yield gateway
    gateway.close()


def test_html_with_200_is_broken_and_the_his_down(
    emulator: FhirEmulator, careless: FhirGateway
) -> None:
    emulator.careless = Careless(html_with_200=True)
    with pytest.raises(BrokenReply):
        careless.find_patients(by_number(1))
    assert careless.health().state is HealthState.DOWN


def test_another_patient_in_the_answer_is_broken(
    emulator: FhirEmulator, careless: FhirGateway
) -> None:
    patient = careless.create_patient(draft(1), key=next_key())
    emulator.careless = Careless(another_patient=True)
    with pytest.raises(BrokenReply):
        careless.read_patient(patient.ref)


def test_hours_outside_the_question_are_not_shown(
    emulator: FhirEmulator, careless: FhirGateway
) -> None:
    emulator.careless = Careless(ignore_date_filters=True)
    start, end = MONDAY_MORNING + timedelta(hours=1), MONDAY_MORNING + timedelta(hours=2)
    slots = careless.find_slots(Ref("internal"), None, start, end, limit=500).items
    assert slots
    assert all(start <= slot.start < end for slot in slots)


def test_a_lost_condition_does_not_make_two_of_one(
    emulator: FhirEmulator, careless: FhirGateway
) -> None:
    emulator.careless = Careless(lose_conditional_create=True)
    key = next_key()
    first = careless.create_patient(draft(2), key=key)
    assert careless.create_patient(draft(2), key=key) == first


def test_orders_of_somebody_else_are_broken() -> None:
    person = {"resourceType": "Patient", "id": "p1", "name": [{"text": "Lan"}]}
    order = {
        "resourceType": "ServiceRequest",
        "id": "o1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p2"},
        "authoredOn": "2026-01-05T09:00:00+07:00",
    }

    def respond(request: Any) -> bytes:
        if "ServiceRequest" in request.line:
            return reply(bundle(order))
        return reply(person if "GET /fhir/Patient" in request.line else bundle())

    with HostileServer(respond) as server:
        settings = {
            "base_url": server.base_url,
            "facility": {"code": "99001", "name_vi": "Bệnh viện Mẫu"},
        }
        gateway = FhirGateway(read_config(settings), clock=lambda: MONDAY_MORNING)
        with pytest.raises(BrokenReply):
            gateway.list_orders(Ref("p1"), MONDAY_MORNING)
        gateway.close()


# --- texts


def test_decomposed_letters_come_in_composed(server: FhirServer, his: FhirGateway) -> None:
    name = "Nguyễn Thị Đặng Ỷ"
    server.put(
        {
            "resourceType": "Patient",
            "id": "nfd",
            "name": [{"text": unicodedata.normalize("NFD", name)}],
            "address": [{"text": unicodedata.normalize("NFD", "Hà Nội")}],
        }
    )
    read = his.read_patient(Ref("nfd"))
    assert (read.full_name, read.address) == (name, "Hà Nội")


def test_a_visit_without_a_number_yet_is_unknown_and_found_later(
    server: FhirServer, his: FhirGateway
) -> None:
    (patient,) = people(his, 1)
    key = next_key()
    visit = his.check_in(CheckIn(patient=patient.ref, service=WALK_IN), key=key)
    stored = server.get(f"Encounter/{visit.ref}")
    numbered = stored["identifier"]
    server.put({**stored, "identifier": [i for i in numbered if "/stt/" not in i["system"]]})
    his._hospital.__dict__["sleep"] = lambda _: None
    with pytest.raises(OutcomeUnknown):
        his.find_by_key(key)
    server.put({**stored, "identifier": numbered})
    found = his.find_by_key(key)
    assert isinstance(found, Visit)
    assert replace(found, version="") == replace(visit, version="")


def test_a_slot_nobody_holds_is_freed_when_its_booking_goes(
    server: FhirServer, his: FhirGateway
) -> None:
    slot = first_slot(his)
    (patient,) = people(his, 1)
    booked = his.book_appointment(patient.ref, slot.ref, HOURLY, key=next_key())
    server.put({**server.get(f"Appointment/{booked.ref}"), "status": "cancelled"})
    gone = his.change_appointment(
        booked.ref, AppointmentAction.CANCEL, version=booked.version, key=next_key()
    )
    assert gone.status is AppointmentStatus.CANCELLED
    assert first_slot(his) == slot


def test_half_a_booking_is_not_found_by_its_key(server: FhirServer, his: FhirGateway) -> None:
    slot = first_slot(his)
    (patient,) = people(his, 1)
    key, moved = next_key(), next_key()
    booked = his.book_appointment(patient.ref, slot.ref, HOURLY, key=key)
    assert his.find_by_key(key) == booked
    later = his.find_slots(HOURLY, None, slot.end, slot.end + timedelta(hours=2), limit=5).items[-1]
    after = his.change_appointment(
        booked.ref,
        AppointmentAction.RESCHEDULE,
        version=booked.version,
        key=moved,
        new_slot=later.ref,
    )
    assert his.find_by_key(key) == his.find_by_key(moved) == after
    server.put({**server.get(f"Slot/{later.ref}"), "status": "free"})  # the other half is undone
    assert his.find_by_key(key) is None
    assert [item["id"] for item in standing(server, later.ref)] == [booked.ref]
