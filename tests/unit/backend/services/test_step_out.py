from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from backend.domain.ids import new_id
from backend.errors import ChangedMeanwhile, NobodyWaiting, StepOutNotAllowed, VisitNotFound
from backend.services.act_on_step import StepAct, StepReason
from backend.services.resources import Resources
from backend.services.return_to_line import return_to_line
from backend.services.step_out import step_in, step_out
from backend.storage.audit_tables import AuditEvent
from backend.storage.outbox_tables import LiveEvent
from backend.storage.queue_tables import Step, StepChange
from backend.storage.repositories import lock_visit
from tests.conftest import SettableClock
from tests.factories.desk import Desk, count, read
from tests.factories.hospital import Hospital
from tests.factories.rooms import Console, numbers


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


def test_who_steps_out_is_passed_over_and_comes_back_where_they_were(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    taken = []
    for _ in range(3):
        clock.advance(seconds=20)
        taken.append(desk.take("CHUNG"))
    away, *others = taken
    step_out(resources, away.id)
    assert numbers(room.next().current) == [others[0].number]
    clock.advance(minutes=4)
    step_in(resources, away.id)
    assert numbers(room.next().current) == [away.number]
    assert numbers(room.next().current) == [others[1].number]


def test_once_more_changes_nothing(desk: Desk, resources: Resources) -> None:
    visit = desk.take("CHUNG")
    for _ in range(2):
        step_out(resources, visit.id)
    changes = count(desk, StepChange)
    for _ in range(2):
        step_in(resources, visit.id)
    assert count(desk, StepChange) == changes + 1
    step_in(resources, visit.id)
    assert count(desk, StepChange) == changes + 1


def test_only_so_often(desk: Desk, resources: Resources) -> None:
    visit = desk.take("CHUNG")
    for _ in range(3):
        step_out(resources, visit.id)
        step_in(resources, visit.id)
    with pytest.raises(StepOutNotAllowed):
        step_out(resources, visit.id)
    assert read_state(desk, visit.id) == ("waiting", None)


def test_not_while_called_or_served_or_over(
    desk: Desk, room: Console, resources: Resources, clock: SettableClock
) -> None:
    visit = desk.take("CHUNG")
    (step,) = room.next().current
    with pytest.raises(StepOutNotAllowed):
        step_out(resources, visit.id)
    step_in(resources, visit.id)
    (step,) = room.act(step, StepAct.SERVE).current
    with pytest.raises(StepOutNotAllowed):
        step_out(resources, visit.id)
    room.act(step, StepAct.FINISH)
    with pytest.raises(StepOutNotAllowed):
        step_out(resources, visit.id)
    with pytest.raises(VisitNotFound):
        step_out(resources, new_id())
    clock.advance(days=1)
    with pytest.raises(VisitNotFound):
        step_out(resources, visit.id)


def test_it_leaves_its_traces_under_the_name_of_the_phone(
    desk: Desk, resources: Resources, hospital: Hospital
) -> None:
    visit = desk.take("CHUNG")
    step_out(resources, visit.id)
    with hospital.database.read() as connection:
        change = connection.execute(
            select(StepChange.__table__).order_by(StepChange.id.desc()).limit(1)
        ).one()
        audit = connection.execute(
            select(AuditEvent.__table__).order_by(AuditEvent.id.desc()).limit(1)
        ).one()
        live = connection.execute(
            select(LiveEvent.__table__).order_by(LiveEvent.id.desc()).limit(1)
        ).one()
    assert (change.source, change.from_state, change.to_state) == ("phone", "waiting", "hold")
    assert audit.actor == f"phone:{visit.id}"
    assert live.event == "step_moved"
    assert live.detail["kind"] == "step_out"
    assert live.detail["visits"] == [visit.id]
    assert hospital.services["CHUNG"] in live.detail["queues"]
    assert sorted(live.detail["rooms"]) == sorted(hospital.rooms[code] for code in ("101", "102"))


def test_staff_may_call_or_take_back_who_stepped_out(
    desk: Desk, room: Console, resources: Resources
) -> None:
    visit = desk.take("CHUNG")
    step_out(resources, visit.id)
    with pytest.raises(NobodyWaiting):
        room.next()
    seen = room.change()
    (aside,) = seen.aside
    assert aside.hold_reason == "stepped_out"
    (called,) = room.act(aside, StepAct.CALL, StepReason.PATIENT_ASKED).current
    assert called.number == visit.number
    step_in(resources, visit.id)
    assert read_state(desk, visit.id) == ("called", None)


def test_a_kiosk_takes_them_back_too(desk: Desk, resources: Resources) -> None:
    visit = desk.take("CHUNG")
    key = read_key(desk, visit.id)
    step_out(resources, visit.id)
    answer = return_to_line(
        resources, visit.id, scan_id=desk.scan_ticket(visit.id), kiosk=desk.kiosk,
        intent=desk.intent(),
    )  # fmt: skip
    assert read(answer).state == "waiting"
    assert "return" not in read(answer).actions
    assert read_key(desk, visit.id) == key


def test_stepping_out_and_being_called_at_once_is_one_of_them(
    desk: Desk, room: Console, resources: Resources
) -> None:
    for _ in range(5):
        visit = desk.take("CHUNG")
        outcome: list[str] = []

        def leave(visit_id: str = visit.id, told: list[str] = outcome) -> None:
            try:
                step_out(resources, visit_id)
            except StepOutNotAllowed:
                told.append("refused")
            else:
                told.append("out")

        phone = threading.Thread(target=leave)
        phone.start()
        try:
            room.next(finish=False)
            called = True
        except (NobodyWaiting, ChangedMeanwhile):
            called = False
        phone.join()
        assert outcome == ["refused" if called else "out"]
        assert read_state(desk, visit.id)[0] == ("called" if called else "hold")
        room.seen = None


def test_who_holds_a_visit_does_not_stop_the_room_that_calls(
    desk: Desk, room: Console, hospital: Hospital
) -> None:
    """Coming back takes the visit first and the queue second, a room the other way round."""
    if hospital.database.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time")
    visit = desk.take("CHUNG")
    with hospital.database.write() as unit:
        lock_visit(unit, visit.id)
        called: list[str] = []
        caller = threading.Thread(target=lambda: called.extend(numbers(room.next().current)))
        caller.start()
        caller.join(timeout=8)
        assert called == [visit.number]


def read_state(desk: Desk, visit_id: str) -> tuple[str, str | None]:
    with desk.hospital.database.read() as connection:
        row = connection.execute(
            select(Step.state, Step.hold_reason).where(Step.visit_id == visit_id)
        ).one()
    return row.state, row.hold_reason


def read_key(desk: Desk, visit_id: str) -> object:
    with desk.hospital.database.read() as connection:
        return connection.scalar(select(Step.queue_key_at).where(Step.visit_id == visit_id))
