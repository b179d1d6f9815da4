"""The HIS orders and releases, people and staff go their way: the steps follow."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import func, select, update

from backend.domain.visit import OPEN_STATES
from backend.errors import BackendError
from backend.jobs.deliver_outbox import deliver_outbox
from backend.jobs.follow_his import follow_his
from backend.services.act_on_step import StepAct, StepReason
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.services.show_his_feed import Following, show_his_feed
from backend.services.show_phone import load_phone
from backend.services.show_visit import load_visit
from backend.services.sync_catalogue import sync_catalogue
from backend.storage.catalogue import CatalogueSource
from backend.storage.catalogue_tables import Facility
from backend.storage.crypto import demo_keys
from backend.storage.database import Database
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import Step
from backend.storage.visit_tables import Person
from his_adapter.builtin.reports import PartDraft
from his_adapter.demo.gateway import open_demo
from his_adapter.models import Feature, OrderStatus, PartKind, Ref, ServiceKind
from tests.conftest import SettableClock
from tests.factories.clinic import FOLLOWED, FakeClinic
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_config, make_person
from tests.factories.reception import audited
from tests.factories.rooms import Console

PATIENT = "BN-1"


@pytest.fixture
def clinic(clock: SettableClock) -> FakeClinic:
    return FakeClinic(clock)


@pytest.fixture
def hospital(database: Database) -> Hospital:
    hospital = Hospital(database).set_up()
    for code in ("101", "102", "X1", "H1", "T1"):
        hospital.add_room(code)
    hospital.add_service("NOI", "101", "102")
    hospital.add_service("XN", "X1", kind="laboratory")
    hospital.add_service("SA", "H1", kind="imaging")
    hospital.add_service("THU", "T1", kind="cashier")
    return hospital


@pytest.fixture
def resources(hospital: Hospital, clinic: FakeClinic) -> Resources:
    say_features(hospital, clinic.features)
    return Resources(
        config=make_config(),
        database=hospital.database,
        keys=hospital.keys,
        catalogue=CatalogueSource(hospital.database),
        his=cast("Any", clinic),
        his_party=cast("RemoteParty", None),
        insurer_party=cast("RemoteParty", None),
    )


def say_features(hospital: Hospital, features: frozenset[Feature]) -> None:
    with hospital.database.write() as unit:
        unit.connection.execute(update(Facility).values(his_features=sorted(features)))
    hospital.touch_catalogue()


@pytest.fixture
def desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital)


@pytest.fixture
def doctor(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


@pytest.fixture
def laboratory(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "X1", "XN")


def arrive(desk: Desk, patient: str = PATIENT, serial: int = 1) -> str:
    return desk.take("NOI", person=make_person(serial, his_ref=patient)).id


def steps_of(resources: Resources, visit_id: str) -> list[Any]:
    with resources.database.read() as connection:
        return list(
            connection.execute(
                select(Step.__table__).where(Step.visit_id == visit_id).order_by(Step.position)
            )
        )


def shape(resources: Resources, visit_id: str) -> list[tuple[str, str, str | None]]:
    return [(step.kind, step.state, step.hold_reason) for step in steps_of(resources, visit_id)]


def see_doctor(doctor: Console) -> None:
    doctor.next()
    assert doctor.seen is not None
    doctor.act(doctor.seen.current[0], StepAct.SERVE)


def serve_here(room: Console) -> None:
    room.next(finish=False)
    assert room.seen is not None
    room.act(room.seen.current[0], StepAct.FINISH)


def test_the_whole_way_of_one_order(
    resources: Resources, desk: Desk, doctor: Console, laboratory: Console, clinic: FakeClinic
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    see_doctor(doctor)
    ref = clinic.order(PATIENT, preparation_vi="Nhịn ăn sáng.")
    assert follow_his(resources) == 1
    assert shape(resources, visit_id) == [
        ("examination", "serving", None),
        ("laboratory", "hold", "earlier_step"),
    ]
    assert doctor.seen is not None
    doctor.act(doctor.seen.current[0], StepAct.FINISH)
    assert shape(resources, visit_id) == [
        ("examination", "done", None),
        ("laboratory", "waiting", None),
        ("return", "hold", "earlier_step"),
    ]
    serve_here(laboratory)
    assert shape(resources, visit_id)[-1] == ("return", "hold", "results")
    clinic.release(ref)
    follow_his(resources)
    back = steps_of(resources, visit_id)[-1]
    assert (back.state, back.lane, back.room_id) == ("waiting", "R", doctor.room_id)
    moved = len(audited(resources, "step_moved"))
    for _ in range(3):
        clinic.change(ref, OrderStatus.COMPLETED)
        follow_his(resources)
    assert len(audited(resources, "step_moved")) == moved


def test_the_patient_reads_what_to_do_and_what_was_taken_back(
    resources: Resources, desk: Desk, doctor: Console, laboratory: Console, clinic: FakeClinic
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    see_doctor(doctor)
    refs = [clinic.order(PATIENT, preparation_vi="Nhịn ăn sáng.") for _ in range(2)]
    follow_his(resources)
    doctor.next()
    phone = look_at_phone(resources, visit_id)
    assert [(each.state.value, [words.vi for words in each.preparation]) for each in phone] == [
        ("done", []),
        ("now", ["Nhịn ăn sáng."]),
        ("to_come", []),
    ]
    with resources.database.read() as connection:
        ticket = load_visit(connection, resources.catalogue.get(), visit_id).ticket
    assert ticket["notes"] == ["Nhịn ăn sáng."]
    room = laboratory.change(practitioner_id="")
    assert [words.vi for words in room.waiting[0].preparation] == ["Nhịn ăn sáng."]
    for ref in refs:
        clinic.cancel(ref)
    follow_his(resources)
    phone = look_at_phone(resources, visit_id)
    assert [each.state.value for each in phone] == ["done", "taken_back", "now"]


def look_at_phone(resources: Resources, visit_id: str) -> Any:
    with resources.database.read() as connection:
        token = connection.scalar(select(Ticket.token).where(Ticket.visit_id == visit_id))
        shown = load_phone(
            connection, resources.catalogue.get(), token, now=resources.database.clock()
        )
    assert shown is not None
    return shown.stations


def test_orders_after_the_patient_left_the_doctor(
    resources: Resources, desk: Desk, doctor: Console, clinic: FakeClinic
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    see_doctor(doctor)
    assert doctor.seen is not None
    doctor.act(doctor.seen.current[0], StepAct.FINISH)
    clinic.order(PATIENT)
    clinic.order(PATIENT)
    clinic.order(PATIENT, service="DV-SA", kind=ServiceKind.IMAGING)
    follow_his(resources)
    assert shape(resources, visit_id) == [
        ("examination", "done", None),
        ("laboratory", "waiting", None),
        ("imaging", "hold", "earlier_step"),
        ("return", "hold", "earlier_step"),
    ]


def test_a_test_ordered_while_results_are_awaited_comes_before_the_way_back(
    resources: Resources, desk: Desk, doctor: Console, laboratory: Console, clinic: FakeClinic
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    see_doctor(doctor)
    first = clinic.order(PATIENT)
    follow_his(resources)
    doctor.next()
    serve_here(laboratory)
    second = clinic.order(PATIENT, service="DV-SA", kind=ServiceKind.IMAGING)
    clinic.release(first)
    follow_his(resources)
    assert shape(resources, visit_id)[1:] == [
        ("laboratory", "done", None),
        ("imaging", "waiting", None),
        ("return", "hold", "earlier_step"),
    ]
    # Done there, and never called here.
    clinic.release(second)
    follow_his(resources)
    assert shape(resources, visit_id)[2:] == [
        ("imaging", "done", None),
        ("return", "waiting", None),
    ]


def test_an_order_taken_back_closes_its_step_and_the_patient_goes_on(
    resources: Resources, desk: Desk, doctor: Console, clinic: FakeClinic
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    see_doctor(doctor)
    one, two = clinic.order(PATIENT), clinic.order(PATIENT)
    follow_his(resources)
    doctor.next()
    clinic.cancel(one)
    follow_his(resources)
    assert shape(resources, visit_id)[1][:2] == ("laboratory", "waiting")
    clinic.cancel(two)
    follow_his(resources)
    assert shape(resources, visit_id)[1:] == [
        ("laboratory", "cancelled", None),
        ("return", "waiting", None),
    ]


def test_a_room_and_the_his_open_the_same_step_once(
    resources: Resources, desk: Desk, doctor: Console, clinic: FakeClinic
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    see_doctor(doctor)
    clinic.order(PATIENT)
    follow_his(resources)
    assert doctor.seen is not None
    doctor.send_on(doctor.seen.current[0], "XN", "THU")
    assert [step.kind for step in steps_of(resources, visit_id)] == [
        "examination",
        "laboratory",
        "return",
        "cashier",
    ]
    clinic.order(PATIENT)
    follow_his(resources)
    assert len(steps_of(resources, visit_id)) == 4


def test_a_room_that_was_first(
    resources: Resources, desk: Desk, doctor: Console, laboratory: Console, clinic: FakeClinic
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    see_doctor(doctor)
    assert doctor.seen is not None
    doctor.send_on(doctor.seen.current[0], "XN")
    ref = clinic.order(PATIENT)
    follow_his(resources)
    assert [step.kind for step in steps_of(resources, visit_id)] == [
        "examination",
        "laboratory",
        "return",
    ]
    clinic.release(ref)
    follow_his(resources)
    assert shape(resources, visit_id)[1:] == [
        ("laboratory", "done", None),
        ("return", "waiting", None),
    ]


def test_who_is_being_served_stays_when_the_order_is_taken_back(
    resources: Resources, desk: Desk, doctor: Console, laboratory: Console, clinic: FakeClinic
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    see_doctor(doctor)
    ref = clinic.order(PATIENT)
    follow_his(resources)
    doctor.next()
    see_doctor(laboratory)
    clinic.cancel(ref)
    follow_his(resources)
    assert shape(resources, visit_id)[1] == ("laboratory", "serving", None)
    assert laboratory.seen is not None
    laboratory.act(laboratory.seen.current[0], StepAct.FINISH)
    assert shape(resources, visit_id)[2] == ("return", "waiting", None)


def test_a_silent_his_is_left_alone_and_nothing_is_lost(
    resources: Resources, desk: Desk, doctor: Console, clinic: FakeClinic, clock: SettableClock
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    see_doctor(doctor)
    clinic.order(PATIENT)
    clinic.down = True
    calls = sum(clinic.calls.values())
    for _ in range(60):
        follow_his(resources)
        clock.advance(seconds=1)
    assert sum(clinic.calls.values()) - calls <= 7
    feed = show_his_feed(resources)
    assert (feed.away, feed.last_error) == (True, "transient")
    clinic.down = False
    clock.advance(seconds=30)
    follow_his(resources)
    assert shape(resources, visit_id)[1][0] == "laboratory"
    feed = show_his_feed(resources)
    assert (feed.following, feed.away, feed.unread) == (Following.FEED, False, 0)
    assert feed.lag_ms is not None
    assert feed.lag_ms >= 60_000
    assert "find_slots" in feed.missing


def test_the_his_dies_between_the_change_and_the_reading(
    resources: Resources, desk: Desk, clinic: FakeClinic, monkeypatch: pytest.MonkeyPatch,
    clock: SettableClock,
) -> None:  # fmt: skip
    visit_id = arrive(desk)
    follow_his(resources)
    clinic.order(PATIENT)

    def die(*_: Any, **__: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("backend.jobs.follow_his._Run.read_visits", die)
        with pytest.raises(MemoryError):
            follow_his(resources)
    clock.advance(seconds=31)
    follow_his(resources)
    assert shape(resources, visit_id)[1][0] == "laboratory"


def test_a_feed_that_was_lost_reads_everybody_again(
    resources: Resources, desk: Desk, clinic: FakeClinic
) -> None:
    visit_id = arrive(desk)
    follow_his(resources)
    clinic.order(PATIENT)
    clinic.feed.append(clinic.feed[0])
    clinic.forgotten = 2
    follow_his(resources)
    assert shape(resources, visit_id)[1][0] == "laboratory"


def test_orders_that_were_there_before_the_patient(
    resources: Resources, desk: Desk, clinic: FakeClinic
) -> None:
    follow_his(resources)
    clinic.order(PATIENT)
    follow_his(resources)
    visit_id = arrive(desk)
    assert follow_his(resources) == 1
    assert shape(resources, visit_id)[1] == ("laboratory", "hold", "earlier_step")
    assert follow_his(resources) == 0


def test_one_broken_visit_keeps_nobody_else_waiting(
    resources: Resources, desk: Desk, clinic: FakeClinic
) -> None:
    broken, well = arrive(desk), arrive(desk, "BN-2", 2)
    follow_his(resources)
    clinic.broken.add(PATIENT)
    clinic.order(PATIENT)
    clinic.order("BN-2")
    follow_his(resources)
    assert len(steps_of(resources, broken)) == 1
    assert len(steps_of(resources, well)) == 2


def test_without_a_feed_open_visits_are_read_in_turn(
    resources: Resources, hospital: Hospital, desk: Desk, doctor: Console, clinic: FakeClinic,
    clock: SettableClock,
) -> None:  # fmt: skip
    say_features(hospital, FOLLOWED - {Feature.CHANGES})
    resources = replace(resources, catalogue=CatalogueSource(hospital.database))
    visit_id = arrive(desk)
    idle = [arrive(desk, f"BN-{serial}", serial) for serial in range(2, 12)]
    assert follow_his(resources) == 11
    see_doctor(doctor)
    clinic.order(PATIENT)
    clock.advance(seconds=3)
    assert follow_his(resources) == 1
    assert shape(resources, visit_id)[1][0] == "laboratory"
    assert "changes" not in clinic.calls
    clock.advance(seconds=61)
    assert follow_his(resources) == 1 + len(idle)


def test_two_workers_read_one_after_the_other(
    resources: Resources, desk: Desk, clinic: FakeClinic
) -> None:
    arrive(desk)
    inside, go_on = threading.Event(), threading.Event()
    ask = clinic.changes

    def hang(*arguments: Any, **more: Any) -> Any:
        inside.set()
        go_on.wait(10)
        return ask(*arguments, **more)

    clinic.changes = hang  # type: ignore[method-assign]  # one slow answer
    slow = threading.Thread(target=follow_his, args=(resources,))
    slow.start()
    assert inside.wait(10)
    clinic.changes = ask  # type: ignore[method-assign]
    assert follow_his(resources) == 0
    go_on.set()
    slow.join(10)
    clinic.order(PATIENT)
    assert follow_his(resources) == 1


def test_staff_and_the_his_at_the_same_moment(
    resources: Resources, desk: Desk, doctor: Console, laboratory: Console, clinic: FakeClinic,
    hospital: Hospital,
) -> None:  # fmt: skip
    """Whoever is first: nobody stands in one line twice, and everybody ends up somewhere."""
    visits = [arrive(desk, f"BN-{serial}", serial) for serial in range(1, 7)]
    follow_his(resources)
    consoles = [doctor, Console(resources, hospital, "102", "B"), laboratory]
    stop = threading.Event()
    faults: list[BaseException] = []

    def staff(console: Console) -> None:
        while not stop.is_set():
            try:
                console.next()
                if console.seen and console.seen.current and console is not laboratory:
                    console.send_on(console.seen.current[0], "XN")
                elif console.seen and console.seen.current:
                    console.act(console.seen.current[0], StepAct.LEAVE, StepReason.OTHER)
            except BackendError:
                console.seen = None
            except BaseException as error:
                faults.append(error)
                raise

    threads = [threading.Thread(target=staff, args=(console,)) for console in consoles]
    for thread in threads:
        thread.start()
    for _ in range(3):
        refs = [clinic.order(f"BN-{serial}") for serial in range(1, 7)]
        follow_his(resources)
        for ref in refs[::2]:
            clinic.cancel(ref)
        follow_his(resources)
        for ref in refs[1::2]:
            clinic.release(ref)
        follow_his(resources)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert faults == []
    with resources.database.read() as connection:
        twice = connection.execute(
            select(Step.visit_id, Step.service_id)
            .where(Step.state.in_(sorted(OPEN_STATES)))
            .group_by(Step.visit_id, Step.service_id)
            .having(func.count() > 1)
        ).all()
    assert twice == []
    for visit_id in visits:
        open_steps = [step for step in steps_of(resources, visit_id) if step.state in OPEN_STATES]
        stuck = open_steps and all(
            step.state == "hold" and step.hold_reason == "earlier_step" for step in open_steps
        )
        assert not stuck


def test_the_demo_hospital_from_check_in_to_the_results(
    database: Database, tmp_path: Path, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole chain with a real register: outbox out, feed in."""
    monkeypatch.setattr("backend.services.sync_catalogue.SLOT_DAYS", 1)
    his = open_demo(tmp_path / "his", clock=clock, sleep=lambda _: None)
    sync_catalogue(database, his)
    resources = Resources(
        config=make_config(),
        database=database,
        keys=demo_keys(),
        catalogue=CatalogueSource(database),
        his=his,
        his_party=cast("RemoteParty", None),
        insurer_party=cast("RemoteParty", None),
    )
    catalogue = resources.catalogue.get()
    hospital = Hospital(database, keys=resources.keys)
    hospital.services = {each.code: each.id for each in catalogue.services.values()}
    hospital.rooms = {each.code: each.id for each in catalogue.rooms.values()}
    exam = next(
        each
        for each in catalogue.services.values()
        if each.kind == "examination" and not each.pooled and not each.gender
        and catalogue.find_open_session(each.room_ids[0], now=clock())
    )  # fmt: skip
    test = next(each for each in catalogue.services.values() if each.kind == "laboratory")
    follow_his(resources)
    visit = Desk(resources, hospital).take(exam.code, person=make_person(555_555))
    deliver_outbox(resources)
    follow_his(resources)
    with database.read() as connection:
        patient = connection.scalar(select(Person.his_ref))
        his_visit = connection.scalar(select(Step.his_ref))
    room = next(each for each in catalogue.rooms.values() if visit.steps[0].room.vi == each.name.vi
                or each.code in visit.steps[0].room.vi)  # fmt: skip
    doctor = Console(resources, hospital, room.code)
    see_doctor(doctor)
    order = his.clinic.place_order(
        Ref(str(patient)), service=Ref(test.his_ref), visit=Ref(str(his_visit)),
        preparation_vi="Nhịn ăn sáng.",
    )  # fmt: skip
    clock.advance(seconds=1)
    follow_his(resources)
    doctor.next()
    assert [step.kind for step in steps_of(resources, visit.id)] == [
        "examination",
        "laboratory",
        "return",
    ]
    report = his.clinic.write_report(
        Ref(str(patient)), order=order.ref, parts=[PartDraft(name="values", kind=PartKind.VALUES)]
    )
    clock.advance(seconds=1)
    follow_his(resources)
    assert steps_of(resources, visit.id)[2].state == "hold"
    his.clinic.release_report(report)
    clock.advance(seconds=1)
    follow_his(resources)
    assert shape(resources, visit.id)[1:] == [
        ("laboratory", "done", None),
        ("return", "waiting", None),
    ]
    his.close()
