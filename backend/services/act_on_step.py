"""What staff do with one ticket besides calling the next: again, in, out, hold, missed, back …

Each act is one small function: where it leads, and whether it needs a reason. The rest is the
same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backend.domain.catalogue import Catalogue
from backend.domain.queueing import CallReason, Lane, key_after
from backend.domain.rooms import RoomState, list_room_queues
from backend.domain.visit import HoldReason, StepState
from backend.errors import ChangedMeanwhile, MoveNotAllowed, ReasonNeeded, RoomNotOpen, StepNotFound
from backend.services.answer_room import answer_room
from backend.services.call_next import get_room
from backend.services.go_on import finish_step, open_next_step, ready_with_results
from backend.services.keep_act import Act, check_version
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.queues import get_room_today, get_steps, list_waiting, lock_queues
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork


class StepAct(StrEnum):
    AGAIN = "again"
    SERVE = "serve"
    FINISH = "finish"
    HOLD = "hold"
    MISS = "miss"
    RESUME = "resume"
    CALL = "call"
    EMERGENCY = "emergency"
    RESULTS = "results"
    LEAVE = "leave"


class StepReason(StrEnum):
    """Why staff did it: for the log, and for who asks later."""

    NO_ANSWER = "no_answer"
    PATIENT_ASKED = "patient_asked"
    DOCTOR_ASKED = "doctor_asked"
    CONDITION = "condition"
    WRONG_ROOM = "wrong_room"
    PAPERS = "papers"
    MISTAKE = "mistake"
    BALANCE = "balance"
    ROOM_CLOSED = "room_closed"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class ActWish:
    """`version` is that of the step the page showed; None skips the check."""

    kind: StepAct
    version: int | None = None
    reason: StepReason | None = None


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What one act works with."""

    unit: UnitOfWork
    catalogue: Catalogue
    act: Act
    step: Any
    room_id: str
    wish: ActWish


def act_on_step(
    resources: Resources,
    room_id: str,
    step_id: str,
    wish: ActWish,
    *,
    caller: Caller,
    intent: Intent,
) -> Answer:
    """The room as it stands afterwards.

    Raises RoomNotFound, StepNotFound (also for a step of another queue), ChangedMeanwhile,
    MoveNotAllowed, ReasonNeeded, RoomNotOpen, IdempotencyKeyReused, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    get_room(catalogue, room_id, caller)

    def work(unit: UnitOfWork) -> None:
        queues = list_room_queues(catalogue, room_id)
        lock_queues(unit, queues)
        step = get_room_step(unit, catalogue, step_id, room_id=room_id)
        check_version(step, wish.version)
        act = Act(
            unit, catalogue, kind=wish.kind.value, caller=caller, room_id=room_id,
            reason=wish.reason.value if wish.reason else None,
        )  # fmt: skip
        _ACTS[wish.kind](
            Bench(unit=unit, catalogue=catalogue, act=act, step=step, room_id=room_id, wish=wish)
        )
        act.close(subject=f"step:{step_id}", detail={"room": room_id})

    return answer_room(resources, room_id, intent, work)


def get_room_step(unit: UnitOfWork, catalogue: Catalogue, step_id: str, *, room_id: str) -> Any:
    """A step of today that this room may touch. Raises StepNotFound."""
    day = catalogue.today(unit.now)
    step = get_steps(unit.connection, [step_id], facility_id=unit.facility_id, day=day)[step_id]
    if step.queue_id not in list_room_queues(catalogue, room_id):
        raise StepNotFound
    if step.state in {StepState.CALLED, StepState.SERVING} and step.room_id != room_id:
        raise ChangedMeanwhile  # another room of the same queue was faster
    return step


def _need_reason(bench: Bench) -> None:
    if bench.wish.reason is None:
        raise ReasonNeeded


def _again(bench: Bench) -> None:
    step = bench.step
    if step.state != StepState.CALLED:
        # Out of turn is another act: it needs a reason, an open room, and binds the room.
        raise MoveNotAllowed("only a number that is called is called again")
    attempt = step.calls + 1
    bench.act.move(step, StepState.CALLED, calls=attempt)
    bench.act.call(step, room_id=bench.room_id, attempt=attempt, reason=CallReason.BY_HAND)


def _serve(bench: Bench) -> None:
    bench.act.move(bench.step, StepState.SERVING)


def _finish(bench: Bench) -> None:
    finish_step(bench.unit, bench.act, bench.step)


def _hold(bench: Bench) -> None:
    bench.act.move(bench.step, StepState.HOLD, hold=HoldReason.STAFF)


def _miss(bench: Bench) -> None:
    if bench.step.calls < bench.catalogue.settings.calls_before_missed:
        _need_reason(bench)
    bench.act.move(bench.step, StepState.MISSED)


def _resume(bench: Bench) -> None:
    """Back in line: from a hold where they were, after a missed turn behind the next few."""
    step = bench.step
    if step.state == StepState.MISSED:
        rejoin(bench.unit, bench.catalogue, bench.act, step, returns=step.returns)
    elif step.state == StepState.HOLD and step.hold_reason != HoldReason.STEPPED_OUT:
        fresh = step.hold_reason == HoldReason.EARLIER_STEP
        key_at = bench.unit.now if fresh else step.queue_key_at
        bench.act.move(step, StepState.WAITING, queue_key_at=key_at)
    else:
        bench.act.move(step, StepState.WAITING)


def rejoin(unit: UnitOfWork, catalogue: Catalogue, act: Act, step: Any, *, returns: int) -> None:
    """Puts a missed ticket back behind the next few of its lane (QU-10)."""
    waiting = list_waiting(unit.connection, [step.queue_id], day=step.day)
    key = key_after(
        waiting, Lane(step.lane), places=catalogue.settings.return_after_tickets, now=unit.now
    )
    act.move(step, StepState.WAITING, queue_key_at=key, returns=returns)


def _call(bench: Bench) -> None:
    """Out of turn, because somebody said why."""
    _need_reason(bench)
    day = bench.catalogue.today(bench.unit.now)
    today = get_room_today(bench.unit.connection, bench.room_id, day=day)
    if today.state is not RoomState.OPEN:
        raise RoomNotOpen
    bench.act.move(bench.step, StepState.CALLED, room_id=bench.room_id, calls=1)
    bench.act.call(bench.step, room_id=bench.room_id, attempt=1, reason=CallReason.BY_HAND)


def _emergency(bench: Bench) -> None:
    """To the very front, whatever the lane: staff saw the patient."""
    _need_reason(bench)
    bench.act.move(
        bench.step,
        StepState.WAITING,
        lane=Lane.EMERGENCY.value,
        queue_key_at=bench.unit.now,
    )


def _results(bench: Bench) -> None:
    ready_with_results(bench.act, bench.step, now=bench.unit.now)


def _leave(bench: Bench) -> None:
    """Gone home. What was still to come is not opened: the desk is asked."""
    _need_reason(bench)
    bench.act.move(bench.step, StepState.CANCELLED)
    open_next_step(bench.unit, bench.act, bench.step)


_ACTS: Mapping[StepAct, Callable[[Bench], None]] = {
    StepAct.AGAIN: _again,
    StepAct.SERVE: _serve,
    StepAct.FINISH: _finish,
    StepAct.HOLD: _hold,
    StepAct.MISS: _miss,
    StepAct.RESUME: _resume,
    StepAct.CALL: _call,
    StepAct.EMERGENCY: _emergency,
    StepAct.RESULTS: _results,
    StepAct.LEAVE: _leave,
}
