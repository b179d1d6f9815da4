"""Who is called next, who waits before whom, which room, which letter, how long. Pure decisions.

No law gives a ratio between priority and other tickets; a ratio with ageing is the usual way to
keep anybody from starving. All figures are settings of the facility.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.domain.settings import FacilitySettings


class Lane(StrEnum):
    """The lane is printed as a letter; the reason for it is health data and never shown."""

    EMERGENCY = "E"
    PRIORITY = "P"
    RESULTS = "R"
    BOOKED = "B"
    NORMAL = "N"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A ticket in a queue. `key_at` is its virtual arrival time (see `arrival_key`)."""

    number: int
    lane: Lane
    key_at: datetime


@dataclass(frozen=True, kw_only=True)
class CallRun:
    """What the last calls of a room were, as far as the next one depends on it."""

    priority: int = 0
    results: int = 0
    by_guard: bool = False


@dataclass(frozen=True, kw_only=True)
class NextCall:
    ticket: Waiting
    run: CallRun
    """To hand in at the next call."""


def arrival_key(
    lane: Lane, *, now: datetime, slot_start: datetime | None, settings: FacilitySettings
) -> datetime:
    """A booked person counts as arrived `early_min` before the hour, whenever they come."""
    if lane is Lane.BOOKED and slot_start is not None:
        return slot_start - timedelta(minutes=settings.early_min)
    return now


def find_next_call(
    waiting: Sequence[Waiting], run: CallRun, *, now: datetime, settings: FacilitySettings
) -> NextCall | None:
    """The ticket to call now, or None when nobody waits."""

    def head(*lanes: Lane) -> Waiting | None:
        return min(
            (ticket for ticket in waiting if ticket.lane in lanes),
            key=lambda ticket: (ticket.key_at, ticket.number),
            default=None,
        )

    emergency, priority = head(Lane.EMERGENCY), head(Lane.PRIORITY)
    results, others = head(Lane.RESULTS), head(Lane.NORMAL, Lane.BOOKED)
    if emergency:
        return NextCall(ticket=emergency, run=replace(run, by_guard=False))
    overdue = [
        ticket
        for ticket in (results, others)
        if ticket and now - ticket.key_at > timedelta(minutes=settings.guard_min[ticket.lane.value])
    ]
    if overdue and not run.by_guard:
        ticket = min(overdue, key=lambda ticket: ticket.key_at)
        return NextCall(ticket=ticket, run=_run_after(ticket.lane, run, by_guard=True))
    if priority and (run.priority < settings.priority_in_a_row or not (results or others)):
        chosen: Waiting | None = priority
    elif results and (run.results < settings.results_in_a_row or not others):
        chosen = results
    else:
        chosen = others
    if chosen is None:
        return None
    return NextCall(ticket=chosen, run=_run_after(chosen.lane, run, by_guard=False))


def _run_after(lane: Lane, run: CallRun, *, by_guard: bool) -> CallRun:
    if lane is Lane.PRIORITY:
        return CallRun(priority=run.priority + 1, results=run.results, by_guard=by_guard)
    if lane is Lane.RESULTS:
        return CallRun(priority=0, results=run.results + 1, by_guard=by_guard)
    return CallRun(by_guard=by_guard)


def count_ahead(lane: Lane, waiting: Mapping[Lane, int], settings: FacilitySettings) -> int:
    """How many are called before a newcomer to `lane`, if nobody else comes.

    `waiting` counts those who wait already, in lanes N and B only those with an earlier key.
    Follows `find_next_call` from a fresh run without the guard, in closed form: a kiosk asks
    this for every ticket, with hundreds waiting.
    """
    emergency = waiting.get(Lane.EMERGENCY, 0)
    priority, results = waiting.get(Lane.PRIORITY, 0), waiting.get(Lane.RESULTS, 0)
    others = waiting.get(Lane.NORMAL, 0) + waiting.get(Lane.BOOKED, 0)
    if lane is Lane.EMERGENCY:
        return emergency
    if lane is Lane.PRIORITY:
        between = min(priority // settings.priority_in_a_row, results + others)
        return emergency + priority + between
    if lane is Lane.RESULTS:
        calls = results + min(others, results // settings.results_in_a_row)
    else:
        calls = others + min(results, settings.results_in_a_row * (others + 1))
    return emergency + calls + min(priority, settings.priority_in_a_row * (calls + 1))


def get_letter(lane: Lane, *, service_letter: str | None, settings: FacilitySettings) -> str:
    """The service's own letter for its normal tickets, else the facility's letter of the lane."""
    if lane is Lane.NORMAL and service_letter:
        return service_letter
    return settings.letters.get(lane.value) or settings.letters[Lane.NORMAL.value]


def choose_room(waiting_by_room: Mapping[str, int], codes: Mapping[str, str]) -> str | None:
    """The room with the fewest waiting, then the lowest code; None without a room."""
    return min(waiting_by_room, key=lambda room: (waiting_by_room[room], codes[room]), default=None)


def find_wait_range_min(ahead: int, minutes_each: int | None) -> tuple[int, int] | None:
    """People ahead × minutes each, ± 25 %, in steps of 5 min; None hides it."""
    if minutes_each is None:
        return None
    expected = ahead * minutes_each
    low = math.floor(expected * 0.75 / 5) * 5
    return low, max(math.ceil(expected * 1.25 / 5) * 5, 5)


def format_number(letter: str, number: int) -> str:
    """A012: three digits, more when the day is long."""
    return f"{letter}{number:03d}"
