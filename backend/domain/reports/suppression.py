"""Small counts of sensitive clinics are nobody's business outside: "came there" tells enough.

A single hidden count could be had again by subtracting the others from their sum, so a second one
is hidden with it. What two reports of overlapping periods tell together is not hidden.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import count as number
from typing import TypeAlias, TypeVar

LEAST = 5
"""Fewer are not shown."""

Key = TypeVar("Key", bound=Hashable)


def find_hidden(counts: Mapping[Key, int], sensitive: AbstractSet[Key]) -> frozenset[Key]:
    """Which of these counts, whose sum may be known, are not to be shown. Nobody there is no
    secret: a count of 0 neither is hidden nor hides another one.
    """
    present = {key: count for key, count in counts.items() if count > 0}
    hidden = {key for key, count in present.items() if key in sensitive and count < LEAST}
    if len(hidden) == 1:
        others = [key for key in present if key not in hidden]
        if others:
            hidden.add(min(others, key=lambda key: (key not in sensitive, present[key], str(key))))
    return frozenset(hidden)


_Ways: TypeAlias = dict[Hashable, list[tuple[Hashable, Key]]]
"""From each sum to the others it shares a part with."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A count that stands in two sums: a room in those of its clinic and of what is done there."""

    sums: tuple[Hashable, Hashable]
    count: int


def find_hidden_parts(parts: Mapping[Key, Part], few: AbstractSet[Key]) -> frozenset[Key]:
    """`few`, and what has to be hidden with them though every sum is known.

    A part can be reckoned unless it lies in a ring of hidden ones, where each sum has two of them.
    So each gets the ring that hides the fewest people; one that has none is told by its sums.
    """
    ways: _Ways[Key] = {}
    for key in sorted(parts, key=str) if few else ():
        one, other = parts[key].sums
        ways.setdefault(one, []).append((other, key))
        ways.setdefault(other, []).append((one, key))
    hidden = set(few)
    for key in sorted(few, key=str):
        hidden.update(_close_ring(parts, ways, key, hidden))
    return frozenset(hidden)


def _close_ring(
    parts: Mapping[Key, Part], ways: _Ways[Key], closed: Key, hidden: AbstractSet[Key]
) -> list[Key]:
    """The cheapest way from one of its sums to the other that does not go through it."""
    start, goal = parts[closed].sums
    costs: dict[Hashable, int] = {start: 0}
    came: dict[Hashable, tuple[Hashable, Key]] = {}
    order = number()
    nearest: list[tuple[int, int, Hashable]] = [(0, next(order), start)]
    while nearest:
        cost, _, at = heapq.heappop(nearest)
        if at == goal:
            break
        for other, key in ways[at]:
            there = cost + (0 if key in hidden else parts[key].count)
            if key != closed and there < costs.get(other, there + 1):
                costs[other], came[other] = there, (at, key)
                heapq.heappush(nearest, (there, next(order), other))
    ring: list[Key] = []
    at = goal
    while at in came:
        at, key = came[at]
        ring.append(key)
    return ring
