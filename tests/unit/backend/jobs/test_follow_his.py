"""The HIS orders and releases, people and staff go their way: the steps follow."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import func, select, update

from backend.domain.visit import OPEN_STATES
from backend.errors import BackendError
from backend.jobs.follow_his import find_lag_ms, follow_his
from backend.services.act_on_step import StepAct, StepReason
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.storage import tables
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database
from his_adapter.models import Feature, OrderStatus, ServiceKind
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
        unit.connection.execute(update(tables.Facility).values(his_features=sorted(features)))
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
                select(tables.Step.__table__)
                .where(tables.Step.visit_id == visit_id)
                .order_by(tables.Step.position)
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
    clinic.down = False
    clock.advance(seconds=30)
    follow_his(resources)
    assert shape(resources, visit_id)[1][0] == "laboratory"
    lag_ms = find_lag_ms(resources)
    assert lag_ms is not None
    assert lag_ms >= 60_000


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
            select(tables.Step.visit_id, tables.Step.service_id)
            .where(tables.Step.state.in_(sorted(OPEN_STATES)))
            .group_by(tables.Step.visit_id, tables.Step.service_id)
            .having(func.count() > 1)
        ).all()
    assert twice == []
    for visit_id in visits:
        open_steps = [step for step in steps_of(resources, visit_id) if step.state in OPEN_STATES]
        stuck = open_steps and all(
            step.state == "hold" and step.hold_reason == "earlier_step" for step in open_steps
        )
        assert not stuck
