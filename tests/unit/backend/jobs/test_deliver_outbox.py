from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select, update

from backend.domain.outbox import Pace
from backend.jobs import deliver_outbox as module
from backend.jobs.deliver_outbox import deliver_outbox
from backend.services.cancel_visit import cancel_visit
from backend.services.resources import Resources
from backend.storage.crypto import Keys
from backend.storage.outbox_tables import LiveEvent, OutboxMessage
from backend.storage.queue_tables import Step
from his_adapter.demo.faults import Faults, write_faults
from his_adapter.errors import InvalidData
from his_adapter.models import (
    Identifier,
    IdentifierKind,
    PatientQuery,
    Ref,
    Visit,
    VisitStatus,
)
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import make_person

NEVER_OPEN = Pace(failures_to_open=10_000)


@pytest.fixture
def service() -> str:
    """Ultrasound: a pooled queue for everybody."""
    return "SA"


def get_message(resources: Resources, visit_id: str) -> Row[Any]:
    with resources.database.read() as connection:
        row = connection.execute(
            select(OutboxMessage.__table__)
            .where(OutboxMessage.visit_id == visit_id)
            .order_by(OutboxMessage.id.desc())
        ).first()
    assert row is not None
    return row


def list_his_visits(resources: Resources, visit_id: str) -> list[Visit]:
    with resources.database.read() as connection:
        refs = connection.scalars(select(Step.his_ref).where(Step.visit_id == visit_id)).all()
    found = []
    for patient in find_patient_refs(resources):
        found += [
            each
            for each in resources.his.list_visits(patient, date(2026, 11, 1)).items
            if each.ref in refs
        ]
    return found


def find_patient_refs(resources: Resources) -> list[Ref]:
    query = PatientQuery(
        identifiers=(
            Identifier(kind=IdentifierKind.ID12, value=make_person(555_555).numbers["id12"]),
        )
    )
    return [match.ref for match in resources.his.find_patients(query).items]


def test_a_new_patient_is_created_and_checked_in(
    desk: Desk, resources: Resources, service: str
) -> None:
    visit = desk.take(service, person=make_person(555_555))
    assert deliver_outbox(resources) == 1
    assert get_message(resources, visit.id).state == "done"
    (told,) = list_his_visits(resources, visit.id)
    assert told.own_number == visit.number
    assert deliver_outbox(resources) == 0


def test_a_his_that_is_down_is_asked_again_with_growing_pauses(
    desk: Desk, resources: Resources, service: str, his_folder: Path, clock: SettableClock
) -> None:
    visit = desk.take(service, person=make_person(555_555))
    write_faults(his_folder, Faults(down=True))
    pauses = []
    for _ in range(7):
        assert deliver_outbox(resources, pace=NEVER_OPEN) == 0
        message = get_message(resources, visit.id)
        assert (message.state, message.last_error) == ("new", "transient")
        pauses.append((message.next_at - clock.now).total_seconds())
        assert deliver_outbox(resources, pace=NEVER_OPEN) == 0
        assert get_message(resources, visit.id).attempts == message.attempts
        clock.now = message.next_at
    for pause, middle in zip(pauses, [1, 2, 5, 15, 30, 60, 60], strict=True):
        assert 0.8 * middle <= pause <= 1.2 * middle
    write_faults(his_folder, Faults())
    assert deliver_outbox(resources) == 1


def test_staff_hear_of_a_message_that_does_not_get_through(
    desk: Desk, resources: Resources, service: str, his_folder: Path, clock: SettableClock
) -> None:
    desk.take(service, person=make_person(555_555))
    write_faults(his_folder, Faults(down=True))
    for _ in range(6):
        deliver_outbox(resources)
        clock.advance(minutes=10)
    with resources.database.read() as connection:
        events = connection.scalars(select(LiveEvent.event)).all()
    assert list(events).count("outbox_delayed") == 1


def test_a_lost_reply_is_looked_up_not_written_again(
    desk: Desk, resources: Resources, service: str, his_folder: Path, clock: SettableClock
) -> None:
    visit = desk.take(service, person=make_person(555_555))
    for _ in range(3):
        write_faults(his_folder, Faults(lose_replies=True))
        deliver_outbox(resources)
        clock.advance(minutes=5)
    write_faults(his_folder, Faults())
    deliver_outbox(resources)
    assert get_message(resources, visit.id).state == "done"
    assert len(find_patient_refs(resources)) == 1
    (told,) = list_his_visits(resources, visit.id)
    assert told.own_number == visit.number


def test_what_the_his_refuses_is_a_dead_letter_that_staff_see(
    desk: Desk, resources: Resources, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = desk.take(service, person=make_person(555_555))

    def refuse(*_: Any, **__: Any) -> Visit:
        raise InvalidData("service", "Dịch vụ này đã đóng.")

    monkeypatch.setattr(type(resources.his), "check_in", refuse)
    deliver_outbox(resources)
    message = get_message(resources, visit.id)
    assert (message.state, message.last_error) == ("rejected", "invalid")
    with resources.database.read() as connection:
        assert "outbox_dead" in connection.scalars(select(LiveEvent.event)).all()


def test_whom_the_his_knows_is_not_unsealed(
    desk: Desk, resources: Resources, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person(555_555)
    desk.take(service, person=person)
    deliver_outbox(resources)
    again = desk.take("NOI", person=person)

    def refuse(*_: Any, **__: Any) -> bytes:
        raise AssertionError("unsealed")

    monkeypatch.setattr(Keys, "unseal", refuse)
    deliver_outbox(resources)
    assert get_message(resources, again.id).state == "done"


def test_a_his_that_forbids_every_write_is_waited_for(
    desk: Desk, resources: Resources, service: str, his_folder: Path, clock: SettableClock
) -> None:
    visit = desk.take(service, person=make_person(555_555))
    write_faults(his_folder, Faults(reject_writes=True))
    for _ in range(20):
        deliver_outbox(resources)
        clock.advance(minutes=10)
    message = get_message(resources, visit.id)
    assert (message.state, message.last_error) == ("new", "forbidden")
    write_faults(his_folder, Faults())
    deliver_outbox(resources)
    assert get_message(resources, visit.id).state == "done"


def test_a_cancelled_visit_is_taken_back_in_order(
    desk: Desk, resources: Resources, service: str
) -> None:
    visit = desk.take(service, person=make_person(555_555))
    deliver_outbox(resources)
    cancel(desk, visit.id)
    deliver_outbox(resources)
    (told,) = list_his_visits(resources, visit.id)
    assert told.status is VisitStatus.CANCELLED


def test_cancelled_before_the_his_heard_of_it_says_nothing(
    desk: Desk, resources: Resources, service: str
) -> None:
    visit = desk.take(service, person=make_person(555_555))
    cancel(desk, visit.id)
    assert deliver_outbox(resources) == 1
    assert deliver_outbox(resources) == 1
    assert find_patient_refs(resources) == []


def test_cancelled_while_the_outcome_was_unknown_is_taken_back_all_the_same(
    desk: Desk, resources: Resources, service: str, his_folder: Path, clock: SettableClock
) -> None:
    """The check-in arrived, its answer did not; meanwhile the patient went home."""
    visit = desk.take(service, person=make_person(555_555))
    for _ in range(2):  # the patient is made first
        write_faults(his_folder, Faults(lose_replies=True))
        deliver_outbox(resources)
        clock.advance(minutes=5)
    assert get_message(resources, visit.id).state == "unknown"
    cancel(desk, visit.id)
    write_faults(his_folder, Faults())
    deliver_outbox(resources)
    deliver_outbox(resources)
    (told,) = list_his_visits(resources, visit.id)
    assert told.status is VisitStatus.CANCELLED


def test_a_try_that_may_still_arrive_is_made_certain_then_taken_back(
    desk: Desk, resources: Resources, service: str, his_folder: Path
) -> None:
    """The first try is somewhere on the line: the HIS knows nothing of it yet."""
    visit = desk.take(service, person=make_person(555_555))
    with resources.database.write() as unit:
        unit.connection.execute(update(OutboxMessage).values(state="unknown", attempts=1))
    cancel(desk, visit.id)
    deliver_outbox(resources)
    deliver_outbox(resources)
    (told,) = list_his_visits(resources, visit.id)
    assert told.status is VisitStatus.CANCELLED


def test_a_dead_worker_leaves_its_message_to_the_next(
    desk: Desk, resources: Resources, service: str, clock: SettableClock
) -> None:
    visit = desk.take(service, person=make_person(555_555))
    pace = Pace()
    with resources.database.write() as unit:
        assert len(module.claim(unit, "his", pace, limit=5)) == 1
        assert module.claim(unit, "his", pace, limit=5) == []
    assert deliver_outbox(resources) == 0
    clock.advance(seconds=pace.lease_s)
    assert deliver_outbox(resources) == 1
    message = get_message(resources, visit.id)
    assert (message.state, message.attempts) == ("done", 2)


def test_two_workers_send_each_message_once(desk: Desk, resources: Resources, service: str) -> None:
    for serial in range(4):
        desk.take(service, person=make_person(600_000 + serial))
    settled: list[int] = []
    threads = [
        threading.Thread(target=lambda: settled.append(deliver_outbox(resources))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(settled) == 4


def cancel(desk: Desk, visit_id: str) -> None:
    cancel_visit(
        desk.resources,
        visit_id,
        scan_id=desk.scan_ticket(visit_id),
        kiosk=desk.kiosk,
        intent=desk.intent(),
    )
