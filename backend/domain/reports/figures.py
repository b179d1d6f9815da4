"""What is counted of one cut of a period: plain counts, and how times spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self, TypeAlias

from backend.domain.reports.spread import Spread


class Cut(StrEnum):
    """By what figures are told apart. The key of a row says which one it is."""

    ALL = "all"
    HOUR = "hour"
    """Of the day, two digits, in the facility's own time."""
    KIND = "kind"
    """domain.visit.StepKind"""
    SERVICE = "service"
    LANE = "lane"
    ROOM = "room"
    ROOM_HOUR = "room_hour"
    """room:hour"""
    KIOSK = "kiosk"
    TESTS = "tests"
    """How many kinds of tests a visit had: the classes of QĐ 1313."""
    AGE_LANGUAGE = "age_language"
    """age band:language"""


NO_KEY = ""
CutKey: TypeAlias = tuple[Cut, str]


@dataclass(kw_only=True, slots=True)
class Figures:
    """Adds up over days: nothing in here is a mean or a share."""

    counts: dict[str, int] = field(default_factory=dict)
    times: dict[str, Spread] = field(default_factory=dict)
    """Seconds by what they measure; runs of calls by how long they were."""

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + by

    def time(self, name: str, value: int) -> None:
        spread = self.times.get(name)
        if spread is None:
            spread = self.times[name] = Spread()
        spread.add(value)

    def get(self, name: str) -> int:
        return self.counts.get(name, 0)

    def spread(self, name: str) -> Spread:
        """An empty one where nothing was measured."""
        return self.times.get(name) or Spread()

    def starting(self, prefix: str) -> dict[str, int]:
        """Counts named prefix.REST, by REST."""
        start = f"{prefix}."
        found = {k.removeprefix(start): n for k, n in self.counts.items() if k.startswith(start)}
        return dict(sorted(found.items()))

    def merge(self, other: Figures) -> None:
        self.merge_json(other.to_json())

    def merge_json(self, kept: Mapping[str, Any]) -> None:
        """Adds what `to_json` gave."""
        for name, number in kept["counts"].items():
            self.counts[name] = self.counts.get(name, 0) + number
        for name, spread in kept["times"].items():
            mine = self.times.get(name)
            if mine is None:
                mine = self.times[name] = Spread()
            mine.merge_json(spread)

    def to_json(self) -> dict[str, Any]:
        return {
            "counts": dict(sorted(self.counts.items())),
            "times": {name: self.times[name].to_json() for name in sorted(self.times)},
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        figures = cls()
        figures.merge_json(kept)
        return figures


Book: TypeAlias = dict[CutKey, Figures]
"""All cuts of one period."""


def open_page(book: Book, cut: Cut, key: str = NO_KEY) -> Figures:
    page = book.get((cut, key))
    if page is None:
        page = book[cut, key] = Figures()
    return page


def pages_of(book: Book, cut: Cut) -> dict[str, Figures]:
    """By key."""
    return {key: page for (each, key), page in book.items() if each is cut}


def merge_all(pages: Iterable[Figures]) -> Figures:
    whole = Figures()
    for page in pages:
        whole.merge(page)
    return whole
