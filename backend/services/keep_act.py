"""An act of staff on a queue: its rows, its traces, and what it takes to take it back.

Every use case of calling goes the same way: lock the queues, look at the steps, move them through
`Act`, and close it. The act remembers each step as it was; `undo_act` puts it back while nobody
else has touched it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from backend.domain.catalogue import Catalogue
from backend.domain.ids import new_id
from backend.domain.queueing import CallReason
from backend.domain.rooms import list_queue_rooms
from backend.domain.visit import HoldReason, StepState
from backend.errors import ChangedMeanwhile
from backend.events import Event
from backend.services.move_step import move_step
from backend.storage.queue_tables import Call, StaffAct
from backend.storage.unit_of_work import UnitOfWork

REMEMBERED = (
    "state", "hold_reason", "room_id", "practitioner_id", "queue_id", "lane", "calls", "returns",
    "service_id",
)  # fmt: skip
"""Columns of a step that an act may change; times are remembered apart."""
REMEMBERED_TIMES = ("queue_key_at", "state_at")


class Actor(Protocol):
    """Whoever acts: a caller with a credential, or the phone that holds a ticket's address."""

    @property
    def actor(self) -> str: ...


def check_version(step: Any, seen: int | None) -> None:
    """Raises ChangedMeanwhile when the page showed another version. None asks for nothing."""
    if seen is not None and step.version != seen:
        raise ChangedMeanwhile("That number was changed since the page showed it")


class Act:
    """One thing somebody does to steps, in one transaction."""

    def __init__(
        self,
        unit: UnitOfWork,
        catalogue: Catalogue,
        *,
        kind: str,
        caller: Actor,
        room_id: str | None,
        reason: str | None = None,
        source: str = "caller",
    ) -> None:
        self.id = new_id()
        self._unit = unit
        self._catalogue = catalogue
        self._kind = kind
        self._caller = caller
        self._room_id = room_id
        self._reason = reason
        self._source = source
        self._steps: dict[str, dict[str, Any]] = {}
        self._call_id: str | None = None
        self._queues: set[str] = set()
        self._rooms: set[str] = {room_id} if room_id else set()
        self._visits: set[str] = set()

    def move(
        self, step: Any, to: StepState, *, hold: HoldReason | None = None, **values: Any
    ) -> None:
        """Moves a row of the step table; `values` are other columns. Raises as `move_step` does."""
        version = move_step(
            self._unit,
            step,
            to,
            source=self._source,
            reason=self._reason or self._kind,
            hold=hold,
            **values,
        )
        self._remember(step, version)
        self._touch(step, values)

    def added(self, step_id: str, *, visit_id: str, queue_id: str) -> None:
        """A step this act made: undoing the act cancels it."""
        self._steps[step_id] = {"id": step_id, "version": 0, "before": None}
        self._queues.add(queue_id)
        self._visits.add(visit_id)

    def call(
        self,
        step: Any,
        *,
        room_id: str,
        attempt: int,
        reason: CallReason,
        at: datetime | None = None,
        offline: bool = False,
    ) -> str:
        """Writes the call and tells boards and phones. `step` has its ticket's `number`."""
        call_id = self._call_id = new_id()
        unit = self._unit
        unit.add(
            Call,
            id=call_id,
            day=step.day,
            visit_id=step.visit_id,
            step_id=step.id,
            room_id=room_id,
            queue_id=step.queue_id,
            lane=step.lane,
            number=step.number,
            attempt=attempt,
            reason=reason.value,
            by_guard=reason is CallReason.GUARD,
            offline=offline,
            called_by=self._caller.actor,
            called_at=at or unit.now,
            undone_at=None,
        )
        self._rooms.add(room_id)
        unit.publish(
            Event.STEP_CALLED,
            subject=f"step:{step.id}",
            detail=self._where(
                call=call_id,
                room=room_id,
                number=step.number,
                attempt=attempt,
                offline=offline,
            ),
        )
        return call_id

    def close(self, *, subject: str, detail: Mapping[str, Any] | None = None) -> str:
        """Writes the act with its audit row and live event; gives its id."""
        unit = self._unit
        unit.add(
            StaffAct,
            id=self.id,
            kind=self._kind,
            actor=self._caller.actor,
            room_id=self._room_id,
            reason=self._reason,
            steps=list(self._steps.values()),
            call_id=self._call_id,
            at=unit.now,
            undone_at=None,
            undone_by=None,
        )
        audited = {"act": self.id, "kind": self._kind, "reason": self._reason} | dict(detail or {})
        unit.audit(Event.STEP_MOVED, actor=self._caller.actor, subject=subject, detail=audited)
        unit.publish(Event.STEP_MOVED, subject=subject, detail=self._where(kind=self._kind))
        return self.id

    def _remember(self, step: Any, version: int) -> None:
        known = self._steps.get(step.id)
        if known is not None:
            known["version"] = version
            return
        before = {name: getattr(step, name) for name in REMEMBERED}
        before |= {name: getattr(step, name).isoformat() for name in REMEMBERED_TIMES}
        self._steps[step.id] = {"id": step.id, "version": version, "before": before}

    def _touch(self, step: Any, values: Mapping[str, Any]) -> None:
        self._queues |= {step.queue_id, values.get("queue_id", step.queue_id)}
        self._rooms |= {room for room in (step.room_id, values.get("room_id")) if room}
        self._visits.add(step.visit_id)

    def _where(self, **facts: Any) -> dict[str, Any]:
        """Which queues, rooms and visits this concerns: readers of live events pick by these."""
        rooms = self._rooms | {
            room for queue in self._queues for room in list_queue_rooms(self._catalogue, queue)
        }
        return {
            "queues": sorted(self._queues),
            "rooms": sorted(rooms),
            "visits": sorted(self._visits),
            **facts,
        }
