from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from backend.domain.announcements import Announcement
from backend.domain.calling_settings import CallingSettings
from backend.domain.displays import DisplayKind, DisplayWish
from backend.domain.rooms import RoomReason, RoomState
from backend.services.act_on_step import StepAct
from backend.services.change_calling_words import change_calling_words
from backend.services.manage_displays import KnownDisplay, add_display
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_display import DisplayState, display_to_json, show_display
from backend.storage.catalogue import CatalogueSource
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_person
from tests.factories.rooms import Console


class Board:
    """One display, looked at whenever a test wants to."""

    def __init__(self, resources: Resources, hospital: Hospital, *codes: str, **wish: Any) -> None:
        wanted = DisplayWish(
            name="Bảng thử",
            kind=wish.pop("kind", DisplayKind.HALL),
            room_ids=tuple(hospital.rooms[code] for code in codes),
            **wish,
        )
        self.resources = resources
        self.display: KnownDisplay = add_display(
            resources.database, resources.catalogue.get(), wanted, actor="command"
        ).display

    def look(self, *announcements: Announcement) -> DisplayState:
        database = self.resources.database
        with database.read() as connection:
            return show_display(
                self.resources,
                connection,
                self.display,
                announcements=announcements,
                now=database.clock(),
            )

    def json(self) -> dict[str, Any]:
        return display_to_json(self.look())


def numbers(state: DisplayState) -> dict[str, list[str]]:
    return {room.code: [call.number for call in room.current] for room in state.rooms}


def test_a_call_is_on_the_board_until_the_patient_leaves(
    resources: Resources, hospital: Hospital, desk: Desk
) -> None:
    board = Board(resources, hospital, "101", "102")
    tickets = [desk.take("CHUNG").number for _ in range(7)]
    first, second = Console(resources, hospital, "101"), Console(resources, hospital, "102")
    assert numbers(board.look()) == {"101": [], "102": []}
    assert board.look().rooms[0].next == tickets[:5]
    first.next()
    second.next()
    seen = board.look()
    assert numbers(seen) == {"101": [tickets[0]], "102": [tickets[1]]}
    assert [call.number for call in seen.calls] == [tickets[1], tickets[0]]
    assert [room.next for room in seen.rooms] == [tickets[2:7], tickets[2:7]]
    first.next()
    assert numbers(board.look()) == {"101": [tickets[2]], "102": [tickets[1]]}


def test_next_numbers_are_those_the_room_will_call(
    resources: Resources, hospital: Hospital, desk: Desk, clock: SettableClock
) -> None:
    board = Board(resources, hospital, "101")
    console = Console(resources, hospital, "101")
    for _ in range(4):
        desk.take("CHUNG")
        desk.take("CHUNG", person=make_person(int(clock.now.timestamp()), birth_date="1940-01-01"))
        clock.advance(seconds=1)
    for _ in range(6):
        promised = board.look().rooms[0].next[0]
        assert [step.number for step in console.next().current] == [promised]


def test_called_again_missed_and_taken_back(
    resources: Resources, hospital: Hospital, desk: Desk, clock: SettableClock
) -> None:
    board = Board(resources, hospital, "101")
    console = Console(resources, hospital, "101")
    desk.take("CHUNG")
    (step,) = console.next().current
    clock.advance(seconds=40)
    (step,) = console.act(step, StepAct.AGAIN).current
    seen = board.look()
    assert [call.attempt for call in seen.calls] == [2, 1]
    assert [call.attempt for call in seen.rooms[0].current] == [2]
    clock.advance(seconds=40)
    (step,) = console.act(step, StepAct.AGAIN).current
    console.act(step, StepAct.MISS)
    assert numbers(board.look()) == {"101": []}
    assert board.look().calls == []
    console.undo()
    assert numbers(board.look()) == {"101": [step.number]}


def test_an_undone_call_was_never_there(
    resources: Resources, hospital: Hospital, desk: Desk
) -> None:
    board = Board(resources, hospital, "101")
    console = Console(resources, hospital, "101")
    number = desk.take("CHUNG").number
    console.next()
    console.undo()
    seen = board.look()
    assert (seen.calls, seen.rooms[0].current, seen.rooms[0].next) == ([], [], [number])


def test_the_next_day_starts_empty(
    resources: Resources, hospital: Hospital, desk: Desk, clock: SettableClock
) -> None:
    board = Board(resources, hospital, "101")
    desk.take("CHUNG")
    desk.take("CHUNG")
    Console(resources, hospital, "101").next()
    clock.advance(days=1)
    seen = board.look()
    assert (seen.calls, seen.rooms[0].current, seen.rooms[0].next) == ([], [], [])


def test_a_pause_is_told_without_its_reason(
    resources: Resources, hospital: Hospital, clock: SettableClock
) -> None:
    board = Board(resources, hospital, "101", kind=DisplayKind.DOOR)
    until = clock.now + timedelta(minutes=10)
    Console(resources, hospital, "101").change(
        state=RoomState.PAUSED, reason=RoomReason.EMERGENCY, until=until
    )
    (room,) = board.json()["rooms"]
    assert (room["state"], room["until"]) == ("paused", until.isoformat())
    assert "emergency" not in str(board.json())


def test_the_doctor_of_the_day_stands_at_the_door_only(
    resources: Resources, hospital: Hospital
) -> None:
    doctor = hospital.add_doctor("NOI", "101")
    hospital.touch_catalogue()
    Console(resources, hospital, "101").change(practitioner_id=doctor)
    door = Board(resources, hospital, "101", kind=DisplayKind.DOOR)
    assert door.look().rooms[0].doctor == "BS. Trần Văn Mẫu"


def test_no_name_unless_staff_turned_it_on_and_then_masked(
    resources: Resources, hospital: Hospital, desk: Desk
) -> None:
    plain = Board(resources, hospital, "101")
    desk.take("CHUNG", person=make_person(7, full_name="Nguyễn Văn An"))
    Console(resources, hospital, "101").next()
    assert [call.name for call in plain.look().calls] == [None]
    assert "An" not in str(plain.json()).replace("Trung tâm Y tế Bình An", "").replace(
        "Binh An Medical Centre", ""
    )


def test_masked_names_beside_numbers(resources: Resources, hospital: Hospital, desk: Desk) -> None:
    named = Board(resources, hospital, "101", show_names=True)
    desk.take("CHUNG", person=make_person(7, full_name="Nguyễn Văn An"))
    Console(resources, hospital, "101").next()
    seen = named.look()
    assert [call.name for call in seen.calls] == ["N.V. AN"]
    assert [call.name for call in seen.rooms[0].current] == ["N.V. AN"]
    assert "Nguyễn Văn An" not in str(named.json())


@pytest.mark.parametrize("kind", [DisplayKind.HALL, DisplayKind.DOOR])
def test_a_sensitive_clinic_is_a_number_and_a_room(
    resources: Resources, hospital: Hospital, desk: Desk, kind: DisplayKind
) -> None:
    hospital.add_room("303")
    hospital.add_service("TAMTHAN", "303", sensitive=True)
    doctor = hospital.add_doctor("TAMTHAN", "303")
    hospital.touch_catalogue()
    board = Board(resources, hospital, "303", kind=kind, show_names=True)
    desk.take("TAMTHAN", person=make_person(7, full_name="Nguyễn Văn An"))
    console = Console(resources, hospital, "303")
    console.change(practitioner_id=doctor)
    console.next()
    seen = board.json()
    (room,) = seen["rooms"]
    assert room["name"] == {"vi": "Phòng 303", "en": "Room 303"}
    assert room["doctor"] is None
    assert [call["name"] for call in seen["calls"]] == [None]
    assert "TAMTHAN" not in str(seen)


def test_a_board_is_bounded_and_a_handful_of_queries(
    resources: Resources, hospital: Hospital, desk: Desk
) -> None:
    codes = [f"5{index:02}" for index in range(60)]
    for code in codes:
        hospital.add_room(code)
    hospital.touch_catalogue()
    board = Board(resources, hospital, *codes, show_names=True)
    resources.catalogue.get()
    from sqlalchemy import event

    statements: list[str] = []
    event.listen(
        resources.database.engine,
        "before_cursor_execute",
        lambda _c, _cur, statement, *_rest: statements.append(statement),
    )
    assert len(board.look().rooms) == 60
    assert len([each for each in statements if each.lstrip().upper().startswith("SELECT")]) <= 7


def test_notices_are_those_of_the_zone_and_the_hour(
    resources: Resources, hospital: Hospital
) -> None:
    board = Board(resources, hospital, "101", zone="A")
    everywhere = Announcement(id="1", text_vi="Xin giữ trật tự.", text_en="Please be quiet.")
    elsewhere = Announcement(id="2", text_vi="Khu B", zones=("B",))
    later = Announcement(id="3", text_vi="Buổi chiều", starts_at=time(13), ends_at=time(17))
    seen = board.look(everywhere, elsewhere, later)
    assert [notice.text.vi for notice in seen.notices] == ["Xin giữ trật tự."]
    assert seen.due == ()


def test_what_is_due_is_told_to_the_voice_of_the_zone_for_five_minutes(
    resources: Resources, hospital: Hospital, clock: SettableClock
) -> None:
    """It is 08:00."""
    speaking = Board(resources, hospital, "101", zone="A", speaks=True)
    opening = Announcement(id="1", text_vi="Nhà thuốc mở cửa.", times=(time(8, 0),))
    (due,) = speaking.look(opening).due
    assert (due.announcement_id, due.languages) == ("1", ("vi",))
    clock.advance(minutes=4)
    assert [again.key for again in speaking.look(opening).due] == [due.key]
    clock.advance(minutes=2)
    assert speaking.look(opening).due == []


def test_a_zone_is_as_loud_as_staff_chose(resources: Resources, hospital: Hospital) -> None:
    staff = Caller(role="staff", id="s1", name="Hoàng Văn Biên")
    board = Board(resources, hospital, "101", zone="Tầng 1", speaks=True)
    assert board.json()["display"]["volume"] == 100
    words = CallingSettings(volume={"": 70, "Tầng 1": 40})
    change_calling_words(hospital.database, words, version=0, staff=staff)
    board.resources = replace(resources, catalogue=CatalogueSource(hospital.database))
    assert board.json()["display"]["volume"] == 40
