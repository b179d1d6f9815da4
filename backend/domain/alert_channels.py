"""Whom alerts are told to, and when: the rules of one channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from backend.domain.alerts import AlertKind

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 1800.0
GATHER_S = 15.0
"""What arises within so long is told in one message: a switch that dies takes many kiosks along."""
GIVE_UP_AFTER = timedelta(days=3)


@dataclass(frozen=True, kw_only=True)
class TellingRules:
    """`only`: no other kinds; none named means all. In quiet hours only `always` is told; the rest
    waits for their end.
    """

    only: frozenset[AlertKind] = frozenset()
    quiet: tuple[time, time] | None = None
    always: frozenset[AlertKind] = frozenset()

    def wants(self, kind: AlertKind) -> bool:
        return not self.only or kind in self.only

    def tell_at(self, kind: AlertKind, now: datetime, zone: tzinfo) -> datetime:
        """`now`, or the end of the quiet hours it falls into."""
        if self.quiet is None or kind in self.always:
            return now
        local = now.astimezone(zone)
        begins, ends = self.quiet
        if begins <= ends:
            is_quiet = begins <= local.time() < ends
        else:
            is_quiet = local.time() >= begins or local.time() < ends
        if not is_quiet:
            return now
        day = local.date() if local.time() < ends else local.date() + timedelta(days=1)
        return datetime.combine(day, ends, tzinfo=zone)


def pause_s(failures: int, *, chance: float) -> float:
    """Before the next try after that many failures in a row; `chance` (0 to 1) spreads them."""
    longest = min(FIRST_PAUSE_S * (1 << min(failures - 1, 20)), LONGEST_PAUSE_S)
    return longest * (0.75 + chance / 4)
