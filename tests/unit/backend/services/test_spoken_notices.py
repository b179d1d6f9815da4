"""What a hall hears besides calls, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.domain.calling_settings import CallingSettings, find_faults
from backend.domain.calling_words import SpokenCall
from backend.domain.displays import DisplayKind, DisplayWish
from backend.domain.rooms import RoomReason, RoomState
from backend.errors import DisplayNotFound
from backend.services.act_on_step import StepAct, StepReason
from backend.services.list_spoken_notices import SpokenNotice, list_spoken_notices
from backend.services.manage_displays import add_display
from backend.services.resources import Resources
from backend.services.speak_display import get_spoken_notice
from backend.storage.queue_tables import StaffAct
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console


class Hall:
    """A loudspeaker for some rooms."""

    def __init__(self, resources: Resources, hospital: Hospital, *codes: str, **wish: Any) -> None:
        self.resources = resources
        rooms = tuple(hospital.rooms[code] for code in codes)
        wanted = DisplayWish(
            name="/".join(codes), kind=DisplayKind.HALL, room_ids=rooms, zone="".join(codes),
            **({"speaks": True} | wish),
        )  # fmt: skip
        self.display = add_display(
            resources.database, resources.catalogue.get(), wanted, actor="command"
        ).display

    def hear(self, *, silent: tuple[str, ...] = ()) -> list[SpokenNotice]:
        database, catalogue = self.resources.database, self.resources.catalogue.get()
        calling = replace(catalogue.settings.calling, silent=silent)
        catalogue = replace(catalogue, settings=replace(catalogue.settings, calling=calling))
        with database.read() as connection:
            return list_spoken_notices(connection, catalogue, self.display, now=database.clock())

    def calls(self, **more: Any) -> list[SpokenCall]:
        return [each.call for each in self.hear(**more)]


@pytest.fixture
def hospital(hospital: Hospital) -> Hospital:
    hospital.add_room("XN1")
    hospital.add_service("XN", "XN1", kind="laboratory")
    return hospital


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


@pytest.fixture
def hall(resources: Resources, hospital: Hospital) -> Hall:
    return Hall(resources, hospital, "101")


def miss(desk: Desk, room: Console) -> str:
    number = desk.take("CHUNG").number
    (step,) = room.next().current
    for _ in range(2):
        (step,) = room.act(step, StepAct.AGAIN).current
    room.act(step, StepAct.MISS, StepReason.NO_ANSWER)
    return number


def test_a_missed_turn_is_said_where_the_hospital_wants_it(
    desk: Desk, room: Console, hall: Hall
) -> None:
    number = miss(desk, room)
    assert hall.calls() == [SpokenCall(kind="missed", number=number)]
    assert hall.calls(silent=CallingSettings().silent) == []


def test_an_act_that_was_taken_back_is_not_said(desk: Desk, room: Console, hall: Hall) -> None:
    miss(desk, room)
    room.undo()
    assert hall.calls() == []


def test_results_bring_a_patient_back_to_the_door(
    desk: Desk, room: Console, hall: Hall, resources: Resources, hospital: Hospital
) -> None:
    number = desk.take("CHUNG").number
    (step,) = room.next().current
    room.send_on(step, "XN")
    laboratory = Console(resources, hospital, "XN1")
    (step,) = laboratory.next().current
    laboratory.act(step, StepAct.FINISH)
    (back,) = room.change(state=RoomState.OPEN).aside
    assert hall.calls() == []
    room.act(back, StepAct.RESULTS)
    assert hall.calls() == [SpokenCall(kind="results_ready", number=number, room_code="101")]
    assert Hall(resources, hospital, "XN1").calls() == []
    room.next()
    assert hall.calls() == []


def test_a_pause_is_said_with_the_minutes_that_are_left(
    room: Console, hall: Hall, clock: SettableClock
) -> None:
    until = clock.now + timedelta(minutes=15)
    room.change(state=RoomState.PAUSED, reason=RoomReason.BREAK, until=until)
    clock.advance(seconds=40)
    (said,) = hall.hear()
    assert said.call == SpokenCall(kind="room_paused", room_code="101", minutes=15)
    assert said.expires_at == clock.now + timedelta(seconds=20)
    clock.advance(seconds=30)
    assert hall.hear() == []


def test_a_pause_without_an_end_or_over_already_is_not_said(
    room: Console, hall: Hall, clock: SettableClock
) -> None:
    room.change(state=RoomState.PAUSED, reason=RoomReason.BREAK)
    assert hall.hear() == []
    until = clock.now + timedelta(minutes=5)
    room.change(state=RoomState.PAUSED, reason=RoomReason.BREAK, until=until)
    room.change(state=RoomState.OPEN)
    assert hall.hear() == []


def test_a_room_whose_people_went_to_one_other_has_moved(
    desk: Desk, room: Console, resources: Resources, hospital: Hospital, hall: Hall
) -> None:
    for _ in range(4):
        desk.take("NOI")
    room.change(state=RoomState.CLOSED, reason=RoomReason.EQUIPMENT)
    room.move(reason=RoomReason.EQUIPMENT, to_room_id=hospital.rooms["102"])
    moved = SpokenCall(kind="room_moved", room_code="101", new_room_code="102")
    assert hall.calls() == [moved]
    assert Hall(resources, hospital, "102").calls() == []


def test_a_room_that_goes_on_working_has_not_moved(
    desk: Desk, room: Console, hospital: Hospital, hall: Hall
) -> None:
    for _ in range(6):
        desk.take("NOI")
    room.move(reason=RoomReason.BALANCE, to_room_id=hospital.rooms["102"], count=1)
    assert hall.calls() == []
    room.change(state=RoomState.PAUSED, reason=RoomReason.MEETING)
    assert hall.calls() == []


def test_who_does_not_speak_says_nothing(
    desk: Desk, room: Console, resources: Resources, hospital: Hospital
) -> None:
    miss(desk, room)
    assert Hall(resources, hospital, "101", speaks=False).calls() == []


def test_what_is_not_to_be_said_cannot_be_asked_for(
    desk: Desk, room: Console, hall: Hall, resources: Resources
) -> None:
    """Missed turns are silent unless a hospital wants them said."""
    miss(desk, room)
    (said,) = hall.hear()
    with resources.database.read() as connection:
        for notice_id in (said.id, "x", f"{said.id}0"):
            with pytest.raises(DisplayNotFound):
                get_spoken_notice(resources, connection, hall.display, notice_id)


def test_other_facilities_are_not_heard(
    desk: Desk, room: Console, hall: Hall, resources: Resources
) -> None:
    miss(desk, room)
    with resources.database.write() as unit:
        unit.connection.execute(update(StaffAct).values(facility_id="elsewhere"))
        assert unit.connection.scalar(select(StaffAct.id)) is not None
    assert hall.calls() == []


def test_the_silent_ones_are_kept_and_checked() -> None:
    assert CallingSettings.from_json({"silent": ["room_moved"]}).silent == ("room_moved",)
    assert CallingSettings.from_json({"silent": ["call_room"]}).silent == ("missed",)
    assert find_faults(CallingSettings(silent=("get_ready",))) == ["silent"]
    assert not CallingSettings().says("missed")
    assert CallingSettings(silent=()).says("missed")
