"""Who is called next, who waits before whom, which room, which letter, how long. Pure decisions.

No law gives a ratio between priority and other tickets; a ratio with ageing is the usual way to
keep anybody from starving. All figures are settings of the facility.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
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


class CallReason(StrEnum):
    """Why this number came next: what staff answer when somebody asks."""

    EMERGENCY = "emergency"
    GUARD = "guard"
    """Waited longer than the limit of its lane."""
    PRIORITY = "priority"
    RESULTS = "results"
    BOOKED = "booked"
    IN_TURN = "in_turn"
    AFTER_PRIORITY = "after_priority"
    """As many priority tickets as may follow each other were called before."""
    AFTER_RESULTS = "after_results"
    BY_HAND = "by_hand"
    """Staff chose it and said why."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A ticket in a queue. `key_at` is its virtual arrival time (see `arrival_key`).

    `number` orders those with the same key; `id` is whatever the caller knows the ticket by.
    """

    number: int | str
    lane: Lane
    key_at: datetime
    id: str = ""

    @property
    def order(self) -> tuple[datetime, int | str]:
        return self.key_at, self.number


@dataclass(frozen=True, kw_only=True)
class CallRun:
    """What the last calls were, as far as the next one depends on it."""

    priority: int = 0
    results: int = 0
    by_guard: bool = False


@dataclass(frozen=True, kw_only=True)
class NextCall:
    ticket: Waiting
    reason: CallReason
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
    waiting: Iterable[Waiting], run: CallRun, *, now: datetime, settings: FacilitySettings
) -> NextCall | None:
    """The ticket to call now, or None when nobody waits.

    Only the first of each lane counts, so those are all a caller has to hand in.
    """
    heads: dict[Lane, Waiting] = {}
    for ticket in waiting:
        first = heads.get(ticket.lane)
        if first is None or ticket.order < first.order:
            heads[ticket.lane] = ticket
    return _choose(heads, run, now=now, settings=settings)


def order_calls(
    waiting: Iterable[Waiting],
    run: CallRun,
    *,
    now: datetime,
    settings: FacilitySettings,
    limit: int,
) -> list[NextCall]:
    """The next `limit` calls as they would follow each other now, if nobody else came."""
    lanes: dict[Lane, deque[Waiting]] = {}
    for ticket in sorted(waiting, key=lambda ticket: ticket.order):
        lanes.setdefault(ticket.lane, deque()).append(ticket)
    calls: list[NextCall] = []
    while len(calls) < limit:
        heads = {lane: tickets[0] for lane, tickets in lanes.items() if tickets}
        call = _choose(heads, run, now=now, settings=settings)
        if call is None:
            break
        lanes[call.ticket.lane].popleft()
        run = call.run
        calls.append(call)
    return calls


def _choose(
    heads: Mapping[Lane, Waiting], run: CallRun, *, now: datetime, settings: FacilitySettings
) -> NextCall | None:
    emergency, priority = heads.get(Lane.EMERGENCY), heads.get(Lane.PRIORITY)
    results = heads.get(Lane.RESULTS)
    others = min(
        (heads[lane] for lane in (Lane.NORMAL, Lane.BOOKED) if lane in heads),
        key=lambda ticket: ticket.order,
        default=None,
    )
    if emergency:
        return NextCall(
            ticket=emergency, reason=CallReason.EMERGENCY, run=replace(run, by_guard=False)
        )
    overdue = [
        ticket
        for ticket in (results, others)
        if ticket and now - ticket.key_at > timedelta(minutes=settings.guard_min[ticket.lane.value])
    ]
    if overdue and not run.by_guard:
        ticket = min(overdue, key=lambda ticket: ticket.key_at)
        after = run_after(ticket.lane, run, by_guard=True)
        return NextCall(ticket=ticket, reason=CallReason.GUARD, run=after)
    if priority and (run.priority < settings.priority_in_a_row or not (results or others)):
        chosen: Waiting | None = priority
    elif results and (run.results < settings.results_in_a_row or not others):
        chosen = results
    else:
        chosen = others
    if chosen is None:
        return None
    return NextCall(
        ticket=chosen,
        reason=_tell_reason(chosen, priority=priority, results=results),
        run=run_after(chosen.lane, run, by_guard=False),
    )


_BY_LANE = {
    Lane.PRIORITY: CallReason.PRIORITY,
    Lane.RESULTS: CallReason.RESULTS,
    Lane.BOOKED: CallReason.BOOKED,
    Lane.NORMAL: CallReason.IN_TURN,
}


def tell_reason_of_lane(lane: Lane) -> CallReason:
    """What a ticket of this lane is called for when nobody is passed over."""
    return CallReason.EMERGENCY if lane is Lane.EMERGENCY else _BY_LANE[lane]


def _tell_reason(
    chosen: Waiting, *, priority: Waiting | None, results: Waiting | None
) -> CallReason:
    """Who is passed over explains more than the lane does."""
    if chosen.lane is Lane.PRIORITY:
        return CallReason.PRIORITY
    if priority is not None:
        return CallReason.AFTER_PRIORITY
    if chosen.lane is not Lane.RESULTS and results is not None:
        return CallReason.AFTER_RESULTS
    return _BY_LANE[chosen.lane]


def run_after(lane: Lane, run: CallRun, *, by_guard: bool) -> CallRun:
    """The run after a call from `lane`: priority is over once anybody else is called, results
    once a normal or booked ticket is. An emergency leaves both as they are.
    """
    if lane is Lane.EMERGENCY:
        return replace(run, by_guard=False)
    if lane is Lane.PRIORITY:
        return CallRun(priority=run.priority + 1, results=run.results, by_guard=by_guard)
    if lane is Lane.RESULTS:
        return CallRun(priority=0, results=run.results + 1, by_guard=by_guard)
    return CallRun(by_guard=by_guard)


def replay_run(calls: Iterable[tuple[Lane, bool]]) -> CallRun:
    """The run that past calls leave, the oldest first: lane, and whether the guard made it."""
    run = CallRun()
    for lane, by_guard in calls:
        run = run_after(lane, run, by_guard=by_guard)
    return run


def calls_that_matter(settings: FacilitySettings) -> int:
    """How many past calls decide the next one: more of a lane in a row change nothing."""
    return (settings.priority_in_a_row + 1) * (settings.results_in_a_row + 1) * 2


def key_after(waiting: Sequence[Waiting], lane: Lane, *, places: int, now: datetime) -> datetime:
    """The key of somebody who comes back and lets `places` of their own lane go first.

    Normal and booked tickets wait in one line. Fewer than `places` there: behind all of them.
    """
    together = {Lane.NORMAL, Lane.BOOKED}
    lanes = together if lane in together else {lane}
    keys = sorted(ticket.key_at for ticket in waiting if ticket.lane in lanes)
    if not keys or places <= 0:
        return now
    return keys[min(places, len(keys)) - 1] + timedelta(microseconds=1)


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


PRACTICE_PREFIX = "L"
"""Before every letter of a lesson (luyện tập): LA012 is nobody's number, even torn from its paper.
Kiosks without their server never begin a letter with it."""


def get_letter(
    lane: Lane, *, service_letter: str | None, settings: FacilitySettings, practice: bool = False
) -> str:
    """The service's own letter for its normal tickets, else the facility's letter of the lane."""
    if lane is Lane.NORMAL and service_letter:
        letter = service_letter
    else:
        letter = settings.letters.get(lane.value) or settings.letters[Lane.NORMAL.value]
    return PRACTICE_PREFIX + letter if practice else letter


def choose_room(waiting_by_room: Mapping[str, int], codes: Mapping[str, str]) -> str | None:
    """The room with the fewest waiting, then the lowest code; None without a room."""
    return min(waiting_by_room, key=lambda room: (waiting_by_room[room], codes[room]), default=None)


def find_wait_range_min(ahead: int, minutes_each: float | None) -> tuple[int, int] | None:
    """People ahead × minutes each, ± 25 %, in steps of 5 min; None hides it."""
    if minutes_each is None:
        return None
    expected = ahead * minutes_each
    low = math.floor(expected * 0.75 / 5) * 5
    return low, max(math.ceil(expected * 1.25 / 5) * 5, 5)


def format_number(letter: str, number: int) -> str:
    """A012: three digits, more when the day is long."""
    return f"{letter}{number:03d}"
