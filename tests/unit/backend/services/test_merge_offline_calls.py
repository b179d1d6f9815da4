from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend.domain.rooms import RoomReason, RoomState
from backend.domain.visit import StepState
from backend.errors import IdempotencyKeyReused, RoomNotFound
from backend.services.act_on_step import StepAct, StepReason
from backend.services.cancel_visit import cancel_visit
from backend.services.merge_offline_calls import MergeWish, OfflineCall, merge_offline_calls
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.queue_tables import Call, Step
from backend.web.room_schemas import RoomNowReply
from tests.conftest import SettableClock
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console, numbers

APPLIED = ("applied", None)


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


@pytest.fixture
def other(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "102", name="NV2")


def call_rows(hospital: Hospital) -> list[Any]:
    with hospital.database.read() as connection:
        query = select(Call.__table__).order_by(Call.called_at, Call.id)
        return list(connection.execute(query).all())


def states(hospital: Hospital) -> dict[str, str]:
    with hospital.database.read() as connection:
        return {row.id: row.state for row in connection.execute(select(Step.__table__))}


def first_list(desk: Desk, room: Console, people: int = 4) -> RoomNowReply:
    """The first is inside, the others wait."""
    for _ in range(people):
        desk.take("CHUNG")
    return room.next()


def test_calls_are_taken_over_with_the_times_they_were_made_at(
    desk: Desk, room: Console, hospital: Hospital, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    first, second = seen.waiting[:2]
    left_at = clock.now + timedelta(minutes=2)
    second_at = clock.now + timedelta(minutes=5)
    clock.advance(minutes=9)
    merged = room.merge(
        OfflineCall(step_id=seen.current[0].step_id, called_at=None, finished_at=left_at),
        OfflineCall(step_id=first.step_id, called_at=left_at, finished_at=second_at),
        OfflineCall(step_id=second.step_id, called_at=second_at),
        list_at=seen.now,
    )
    assert merged == [APPLIED] * 3
    offline = [row for row in call_rows(hospital) if row.offline]
    assert [(row.step_id, row.called_at) for row in offline] == [
        (first.step_id, left_at),
        (second.step_id, second_at),
    ]
    room.seen = None
    after = room.next()
    assert after.done == 2
    assert second.number in numbers(after.current)
    assert call_rows(hospital)[-1].offline is False


def test_a_missed_turn_is_taken_over(
    desk: Desk, room: Console, hospital: Hospital, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    at = clock.now + timedelta(minutes=1)
    clock.advance(minutes=3)
    merged = room.merge(
        OfflineCall(step_id=seen.waiting[0].step_id, called_at=at, missed=True), list_at=seen.now
    )
    assert merged == [APPLIED]
    assert states(hospital)[seen.waiting[0].step_id] == StepState.MISSED


def test_handed_in_twice_is_once(
    desk: Desk, room: Console, hospital: Hospital, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    clock.advance(minutes=1)
    call = OfflineCall(step_id=seen.waiting[0].step_id, called_at=clock.now)
    once = room.merge(call, list_at=seen.now, key="k")
    assert room.merge(call, list_at=seen.now, key="k") == once == [APPLIED]
    assert len([row for row in call_rows(hospital) if row.offline]) == 1
    with pytest.raises(IdempotencyKeyReused):
        merge_offline_calls(
            room.resources,
            room.room_id,
            MergeWish(list_at=seen.now, calls=[call]),
            caller=room.caller,
            intent=room.intent("k", body="another"),
        )


def test_what_others_did_meanwhile_stays_and_is_told(
    desk: Desk, room: Console, other: Console, hospital: Hospital, clock: SettableClock
) -> None:
    visits = [desk.take("CHUNG") for _ in range(5)]
    seen = room.next()
    by_number = {step.number: step for step in seen.waiting}
    elsewhere, cancelled, held, mine = (by_number[visit.number] for visit in visits[1:])
    other.next()
    cancel_visit(
        desk.resources,
        cancelled.visit_id,
        scan_id=desk.scan_ticket(cancelled.visit_id),
        kiosk=desk.kiosk,
        intent=desk.intent(),
    )
    other.act(held, StepAct.HOLD)
    before = len(call_rows(hospital))
    clock.advance(minutes=2)
    merged = room.merge(
        *(
            OfflineCall(step_id=step.step_id, called_at=clock.now)
            for step in (elsewhere, cancelled, held, mine)
        ),
        OfflineCall(step_id="nobody", called_at=clock.now),
        list_at=seen.now,
    )
    assert merged == [
        ("conflict", "called_elsewhere"),
        ("conflict", "cancelled"),
        ("conflict", "moved"),
        APPLIED,
        ("conflict", "unknown"),
    ]
    assert len(call_rows(hospital)) == before + 1


def test_two_pages_of_one_room_called_the_same_number(
    desk: Desk, room: Console, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    clock.advance(minutes=1)
    call = OfflineCall(step_id=seen.waiting[0].step_id, called_at=clock.now)
    assert room.merge(call, list_at=seen.now) == [APPLIED]
    assert room.merge(call, list_at=seen.now) == [("conflict", "called_here")]
    ended = OfflineCall(step_id=call.step_id, called_at=call.called_at, finished_at=call.called_at)
    assert room.merge(ended, list_at=seen.now) == [("conflict", "called_here")]


@pytest.mark.parametrize(
    ("called_min", "finished_min"), [(-10, None), (30, None), (3, 2), (None, None), (None, 30)]
)
def test_impossible_times_change_nothing(
    desk: Desk,
    room: Console,
    hospital: Hospital,
    clock: SettableClock,
    called_min: int | None,
    finished_min: int | None,
) -> None:
    seen = first_list(desk, room)
    start = clock.now
    clock.advance(minutes=5)

    def moment(minutes: int | None) -> Any:
        return None if minutes is None else start + timedelta(minutes=minutes)

    before = states(hospital)
    call = OfflineCall(
        step_id=seen.waiting[0].step_id,
        called_at=moment(called_min),
        finished_at=moment(finished_min),
    )
    assert room.merge(call, list_at=seen.now) == [("conflict", "wrong_time")]
    assert states(hospital) == before


def test_calls_of_yesterday_are_not_taken_over(
    desk: Desk, room: Console, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    clock.advance(days=1)
    call = OfflineCall(step_id=seen.waiting[0].step_id, called_at=clock.now)
    assert room.merge(call, list_at=seen.now) == [("conflict", "unknown")]


def test_a_clock_that_runs_ahead_never_puts_a_call_into_the_future(
    desk: Desk, room: Console, hospital: Hospital, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    clock.advance(minutes=1)
    call = OfflineCall(step_id=seen.waiting[0].step_id, called_at=clock.now + timedelta(seconds=50))
    assert room.merge(call, list_at=seen.now) == [APPLIED]
    assert call_rows(hospital)[-1].called_at == clock.now


def test_what_was_merged_is_not_offered_for_undo(
    desk: Desk, room: Console, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    clock.advance(minutes=1)
    room.merge(OfflineCall(step_id=seen.waiting[0].step_id, called_at=clock.now), list_at=seen.now)
    current = {step.step_id: step for step in seen.current}
    after = room.act(next(iter(current.values())), StepAct.SERVE)
    assert after.undo is not None
    assert after.undo.kind == "serve"


def test_calls_of_a_closed_room_still_happened(
    desk: Desk, room: Console, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    room.change(state=RoomState.CLOSED, reason=RoomReason.END_OF_DAY)
    clock.advance(minutes=1)
    call = OfflineCall(step_id=seen.waiting[0].step_id, called_at=clock.now)
    assert room.merge(call, list_at=seen.now) == [APPLIED]


def test_only_staff_of_the_room_hand_in(resources: Resources, room: Console) -> None:
    stranger = Caller(role="staff", id="x", name="X", rooms=frozenset({room.hospital.rooms["102"]}))
    wish = MergeWish(list_at=resources.database.clock(), calls=[])
    with pytest.raises(RoomNotFound):
        merge_offline_calls(resources, room.room_id, wish, caller=stranger, intent=room.intent())


def test_the_next_step_of_the_visit_waits_since_the_patient_left(
    desk: Desk, room: Console, hospital: Hospital, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    step = room.act(seen.current[0], StepAct.SERVE).current[0]
    sent = room.send_on(step, "NHO", come_back=True)
    assert sent.current == []
    small = Console(room.resources, hospital, "201")
    opened = small.next()
    left_at = clock.now + timedelta(minutes=4)
    clock.advance(minutes=10)
    ended = OfflineCall(step_id=opened.current[0].step_id, called_at=None, finished_at=left_at)
    assert small.merge(ended, list_at=opened.now) == [APPLIED]
    with hospital.database.read() as connection:
        way_back = connection.execute(select(Step.__table__).where(Step.kind == "return")).one()
    assert (way_back.hold_reason, way_back.queue_id) == ("results", room.room_id)


def test_a_reason_is_still_needed_to_miss_after_one_call(
    desk: Desk, room: Console, clock: SettableClock
) -> None:
    seen = first_list(desk, room)
    clock.advance(minutes=1)
    room.merge(OfflineCall(step_id=seen.waiting[0].step_id, called_at=clock.now), list_at=seen.now)
    now = room.act(seen.current[0], StepAct.SERVE)
    mine = next(step for step in now.current if step.step_id == seen.waiting[0].step_id)
    assert room.act(mine, StepAct.MISS, StepReason.NO_ANSWER).aside[0].number == mine.number
