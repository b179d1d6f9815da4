from __future__ import annotations

from typing import cast

import pytest

from backend.domain.paces import Pace
from backend.domain.rooms import RoomReason, RoomState
from backend.jobs.close_past_steps import close_past_steps
from backend.jobs.learn_waits import learn_waits
from backend.services.act_on_step import StepAct
from backend.services.measure_waits import MeasuredWaits, measure_waits
from backend.services.remote_party import RemoteParty
from backend.services.resources import Resources
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database
from backend.storage.waits import load_paces
from his_adapter.ports import HisGateway
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_config
from tests.factories.rooms import Console


@pytest.fixture
def hospital(database: Database) -> Hospital:
    hospital = Hospital(database).set_up()
    for code in ("101", "102"):
        hospital.add_room(code)
    hospital.add_service("NOI", "101", minutes=5)
    hospital.add_service("CHUNG", "101", "102", pooled=True, series_letter="C")
    return hospital


@pytest.fixture
def resources(hospital: Hospital) -> Resources:
    return Resources(
        config=make_config(),
        database=hospital.database,
        keys=hospital.keys,
        catalogue=CatalogueSource(
            hospital.database, monotonic_s=iter(range(0, 10**6, 60)).__next__
        ),
        his=cast("HisGateway", None),
        his_party=cast("RemoteParty", None),
        insurer_party=cast("RemoteParty", None),
    )


@pytest.fixture
def desk(resources: Resources, hospital: Hospital) -> Desk:
    return Desk(resources, hospital)


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


def see(desk: Desk, room: Console, clock: SettableClock, *, people: int, minutes: float) -> None:
    """So many people one after another, each in the room for so many minutes."""
    room.seen = None
    for _ in range(people):
        desk.take("NOI")
        room.next()
        clock.advance(minutes=minutes)
        assert room.seen is not None
        room.act(room.seen.current[0], StepAct.FINISH)


def known(resources: Resources) -> dict[str, Pace]:
    """Room id to what is known of it at eight o'clock."""
    database = resources.database
    day = resources.catalogue.get().today(database.clock())
    with database.read() as connection:
        found = load_paces(connection, database.facility_id, day=day).by_hour
    return {room: pace for (room, hour), pace in found.items() if hour == 8}


def next_day(clock: SettableClock) -> None:
    clock.advance(days=1)
    clock.now = clock.now.replace(hour=1, minute=0)


def measure(resources: Resources) -> MeasuredWaits:
    catalogue, database = resources.catalogue.get(), resources.database
    with database.read() as connection:
        return measure_waits(
            connection,
            database.facility_id,
            list(catalogue.rooms),
            day=catalogue.today(database.clock()),
        )


def test_the_median_of_the_last_days_at_this_hour(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    see(desk, room, clock, people=5, minutes=2)
    assert learn_waits(resources) == 0, "today is not over"
    next_day(clock)
    see(desk, room, clock, people=6, minutes=4)
    next_day(clock)
    learn_waits(resources)
    assert known(resources) == {room.room_id: Pace(cases=11, median_s=240)}
    assert learn_waits(resources) == 0, "once a day is enough"
    assert known(resources) == {room.room_id: Pace(cases=11, median_s=240)}


def test_what_is_older_than_a_week_is_forgotten(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    see(desk, room, clock, people=10, minutes=2)
    next_day(clock)
    learn_waits(resources)
    assert known(resources)
    for _ in range(7):
        next_day(clock)
    learn_waits(resources)
    assert known(resources) == {}


def test_what_was_undone_or_closed_by_a_job_is_no_case(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    room.next()
    clock.advance(minutes=3)
    assert room.seen is not None
    room.act(room.seen.current[0], StepAct.FINISH)
    room.undo()
    next_day(clock)
    close_past_steps(resources)
    learn_waits(resources)
    next_day(clock)
    learn_waits(resources)
    assert known(resources) == {}


def test_ten_past_cases_replace_the_configured_minutes(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    see(desk, room, clock, people=10, minutes=2)
    next_day(clock)
    for _ in range(10):
        desk.take("NOI")
    assert desk.take("NOI").ticket.wait_min == (35, 65), "10 people at the configured 5 min"
    learn_waits(resources)
    issued = desk.take("NOI")
    assert issued.ticket.wait_min == (15, 30), "11 people at 2 min"
    assert issued.steps[0].wait_min == (15, 30)


def test_a_pooled_line_is_shared_by_the_rooms_that_call(
    desk: Desk, room: Console, resources: Resources, hospital: Hospital, clock: SettableClock
) -> None:
    second = Console(resources, hospital, "102")
    hospital.add_service("HAI", "102")
    hospital.touch_catalogue()
    see(desk, room, clock, people=10, minutes=2)
    clock.now = clock.now.replace(hour=1, minute=0)
    for _ in range(10):
        desk.take("HAI")
        second.next()
        clock.advance(minutes=2)
        assert second.seen is not None
        second.act(second.seen.current[0], StepAct.FINISH)
    next_day(clock)
    learn_waits(resources)
    for _ in range(40):
        desk.take("CHUNG")
    assert desk.take("CHUNG").ticket.wait_min == (30, 50), "40 people, 2 min, two rooms"
    second.change(state=RoomState.CLOSED, reason=RoomReason.STAFF_AWAY)
    assert desk.take("CHUNG").ticket.wait_min == (60, 105), "41 people, 2 min, one room"


def test_promises_are_held_against_the_first_call(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    assert measure(resources).whole is None
    for _ in range(3):
        desk.take("NOI")  # told 0–5, 0–10 and 5–15 min
    clock.advance(minutes=4)
    room.next()
    room.undo()
    clock.advance(minutes=1)
    room.next()
    clock.advance(minutes=20)
    room.next()
    assert room.seen is not None
    room.act(room.seen.current[0], StepAct.AGAIN)
    measured = measure(resources)
    assert set(measured.by_room) == {room.room_id}
    accuracy = measured.by_room[room.room_id]
    assert measured.whole == accuracy
    assert (accuracy.cases, accuracy.kept) == (2, 1)
    assert accuracy.mean_error_min == pytest.approx((2.5 + 20) / 2)
    assert accuracy.median_error_min == pytest.approx((2.5 + 20) / 2)
