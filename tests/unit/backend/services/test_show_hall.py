from __future__ import annotations

import pytest

from backend.domain.halls import Alarm, LoadLevel
from backend.domain.queueing import Lane
from backend.domain.rooms import RoomReason, RoomState
from backend.domain.settings import FacilitySettings
from backend.errors import ChangedMeanwhile, UndoOver
from backend.services.act_on_step import StepAct, StepReason
from backend.services.list_acts import ActFilter, ListedAct, list_todays_acts
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_hall import HallRoom, ShownHall, load_hall
from backend.storage.queues import get_room_today
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console

HEAD = Caller(role="staff", id="staff-NV", name="NV")


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


@pytest.fixture
def other(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "102")


def look(resources: Resources, caller: Caller = HEAD) -> ShownHall:
    database = resources.database
    with database.read() as connection:
        return load_hall(resources, connection, caller=caller, now=database.clock())


def of(hall: ShownHall, console: Console) -> HallRoom:
    return next(each for each in hall.rooms if each.room.id == console.room_id)


def log(resources: Resources, **wish: object) -> list[ListedAct]:
    database = resources.database
    with database.read() as connection:
        acts, _ = list_todays_acts(
            connection,
            resources.catalogue.get(),
            ActFilter(**wish),  # type: ignore[arg-type]  # the tests' own words
            now=database.clock(),
        )
    return acts


def test_an_empty_department(resources: Resources, room: Console) -> None:
    hall = look(resources)
    assert [each.room.code for each in hall.rooms] == ["101", "102", "201"]
    assert (hall.waiting, hall.longest_wait.total_seconds(), hall.undo) == (0, 0, None)
    assert of(hall, room).ends_at is None
    assert of(hall, room).minutes_each == 5


def test_own_lines_and_shared_ones(
    desk: Desk, room: Console, other: Console, resources: Resources, clock: SettableClock
) -> None:
    for _ in range(3):
        desk.take("NOI")  # 101, 102, 101
    desk.take("CHUNG")
    desk.take("CHUNG")
    clock.advance(minutes=10)
    hall = look(resources)
    assert hall.waiting == 5
    assert hall.longest_wait.total_seconds() == 600
    first, second = of(hall, room), of(hall, other)
    assert (first.waiting, first.own_waiting) == (4, 2)
    assert (second.waiting, second.own_waiting) == (3, 1)
    assert first.by_lane == {Lane.NORMAL: 4}
    assert first.ends_at is not None
    assert (first.ends_at - hall.now).total_seconds() == (2 + 2 / 2) * 5 * 60
    assert first.move_to == [other.room_id]


def test_who_was_seen_is_counted_once(
    desk: Desk, room: Console, resources: Resources, hospital: Hospital
) -> None:
    hospital.add_room("301")
    hospital.add_service("XN", "301", kind="laboratory")
    hospital.touch_catalogue()
    resources.catalogue._checked_at_s = -10.0
    desk.take("NOI")
    seen = room.next()
    room.send_on(seen.current[0], "XN")
    laboratory = Console(resources, hospital, "301")
    laboratory.next()
    assert laboratory.seen is not None
    laboratory.act(laboratory.seen.current[0], StepAct.FINISH)
    assert room.seen is not None
    hall = look(resources)
    assert of(hall, room).seen == 1
    assert of(hall, room).away.held == 1, "back with results, waits for them"


def test_out_of_line(desk: Desk, room: Console, resources: Resources) -> None:
    for _ in range(4):
        desk.take("CHUNG")
    seen = room.next()
    room.act(seen.current[0], StepAct.MISS, StepReason.NO_ANSWER)
    seen = room.next()
    room.act(seen.current[0], StepAct.HOLD)
    seen = room.next()
    room.act(seen.current[0], StepAct.LEAVE, StepReason.PATIENT_ASKED)
    hall = look(resources)
    assert (hall.away.missed, hall.away.held, hall.away.left) == (1, 1, 1)
    assert (hall.waiting, hall.in_room, hall.seen) == (1, 0, 0)


def test_rooms_over_a_limit_come_first(
    desk: Desk, room: Console, other: Console, resources: Resources, clock: SettableClock
) -> None:
    desk.take("NOI")
    desk.take("NOI")
    room.next()
    clock.advance(minutes=61)
    hall = look(resources)
    assert [each.room.code for each in hall.rooms] == ["102", "101", "201"]
    assert of(hall, other).alarms == [Alarm.WAIT]


def test_load_against_the_settings(
    desk: Desk, room: Console, resources: Resources, hospital: Hospital
) -> None:
    assert FacilitySettings().load_aims == (35, 50, 65)
    for _ in range(36):
        desk.take("CHUNG")
        room.next()
    assert of(look(resources), room).level is LoadLevel.AIMED


def test_a_closed_room_with_people_rings(
    desk: Desk, room: Console, other: Console, resources: Resources
) -> None:
    desk.take("NOI")
    room.change(state=RoomState.CLOSED, reason=RoomReason.STAFF_AWAY)
    hall = look(resources)
    assert of(hall, room).alarms == [Alarm.NOT_CALLING]
    assert of(hall, room).ends_at is None
    assert of(hall, other).move_to == []
    room.move(reason=RoomReason.STAFF_AWAY)
    hall = look(resources)
    assert of(hall, room).alarms == []
    assert of(hall, other).own_waiting == 1
    assert hall.undo is not None
    assert (hall.undo.kind, hall.undo.people) == ("move_people", 1)
    room.undo(hall.undo.id)
    assert of(look(resources), room).own_waiting == 1


def test_the_doctor_of_the_day(resources: Resources, room: Console, hospital: Hospital) -> None:
    usual, another = hospital.add_doctor("NOI", "101"), hospital.add_doctor("NOI", None)
    hospital.touch_catalogue()
    resources.catalogue._checked_at_s = -10.0
    shown = of(look(resources), room)
    assert shown.doctor == usual
    assert set(shown.doctor_choices) == {usual, another}
    room.change(practitioner_id=another)
    assert of(look(resources), room).doctor == another
    assert [act.kind for act in log(resources)] == ["room_doctor"]


def test_a_change_of_a_room_is_taken_back(
    resources: Resources, room: Console, clock: SettableClock
) -> None:
    room.change(state=RoomState.PAUSED, reason=RoomReason.BREAK)
    clock.advance(seconds=5)
    room.change(state=RoomState.CLOSED, reason=RoomReason.EQUIPMENT)
    undo = look(resources).undo
    assert undo is not None
    assert undo.kind == "room_close"
    room.undo(undo.id)
    day = resources.catalogue.get().today(clock())
    with resources.database.read() as connection:
        today = get_room_today(connection, room.room_id, day=day)
    assert (today.state, today.reason) == (RoomState.PAUSED, "break")
    assert look(resources).undo is None
    with pytest.raises(UndoOver):
        room.undo(undo.id)


def test_undo_of_a_room_after_somebody_changed_it_again_is_refused(
    resources: Resources, room: Console, hospital: Hospital, clock: SettableClock
) -> None:
    room.change(state=RoomState.CLOSED, reason=RoomReason.EQUIPMENT)
    undo = look(resources).undo
    assert undo is not None
    clock.advance(seconds=2)
    Console(resources, hospital, "101", "B").change(state=RoomState.OPEN)
    with pytest.raises(ChangedMeanwhile):
        room.undo(undo.id)


def test_undo_is_for_who_did_it(resources: Resources, room: Console) -> None:
    room.change(state=RoomState.CLOSED, reason=RoomReason.EQUIPMENT)
    assert look(resources, Caller(role="staff", id="staff-B", name="B")).undo is None


def test_the_log_says_who_why_and_when(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    number = desk.take("CHUNG").number
    room.next()
    assert room.seen is not None
    clock.advance(seconds=40)
    room.act(room.seen.current[0], StepAct.MISS, StepReason.NO_ANSWER)
    clock.advance(minutes=1)
    room.change(state=RoomState.PAUSED, reason=RoomReason.MEETING)
    acts = log(resources)
    assert [(act.kind, act.reason, act.number) for act in acts] == [
        ("room_pause", "meeting", None),
        ("miss", "no_answer", number),
        ("next", None, number),
    ]
    assert [act.kind for act in log(resources, with_reason=True)] == ["room_pause", "miss"]
    assert [act.kind for act in log(resources, kinds=["miss"])] == ["miss"]
    assert log(resources, room_id="other") == []
    first = log(resources, limit=1)[0]
    assert [act.kind for act in log(resources, before=(first.at, first.id), limit=1)] == ["miss"]
    clock.advance(days=1)
    assert log(resources) == []
