"""How values spread: a histogram small enough to keep for ever, exact enough for percentiles.

Buckets grow with the value, 32 to each doubling, so a percentile is wrong by 1/32 (3 %) at most
whatever is measured. Spreads of days add up to the spread of a year: medians of medians would not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

STEPS = 32
"""Buckets to each doubling."""
_BITS = STEPS.bit_length()


def find_bucket(value: int) -> int:
    """Small values have a bucket each."""
    if value < STEPS:
        return value
    shift = value.bit_length() - _BITS
    return (shift << (_BITS - 1)) + (value >> shift)


def bucket_span(bucket: int) -> tuple[int, int]:
    """The lowest value in it, and the lowest beyond it."""
    if bucket < 2 * STEPS:
        return bucket, bucket + 1
    shift = bucket // STEPS - 1
    low = (bucket % STEPS + STEPS) << shift
    return low, low + (1 << shift)


@dataclass(kw_only=True, slots=True)
class Spread:
    """Whole values from 0 on: how many, their sum, the highest, and the buckets they fell in."""

    cases: int = 0
    total: int = 0
    highest: int = 0
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, value: int) -> None:
        """Raises ValueError for a value below 0."""
        if value < 0:
            raise ValueError("a spread counts from 0")
        self.cases += 1
        self.total += value
        self.highest = max(self.highest, value)
        bucket = find_bucket(value)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def merge(self, other: Spread) -> None:
        self.merge_json(other.to_json())

    def merge_json(self, kept: Sequence[Any]) -> None:
        """Adds what `to_json` gave."""
        cases, total, highest, pairs = kept
        self.cases += cases
        self.total += total
        self.highest = max(self.highest, highest)
        mine = self.buckets
        for bucket, count in zip(pairs[::2], pairs[1::2], strict=True):
            mine[bucket] = mine.get(bucket, 0) + count

    @property
    def mean(self) -> float | None:
        return self.total / self.cases if self.cases else None

    def find_percentile(self, share: float) -> float | None:
        """The value that `share` (0 … 1) of all do not exceed; None when there is none."""
        if not self.cases:
            return None
        wanted, before = share * self.cases, 0
        low, high = 0, 0
        for bucket in sorted(self.buckets):
            count = self.buckets[bucket]
            low, high = bucket_span(bucket)
            if before + count >= wanted:
                inside = max(wanted - before, 0) / count
                return min(low + (high - 1 - low) * inside, self.highest)
            before += count
        return float(self.highest)

    @property
    def median(self) -> float | None:
        return self.find_percentile(0.5)

    @property
    def p90(self) -> float | None:
        return self.find_percentile(0.9)

    def count_until(self, limits: Sequence[int]) -> list[int]:
        """How many fell into each class: below the first limit, below the second, … the rest."""
        counts = [0] * (len(limits) + 1)
        for bucket, count in self.buckets.items():
            low, high = bucket_span(bucket)
            middle = (low + high - 1) / 2
            counts[sum(middle >= limit for limit in limits)] += count
        return counts

    def to_json(self) -> list[Any]:
        pairs = [each for bucket in sorted(self.buckets) for each in (bucket, self.buckets[bucket])]
        return [self.cases, self.total, self.highest, pairs]

    @classmethod
    def from_json(cls, kept: Sequence[Any]) -> Self:
        spread = cls()
        spread.merge_json(kept)
        return spread

    @classmethod
    def of(cls, values: Iterable[int]) -> Self:
        spread = cls()
        for value in values:
            spread.add(value)
        return spread

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """(from, below, how many) for each bucket that holds something."""
        for bucket in sorted(self.buckets):
            yield (*bucket_span(bucket), self.buckets[bucket])
