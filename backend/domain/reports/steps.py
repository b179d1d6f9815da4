"""What the changes of one step say: how long somebody waited, how long they were in the room."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.domain.visit import StepState
from backend.domain.waits import Change, find_case

BY_TIME = "job"
"""Source of a change that nobody made: the day was over."""
OWN_SOURCES = frozenset({"kiosk", "partner"})
"""Sources of a number that somebody took without staff."""


@dataclass(frozen=True, kw_only=True)
class Move(Change):
    source: str


@dataclass(frozen=True, kw_only=True)
class StepTimes:
    """`waited`: in line until the first call, without holds. `served`: from the call to the way
    out, without holds. None where it was not seen.
    """

    source: str
    """Of the first change: who put the step there."""
    began_at: datetime
    joined_at: datetime | None
    waited: timedelta | None
    served: timedelta | None
    done_at: datetime | None
    """By a person; what a job closed ended nobody knows when."""
    expired: bool
    cancelled: bool
    calls: int
    missed: int
    returned: int
    room_id: str | None


def read_moves(moves: Iterable[Move]) -> StepTimes | None:
    """Moves in the order they were written; None when there is none."""
    stood = drop_undone(moves)
    if not stood:
        return None
    first, last = stood[0], stood[-1]
    joined_at, waited = _find_wait(stood)
    is_done = last.to is StepState.DONE and last.source != BY_TIME
    case = find_case(stood) if is_done else None
    rooms = [move.room_id for move in stood if move.room_id is not None]
    pairs = list(itertools.pairwise(stood))
    return StepTimes(
        source=first.source,
        began_at=first.at,
        joined_at=joined_at,
        waited=waited,
        served=case.took if case else None,
        done_at=last.at if is_done else None,
        expired=last.source == BY_TIME and last.to in {StepState.DONE, StepState.CANCELLED},
        cancelled=last.to is StepState.CANCELLED and last.source != BY_TIME,
        calls=sum(move.to is StepState.CALLED for move in stood),
        missed=sum(move.to is StepState.MISSED for move in stood),
        returned=sum(
            before.to is StepState.MISSED and move.to in {StepState.WAITING, StepState.CALLED}
            for before, move in pairs
        ),
        room_id=rooms[-1] if rooms else None,
    )


def drop_undone(moves: Iterable[Move]) -> list[Move]:
    """What stood in the end: an undo takes back everything after the state it returns to."""
    stood: list[Move] = []
    for move in moves:
        if not move.undo:
            stood.append(move)
            continue
        while stood and stood[-1].to is not move.to:
            stood.pop()
    return stood


def _find_wait(stood: list[Move]) -> tuple[datetime | None, timedelta | None]:
    """Since when in line, and how long until the first call; a clock set back makes it none."""
    joined_at: datetime | None = None
    since: datetime | None = None
    waited = timedelta(0)
    for move in stood:
        if since is not None:
            waited += move.at - since
            since = None
        if move.to is StepState.CALLED:
            return joined_at, waited if joined_at is not None and waited >= timedelta(0) else None
        if move.to is StepState.WAITING:
            since = move.at
            joined_at = joined_at or move.at
    return joined_at, None
