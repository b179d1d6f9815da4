"""What becomes of a message to another system: its states, its pauses, and when nobody asks.

new → sending → done
          ├──→ new        nothing was done there: again after a pause
          ├──→ unknown    no answer that can be read: looked up before it is sent again
          ├──→ rejected   the other side refuses it, or refuses it alone
          └──→ dead       too old, alone in failing, or nobody can tell what became of it
rejected, dead → new (replayed by staff) | discarded (by staff, with a reason)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class MessageState(StrEnum):
    NEW = "new"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DONE = "done"
    REJECTED = "rejected"
    DEAD = "dead"
    DISCARDED = "discarded"


UNDER_WAY = (MessageState.NEW, MessageState.SENDING, MessageState.UNKNOWN)
"""Will be sent without anybody's help."""
DEAD_LETTERS = (MessageState.REJECTED, MessageState.DEAD)
"""Wait for a person."""
OPEN_MESSAGES = (*UNDER_WAY, *DEAD_LETTERS)

MOVES: dict[MessageState, frozenset[MessageState]] = {
    MessageState.NEW: frozenset({MessageState.SENDING, MessageState.DEAD}),
    MessageState.SENDING: frozenset(
        {
            MessageState.DONE,
            MessageState.NEW,
            MessageState.UNKNOWN,
            MessageState.REJECTED,
            MessageState.DEAD,
        }
    ),
    MessageState.UNKNOWN: frozenset({MessageState.SENDING, MessageState.DEAD}),
    MessageState.REJECTED: frozenset({MessageState.NEW, MessageState.DISCARDED}),
    MessageState.DEAD: frozenset(
        {MessageState.NEW, MessageState.UNKNOWN, MessageState.DISCARDED}
    ),
    MessageState.DONE: frozenset(),
    MessageState.DISCARDED: frozenset(),
}  # fmt: skip


class Breaker(StrEnum):
    """`open`: nobody asks; `half_open`: one try is under way."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class CallGroup(StrEnum):
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, kw_only=True)
class Pace:
    """All spans of the outbox, `speed` times shorter in tests."""

    speed: float = 1.0
    pauses_s: tuple[float, ...] = (1, 2, 5, 15, 30, 60)
    jitter: float = 0.2
    lease_s: float = 60
    """A message whose worker was not heard of for so long has an unknown outcome."""
    renew_s: float = 15
    failures_to_open: int = 5
    """So many in a row, within `failure_window_s`."""
    failure_window_s: float = 30
    slow_s: float = 5
    """Slower than this in one call of twenty counts as away."""
    probe_s: float = 10
    attempts_alone: int = 60
    """So many tries are enough for a message that fails while others get through."""
    others_window_s: float = 300
    refusals_alone: int = 5
    """So many tries that met a fault of the party while others got through in between."""
    tell_staff_after: int = field(default=5)

    def span(self, seconds: float) -> timedelta:
        return timedelta(seconds=seconds / self.speed)

    def pause(self, tries: int, *, chance: float, retry_after_s: float | None) -> timedelta:
        """After that many tries; `chance` in [0, 1) spreads those that failed together."""
        base_s = self.pauses_s[min(tries, len(self.pauses_s)) - 1]
        spread_s = base_s * (1 + self.jitter * (2 * chance - 1))
        return self.span(max(spread_s, retry_after_s or 0))

    @property
    def lease(self) -> timedelta:
        return self.span(self.lease_s)


@dataclass(frozen=True, kw_only=True)
class PartyFailures:
    """Failures in a row of one party, counted over all processes."""

    count: int = 0
    since: datetime | None = None

    def add(self, number: int, *, now: datetime, pace: Pace) -> PartyFailures:
        fresh = self.since is None or now - self.since > pace.span(pace.failure_window_s)
        if fresh:
            return PartyFailures(count=number, since=now)
        return PartyFailures(count=self.count + number, since=self.since)

    def opens(self, pace: Pace) -> bool:
        return self.count >= pace.failures_to_open
