"""What a room called from its last list while the server was away, handed in when it is back.

Each call is taken over if its ticket is still where the list had it. One that somebody else
called, moved or cancelled meanwhile changes nothing: the room is told which and why.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from backend.domain.catalogue import Catalogue
from backend.domain.queueing import Lane, tell_reason_of_lane
from backend.domain.rooms import list_room_queues
from backend.domain.visit import StepState
from backend.services.answer_once import answer_once
from backend.services.call_next import get_room
from backend.services.go_on import SERVED, finish_step
from backend.services.keep_act import Act
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import Step
from backend.storage.queues import lock_queues
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork

MAX_CALLS = 200
CLOCK_LEEWAY = timedelta(minutes=2)
"""A page counts from the server's time as it last heard it, and its clock runs a little off."""


class MergeConflict(StrEnum):
    """Why a call was not taken over."""

    CALLED_ELSEWHERE = "called_elsewhere"
    CALLED_HERE = "called_here"
    """Another page of this very room called it too."""
    CANCELLED = "cancelled"
    DONE = "done"
    MOVED = "moved"
    """Now in another line, on hold, or missed."""
    WRONG_TIME = "wrong_time"
    """Before the list, after now, or of another day."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class OfflineCall:
    """`called_at` None = it was called before the server went away and only ended meanwhile."""

    step_id: str
    called_at: datetime | None
    finished_at: datetime | None = None
    missed: bool = False


@dataclass(frozen=True, kw_only=True)
class MergeWish:
    """`list_at` is the server's own time of the list the room went on from."""

    list_at: datetime
    calls: Sequence[OfflineCall]


def merge_offline_calls(
    resources: Resources, room_id: str, wish: MergeWish, *, caller: Caller, intent: Intent
) -> Answer:
    """Outcome and, where one was not taken over, the reason of each call, in the order sent.

    All in one transaction, handed in twice = once. Later calls go by the times these were really
    made at. Raises RoomNotFound, IdempotencyKeyReused, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    get_room(catalogue, room_id, caller)

    def work(unit: UnitOfWork) -> Answer:
        merge = _Merge(unit, catalogue, room_id, wish.list_at, caller)
        outcomes = merge.run(wish.calls)
        results = [
            {
                "step_id": call.step_id,
                "outcome": "conflict" if conflict else "applied",
                "reason": conflict.value if conflict else None,
            }
            for call, conflict in zip(wish.calls, outcomes, strict=True)
        ]
        return Answer(status=200, body=json.dumps({"results": results}))

    return answer_once(resources.database, intent, work)


class _Merge:
    def __init__(
        self,
        unit: UnitOfWork,
        catalogue: Catalogue,
        room_id: str,
        list_at: datetime,
        caller: Caller,
    ) -> None:
        self._unit = unit
        self._catalogue = catalogue
        self._room_id = room_id
        self._list_at = list_at
        self._caller = caller
        self._queues = list_room_queues(catalogue, room_id)
        self._day = catalogue.today(unit.now)

    def run(self, calls: Sequence[OfflineCall]) -> list[MergeConflict | None]:
        lock_queues(self._unit, self._queues)
        self._lock_steps([call.step_id for call in calls])
        outcomes: dict[int, MergeConflict | None] = {}
        # In the order things happened: whoever was called first also left first.
        for index in sorted(range(len(calls)), key=lambda index: _began_at(calls[index])):
            outcomes[index] = self._merge(calls[index])
        return [outcomes[index] for index in range(len(calls))]

    def _lock_steps(self, ids: Sequence[str]) -> None:
        """A patient who is cancelling at this moment is waited for."""
        self._unit.connection.execute(
            select(Step.id).where(Step.id.in_(sorted(set(ids)))).order_by(Step.id).with_for_update()
        )

    def _merge(self, call: OfflineCall) -> MergeConflict | None:
        step = self._find(call.step_id)
        if step is None:
            return MergeConflict.UNKNOWN
        times = [moment for moment in (call.called_at, call.finished_at) if moment]
        if not times or not self._are_possible(times):
            return MergeConflict.WRONG_TIME
        conflict = self._find_conflict(step, called=call.called_at is not None)
        if conflict is not None:
            return conflict
        self._apply(call, step)
        return None

    def _find(self, step_id: str) -> Any | None:
        self._unit.flush()
        return self._unit.connection.execute(
            select(Step.__table__, Ticket.number)
            .join(Ticket, Ticket.visit_id == Step.visit_id)
            .where(
                Step.id == step_id,
                Step.facility_id == self._unit.facility_id,
                Step.day == self._day,
            )
        ).one_or_none()

    def _are_possible(self, times: Sequence[datetime]) -> bool:
        return (
            list(times) == sorted(times)
            and times[0] >= self._list_at - CLOCK_LEEWAY
            and times[-1] <= self._unit.now + CLOCK_LEEWAY
            and _days(self._catalogue, [self._list_at, *times]) == {self._day}
        )

    def _find_conflict(self, step: Any, *, called: bool) -> MergeConflict | None:
        state = StepState(step.state)
        if state is StepState.CANCELLED:
            return MergeConflict.CANCELLED
        if state in SERVED:
            if step.room_id != self._room_id:
                return MergeConflict.CALLED_ELSEWHERE
            return MergeConflict.CALLED_HERE if called else None
        if state is StepState.DONE:
            return MergeConflict.DONE
        if state is StepState.WAITING and step.queue_id in self._queues and called:
            return None
        return MergeConflict.MOVED

    def _apply(self, call: OfflineCall, step: Any) -> None:
        # Without the room: what happened minutes ago is no act to be undone there now.
        act = Act(
            self._unit, self._catalogue, kind="offline", caller=self._caller, room_id=None,
            reason="offline",
        )  # fmt: skip
        if call.called_at is not None:
            at = self._bound(call.called_at)
            act.move(step, StepState.CALLED, at=at, room_id=self._room_id, calls=1)
            act.call(
                step,
                room_id=self._room_id,
                attempt=1,
                reason=tell_reason_of_lane(Lane(step.lane)),
                at=at,
                offline=True,
            )
        ended_at = call.finished_at or (call.called_at if call.missed else None)
        if ended_at is not None:
            step = self._find(step.id)
            if call.missed:
                act.move(step, StepState.MISSED, at=self._bound(ended_at))
            else:
                finish_step(self._unit, act, step, at=self._bound(ended_at))
        act.close(subject=f"step:{step.id}", detail={"room": self._room_id})

    def _bound(self, moment: datetime) -> datetime:
        """Never after now: a later call would be sorted before it."""
        return min(moment, self._unit.now)


def _began_at(call: OfflineCall) -> datetime:
    """A call without any time is refused, wherever it stands."""
    return call.called_at or call.finished_at or datetime.min.replace(tzinfo=UTC)


def _days(catalogue: Catalogue, moments: Sequence[datetime]) -> set[date]:
    return {catalogue.today(moment) for moment in moments}
