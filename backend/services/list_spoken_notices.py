"""What a hall hears besides calls: a missed turn, results that are there, a room that moved or rests.

Read from the acts of the last minute, so that an act taken back is not said, and whoever asks
again is told the same. Numbers and rooms only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from backend.domain.calling_words import SpokenCall
from backend.domain.catalogue import Catalogue
from backend.domain.displays import is_counter
from backend.domain.rooms import RoomState, RoomToday
from backend.domain.visit import HoldReason, StepState
from backend.services.manage_displays import KnownDisplay
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import StaffAct, Step
from backend.storage.queues import find_rooms_today

MOST_ACTS = 300
"""Of the last minute; a house is never that quick."""
_RETURN = "return"
"""Whoever scanned the ticket knows where to go: the kiosk said it."""


@dataclass(frozen=True, kw_only=True)
class SpokenNotice:
    """`id` is the same for every page; worth nothing after `expires_at`."""

    id: str
    call: SpokenCall
    expires_at: datetime


def list_spoken_notices(
    connection: Connection, catalogue: Catalogue, display: KnownDisplay, *, now: datetime
) -> list[SpokenNotice]:
    """Those of the display's rooms that the facility lets be said, the oldest first."""
    if not display.speaks:
        return []
    lives = timedelta(seconds=catalogue.settings.calling.drop_calls_after_s)
    acts = _list_acts(connection, catalogue, since=now - lives)
    hall = _Hall(connection, catalogue, display, acts, now=now)
    return [
        SpokenNotice(id=f"{act.id}-{at}", call=call, expires_at=act.at + lives)
        for act in acts
        for at, call in hall.find_notices(act)
        if catalogue.settings.calling.says(call.kind)
    ]


def _list_acts(
    connection: Connection, catalogue: Catalogue, *, since: datetime
) -> Sequence[Row[Any]]:
    act = StaffAct
    rows = connection.execute(
        select(act.__table__)
        .where(act.facility_id == catalogue.facility_id, act.at > since, act.undone_at.is_(None))
        .order_by(act.at.desc(), act.id.desc())
        .limit(MOST_ACTS)
    ).all()
    return rows[::-1]


class _Hall:
    """The rooms of one display, and the steps of these acts as they stand now."""

    def __init__(
        self,
        connection: Connection,
        catalogue: Catalogue,
        display: KnownDisplay,
        acts: Sequence[Row[Any]],
        *,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._now = now
        self._day = catalogue.today(now)
        self._rooms = {each for each in display.room_ids if each in catalogue.rooms}
        self._today = find_rooms_today(connection, sorted(self._rooms), day=self._day)
        wanted = {
            step["id"]
            for act in acts
            for step in act.steps
            if act.kind in {"miss", "move_people"} or _waited_for_results(step)
        }
        self._steps = _find_steps(connection, wanted)

    def find_notices(self, act: Row[Any]) -> Iterator[tuple[int, SpokenCall]]:
        """With the place of each in its act."""
        if act.kind == "room_pause":
            yield from self._paused(act)
        elif act.kind == "move_people":
            yield from self._moved(act)
        elif act.kind == "miss":
            yield from self._missed(act)
        elif act.kind != _RETURN:
            yield from self._with_results(act)

    def _missed(self, act: Row[Any]) -> Iterator[tuple[int, SpokenCall]]:
        for at, kept in enumerate(act.steps):
            step = self._steps.get(kept["id"])
            room_id = (kept["before"] or {}).get("room_id") or act.room_id
            if step is not None and step.state == StepState.MISSED and room_id in self._rooms:
                yield at, SpokenCall(kind="missed", number=step.number)

    def _with_results(self, act: Row[Any]) -> Iterator[tuple[int, SpokenCall]]:
        for at, kept in enumerate(act.steps):
            if not _waited_for_results(kept):
                continue
            step = self._steps.get(kept["id"])
            if step is None or step.state != StepState.WAITING:
                continue
            # A line that several rooms share says no door yet: the call will.
            room_id = step.room_id or step.queue_id
            if room_id in self._rooms:
                yield at, self._in_room("results_ready", room_id, number=step.number)

    def _paused(self, act: Row[Any]) -> Iterator[tuple[int, SpokenCall]]:
        """Only a pause whose end was said; a long one ends in minutes too."""
        today = self._today.get(act.room_id, RoomToday())
        if act.room_id not in self._rooms or today.state is not RoomState.PAUSED:
            return
        if today.until is None or today.until <= self._now:
            return
        minutes = math.ceil((today.until - self._now) / timedelta(minutes=1))
        yield 0, self._in_room("room_paused", act.room_id, minutes=minutes)

    def _moved(self, act: Row[Any]) -> Iterator[tuple[int, SpokenCall]]:
        """Only a room that works no more and all of whose people went to one other: else it would
        send somebody to the wrong door.
        """
        queues = {
            self._steps[kept["id"]].queue_id for kept in act.steps if kept["id"] in self._steps
        }
        today = self._today.get(act.room_id, RoomToday())
        if len(queues) != 1 or act.room_id not in self._rooms or today.state is RoomState.OPEN:
            return
        (target,) = queues
        if target not in self._catalogue.rooms or self._has_waiting(act.room_id):
            return
        code = self._catalogue.rooms[target].code
        yield 0, self._in_room("room_moved", act.room_id, new_room_code=code)

    def _has_waiting(self, room_id: str) -> bool:
        step = Step
        waits = exists().where(
            step.queue_id == room_id, step.day == self._day, step.state == StepState.WAITING.value
        )
        return bool(self._connection.scalar(select(waits)))

    def _in_room(self, kind: Any, room_id: str, **facts: Any) -> SpokenCall:
        return SpokenCall(
            kind=kind,
            room_code=self._catalogue.rooms[room_id].code,
            room_kind="counter" if is_counter(self._catalogue, room_id) else "room",
            **facts,
        )


def _waited_for_results(kept: Mapping[str, Any]) -> bool:
    before = kept["before"]
    return (
        before is not None
        and before["state"] == StepState.HOLD
        and before["hold_reason"] == HoldReason.RESULTS
    )


def _find_steps(connection: Connection, step_ids: set[str]) -> dict[str, Any]:
    step = Step
    rows = connection.execute(
        select(step.id, step.state, step.room_id, step.queue_id, Ticket.number)
        .join(Ticket, Ticket.visit_id == step.visit_id)
        .where(step.id.in_(sorted(step_ids)))
    )
    return {row.id: row for row in rows}
