"""Numbers that kiosks gave by themselves: granted, handed in once, named at the desk."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from backend.domain.desk import Need
from backend.domain.ids import new_id
from backend.domain.settings import FacilitySettings
from backend.domain.visit import PrintState
from backend.errors import ChangedMeanwhile, MoveNotAllowed, NothingToConfirm, ServiceNotFound
from backend.services.grant_offline_numbers import OfflineGrant, grant_offline_numbers
from backend.services.hand_in_offline_numbers import OfflineNumber, hand_in_offline_numbers
from backend.services.name_visit import name_visit
from backend.services.resources import Resources
from backend.services.start_visit import VisitWish
from backend.storage.catalogue import CatalogueSource
from backend.storage.catalogue_tables import Facility, Service
from backend.storage.number_tables import Number, Ticket
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.queue_tables import Step
from backend.storage.visit_tables import Visit
from tests.conftest import SettableClock
from tests.factories.desk import Desk, read
from tests.factories.hospital import FACILITY, Hospital, make_person, make_scan
from tests.factories.reception import Receptionist

JOURNAL = "journal-0000-0000-0001"


@pytest.fixture
def resources(resources: Resources, hospital: Hospital) -> Resources:
    hospital.add_room("Q1")
    hospital.add_service("TD", "Q1", pooled=True, kind="reception")
    return replace(resources, catalogue=CatalogueSource(hospital.database))


@pytest.fixture
def receptionist(resources: Resources) -> Receptionist:
    return Receptionist(resources)


def grant(desk: Desk, journal: str = JOURNAL) -> OfflineGrant | None:
    return grant_offline_numbers(desk.resources, journal_id=journal, kiosk=desk.kiosk)


def taken(desk: Desk, number: int, **changes: Any) -> OfflineNumber:
    values: dict[str, Any] = {
        "key": f"key-{number:04d}",
        "number": number,
        "taken_at": desk.hospital.database.clock() - timedelta(minutes=20),
        "priority": False,
        "language": "vi",
        "print_state": PrintState.PRINTED,
    }
    return OfflineNumber(**(values | changes))


def hand_in(desk: Desk, *numbers: OfflineNumber, journal: str = JOURNAL) -> list[str]:
    return hand_in_offline_numbers(
        desk.resources, journal_id=journal, numbers=numbers, kiosk=desk.kiosk
    )


def rows(desk: Desk) -> list[Any]:
    with desk.hospital.database.read() as connection:
        return list(
            connection.execute(
                select(
                    Ticket.number,
                    Visit.id,
                    Visit.lane,
                    Visit.scan_id,
                    Visit.person_id,
                    Step.kind,
                    Step.state,
                )
                .join(Visit, Visit.id == Ticket.visit_id)
                .join(Step, Step.visit_id == Visit.id)
                .order_by(Ticket.number, Step.position)
            )
        )


# --- the letter ----------------------------------------------------------------------------------


def test_a_journal_keeps_its_letter_and_another_gets_another(desk: Desk) -> None:
    first, again = grant(desk), grant(desk)
    other = grant(desk, "journal-of-a-new-disk-1")
    assert first is not None
    assert again is not None
    assert other is not None
    assert (first.letter, again.letter, other.letter) == ("ZA", "ZA", "ZC")
    assert first.per_hour == 60


def test_its_tickets_lead_to_the_desk_and_carry_no_code(desk: Desk) -> None:
    granted = grant(desk)
    assert granted is not None
    for language in ("vi", "en"):
        ticket = granted.tickets[language]
        assert ticket["qr"] == ""
        assert ticket["number"] == ""
        assert ticket["notes"]


def test_another_kiosk_cannot_use_a_journal(desk: Desk, other_desk: Desk) -> None:
    grant(desk)
    with pytest.raises(ChangedMeanwhile):
        grant(other_desk)
    with pytest.raises(MoveNotAllowed):
        hand_in(other_desk, taken(other_desk, 1))


def test_nothing_is_granted_where_it_is_switched_off(desk: Desk, hospital: Hospital) -> None:
    off = FacilitySettings(offline_numbers_per_hour=0)
    with hospital.database.write() as unit:
        unit.connection.execute(
            update(Facility)
            .where(Facility.id == FACILITY)
            .values(settings=off.to_json(), catalogue_version=99)
        )
    desk.resources = replace(desk.resources, catalogue=CatalogueSource(hospital.database))
    assert grant(desk) is None


def test_many_kiosks_at_once_get_a_letter_each(resources: Resources, hospital: Hospital) -> None:
    desks = [Desk(resources, hospital, f"K{number}") for number in range(12)]
    barrier = Barrier(len(desks))

    def ask(index: int) -> str | None:
        barrier.wait()
        granted = grant(desks[index], f"journal-{index:016d}")
        return granted.letter if granted else None

    with ThreadPoolExecutor(len(desks)) as pool:
        letters = list(pool.map(ask, range(len(desks))))
    given_letters = [letter for letter in letters if letter]
    assert len(set(given_letters)) == len(given_letters) >= 8


# --- handing in ----------------------------------------------------------------------------------


def test_numbers_become_nameless_visits_that_wait_at_reception(desk: Desk) -> None:
    grant(desk)
    safe = hand_in(desk, taken(desk, 1), taken(desk, 2, priority=True))
    assert safe == ["key-0001", "key-0002"]
    assert [(r.number, r.lane, r.person_id, r.kind, r.state) for r in rows(desk)] == [
        ("ZA001", "N", None, "reception", "waiting"),
        ("ZA002", "P", None, "reception", "waiting"),
    ]


def test_handed_in_twice_is_there_once(desk: Desk) -> None:
    grant(desk)
    for _ in range(3):
        assert hand_in(desk, taken(desk, 1), taken(desk, 2)) == ["key-0001", "key-0002"]
    assert [row.number for row in rows(desk)] == ["ZA001", "ZA002"]


def test_twice_in_one_breath_is_there_once(desk: Desk) -> None:
    grant(desk)
    hand_in(desk, taken(desk, 1), taken(desk, 1))
    assert len(rows(desk)) == 1


def test_a_number_of_another_key_is_never_merged(desk: Desk) -> None:
    grant(desk)
    hand_in(desk, taken(desk, 1))
    assert hand_in(desk, taken(desk, 1, key="another-key")) == []
    assert [row.scan_id for row in rows(desk)] == ["key-0001"]


@pytest.mark.parametrize("minutes", [-11_000, 30])
def test_a_time_that_cannot_be_is_not_taken_in(desk: Desk, minutes: int) -> None:
    grant(desk)
    at = desk.hospital.database.clock() + timedelta(minutes=minutes)
    assert hand_in(desk, taken(desk, 1, taken_at=at)) == []


def test_without_a_letter_nothing_is_taken_in(desk: Desk) -> None:
    with pytest.raises(MoveNotAllowed):
        hand_in(desk, taken(desk, 1))


def test_without_a_reception_nothing_is_taken_in(desk: Desk, hospital: Hospital) -> None:
    grant(desk)
    with hospital.database.write() as unit:
        unit.connection.execute(
            update(Service).where(Service.id == hospital.services["TD"]).values(kind="examination")
        )
        unit.connection.execute(update(Facility).values(catalogue_version=98))
    desk.resources = replace(desk.resources, catalogue=CatalogueSource(hospital.database))
    with pytest.raises(ServiceNotFound):
        hand_in(desk, taken(desk, 1))


def test_yesterdays_number_arrives_as_yesterdays(desk: Desk, clock: SettableClock) -> None:
    grant(desk)
    number = taken(desk, 1)
    clock.advance(days=1)
    assert hand_in(desk, number) == ["key-0001"]
    with desk.hospital.database.read() as connection:
        day = connection.scalar(select(Number.day))
    assert day == (clock.now - timedelta(days=1)).date()


def test_handed_in_by_several_at_once_is_there_once(desk: Desk) -> None:
    grant(desk)
    numbers = [taken(desk, number) for number in range(1, 21)]
    barrier = Barrier(6)

    def send(_: int) -> Counter[str]:
        barrier.wait()
        return Counter(hand_in(desk, *numbers))

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    assert all(answer == Counter(number.key for number in numbers) for answer in answers)
    assert len(rows(desk)) == 20


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sends=st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=6), min_size=1, max_size=6))
def test_whatever_is_sent_again_each_number_is_there_once(
    desk: Desk, sends: list[list[int]]
) -> None:
    journal = f"journal-{new_id()}"
    granted = grant(desk, journal)
    if granted is None:
        return  # all letters are given away by now
    for send in sends:
        numbers = [taken(desk, number, key=f"{journal}-{number}") for number in send]
        assert hand_in(desk, *numbers, journal=journal) == [number.key for number in numbers]
    wanted = {number for send in sends for number in send}
    with desk.hospital.database.read() as connection:
        found = connection.execute(
            select(Number.number).where(Number.letter == granted.letter)
        ).scalars()
        assert sorted(found) == sorted(wanted)


# --- the name ------------------------------------------------------------------------------------


def name(receptionist: Receptionist, visit_id: str, *, seen: int = 0, **scan: Any) -> Any:
    hospital = Hospital(receptionist.resources.database)
    scan_id = hospital.add_scan(receptionist.caller, make_scan(**scan))
    services = _service_ids(receptionist)
    wish = VisitWish(scan_id=scan_id, visit_kind="new", service_id=services["NOI"], papers={})
    return read(
        name_visit(
            receptionist.resources,
            visit_id,
            wish,
            seen=seen,
            staff=receptionist.caller,
            intent=receptionist.intent(),
        )
    )


def _service_ids(receptionist: Receptionist) -> dict[str, str]:
    with receptionist.resources.database.read() as connection:
        found = connection.execute(select(Service.code, Service.id)).all()
    return {row.code: row.id for row in found}


def test_the_desk_sees_who_has_no_name_yet(desk: Desk, receptionist: Receptionist) -> None:
    grant(desk)
    hand_in(desk, taken(desk, 1))
    page = receptionist.look(Need.NAME)
    assert [visit.number for visit in page.items] == ["ZA001"]
    assert page.items[0].needs[0] is Need.NAME
    assert page.counts["name"] == 1


def test_a_named_number_keeps_its_number_and_goes_on(
    desk: Desk, receptionist: Receptionist
) -> None:
    grant(desk)
    hand_in(desk, taken(desk, 1))
    (visit,) = receptionist.look(Need.NAME).items
    named = name(receptionist, visit.id)
    assert named.number == "ZA001"
    assert [(r.kind, r.state) for r in rows(desk)] == [
        ("reception", "cancelled"),
        ("examination", "waiting"),
    ]
    assert {row.person_id is None for row in rows(desk)} == {False}
    assert receptionist.look(Need.NAME).items == []
    with desk.hospital.database.read() as connection:
        kinds = connection.execute(select(OutboxMessage.kind)).scalars().all()
    assert kinds == ["his.check_in"]


def test_a_visit_is_named_once(desk: Desk, receptionist: Receptionist) -> None:
    grant(desk)
    hand_in(desk, taken(desk, 1))
    (visit,) = receptionist.look(Need.NAME).items
    name(receptionist, visit.id)
    with pytest.raises(NothingToConfirm):
        name(receptionist, visit.id, seen=1, person=make_person(7))


def test_a_stale_page_names_nobody(desk: Desk, receptionist: Receptionist) -> None:
    grant(desk)
    hand_in(desk, taken(desk, 1))
    (visit,) = receptionist.look(Need.NAME).items
    with pytest.raises(ChangedMeanwhile):
        name(receptionist, visit.id, seen=5)


def test_who_has_a_number_already_is_shown_that_one(desk: Desk, receptionist: Receptionist) -> None:
    there = desk.take("NOI", person=make_person(3))
    grant(desk)
    hand_in(desk, taken(desk, 1))
    (visit,) = receptionist.look(Need.NAME).items
    named = name(receptionist, visit.id, person=make_person(3))
    assert named.number == there.number
    assert named.existing
    with desk.hospital.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(Visit)) == 2


def test_an_answer_of_naming_can_be_asked_again(desk: Desk, receptionist: Receptionist) -> None:
    grant(desk)
    hand_in(desk, taken(desk, 1))
    (visit,) = receptionist.look(Need.NAME).items
    scan_id = Hospital(desk.hospital.database).add_scan(receptionist.caller)
    wish = VisitWish(
        scan_id=scan_id, visit_kind="new", service_id=desk.hospital.services["NOI"], papers={}
    )
    intent = receptionist.intent("one-key-for-it")
    answers = [
        name_visit(
            receptionist.resources, visit.id, wish, seen=0, staff=receptionist.caller,
            intent=intent,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert json.loads(answers[0].body)["number"] == json.loads(answers[1].body)["number"] == "ZA001"
