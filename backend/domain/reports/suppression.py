"""Small counts of sensitive clinics are nobody's business outside: "came there" tells enough.

A single hidden count could be had again by subtracting the others from their sum, so a second one
is hidden with it. What two reports of overlapping periods tell together is not hidden.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar

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
