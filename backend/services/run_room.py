"""Rooms through the day: pause, open, close, who sees patients there, where its people go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update

from backend.domain.catalogue import Catalogue
from backend.domain.ids import new_id
from backend.domain.queueing import choose_room
from backend.domain.rooms import RoomReason, RoomState, RoomToday
from backend.domain.visit import StepState
from backend.errors import ChangedMeanwhile, ReasonNeeded, RoomNotFound, ServiceNotFound
from backend.events import Event
from backend.services.answer_room import answer_room
from backend.services.call_next import get_room
from backend.services.keep_act import Act
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.send_on import move_to_room
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import RoomDay, StaffAct, Step
from backend.storage.queues import find_rooms_today, get_room_today, lock_queues
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork

MOVABLE = (StepState.WAITING.value, StepState.HOLD.value, StepState.MISSED.value)
MAX_MOVED = 500
_ROOM_ACTS = {
    RoomState.OPEN: "room_open",
    RoomState.PAUSED: "room_pause",
    RoomState.CLOSED: "room_close",
}


@dataclass(frozen=True, kw_only=True)
class RoomWish:
    """What changes; None leaves as it is. `practitioner_id` of "" = nobody in particular."""

    state: RoomState | None = None
    reason: RoomReason | None = None
    until: datetime | None = None
    practitioner_id: str | None = None


def change_room(
    resources: Resources, room_id: str, wish: RoomWish, *, caller: Caller, intent: Intent
) -> Answer:
    """The room as it works from now on; those who wait keep waiting where they are.

    Raises RoomNotFound, ReasonNeeded to pause or close without one, ServiceNotFound for a doctor
    nobody knows, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    get_room(catalogue, room_id, caller)
    if wish.state in {RoomState.PAUSED, RoomState.CLOSED} and wish.reason is None:
        raise ReasonNeeded
    if wish.practitioner_id and wish.practitioner_id not in catalogue.practitioners:
        raise ServiceNotFound

    def work(unit: UnitOfWork) -> None:
        lock_queues(unit, [room_id])
        save_room_today(unit, catalogue, room_id, wish, caller=caller)

    return answer_room(resources, room_id, intent, work)


def save_room_today(
    unit: UnitOfWork, catalogue: Catalogue, room_id: str, wish: RoomWish, *, caller: Caller
) -> None:
    day = catalogue.today(unit.now)
    today = get_room_today(unit.connection, room_id, day=day)
    state = wish.state or today.state
    practitioner = today.practitioner_id if wish.practitioner_id is None else wish.practitioner_id
    values = {
        "state": state.value,
        "reason": wish.reason.value if wish.reason and state is not RoomState.OPEN else None,
        "until": wish.until if state is RoomState.PAUSED else None,
        "practitioner_id": practitioner or None,
        "changed_by": caller.actor,
        "changed_at": unit.now,
    }
    _keep_room_act(unit, room_id, today, values)
    row = {"room_id": room_id, "day": day, "facility_id": unit.facility_id}
    unit.connection.execute(
        unit.insert_into(RoomDay)
        .values(row | values)
        .on_conflict_do_update(index_elements=["room_id", "day"], set_=values)
    )
    subject = f"room:{room_id}"
    detail = {"state": values["state"], "reason": values["reason"], "doctor": practitioner or None}
    unit.audit(Event.ROOM_CHANGED, actor=caller.actor, subject=subject, detail=detail)
    unit.publish(
        Event.ROOM_CHANGED,
        subject=subject,
        detail={"rooms": [room_id], "queues": [room_id], "state": values["state"]},
    )


def _keep_room_act(
    unit: UnitOfWork, room_id: str, before: RoomToday, values: Mapping[str, Any]
) -> None:
    """For the log of reasons, and to be taken back like any other act."""
    changed = before.state != values["state"] or before.reason != values["reason"]
    unit.add(
        StaffAct,
        id=new_id(),
        kind=_ROOM_ACTS[values["state"]] if changed else "room_doctor",
        actor=values["changed_by"],
        room_id=room_id,
        reason=values["reason"],
        steps=[],
        call_id=None,
        room_before={
            "state": before.state.value,
            "reason": before.reason,
            "until": before.until.isoformat() if before.until else None,
            "practitioner_id": before.practitioner_id,
        },
        at=unit.now,
        undone_at=None,
        undone_by=None,
    )


def put_room_back(
    unit: UnitOfWork, room_id: str, before: Mapping[str, Any], *, day: date, acted_at: datetime,
    caller: Caller,
) -> None:  # fmt: skip
    """The room works as before an act. Raises ChangedMeanwhile when it was changed again since."""
    values = {
        "state": before["state"],
        "reason": before["reason"],
        "until": datetime.fromisoformat(before["until"]) if before["until"] else None,
        "practitioner_id": before["practitioner_id"],
        "changed_by": caller.actor,
        "changed_at": unit.now,
    }
    changed = unit.connection.execute(
        update(RoomDay)
        .where(
            RoomDay.room_id == room_id,
            RoomDay.day == day,
            RoomDay.changed_at == acted_at,
        )
        .values(values)
    ).rowcount
    if not changed:
        raise ChangedMeanwhile
    unit.publish(
        Event.ROOM_CHANGED,
        subject=f"room:{room_id}",
        detail={"rooms": [room_id], "queues": [room_id], "state": before["state"]},
    )


@dataclass(frozen=True, kw_only=True)
class MoveWish:
    """`to_room_id` None = each to the room of its service with the fewest waiting.

    `count` None = everybody, else only so many, the last ones in line: they gain most.
    """

    reason: RoomReason | None
    to_room_id: str | None = None
    count: int | None = None


def move_people(
    resources: Resources, room_id: str, wish: MoveWish, *, caller: Caller, intent: Intent
) -> Answer:
    """The room people were moved from. Everybody keeps number and place in line (QU-15).

    Somebody for whom no other room is open stays. Raises RoomNotFound, ReasonNeeded,
    StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    get_room(catalogue, room_id, caller)
    if wish.reason is None:
        raise ReasonNeeded
    if wish.to_room_id is not None and (
        wish.to_room_id not in catalogue.rooms or wish.to_room_id == room_id
    ):
        raise RoomNotFound
    reason = wish.reason.value

    def work(unit: UnitOfWork) -> None:
        lock_queues(unit, sorted({room_id, *([wish.to_room_id] if wish.to_room_id else [])}))
        act = Act(
            unit, catalogue, kind="move_people", caller=caller, room_id=room_id, reason=reason
        )
        moved = _move_all(unit, catalogue, act, room_id, wish)
        act.close(subject=f"room:{room_id}", detail={"moved": len(moved)})

    return answer_room(resources, room_id, intent, work)


def _move_all(
    unit: UnitOfWork, catalogue: Catalogue, act: Act, room_id: str, wish: MoveWish
) -> list[str]:
    day = catalogue.today(unit.now)
    states = MOVABLE if wish.count is None else (StepState.WAITING.value,)
    steps = unit.connection.execute(
        select(Step.__table__, Ticket.number)
        .join(Ticket, Ticket.visit_id == Step.visit_id)
        .where(
            Step.queue_id == room_id,
            Step.day == day,
            Step.state.in_(states),
        )
        .order_by(Step.queue_key_at.desc(), Step.id.desc())
        .limit(min(wish.count or MAX_MOVED, MAX_MOVED))
    ).all()
    waiting = _count_waiting(unit, catalogue, day=day)
    moved = []
    for step in reversed(steps):
        target = wish.to_room_id or _find_room(
            unit, catalogue, step, leaving=room_id, waiting=waiting, day=day
        )
        if target is None or target not in catalogue.every_service[step.service_id].room_ids:
            continue
        move_to_room(act, step, target)
        waiting[target] = waiting.get(target, 0) + 1
        moved.append(step.id)
    return moved


def _count_waiting(unit: UnitOfWork, catalogue: Catalogue, *, day: Any) -> dict[str, int]:
    rows = unit.connection.execute(
        select(Step.queue_id, func.count())
        .where(
            Step.queue_id.in_(list(catalogue.rooms)),
            Step.day == day,
            Step.state == StepState.WAITING.value,
        )
        .group_by(Step.queue_id)
    )
    return {row[0]: row[1] for row in rows}


def _find_room(
    unit: UnitOfWork,
    catalogue: Catalogue,
    step: Any,
    *,
    leaving: str,
    waiting: dict[str, int],
    day: Any,
) -> str | None:
    """An open room of the same service: fewest waiting, then the lowest code."""
    rooms: Sequence[str] = catalogue.every_service[step.service_id].room_ids
    today = find_rooms_today(unit.connection, rooms, day=day)
    usable = {
        room: waiting.get(room, 0)
        for room in rooms
        if room != leaving
        and (room not in today or today[room].state is not RoomState.CLOSED)
        and catalogue.find_open_session(room, now=unit.now) is not None
    }
    return choose_room(usable, {room: catalogue.rooms[room].code for room in usable})
