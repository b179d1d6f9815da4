from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from backend.domain.ids import new_id
from backend.domain.rooms import RoomReason, RoomState
from backend.domain.visit import StepState
from backend.errors import (
    ChangedMeanwhile,
    NobodyWaiting,
    RoomNotFound,
    RoomNotOpen,
    StepNotFound,
)
from backend.services.act_on_step import StepAct
from backend.services.call_next import NextWish, SeenStep, call_next
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.audit_tables import AuditEvent
from backend.storage.base import Base
from backend.storage.outbox_tables import LiveEvent
from backend.storage.queue_tables import Call, Step, StepChange
from backend.storage.request_tables import IdempotencyKey
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console, numbers


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


@pytest.fixture
def pooled(resources: Resources, hospital: Hospital) -> list[Console]:
    return [Console(resources, hospital, code) for code in ("101", "102")]


def list_rows(hospital: Hospital, table: type[Base]) -> list[Any]:
    with hospital.database.read() as connection:
        return list(connection.execute(select(table.__table__)).all())


def test_calls_in_turn_and_finishes_who_was_here(desk: Desk, room: Console) -> None:
    tickets = [desk.take("CHUNG").number for _ in range(3)]
    called = [room.next().current for _ in tickets]
    assert [numbers(current) for current in called] == [[number] for number in tickets]
    assert room.seen is not None
    assert room.seen.done == 2
    assert called[0][0].order is None
    assert room.next().current == []
    with pytest.raises(NobodyWaiting):
        room.next()


def test_a_called_person_is_shown_by_name_others_are_not(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    desk.take("CHUNG")
    seen = room.next()
    assert seen.current[0].patient is not None
    assert seen.current[0].patient.full_name
    assert all(step.patient is None for step in seen.waiting)


def test_the_page_says_why_a_number_is_next(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    seen = room.next()
    assert seen.waiting == []
    first, second = desk.take("CHUNG"), desk.take("CHUNG")
    seen = room.next()
    assert numbers(seen.current) == [first.number]
    assert [(step.number, step.order) for step in seen.waiting] == [(second.number, "in_turn")]


def test_long_waits_come_before_priority(desk: Desk, room: Console, clock: SettableClock) -> None:
    waited = desk.take("CHUNG").number
    clock.advance(minutes=61)
    priority = desk.start(
        desk.wish("CHUNG", desk.hospital.add_scan(desk.kiosk), priority_group="pregnant")
    )
    assert priority.status == 201
    seen = room.next()
    assert numbers(seen.current) == [waited]
    (call,) = list_rows(desk.hospital, Call)
    assert (call.reason, call.by_guard, call.attempt) == ("guard", True, 1)


def test_a_double_press_calls_once(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    desk.take("CHUNG")
    key = new_id()
    room.next(finish=False, key=key)
    room.seen = None
    again = room.next(finish=False, key=key)
    assert len(again.current) == 1
    assert again.waiting_total == 1


def test_an_old_page_calls_nobody(desk: Desk, resources: Resources, room: Console) -> None:
    desk.take("CHUNG")
    desk.take("CHUNG")
    other = Console(resources, desk.hospital, "101", "other")
    room.next()
    other.seen = room.seen
    room.next()
    with pytest.raises(ChangedMeanwhile):
        other.next()
    assert room.seen is not None
    assert room.seen.waiting_total == 0


def test_who_was_changed_meanwhile_is_not_finished(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    desk.take("CHUNG")
    (step,) = room.next().current
    room.act(step, StepAct.AGAIN)
    stale = NextWish(finish=[SeenStep(step_id=step.step_id, version=step.version)])
    with pytest.raises(ChangedMeanwhile):
        call_next(room.resources, room.room_id, stale, caller=room.caller, intent=room.intent())


def test_a_paused_room_calls_nobody(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    room.change(state=RoomState.PAUSED, reason=RoomReason.BREAK)
    with pytest.raises(RoomNotOpen):
        room.next()
    room.change(state=RoomState.OPEN)
    assert len(room.next().current) == 1


def test_rooms_of_others_do_not_exist(desk: Desk, room: Console) -> None:
    stranger = Caller(role="staff", id="x", name="x", rooms=frozenset({desk.hospital.rooms["102"]}))
    for caller in (stranger, desk.kiosk):
        with pytest.raises(RoomNotFound):
            call_next(room.resources, room.room_id, NextWish(), caller=caller, intent=room.intent())


def test_steps_of_another_room_are_not_touched(
    desk: Desk, room: Console, resources: Resources
) -> None:
    desk.take("NHO")
    other = Console(resources, desk.hospital, "201")
    (step,) = other.next().current
    with pytest.raises(StepNotFound):
        room.act(step, StepAct.FINISH)


def test_two_rooms_of_one_queue_share_it(desk: Desk, pooled: list[Console]) -> None:
    tickets = [desk.take("CHUNG").number for _ in range(4)]
    called = [console.next().current[0].number for console in [*pooled, *pooled]]
    assert called == tickets


def test_a_patient_who_leaves_is_not_called(
    desk: Desk, room: Console, resources: Resources
) -> None:
    from backend.services.cancel_visit import cancel_visit

    first, second = desk.take("CHUNG"), desk.take("CHUNG")
    cancel_visit(
        resources,
        first.id,
        scan_id=desk.scan_ticket(first.id),
        kiosk=desk.kiosk,
        intent=desk.intent(),
    )
    assert numbers(room.next().current) == [second.number]


def test_many_counters_on_one_queue_call_everybody_once(
    desk: Desk, pooled: list[Console], resources: Resources
) -> None:
    tickets = [desk.take("CHUNG").number for _ in range(24)]
    answers: list[int] = []
    lock = threading.Lock()

    def work(console: Console) -> None:
        mine = Console(resources, desk.hospital, console_room(console), new_id())
        while True:
            try:
                answer = call_next(
                    resources, mine.room_id, NextWish(), caller=mine.caller, intent=mine.intent()
                )
            except NobodyWaiting:
                return
            with lock:
                answers.append(answer.status)

    def console_room(console: Console) -> str:
        return next(code for code, id_ in desk.hospital.rooms.items() if id_ == console.room_id)

    threads = [threading.Thread(target=work, args=(pooled[n % 2],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls = sorted(list_rows(desk.hospital, Call), key=lambda row: row.called_at)
    assert sorted(call.number for call in calls) == sorted(tickets)
    assert answers == [200] * len(tickets)


def test_every_call_leaves_its_traces(desk: Desk, room: Console) -> None:
    visit = desk.take("CHUNG")
    (step,) = room.next().current
    changes = [
        (row.from_state, row.to_state, row.mark) for row in list_rows(desk.hospital, StepChange)
    ]
    assert (None, "waiting", "T0") in changes
    assert ("waiting", "called", "T2") in changes
    audits = [row for row in list_rows(desk.hospital, AuditEvent) if row.event == "step_moved"]
    assert audits[0].actor == "staff:staff-NV"
    assert visit.id
    lives = [row for row in list_rows(desk.hospital, LiveEvent) if row.event == "step_called"]
    assert lives[0].detail["number"] == step.number
    assert room.room_id in lives[0].detail["rooms"]
    assert lives[0].detail.pop("offline") is False
    assert set(lives[0].detail) == {
        "queues",
        "rooms",
        "visits",
        "call",
        "room",
        "number",
        "attempt",
    }


def test_states_of_the_row_are_those_of_the_page(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    room.next()
    (step,) = list_rows(desk.hospital, Step)
    assert (step.state, step.room_id, step.calls) == (StepState.CALLED, room.room_id, 1)


def test_what_is_kept_for_a_press_names_nobody(desk: Desk, room: Console) -> None:
    desk.take("CHUNG")
    (step,) = room.next().current
    assert step.patient is not None
    room.act(step, StepAct.SERVE)
    for answer in list_rows(desk.hospital, IdempotencyKey):
        assert step.patient.full_name not in answer.reply
    events = [
        *list_rows(desk.hospital, AuditEvent),
        *list_rows(desk.hospital, LiveEvent),
    ]
    assert all(step.patient.full_name not in str(event.detail) for event in events)
