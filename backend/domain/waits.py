"""How long somebody will wait, and how long people really took. Pure decisions.

What a room did decides (the median of the same hour of the last days), not what a plan says; the
plan's minutes serve until a room has a history. Neither: no range is shown.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.catalogue import Catalogue, Room, Service
from backend.domain.queueing import find_wait_range_min
from backend.domain.visit import StepState

HISTORY_DAYS = 7
LONGEST_CASE = timedelta(hours=4)
"""More is a room that forgot to press, not a patient."""

_IN_ROOM = frozenset({StepState.CALLED, StepState.SERVING})


@dataclass(frozen=True, kw_only=True)
class Change:
    """A move of one step; `undo` put back what a move before it had done."""

    to: StepState
    at: datetime
    room_id: str | None
    undo: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """One person in one room, from the call to the way out."""

    room_id: str
    started_at: datetime
    took: timedelta


@dataclass(frozen=True, kw_only=True)
class _Moment:
    """Where a step stood: since when in a room, and how long before a hold."""

    state: StepState
    since: datetime | None
    started_at: datetime | None
    spent: timedelta
    room_id: str | None


def find_case(changes: Iterable[Change]) -> Case | None:
    """What one step took, its changes in the order they were written; None when it is not done.

    Counted from the call: the walk to the door is time of the room too. Whoever was held in the
    middle is counted without the hold, a call that nobody answered not at all.
    """
    past: list[_Moment] = []
    for change in changes:
        if change.undo:
            while past and past[-1].state is not change.to:
                past.pop()
            continue
        past.append(_go_on(past[-1] if past else None, change))
    if not past or past[-1].state is not StepState.DONE:
        return None
    last = past[-1]
    if last.room_id is None or last.started_at is None:
        return None
    if not timedelta(0) < last.spent <= LONGEST_CASE:
        return None
    return Case(room_id=last.room_id, started_at=last.started_at, took=last.spent)


def _go_on(before: _Moment | None, change: Change) -> _Moment:
    was_in = before is not None and before.state in _IN_ROOM
    spent = before.spent if before else timedelta(0)
    started_at = before.started_at if before else None
    room_id = change.room_id or (before.room_id if before else None)
    if change.to in _IN_ROOM:
        since = before.since if before and was_in else change.at
        return _Moment(
            state=change.to, since=since, started_at=started_at or since, spent=spent,
            room_id=room_id,
        )  # fmt: skip
    served = before is not None and before.state is StepState.SERVING
    if before and before.since and (served or change.to is StepState.DONE):
        spent += change.at - before.since
    elif not spent:
        started_at = None  # called in vain
    return _Moment(state=change.to, since=None, started_at=started_at, spent=spent, room_id=room_id)


def find_median_s(cases: Sequence[Case]) -> float | None:
    return statistics.median(case.took.total_seconds() for case in cases) if cases else None


# --- the range that is told ----------------------------------------------------------------------


def find_minutes_each(
    catalogue: Catalogue, service: Service, room: Room | None, *, now: datetime
) -> float | None:
    """Minutes until the line is one person shorter; None when nothing is known.

    A pooled line is served by all its rooms that are open: their paces add up. A room without a
    history works as long as the service's configured minutes say.
    """
    hour = now.astimezone(catalogue.zone).hour
    rooms = [room.id] if room else list_calling_rooms(catalogue, service, now=now)
    paces = [_find_median_min(catalogue, each, hour) for each in rooms]
    if all(pace is None for pace in paces):
        return service.minutes
    known = [pace for pace in paces if pace is not None]
    otherwise = service.minutes or statistics.mean(known)
    return 1 / sum(1 / (pace or otherwise) for pace in paces)


def find_room_minutes(
    catalogue: Catalogue, room_id: str, services: Sequence[Service], *, now: datetime
) -> float | None:
    """Minutes one person takes in a room: its history, else the mean of what is planned there."""
    median = _find_median_min(catalogue, room_id, now.astimezone(catalogue.zone).hour)
    planned = [service.minutes for service in services if service.minutes]
    if median is not None or not planned:
        return median
    return statistics.mean(planned)


def list_calling_rooms(catalogue: Catalogue, service: Service, *, now: datetime) -> list[str]:
    """The rooms of the service that call now; all of them while none does."""
    resting = catalogue.paces.resting
    calling = [
        each
        for each in service.room_ids
        if each not in resting and catalogue.find_open_session(each, now=now) is not None
    ]
    return calling or list(service.room_ids)


def _find_median_min(catalogue: Catalogue, room_id: str, hour: int) -> float | None:
    pace = catalogue.paces.by_hour.get((room_id, hour))
    if pace is None or pace.cases < catalogue.settings.wait_history_cases:
        return None
    # Half a minute at least: a room that presses twice a second has not seen anybody.
    return max(pace.median_s / 60, 0.5)


def find_wait_min(
    catalogue: Catalogue, service: Service, room: Room | None, ahead: int, *, now: datetime
) -> tuple[int, int] | None:
    """The range to tell somebody with so many people ahead; None hides it (QU-16)."""
    return find_wait_range_min(ahead, find_minutes_each(catalogue, service, room, now=now))


# --- what came of it -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A range that was told, and what happened: from the number to the first call (T2 − T0)."""

    low_min: int
    high_min: int
    waited: timedelta

    @property
    def waited_min(self) -> float:
        return self.waited.total_seconds() / 60

    @property
    def error_min(self) -> float:
        """Longer than the middle of the range is positive."""
        return self.waited_min - (self.low_min + self.high_min) / 2

    @property
    def kept(self) -> bool:
        return self.low_min <= self.waited_min <= self.high_min


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """How well the promises of one room and day held; errors in minutes, signed."""

    cases: int
    kept: int
    mean_error_min: float
    median_error_min: float

    @property
    def share_kept(self) -> float:
        return self.kept / self.cases


def judge_promises(promises: Sequence[Promise]) -> Accuracy | None:
    """None when nothing was promised."""
    if not promises:
        return None
    errors = [promise.error_min for promise in promises]
    return Accuracy(
        cases=len(promises),
        kept=sum(promise.kept for promise in promises),
        mean_error_min=statistics.mean(errors),
        median_error_min=statistics.median(errors),
    )
