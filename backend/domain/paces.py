"""How fast rooms work, by hour of the day, as their past cases show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Pace:
    """`median_s` is what half of so many cases took at most."""

    cases: int
    median_s: int


@dataclass(frozen=True, kw_only=True)
class Paces:
    """`by_hour` maps (room id, hour of the day) to what happened there in the last days.

    `resting` are the rooms that call nobody now: paused or closed today.
    """

    by_hour: Mapping[tuple[str, int], Pace] = field(default_factory=dict)
    resting: frozenset[str] = frozenset()


NO_PACES = Paces()
