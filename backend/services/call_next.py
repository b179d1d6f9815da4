"""The main button of a room: who was here is done, the next one is called.

One transaction under the lock of the room's queues, so 64 counters on one queue call in one
order, nobody twice and nobody passed over, and a process that dies in the middle has called
nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.domain.catalogue import Catalogue
from backend.domain.queueing import CallReason, find_next_call
from backend.domain.roles import StaffRole
from backend.domain.rooms import RoomState, list_room_queues
from backend.domain.visit import StepKind, StepState
from backend.errors import ChangedMeanwhile, NobodyWaiting, RoomNotFound, RoomNotOpen
from backend.services.answer_room import answer_room
from backend.services.go_on import finish_step
from backend.services.keep_act import Act, check_version
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.queues import (
    get_calling_state,
    get_run,
    get_steps,
    list_waiting,
    lock_queues,
    lock_step,
)
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork

LOST_RACES = 5


@dataclass(frozen=True, kw_only=True)
class SeenStep:
    """A step as the page showed it."""

    step_id: str
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class NextWish:
    """`finish` are those who leave the room now. `after_call` is the last call the page knew:
    when another one was made since, the press came from an old page and changes nothing.
    """

    finish: Sequence[SeenStep] = ()
    after_call: str | None = None
    check_call: bool = False


def get_room(catalogue: Catalogue, room_id: str, caller: Caller) -> None:
    """Raises RoomNotFound: unknown, or not one this member of staff works for."""
    if room_id not in catalogue.rooms or not may_use_room(catalogue, room_id, caller):
        raise RoomNotFound


def may_use_room(catalogue: Catalogue, room_id: str, caller: Caller) -> bool:
    """Rooms somebody was given; who is a cashier and nothing else has counters that take money."""
    if not caller.may_call_room(room_id):
        return False
    if caller.roles != {StaffRole.CASHIER}:
        return True
    return any(
        service.kind == StepKind.CASHIER
        for service in catalogue.services.values()
        if room_id in service.room_ids
    )


def call_next(
    resources: Resources, room_id: str, wish: NextWish, *, caller: Caller, intent: Intent
) -> Answer:
    """The room as it stands after the call.

    Whoever leaves the room is done also when nobody waits behind them. Raises RoomNotFound,
    RoomNotOpen, NobodyWaiting when there was nobody to finish either, ChangedMeanwhile,
    StepNotFound, IdempotencyKeyReused, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    get_room(catalogue, room_id, caller)

    def work(unit: UnitOfWork) -> None:
        _call(unit, catalogue, room_id, wish, caller=caller)

    return answer_room(resources, room_id, intent, work)


def _call(
    unit: UnitOfWork, catalogue: Catalogue, room_id: str, wish: NextWish, *, caller: Caller
) -> None:
    queues = list_room_queues(catalogue, room_id)
    lock_queues(unit, queues)
    state, last_call = get_calling_state(unit.connection, room_id, day=catalogue.today(unit.now))
    if state is not RoomState.OPEN:
        raise RoomNotOpen
    if wish.check_call and last_call != wish.after_call:
        raise ChangedMeanwhile("This room made another call since")
    act = Act(unit, catalogue, kind="next", caller=caller, room_id=room_id)
    _finish(unit, catalogue, act, wish.finish, room_id=room_id)
    try:
        step, reason = take_next(unit, catalogue, queues)
    except NobodyWaiting:
        if not wish.finish:
            raise
        act.close(subject=f"room:{room_id}")
        return
    act.move(step, StepState.CALLED, room_id=room_id, calls=1)
    act.call(step, room_id=room_id, attempt=1, reason=reason)
    act.close(subject=f"step:{step.id}", detail={"room": room_id, "order": reason.value})


def _finish(
    unit: UnitOfWork, catalogue: Catalogue, act: Act, seen: Sequence[SeenStep], *, room_id: str
) -> None:
    if not seen:
        return
    day = catalogue.today(unit.now)
    steps = get_steps(
        unit.connection, [each.step_id for each in seen], facility_id=unit.facility_id, day=day
    )
    for each in seen:
        step = steps[each.step_id]
        check_version(step, each.version)
        if step.room_id != room_id:
            raise ChangedMeanwhile("That number is in another room now")
        finish_step(unit, act, step)


def take_next(
    unit: UnitOfWork, catalogue: Catalogue, queues: Sequence[str]
) -> tuple[Any, CallReason]:
    """The step whose turn it is, as a row, and why. The queues are locked. Raises NobodyWaiting.

    A patient who leaves at this very moment is not waited for: the next one is looked at.
    """
    day = catalogue.today(unit.now)
    run = get_run(unit.connection, queues, day=day, settings=catalogue.settings)
    for _ in range(LOST_RACES):
        heads = list_waiting(unit.connection, queues, day=day, limit=1)
        chosen = find_next_call(heads, run, now=unit.now, settings=catalogue.settings)
        if chosen is None:
            raise NobodyWaiting
        # The row lock waits for a patient who is cancelling, and then shows what came of it.
        step = lock_step(unit, chosen.ticket.id)
        if step.state == StepState.WAITING:
            return step, chosen.reason
    raise ChangedMeanwhile("Too many people left the line at this moment: press again")
