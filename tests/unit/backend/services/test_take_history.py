"""What patients say about their health: sealed on its way to the HIS, gone when it is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from backend.domain.desk import History
from backend.domain.outbox import Pace
from backend.errors import ChangedMeanwhile, HistoryNotTaken
from backend.events import Event
from backend.jobs.deliver_outbox import claim, deliver_outbox, try_delivery
from backend.services.deliveries.message import NO_RECORD
from backend.services.resources import Resources
from backend.services.take_history import take_history
from backend.storage.catalogue_tables import Facility
from backend.storage.outbox_tables import OutboxMessage
from his_adapter.builtin.gateway import open_gateway
from his_adapter.errors import Unavailable
from his_adapter.models import Feature, HistoryAnswers, PatientDraft, Ref, WriteKey
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import make_person
from tests.factories.reception import Receptionist, audited

SAID = History(allergies="Tôm, Penicillin", medicines="Thuốc huyết áp buổi sáng")


class ClinicHis:
    """A real register that counts what it is handed."""

    def __init__(self, file: Path) -> None:
        self.inner: Any = open_gateway({"file": str(file)})
        draft = PatientDraft(full_name="Nguyễn Thị Thử")
        self.ref: Ref = self.inner.create_patient(draft, key=WriteKey("made-for-a-test-1")).ref
        self.taken: list[HistoryAnswers] = []
        self.away = False

    def submit_history(self, patient: Ref, history: HistoryAnswers, *, key: WriteKey) -> Any:
        if self.away:
            raise Unavailable("away")
        self.taken.append(history)
        return self.inner.submit_history(patient, history, key=key)

    def find_by_key(self, key: WriteKey) -> Any:
        return self.inner.find_by_key(key)


@pytest.fixture
def his(tmp_path: Path) -> ClinicHis:
    return ClinicHis(tmp_path / "his.sqlite3")


@pytest.fixture
def connected(resources: Resources, his: ClinicHis) -> Resources:
    return replace(resources, his=his)  # type: ignore[arg-type]  # the part that is used


@pytest.fixture
def lan(resources: Resources) -> Receptionist:
    declare(resources, Feature.SUBMIT_HISTORY)
    return Receptionist(resources)


def declare(resources: Resources, *features: Feature) -> None:
    """Before the first look: a process looks at the catalogue every two seconds only."""
    with resources.database.write() as unit:
        unit.connection.execute(
            update(Facility).values(his_features=[each.value for each in features])
        )


def come(desk: Desk, ref: str | None) -> str:
    """A visit of somebody whose check-in the HIS has heard of."""
    visit = desk.take(person=make_person(7, his_ref=ref))
    with desk.resources.database.write() as unit:
        unit.connection.execute(delete(OutboxMessage))
    return visit.id


def tell(lan: Receptionist, visit_id: str, *, seen: int = 0) -> None:
    take_history(lan.resources, visit_id, SAID, seen=seen, staff=lan.caller, intent=lan.intent())


def read_message(resources: Resources) -> Any:
    with resources.database.read() as connection:
        return connection.execute(select(OutboxMessage.__table__)).one()


def test_it_goes_sealed_and_leaves_nothing(
    lan: Receptionist, desk: Desk, connected: Resources, his: ClinicHis
) -> None:
    visit_id = come(desk, his.ref)
    tell(lan, visit_id)
    waiting = read_message(connected)
    assert "Tôm" not in str(waiting.payload)
    assert "sealed" in waiting.payload
    deliver_outbox(connected)
    (history,) = his.taken
    assert history.answers == (
        ("allergies", "Tôm, Penicillin"),
        ("medicines", "Thuốc huyết áp buổi sáng"),
    )
    done = read_message(connected)
    assert (done.state, set(done.payload)) == ("done", {"person"})
    (row,) = audited(connected, Event.HISTORY_TAKEN)
    assert (row.subject, row.detail) == (f"visit:{visit_id}", {})


def test_a_worker_that_dies_after_the_write_hands_it_in_once(
    lan: Receptionist, desk: Desk, connected: Resources, his: ClinicHis, clock: SettableClock
) -> None:
    visit_id = come(desk, his.ref)
    tell(lan, visit_id)
    with connected.database.write() as unit:
        (message,) = claim(unit, "his", Pace(), limit=1)
    try_delivery(connected, message)
    for _ in range(2):
        clock.advance(minutes=5)
        deliver_outbox(connected)
    assert len(his.taken) == 1
    assert read_message(connected).state == "done"


def test_it_waits_sealed_while_the_his_is_away(
    lan: Receptionist, desk: Desk, connected: Resources, his: ClinicHis, clock: SettableClock
) -> None:
    visit_id = come(desk, his.ref)
    tell(lan, visit_id)
    his.away = True
    deliver_outbox(connected)
    assert "sealed" in read_message(connected).payload
    his.away = False
    clock.advance(minutes=2)
    deliver_outbox(connected)
    assert read_message(connected).state == "done"


def test_without_a_record_there_a_person_is_asked(
    lan: Receptionist, desk: Desk, connected: Resources
) -> None:
    tell(lan, come(desk, None))
    deliver_outbox(connected)
    message = read_message(connected)
    assert (message.state, message.last_error) == ("dead", NO_RECORD)


@pytest.mark.parametrize("features", [(), (Feature.CHECK_IN,)])
def test_a_his_that_takes_none_is_not_asked(
    resources: Resources, desk: Desk, features: tuple[Feature, ...]
) -> None:
    declare(resources, *features)
    with pytest.raises(HistoryNotTaken):
        tell(Receptionist(resources), come(desk, "BN-1"))


def test_two_at_one_visit_hand_it_in_once(lan: Receptionist, desk: Desk) -> None:
    visit_id = come(desk, "BN-1")
    tell(lan, visit_id)
    with pytest.raises(ChangedMeanwhile):
        tell(lan, visit_id)
