"""Phone and address corrected at the desk: kept here, told to the HIS, field by field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from backend.domain.desk import Contact
from backend.domain.outbox import Pace
from backend.errors import ChangedMeanwhile, VisitNotFound
from backend.events import Event
from backend.jobs.deliver_outbox import claim, deliver_outbox, try_delivery
from backend.services.correct_person import correct_person
from backend.services.resources import Resources
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.repositories import get_person
from backend.storage.visit_tables import Person, Visit
from his_adapter.builtin.gateway import BuiltinGateway, open_gateway
from his_adapter.errors import OutcomeUnknown
from his_adapter.models import Patient, PatientChanges, PatientDraft, Ref, WriteKey
from his_adapter.partial import PartialGateway
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import make_person
from tests.factories.reception import Receptionist, audited

PHONE, STREET = "0900000123", "12 đường Thử, xã Ví Dụ"
PACE = Pace()


class Register:
    """The HIS: a real register, with what else happens to it between a read and a write."""

    def __init__(self, file: Path) -> None:
        self.inner: Any = open_gateway({"file": str(file)})
        assert isinstance(self.inner, BuiltinGateway)
        draft = PatientDraft(full_name="Nguyễn Thị Thử", phone="0900000001", address="Nơi cũ")
        self.patient = self.inner.create_patient(draft, key=WriteKey("made-for-a-test-1"))
        self.meanwhile: list[Callable[[], None]] = []
        self.lose_answers = 0
        self.sent: list[PatientChanges] = []

    def read_patient(self, ref: Ref) -> Patient:
        found: Patient = self.inner.read_patient(ref)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return found

    def update_patient(self, ref: Ref, changes: PatientChanges, **more: Any) -> Patient:
        self.sent.append(changes)
        changed: Patient = self.inner.update_patient(ref, changes, **more)
        if self.lose_answers:
            self.lose_answers -= 1
            raise OutcomeUnknown("no answer", key=more["key"])
        return changed

    def change(self, **values: str) -> None:
        """Somebody at another counter."""
        now = self.now()
        key = WriteKey(f"other-counter-{now.version}-1")
        changes = PatientChanges(**values)  # type: ignore[arg-type]  # texts only
        self.inner.update_patient(now.ref, changes, version=now.version, key=key)

    def now(self) -> Patient:
        found: Patient = self.inner.read_patient(self.patient.ref)
        return found


@pytest.fixture
def register(tmp_path: Path) -> Register:
    return Register(tmp_path / "his.sqlite3")


@pytest.fixture
def connected(resources: Resources, register: Register) -> Resources:
    return replace(resources, his=register)  # type: ignore[arg-type]  # the part that is used


@pytest.fixture
def lan(resources: Resources) -> Receptionist:
    return Receptionist(resources)


def come(desk: Desk, ref: str | None) -> str:
    """A visit of somebody whose check-in the HIS has heard of."""
    visit = desk.take(person=make_person(7, his_ref=ref, phone="0900000001"))
    with desk.resources.database.write() as unit:
        unit.connection.execute(delete(OutboxMessage))
    return visit.id


def correct(lan: Receptionist, visit_id: str, *, seen: int | None = None, **contact: str) -> None:
    version = lan.see(visit_id).visit.version if seen is None else seen
    correct_person(
        lan.resources,
        visit_id,
        Contact(**contact),
        seen=version,
        staff=lan.caller,
        intent=lan.intent(),
    )


def messages(resources: Resources) -> list[Any]:
    query = select(OutboxMessage.__table__).order_by(OutboxMessage.id)
    with resources.database.read() as connection:
        return list(connection.execute(query))


def test_it_is_kept_sealed_audited_and_told(
    lan: Receptionist, desk: Desk, connected: Resources, register: Register
) -> None:
    visit_id = come(desk, register.patient.ref)
    correct(lan, visit_id, phone=PHONE)
    seen = lan.see(visit_id)
    assert seen.person is not None
    assert (seen.person.phone, seen.visit.version) == (PHONE, 1)
    assert [each.visit.id for each in lan.find(PHONE).items] == [visit_id]
    (row,) = audited(connected, Event.PERSON_CORRECTED)
    assert (row.actor, row.detail) == ("staff:staff-Lan", {"fields": ["phone"]})
    (message,) = messages(connected)
    assert PHONE not in str(message.payload)
    deliver_outbox(connected)
    told = register.now()
    assert (told.phone, told.address) == (PHONE, "Nơi cũ")
    assert [each.state for each in messages(connected)] == ["done"]
    assert register.sent == [PatientChanges(phone=PHONE)]


def test_two_at_one_visit_have_one_effect(lan: Receptionist, desk: Desk) -> None:
    visit_id = come(desk, None)
    correct(lan, visit_id, seen=0, phone=PHONE)
    with pytest.raises(ChangedMeanwhile):
        correct(lan, visit_id, seen=0, phone="0900000456")


def test_nobody_is_corrected_who_is_gone(lan: Receptionist, desk: Desk) -> None:
    visit_id = come(desk, None)
    with lan.resources.database.write() as unit:
        unit.connection.execute(Visit.__table__.update().values(person_id=None))
    with pytest.raises(VisitNotFound):
        correct(lan, visit_id, seen=0, phone=PHONE)


def test_ours_wins_only_for_what_the_desk_corrected(
    lan: Receptionist, desk: Desk, connected: Resources, register: Register
) -> None:
    """Both fields change in the HIS between its answer and our write."""
    visit_id = come(desk, register.patient.ref)
    correct(lan, visit_id, phone=PHONE)
    register.meanwhile = [lambda: register.change(phone="0900000999", address="Nơi mới")]
    deliver_outbox(connected)
    told = register.now()
    assert (told.phone, told.address) == (PHONE, "Nơi mới")
    assert [each.state for each in messages(connected)] == ["done"]


def test_a_record_that_never_rests_waits_for_a_person(
    lan: Receptionist, desk: Desk, connected: Resources, register: Register
) -> None:
    visit_id = come(desk, register.patient.ref)
    correct(lan, visit_id, phone=PHONE)
    places = [f"Nơi {n}" for n in range(9)]
    register.meanwhile = [lambda place=place: register.change(address=place) for place in places]  # type: ignore[misc]
    deliver_outbox(connected)
    (message,) = messages(connected)
    assert (message.state, message.last_error) == ("rejected", "conflict")
    assert register.now().phone == "0900000001"


def test_a_worker_that_dies_after_the_write_writes_once(
    lan: Receptionist,
    desk: Desk,
    connected: Resources,
    register: Register,
    clock: SettableClock,
) -> None:
    visit_id = come(desk, register.patient.ref)
    correct(lan, visit_id, address=STREET)
    with connected.database.write() as unit:
        (message,) = claim(unit, "his", PACE, limit=1)
    try_delivery(connected, message)
    version = register.now().version
    clock.advance(minutes=5)
    deliver_outbox(connected)
    clock.advance(minutes=5)
    deliver_outbox(connected)
    assert register.now().version == version
    assert register.now().address == STREET
    assert [each.state for each in messages(connected)] == ["done"]


def test_a_lost_answer_is_seen_in_the_record(
    lan: Receptionist,
    desk: Desk,
    connected: Resources,
    register: Register,
    clock: SettableClock,
) -> None:
    visit_id = come(desk, register.patient.ref)
    correct(lan, visit_id, phone=PHONE)
    register.lose_answers = 1
    deliver_outbox(connected)
    assert [each.state for each in messages(connected)] == ["unknown"]
    clock.advance(minutes=5)
    deliver_outbox(connected)
    assert [each.state for each in messages(connected)] == ["done"]
    assert len(register.sent) == 1


def test_what_was_typed_is_told_whatever_a_card_says_meanwhile(
    lan: Receptionist, desk: Desk, connected: Resources, register: Register
) -> None:
    visit_id = come(desk, register.patient.ref)
    correct(lan, visit_id, phone=PHONE)
    come_again = make_person(7, his_ref=register.patient.ref, phone="0900000001")
    desk.take("CHUNG", person=come_again)
    with connected.database.write() as unit:
        other = OutboxMessage.kind != "his.update_patient"
        unit.connection.execute(delete(OutboxMessage).where(other))
    deliver_outbox(connected)
    assert register.now().phone == PHONE


@pytest.mark.parametrize("ref", [None, "BN-1"])
def test_where_the_his_has_nobody_or_takes_no_changes_nothing_is_left_open(
    lan: Receptionist, desk: Desk, resources: Resources, ref: str | None
) -> None:
    visit_id = come(desk, ref)
    correct(lan, visit_id, phone=PHONE, address=STREET)
    deliver_outbox(replace(resources, his=PartialGateway()))  # type: ignore[arg-type]
    assert [each.state for each in messages(resources)] == ["done"]
    with resources.database.read() as connection:
        (person_id,) = connection.scalars(select(Person.id)).all()
        person = get_person(connection, resources.keys, person_id)
    assert (person.phone, person.address) == (PHONE, STREET)
