"""What every adapter to a HIS keeps to, whatever stands behind it.

A new adapter adds a subclass of `HisGatewayContract` with a `harness` fixture.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from his_adapter.builtin.catalogue import STARTER_FILE, load_catalogue
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.builtin.store import Store
from his_adapter.demo.gateway import open_demo
from his_adapter.errors import (
    Duplicate,
    InvalidData,
    KeyReused,
    NotFound,
    NotSupported,
    SlotTaken,
    VersionConflict,
)
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    BirthDate,
    CheckIn,
    CoverageQuery,
    Feature,
    HealthState,
    Identifier,
    IdentifierKind,
    MatchGrade,
    Patient,
    PatientChanges,
    PatientQuery,
    Ref,
    Slot,
    VisitStatus,
    WriteKey,
)
from his_adapter.ports import HisGateway
from his_adapter.registry import open_gateway
from his_adapter.testing import fill_demo_folder
from tests.contract.his_harness import (
    MONDAY_MORNING,
    RACERS,
    Harness,
    by_number,
    draft,
    free_slots,
    keys,
    next_key,
    race,
)
from tests.contract.his_records import RecordsContract

__all__ = ["MONDAY_MORNING", "Harness", "HisGatewayContract", "draft", "keys", "next_key"]


class HisGatewayContract(RecordsContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        raise NotImplementedError

    @pytest.fixture
    def his(self, harness: Harness) -> HisGateway:
        return harness.gateway

    @pytest.fixture
    def patient(self, his: HisGateway) -> Patient:
        return his.create_patient(draft(), key=next(keys))

    # --- the HIS itself

    def test_it_says_what_it_can(self, his: HisGateway) -> None:
        declared = his.capabilities()
        assert declared.features >= {
            Feature.FIND_PATIENTS,
            Feature.CREATE_PATIENT,
            Feature.LIST_SERVICES,
            Feature.CHECK_IN,
            Feature.FIND_BY_KEY,
        }
        assert declared.facility.code
        assert his.health().state is HealthState.OK

    def test_coverage_answers_or_is_not_declared(self, his: HisGateway) -> None:
        query = CoverageQuery(
            identifiers=by_number(0).identifiers,
            full_name="Nguyễn Thị Đặng Ỷ",
            birth_date=BirthDate.from_iso("1990-02-28"),
        )
        if Feature.CHECK_COVERAGE in his.capabilities().features:
            assert his.check_coverage(query, on=date(2026, 1, 5), timeout_s=1).code
        else:
            with pytest.raises(NotSupported):
                his.check_coverage(query, on=date(2026, 1, 5), timeout_s=1)

    # --- people

    def test_a_stranger_is_an_empty_page(self, his: HisGateway) -> None:
        page = his.find_patients(by_number(999_999))
        assert (page.items, page.complete) == ((), True)

    def test_found_by_number_with_a_masked_name(self, his: HisGateway, patient: Patient) -> None:
        (match,) = his.find_patients(by_number(0)).items
        assert (match.ref, match.grade) == (patient.ref, MatchGrade.CERTAIN)
        assert match.masked_name == "N.T.Đ. Ỷ"

    def test_a_number_with_another_name_is_not_certain(
        self, his: HisGateway, patient: Patient
    ) -> None:
        query = replace(by_number(0), full_name="Trần Văn Khác")
        (match,) = his.find_patients(query).items
        assert (match.ref, match.grade) == (patient.ref, MatchGrade.POSSIBLE)

    @pytest.mark.parametrize(
        ("name", "birth", "grade"),
        [
            ("NGUYEN THI DANG Y", "1990-02-28", MatchGrade.PROBABLE),
            ("Nguyễn Thị Đặng Ỷ", "1990", MatchGrade.POSSIBLE),
            (
                "Nguye\u0302\u0303n Thi\u0323 Đa\u0306\u0323ng Y\u0309",
                "1990-02",
                MatchGrade.POSSIBLE,
            ),
        ],
    )
    def test_found_without_accents_by_name_and_birth_date(
        self, his: HisGateway, patient: Patient, name: str, birth: str, grade: MatchGrade
    ) -> None:
        query = PatientQuery(full_name=name, birth_date=BirthDate.from_iso(birth))
        assert (patient.ref, grade) in {(m.ref, m.grade) for m in his.find_patients(query).items}

    @pytest.mark.parametrize("birth", ["1990-02-27", "1991"])
    def test_another_birth_date_is_another_person(
        self, his: HisGateway, patient: Patient, birth: str
    ) -> None:
        query = PatientQuery(full_name=patient.full_name, birth_date=BirthDate.from_iso(birth))
        assert patient.ref not in {match.ref for match in his.find_patients(query).items}

    def test_a_search_needs_more_than_a_name(self, his: HisGateway) -> None:
        with pytest.raises(InvalidData):
            his.find_patients(PatientQuery(full_name="Nguyễn Văn An"))

    @pytest.mark.parametrize(
        "name",
        [
            "Nguyễn Thị Đặng Ỷ",
            "H'Mẫu Niê",
            "Lan",
            "Y-Thử Byă",
            "Nguyễn Phước Quý Công Tằng Tôn Nữ Thị Ngọc Diệp Hoàng Lan Anh",
        ],
    )
    def test_names_and_addresses_come_back_whole(self, his: HisGateway, name: str) -> None:
        address = "Tổ 1 & 2 ^ hẻm ~ 3 | ngõ \\4, Ba Vì, Hà Nội"
        stored = his.create_patient(
            draft(7, name=name, address=address, phone="0900 000 000"), key=next(keys)
        )
        read = his.read_patient(stored.ref)
        assert read == stored
        assert (read.full_name, read.address, read.phone) == (name, address, "0900000000")

    @pytest.mark.parametrize("birth", ["1950", "1952-02-29", "1946-03"])
    def test_birth_dates_keep_their_precision(self, his: HisGateway, birth: str) -> None:
        wanted = replace(draft(8), birth_date=BirthDate.from_iso(birth))
        stored = his.create_patient(wanted, key=next(keys))
        known = his.read_patient(stored.ref).birth_date
        assert known is not None
        assert known.isoformat() == birth

    def test_one_key_one_patient(self, his: HisGateway) -> None:
        key = next(keys)
        first = his.create_patient(draft(1), key=key)
        assert his.create_patient(draft(1), key=key) == first
        assert his.find_by_key(key) == first

    def test_a_key_is_not_used_for_two_things(self, his: HisGateway) -> None:
        key = next(keys)
        his.create_patient(draft(1), key=key)
        with pytest.raises(KeyReused):
            his.create_patient(draft(2), key=key)
        assert his.find_patients(by_number(2)).items == ()

    def test_a_number_belongs_to_one_patient(self, his: HisGateway, patient: Patient) -> None:
        with pytest.raises(Duplicate) as caught:
            his.create_patient(draft(0, name="Người Khác"), key=next(keys))
        assert caught.value.existing == patient.ref

    def test_many_at_once_make_one_patient(self, his: HisGateway) -> None:
        outcomes = race(lambda _: his.create_patient(draft(3), key=next_key()))
        assert outcomes == {"ok": 1, "Duplicate": RACERS - 1}

    def test_many_at_once_with_one_key_get_one_patient(self, his: HisGateway) -> None:
        key = next(keys)
        outcomes = race(lambda _: his.create_patient(draft(4), key=key))
        assert outcomes == {"ok": RACERS}
        assert len(his.find_patients(by_number(4)).items) == 1

    def test_an_update_changes_what_it_names(self, his: HisGateway, patient: Patient) -> None:
        changed = his.update_patient(
            patient.ref,
            PatientChanges(phone="0900000001"),
            version=patient.version,
            key=next(keys),
        )
        assert changed.version != patient.version
        assert changed == replace(patient, phone="0900000001", version=changed.version)

    def test_an_update_of_an_old_copy_is_refused(self, his: HisGateway, patient: Patient) -> None:
        changes = PatientChanges(phone="0900000001")
        his.update_patient(patient.ref, changes, version=patient.version, key=next(keys))
        with pytest.raises(VersionConflict):
            his.update_patient(
                patient.ref,
                PatientChanges(address="Nơi khác"),
                version=patient.version,
                key=next(keys),
            )
        assert his.read_patient(patient.ref).address is None

    @pytest.mark.parametrize(
        "bad",
        [
            {"name": ""},
            {"name": "1234"},
            {"name": "A" * 5000},
            {"name": "Nguyễn\x00Văn"},
            {"name": "Nguyễn \ud800"},
            {"name": "An \u202e nA"},
            {"address": "x" * 100_000},
            {"phone": "'; DROP TABLE patient; --"},
            {"identifiers": (Identifier(kind=IdentifierKind.ID12, value="07908500000A"),)},
            {"identifiers": (Identifier(kind=IdentifierKind.ID12, value="٠٧٩٠٨٥٠٠٠٠٠٠"),)},
        ],
    )
    def test_hostile_patients_are_refused_without_being_quoted(
        self, his: HisGateway, bad: dict[str, Any]
    ) -> None:
        with pytest.raises(InvalidData) as caught:
            his.create_patient(draft(9, **bad), key=next(keys))
        assert caught.value.message_vi.endswith(".")
        assert not any(str(value)[:20] in f"{caught.value}" for value in bad.values() if value)

    @pytest.mark.parametrize("ref", ["", "P", "P-1", "P99999999999999999999", "%", "' OR 1=1", "é"])
    def test_unknown_references_are_not_found(self, his: HisGateway, ref: str) -> None:
        with pytest.raises((NotFound, InvalidData)):
            his.read_patient(Ref(ref))

    @pytest.mark.parametrize("key", ["", "short", "x" * 81, "white space", "é" * 10])
    def test_keys_have_a_shape(self, his: HisGateway, key: str) -> None:
        with pytest.raises(InvalidData):
            his.create_patient(draft(9), key=WriteKey(key))

    @pytest.mark.parametrize("value", ["%", "_" * 12, "' OR '1'='1", "0" * 10_000, "\ud800", ""])
    def test_hostile_numbers_find_nobody(
        self, his: HisGateway, patient: Patient, value: str
    ) -> None:
        for kind in IdentifierKind:
            query = PatientQuery(identifiers=(Identifier(kind=kind, value=value),))
            assert his.find_patients(query).items == ()

    # --- catalogue

    def test_the_catalogue_fits_together(self, his: HisGateway) -> None:
        departments = {item.ref for item in his.list_departments(limit=1000).items}
        rooms = {item.ref for item in his.list_rooms(limit=1000).items}
        services = his.list_services(limit=1000).items
        assert {service.department for service in services} <= departments
        assert {room for service in services for room in service.rooms} <= rooms
        assert {session.room for session in his.list_sessions(limit=1000).items} <= rooms
        posts = [p for item in his.list_practitioners(limit=1000).items for p in item.posts]
        assert {post.service for post in posts} <= {service.ref for service in services}
        assert all(type(service.price_vnd) is int for service in services)

    def test_references_are_stable(self, his: HisGateway) -> None:
        assert his.list_services(limit=1000) == his.list_services(limit=1000)

    def test_lists_are_bounded_and_say_so(self, his: HisGateway) -> None:
        whole = his.list_services(limit=1000)
        part = his.list_services(limit=1)
        assert whole.complete
        assert (len(part.items), part.complete) == (1, len(whole.items) == 1)

    @pytest.mark.parametrize("limit", [0, -1, 10**9])
    def test_limits_are_limited(self, his: HisGateway, limit: int) -> None:
        with pytest.raises(InvalidData):
            his.list_services(limit=limit)

    # --- appointments

    def test_slots_are_free_future_and_in_order(self, harness: Harness) -> None:
        slots = free_slots(harness)
        assert slots
        assert all(slot.free >= 1 and slot.start >= harness.now for slot in slots)
        assert [slot.start for slot in slots] == sorted(slot.start for slot in slots)

    def test_borders_of_a_search_in_any_zone(self, harness: Harness) -> None:
        first, *_, last = free_slots(harness)
        zone = load_catalogue(STARTER_FILE).zone
        found = harness.gateway.find_slots(
            harness.hourly, None, first.start.astimezone(zone), last.start, limit=500
        ).items
        assert first in found
        assert last not in found

    def test_times_without_a_zone_are_refused(self, harness: Harness) -> None:
        with pytest.raises(InvalidData):
            harness.gateway.find_slots(
                harness.hourly, None, datetime(2026, 1, 5), datetime(2026, 1, 6)
            )

    def test_booked_once_per_key(self, harness: Harness, patient: Patient) -> None:
        his, key, slot = harness.gateway, next(keys), free_slots(harness)[0]
        booked = his.book_appointment(patient.ref, slot.ref, harness.hourly, key=key)
        assert his.book_appointment(patient.ref, slot.ref, harness.hourly, key=key) == booked
        assert his.find_by_key(key) == booked
        assert (booked.status, booked.start) == (AppointmentStatus.BOOKED, slot.start)
        assert self.bookings(harness, patient) == (booked,)

    def test_a_patient_takes_a_slot_once(self, harness: Harness, patient: Patient) -> None:
        slot = free_slots(harness)[0]
        book(harness, patient, slot)
        with pytest.raises(Duplicate):
            book(harness, patient, slot)

    def test_threads_do_not_oversell_a_slot(self, harness: Harness) -> None:
        slot = free_slots(harness)[0]
        people = [
            harness.gateway.create_patient(draft(100 + n), key=next(keys)) for n in range(RACERS)
        ]
        outcomes = race(lambda racer: book(harness, people[racer], slot))
        won = min(slot.free, RACERS)
        assert outcomes == Counter({"ok": won, "SlotTaken": RACERS - won})
        assert not [left for left in free_slots(harness) if left.ref == slot.ref and left.free]

    def test_processes_do_not_oversell_a_slot(self, harness: Harness) -> None:
        his = open_gateway(harness.name, harness.settings)  # as the children do: by the real clock
        start = datetime.now(UTC) + timedelta(hours=1)
        slot = his.find_slots(harness.hourly, None, start, start + timedelta(days=7)).items[0]
        people = [his.create_patient(draft(200 + n), key=next(keys)).ref for n in range(12)]
        job = json.dumps(
            {
                "name": harness.name,
                "settings": dict(harness.settings),
                "service": harness.hourly,
                "slot": slot.ref,
                "people": people,
            }
        )
        children = [
            subprocess.Popen(
                [sys.executable, "-c", RACING_PROCESS, str(child)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for child in range(3)
        ]
        results: list[dict[str, Any]] = []
        for child in children:
            assert child.stdin is not None
            child.stdin.write(job)
            child.stdin.close()
        for child in children:
            assert child.stdout is not None
            results.append(json.loads(child.stdout.read()))
            child.stdout.close()
            assert child.wait() == 0
        assert sum(result["won"] for result in results) == slot.free
        assert sum(result["lost"] for result in results) == len(people) - slot.free

    def test_cancelling_frees_the_place_and_twice_is_harmless(
        self, harness: Harness, patient: Patient
    ) -> None:
        slot = free_slots(harness)[0]
        booked = book(harness, patient, slot)
        for _ in range(2):
            gone = harness.gateway.change_appointment(
                booked.ref, AppointmentAction.CANCEL, version=booked.version, key=next(keys)
            )
            assert gone.status is AppointmentStatus.CANCELLED
        assert slot in free_slots(harness)

    def test_moving_takes_the_new_place_and_frees_the_old(
        self, harness: Harness, patient: Patient
    ) -> None:
        old, new = free_slots(harness)[0], free_slots(harness)[-1]
        booked = book(harness, patient, old)
        moved = harness.gateway.change_appointment(
            booked.ref,
            AppointmentAction.RESCHEDULE,
            version=booked.version,
            key=next(keys),
            new_slot=new.ref,
        )
        assert (moved.ref, moved.start) == (booked.ref, new.start)
        assert old in free_slots(harness)
        assert new not in free_slots(harness)

    def test_moving_to_a_full_slot_leaves_the_booking(
        self, harness: Harness, patient: Patient
    ) -> None:
        old, full = free_slots(harness)[0], free_slots(harness)[-1]
        for number in range(full.free):
            other = harness.gateway.create_patient(draft(300 + number), key=next(keys))
            book(harness, other, full)
        booked = book(harness, patient, old)
        with pytest.raises(SlotTaken):
            harness.gateway.change_appointment(
                booked.ref,
                AppointmentAction.RESCHEDULE,
                version=booked.version,
                key=next(keys),
                new_slot=full.ref,
            )
        assert self.bookings(harness, patient) == (booked,)

    def test_a_change_of_an_old_copy_is_refused(self, harness: Harness, patient: Patient) -> None:
        booked = book(harness, patient, free_slots(harness)[0])
        with pytest.raises(VersionConflict):
            harness.gateway.change_appointment(
                booked.ref, AppointmentAction.CANCEL, version="stale", key=next(keys)
            )

    @pytest.mark.parametrize(
        "ref", ["~~~", "x~-~y~20260105T0700", "~" * 100, "a~b~c~99999999T9999"]
    )
    def test_unknown_slots_are_not_found(
        self, harness: Harness, patient: Patient, ref: str
    ) -> None:
        with pytest.raises((NotFound, InvalidData)):
            harness.gateway.book_appointment(patient.ref, Ref(ref), harness.hourly, key=next(keys))

    # --- visits

    def test_one_key_one_visit(self, harness: Harness, patient: Patient) -> None:
        his, key = harness.gateway, next(keys)
        request = CheckIn(patient=patient.ref, service=harness.walk_in, number="A012")
        visit = his.check_in(request, key=key)
        assert his.check_in(request, key=key) == visit
        assert his.find_by_key(key) == visit
        assert visit.own_number == "A012"
        assert visit.record_code
        assert visit.ticket.number >= 1

    def test_no_second_open_visit_for_a_service(self, harness: Harness, patient: Patient) -> None:
        request = CheckIn(patient=patient.ref, service=harness.walk_in)
        visit = harness.gateway.check_in(request, key=next(keys))
        with pytest.raises(Duplicate) as caught:
            harness.gateway.check_in(request, key=next(keys))
        assert caught.value.existing == visit.ref

    def test_many_at_once_get_consecutive_numbers(self, harness: Harness) -> None:
        his = harness.gateway
        people = [his.create_patient(draft(400 + n), key=next(keys)) for n in range(RACERS)]
        requests = [CheckIn(patient=person.ref, service=harness.walk_in) for person in people]
        assert race(lambda n: his.check_in(requests[n], key=next_key())) == {"ok": RACERS}
        day = harness.now.date() - timedelta(days=1)
        visits = [his.list_visits(person.ref, day).items[0] for person in people]
        numbers = sorted(visit.ticket.number for visit in visits)
        assert numbers == list(range(numbers[0], numbers[0] + RACERS))

    def test_arriving_for_a_booking(self, harness: Harness, patient: Patient) -> None:
        his = harness.gateway
        booked = book(harness, patient, free_slots(harness)[0])
        visit = his.check_in(CheckIn(patient=patient.ref, appointment=booked.ref), key=next(keys))
        assert (visit.appointment, visit.service) == (booked.ref, booked.service)
        arrived = self.bookings(harness, patient, AppointmentStatus.ARRIVED)
        assert [item.ref for item in arrived] == [booked.ref]
        with pytest.raises(Duplicate):
            his.check_in(CheckIn(patient=patient.ref, appointment=booked.ref), key=next(keys))

    def test_a_booking_for_tomorrow_is_not_due(self, harness: Harness, patient: Patient) -> None:
        tomorrow = free_slots(harness, days=2)[-1]
        booked = book(harness, patient, tomorrow)
        with pytest.raises(InvalidData):
            harness.gateway.check_in(
                CheckIn(patient=patient.ref, appointment=booked.ref), key=next(keys)
            )

    def test_a_booking_of_somebody_else_is_not_found(
        self, harness: Harness, patient: Patient
    ) -> None:
        other = harness.gateway.create_patient(draft(500), key=next(keys))
        booked = book(harness, other, free_slots(harness)[0])
        with pytest.raises(NotFound):
            harness.gateway.check_in(
                CheckIn(patient=patient.ref, appointment=booked.ref), key=next(keys)
            )

    def test_a_cancelled_visit_opens_its_booking_again(
        self, harness: Harness, patient: Patient
    ) -> None:
        his = harness.gateway
        booked = book(harness, patient, free_slots(harness)[0])
        visit = his.check_in(CheckIn(patient=patient.ref, appointment=booked.ref), key=next(keys))
        for _ in range(2):
            gone = his.cancel_visit(visit.ref, reason="người bệnh hủy", key=next(keys))
            assert gone.status is VisitStatus.CANCELLED
        assert [item.ref for item in self.bookings(harness, patient)] == [booked.ref]

    def test_nothing_is_found_by_an_unused_key(self, his: HisGateway) -> None:
        assert his.find_by_key(next(keys)) is None

    def bookings(
        self,
        harness: Harness,
        patient: Patient,
        status: AppointmentStatus = AppointmentStatus.BOOKED,
    ) -> tuple[Appointment, ...]:
        day = timedelta(days=1)
        return harness.gateway.find_appointments(
            patient.ref, harness.now - day, harness.now + 3 * day, statuses=frozenset({status})
        ).items


def book(harness: Harness, patient: Patient, slot: Slot) -> Appointment:
    return harness.gateway.book_appointment(patient.ref, slot.ref, harness.hourly, key=next_key())


RACING_PROCESS = """
import json, sys, uuid
from his_adapter.errors import SlotTaken
from his_adapter.registry import open_gateway
from his_adapter.testing import fill_demo_folder

child, job = int(sys.argv[1]), json.load(sys.stdin)
his = open_gateway(job["name"], job["settings"])
won = lost = 0
for person in job["people"][child::3]:
    try:
        his.book_appointment(person, job["slot"], job["service"], key=str(uuid.uuid4()))
        won += 1
    except SlotTaken:
        lost += 1
print(json.dumps({"won": won, "lost": lost}))
"""


class TestBuiltin(HisGatewayContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[Harness]:
        file = tmp_path / "register.sqlite3"
        gateway = BuiltinGateway(
            Store(file), load_catalogue(STARTER_FILE), clock=lambda: MONDAY_MORNING
        )
        yield Harness(
            gateway=gateway,
            name="builtin",
            settings={"file": str(file)},
            hourly=Ref("examination"),
            walk_in=Ref("vaccination"),
            clinic=gateway.clinic,
        )
        gateway.close()


class TestDemo(HisGatewayContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[Harness]:
        fill_demo_folder(tmp_path, now=MONDAY_MORNING)
        gateway = open_demo(tmp_path, clock=lambda: MONDAY_MORNING)
        yield Harness(
            gateway=gateway,
            name="demo",
            settings={"folder": str(tmp_path)},
            hourly=Ref("internal"),
            walk_in=Ref("surgery"),
            clinic=gateway.clinic,
        )
        gateway.close()
