"""Takes back what staff did a moment ago, unless somebody has gone on from there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from backend.domain.catalogue import Catalogue
from backend.domain.rooms import list_queue_rooms, list_room_queues
from backend.domain.visit import OPEN_STATES, HoldReason, StepState
from backend.errors import ActNotFound, ChangedMeanwhile, UndoOver
from backend.events import Event
from backend.services.answer_room import answer_room
from backend.services.call_next import get_room
from backend.services.go_on import list_visit_steps
from backend.services.keep_act import REMEMBERED, REMEMBERED_TIMES
from backend.services.move_step import move_step
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.run_room import put_room_back
from backend.storage.queue_tables import Call, StaffAct
from backend.storage.queues import get_steps, lock_queues
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork


def undo_act(
    resources: Resources, room_id: str, act_id: str, *, caller: Caller, intent: Intent
) -> Answer:
    """The room, and every step of the act, as before.

    Raises RoomNotFound, ActNotFound, UndoOver (too late, or undone already), ChangedMeanwhile
    when anybody did anything with one of its tickets since, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    get_room(catalogue, room_id, caller)

    def work(unit: UnitOfWork) -> None:
        lock_queues(unit, list_room_queues(catalogue, room_id))
        act = unit.connection.execute(
            select(StaffAct.__table__)
            .where(
                StaffAct.id == act_id,
                StaffAct.room_id == room_id,
                StaffAct.facility_id == unit.facility_id,
            )
            .with_for_update()
        ).one_or_none()
        if act is None:
            raise ActNotFound
        span = timedelta(seconds=catalogue.settings.undo_within_s)
        if act.undone_at is not None or unit.now > act.at + span:
            raise UndoOver
        queues, visits = _put_back(unit, catalogue, act.steps)
        if act.room_before is not None:
            put_room_back(
                unit, room_id, act.room_before, day=catalogue.today(act.at), acted_at=act.at,
                caller=caller,
            )  # fmt: skip
        _mark_undone(unit, act, caller)
        rooms = {room_id} | {
            room for queue in queues for room in list_queue_rooms(catalogue, queue)
        }
        subject = f"act:{act_id}"
        unit.audit(Event.ACT_UNDONE, actor=caller.actor, subject=subject, detail={"kind": act.kind})
        unit.publish(
            Event.ACT_UNDONE,
            subject=subject,
            detail={
                "queues": sorted(queues),
                "rooms": sorted(rooms),
                "visits": sorted(visits),
                "call": act.call_id,
                "kind": act.kind,
            },
        )

    return answer_room(resources, room_id, intent, work)


def _put_back(
    unit: UnitOfWork, catalogue: Catalogue, remembered: Sequence[dict[str, Any]]
) -> tuple[set[str], set[str]]:
    """Every step as the act found it; gives the queues and visits concerned.

    Raises ChangedMeanwhile.
    """
    day = catalogue.today(unit.now)
    steps = get_steps(
        unit.connection,
        [each["id"] for each in remembered],
        facility_id=unit.facility_id,
        day=day,
    )
    queues: set[str] = set()
    visits: set[str] = set()
    # What the act added goes first: a person has one open step for a service.
    for each in sorted(remembered, key=lambda each: each["before"] is not None):
        step = steps[each["id"]]
        if step.version != each["version"]:
            raise ChangedMeanwhile
        queues.add(step.queue_id)
        visits.add(step.visit_id)
        before = each["before"]
        if before is None:
            move_step(unit, step, StepState.CANCELLED, source="caller", reason="undo")
            continue
        queues.add(before["queue_id"])
        values = {name: before[name] for name in REMEMBERED if name not in {"state", "hold_reason"}}
        values |= {name: datetime.fromisoformat(before[name]) for name in REMEMBERED_TIMES}
        hold = HoldReason(before["hold_reason"]) if before["hold_reason"] else None
        try:
            move_step(
                unit, step, StepState(before["state"]), source="caller", reason="undo", hold=hold,
                undo=True, **values,
            )  # fmt: skip
        except IntegrityError as error:
            # The patient waits for this service with another number by now.
            raise ChangedMeanwhile from error
    for visit_id in visits:
        _check_goes_on(unit, visit_id)
    return queues, visits


def _check_goes_on(unit: UnitOfWork, visit_id: str) -> None:
    """Raises ChangedMeanwhile when nothing of a visit would be open but what waits for an earlier
    step: another act has gone on from there, and nobody would ever call the patient.
    """
    unit.flush()
    still_open = [step for step in list_visit_steps(unit, visit_id) if step.state in OPEN_STATES]
    if still_open and all(step.hold_reason == HoldReason.EARLIER_STEP for step in still_open):
        raise ChangedMeanwhile


def _mark_undone(unit: UnitOfWork, act: Any, caller: Caller) -> None:
    unit.connection.execute(
        update(StaffAct)
        .where(StaffAct.id == act.id)
        .values(undone_at=unit.now, undone_by=caller.actor)
    )
    if act.call_id is not None:
        unit.connection.execute(
            update(Call).where(Call.id == act.call_id).values(undone_at=unit.now)
        )
