from __future__ import annotations

from dataclasses import replace

import pytest

from backend.domain.roles import StaffRole
from backend.domain.rooms import RoomReason, RoomState
from backend.errors import (
    ChangedMeanwhile,
    MoveNotAllowed,
    ReasonNeeded,
    ReturnNotAllowed,
    RoomNotFound,
    UndoOver,
)
from backend.services.act_on_step import StepAct, StepReason
from backend.services.follow_events import EventFeed
from backend.services.resources import Resources
from backend.services.return_to_line import return_to_line
from backend.services.show_visit import load_visit, visit_to_json
from tests.conftest import SettableClock
from tests.factories.desk import Desk, read
from tests.factories.hospital import Hospital, make_person
from tests.factories.rooms import Console, numbers


@pytest.fixture
def hospital(hospital: Hospital) -> Hospital:
    for code in ("XN1", "XQ1", "T1"):
        hospital.add_room(code)
    hospital.add_service("XN", "XN1", kind="laboratory")
    hospital.add_service("XQ", "XQ1", kind="imaging")
    hospital.add_service("THU", "T1", kind="cashier", pooled=True)
    return hospital


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


def come_back(desk: Desk, visit_id: str) -> str:
    answer = return_to_line(
        desk.resources,
        visit_id,
        scan_id=desk.scan_ticket(visit_id),
        kiosk=desk.kiosk,
        intent=desk.intent(),
    )
    return read(answer).state


def actions(desk: Desk, visit_id: str) -> object:
    """What a kiosk that scans the ticket may offer."""
    catalogue = desk.resources.catalogue.get()
    with desk.hospital.database.read() as connection:
        shown = load_visit(connection, catalogue, visit_id)
        return visit_to_json(shown, catalogue, now=desk.hospital.database.clock())["actions"]


def test_the_server_says_when_a_scan_brings_back(
    desk: Desk, room: Console, clock: SettableClock
) -> None:
    visit = desk.take("CHUNG")
    assert "return" not in visit.actions
    (step,) = room.next().current
    room.act(step, StepAct.MISS, StepReason.NO_ANSWER)
    assert actions(desk, visit.id) == ["return", "cancel", "reprint"]
    clock.advance(minutes=61)
    assert actions(desk, visit.id) == ["cancel", "reprint"]


def test_a_cashier_calls_at_the_cashier_only(desk: Desk, resources: Resources) -> None:
    desk.take("CHUNG")
    desk.take("THU")
    examination = Console(resources, desk.hospital, "101")
    counter = Console(resources, desk.hospital, "T1")
    for console in (examination, counter):
        console.caller = replace(console.caller, roles=frozenset({StaffRole.CASHIER}))
    with pytest.raises(RoomNotFound):
        examination.next()
    assert len(counter.next().current) == 1


def test_missed_needs_three_calls_or_a_reason(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    (step,) = room.next().current
    with pytest.raises(ReasonNeeded):
        room.act(step, StepAct.MISS)
    for _ in range(2):
        (step,) = room.act(step, StepAct.AGAIN).current
    assert step.calls == 3
    seen = room.act(step, StepAct.MISS)
    assert numbers(seen.aside) == [step.number]
    assert seen.current == []


def test_a_missed_turn_comes_back_behind_three_of_the_lane(
    desk: Desk, room: Console, clock: SettableClock
) -> None:
    missed = desk.take("CHUNG")
    others = []
    for _ in range(5):
        clock.advance(seconds=20)
        others.append(desk.take("CHUNG").number)
    (step,) = room.next().current
    room.act(step, StepAct.MISS, StepReason.NO_ANSWER)
    assert come_back(desk, missed.id) == "waiting"
    order = [room.next().current[0].number for _ in range(6)]
    assert order == [*others[:3], missed.number, *others[3:]]


def test_after_two_returns_or_an_hour_staff_decide(
    desk: Desk, room: Console, clock: SettableClock
) -> None:
    visit = desk.take("CHUNG")
    for _ in range(2):
        (step,) = room.next().current
        room.act(step, StepAct.MISS, StepReason.NO_ANSWER)
        assert come_back(desk, visit.id) == "waiting"
    (step,) = room.next().current
    room.act(step, StepAct.MISS, StepReason.NO_ANSWER)
    with pytest.raises(ReturnNotAllowed):
        come_back(desk, visit.id)
    late = desk.take("NHO")
    other = Console(desk.resources, desk.hospital, "201")
    (step,) = other.next().current
    other.act(step, StepAct.MISS, StepReason.NO_ANSWER)
    clock.advance(minutes=61)
    with pytest.raises(ReturnNotAllowed):
        come_back(desk, late.id)
    seen = other.act(other.seen.aside[0], StepAct.RESUME)  # type: ignore[union-attr]
    assert numbers(seen.waiting) == [late.number]


def test_one_ticket_goes_the_whole_way(desk: Desk, room: Console, resources: Resources) -> None:
    visit = desk.take("NOI")
    home = next(
        console
        for console in (room, Console(resources, desk.hospital, "102"))
        if console.room_id == visit.steps[0].id or console.next(finish=False).current
    )
    (step,) = home.seen.current  # type: ignore[union-attr]
    home.send_on(step, "XN", "XQ")
    laboratory = Console(resources, desk.hospital, "XN1")
    imaging = Console(resources, desk.hospital, "XQ1")
    assert numbers(laboratory.next().current) == [visit.number]
    assert imaging.change(state=RoomState.OPEN).waiting == []
    laboratory.act(laboratory.seen.current[0], StepAct.FINISH)  # type: ignore[union-attr]
    assert numbers(imaging.next().current) == [visit.number]
    imaging.act(imaging.seen.current[0], StepAct.FINISH)  # type: ignore[union-attr]
    seen = home.change(state=RoomState.OPEN)
    (back,) = seen.aside
    assert (back.kind, back.hold_reason) == ("return", "results")
    seen = home.act(back, StepAct.RESULTS)
    assert [(step.number, step.lane) for step in seen.waiting] == [(visit.number, "R")]
    (step,) = home.next().current
    home.send_on(step, "THU", come_back=False)
    cashier = Console(resources, desk.hospital, "T1")
    assert numbers(cashier.next().current) == [visit.number]


def test_scanning_the_ticket_means_back_with_results(
    desk: Desk, room: Console, resources: Resources
) -> None:
    visit = desk.take("CHUNG")
    (step,) = room.next().current
    room.send_on(step, "XN")
    laboratory = Console(resources, desk.hospital, "XN1")
    with pytest.raises(ReturnNotAllowed):
        come_back(desk, visit.id)
    (step,) = laboratory.next().current
    laboratory.act(step, StepAct.FINISH)
    assert come_back(desk, visit.id) == "waiting"
    assert numbers(room.next().current) == [visit.number]


def test_hold_keeps_the_place_in_line(desk: Desk, room: Console) -> None:
    first, second = desk.take("CHUNG"), desk.take("CHUNG")
    (step,) = room.next().current
    seen = room.act(step, StepAct.HOLD)
    assert [(step.number, step.hold_reason) for step in seen.aside] == [(first.number, "staff")]
    seen = room.act(seen.aside[0], StepAct.RESUME)
    assert numbers(seen.waiting) == [first.number, second.number]


def test_emergency_goes_first_with_a_reason(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    last = desk.take("CHUNG")
    seen = room.change(state=RoomState.OPEN)
    with pytest.raises(ReasonNeeded):
        room.act(seen.waiting[-1], StepAct.EMERGENCY)
    seen = room.act(seen.waiting[-1], StepAct.EMERGENCY, StepReason.CONDITION)
    assert (seen.waiting[0].number, seen.waiting[0].order) == (last.number, "emergency")
    seen = room.undo()
    assert seen.waiting[-1].number == last.number


def test_out_of_turn_needs_a_reason(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    last = desk.take("CHUNG")
    seen = room.change(state=RoomState.OPEN)
    with pytest.raises(ReasonNeeded):
        room.act(seen.waiting[-1], StepAct.CALL)
    seen = room.act(seen.waiting[-1], StepAct.CALL, StepReason.DOCTOR_ASKED)
    assert numbers(seen.current) == [last.number]


def test_undo_puts_everything_back(desk: Desk, room: Console, clock: SettableClock) -> None:
    first, second = desk.take("CHUNG"), desk.take("CHUNG")
    room.next()
    clock.advance(seconds=5)
    room.next()
    seen = room.undo()
    assert numbers(seen.current) == [first.number]
    assert numbers(seen.waiting) == [second.number]
    assert seen.done == 0
    assert seen.undo is None
    assert numbers(room.next().current) == [second.number]


def test_undo_is_over_after_half_a_minute(desk: Desk, room: Console, clock: SettableClock) -> None:
    desk.take("CHUNG")
    seen = room.next()
    assert seen.undo is not None
    clock.advance(seconds=31)
    with pytest.raises(UndoOver):
        room.undo(seen.undo.id)


def test_undo_after_somebody_else_acted_is_refused(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    seen = room.next()
    act = seen.undo
    assert act is not None
    room.act(seen.current[0], StepAct.SERVE)
    with pytest.raises(ChangedMeanwhile):
        room.undo(act.id)


def test_undone_twice_is_refused(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    act = room.next().undo
    assert act is not None
    room.undo(act.id)
    with pytest.raises(UndoOver):
        room.undo(act.id)


def test_undoing_tests_takes_them_back(desk: Desk, room: Console, resources: Resources) -> None:
    desk.take("CHUNG")
    (step,) = room.next().current
    room.send_on(step, "XN")
    seen = room.undo()
    assert [(each.number, each.state) for each in seen.current] == [(step.number, "called")]
    laboratory = Console(resources, desk.hospital, "XN1")
    assert laboratory.change(state=RoomState.OPEN).waiting == []


def test_transfer_keeps_the_place_in_line(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    first = desk.take("CHUNG")
    clock.advance(minutes=1)
    (step,) = room.next().current
    clock.advance(minutes=1)
    for _ in range(2):
        desk.take("CHUNG")
    with pytest.raises(ReasonNeeded):
        room.transfer(step, "102", None)
    with pytest.raises(RoomNotFound):
        room.transfer(step, "201")
    room.transfer(step, "102")
    other = Console(resources, desk.hospital, "102")
    assert numbers(other.next().current) == [first.number]


def test_people_of_a_closed_room_move_with_their_places(
    desk: Desk, resources: Resources, hospital: Hospital
) -> None:
    rooms = [Console(resources, hospital, code) for code in ("101", "102")]
    for _ in range(4):
        desk.take("NOI")
    before = [numbers(console.change(state=RoomState.OPEN).waiting) for console in rooms]
    assert [len(each) for each in before] == [2, 2]
    with pytest.raises(ReasonNeeded):
        rooms[0].move(reason=None)
    seen = rooms[0].move(reason=RoomReason.STAFF_AWAY)
    assert seen.waiting == []
    moved = rooms[1].change(state=RoomState.OPEN).waiting
    assert numbers(moved) == sorted([*before[0], *before[1]])
    assert rooms[0].undo().waiting_total == 2


def test_the_last_ones_of_a_long_line_are_moved_in_part(
    desk: Desk, resources: Resources, hospital: Hospital
) -> None:
    console = Console(resources, hospital, "101")
    for _ in range(6):
        desk.take("NOI")
    before = numbers(console.change(state=RoomState.OPEN).waiting)
    seen = console.move(reason=RoomReason.BALANCE, count=1)
    assert numbers(seen.waiting) == before[:-1]


def test_a_finished_step_stays_finished(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    (step,) = room.next().current
    room.act(step, StepAct.FINISH)
    step = step.model_copy(update={"version": step.version + 2})
    with pytest.raises(MoveNotAllowed):
        room.act(step, StepAct.AGAIN)


def test_a_second_service_opens_when_the_first_is_done(desk: Desk, room: Console) -> None:
    answer = desk.start(desk.wish("CHUNG", also_service_id=desk.hospital.services["NHO"]))
    visit = read(answer)
    first = "CHUNG" if visit.steps[0].service_id == desk.hospital.services["CHUNG"] else "NHO"
    consoles = {
        "CHUNG": room,
        "NHO": Console(room.resources, desk.hospital, "201"),
    }
    second = "NHO" if first == "CHUNG" else "CHUNG"
    assert consoles[second].change(state=RoomState.OPEN).waiting == []
    (step,) = consoles[first].next().current
    consoles[first].act(step, StepAct.FINISH)
    assert numbers(consoles[second].next().current) == [visit.number]


def test_the_phone_hears_that_its_call_was_taken_back(
    desk: Desk, room: Console, hospital: Hospital
) -> None:
    visit = desk.take("CHUNG")
    room.next()
    feed = EventFeed(hospital.database)
    feed.start()
    room.undo()
    (message,) = feed.read()
    assert message.topics >= {visit.id, hospital.services["CHUNG"]}


def test_who_took_another_number_since_is_not_brought_back(desk: Desk, room: Console) -> None:
    """A person waits once for a service: taking back the end of the first number would be twice."""
    person = make_person(7)
    desk.take("CHUNG", person=person)
    (step,) = room.next().current
    room.act(step, StepAct.FINISH)
    again = desk.take("CHUNG", person=person)
    with pytest.raises(ChangedMeanwhile):
        room.undo()
    assert numbers(room.next(finish=False).current) == [again.number]


def test_only_who_is_called_is_called_again(desk: Desk, room: Console) -> None:
    """Else somebody would be called out of turn without a reason, and to no room."""
    desk.take("CHUNG")
    desk.take("CHUNG")
    seen = room.next()
    with pytest.raises(MoveNotAllowed):
        room.act(seen.waiting[0], StepAct.AGAIN)
    seen = room.act(seen.current[0], StepAct.HOLD)
    with pytest.raises(MoveNotAllowed):
        room.act(seen.aside[0], StepAct.AGAIN)
