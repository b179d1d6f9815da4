"""Figures of a day and of a shift, as they are counted, signed and kept. Pure.

Everything is counted in integer đồng from the journal, so that two people who count the same
movements get the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from backend.domain.ledger import Cause

KINDS = ("fees", "advance", "unknown")
"""What money came for; unknown: it belonged to no payment when it was counted."""
ENDING = timedelta(minutes=5)
"""A day is counted this long after it ended: no transaction of it is under way any more."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many, and how much."""

    count: int = 0
    amount_vnd: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(count=self.count + other.count, amount_vnd=self.amount_vnd + other.amount_vnd)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        return cls(**document)


NONE = Tally()


@dataclass(frozen=True, kw_only=True)
class Income:
    """Money that came to one account of one provider for one kind of payment."""

    provider: str
    account: str
    kind: str
    tally: Tally


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Movements of some time. `moved` by cause, those that did not happen are missing."""

    income: Sequence[Income] = ()
    moved: Mapping[str, Tally] = field(default_factory=dict)

    @property
    def received(self) -> Tally:
        return sum((each.tally for each in self.income), NONE)

    def moved_by(self, cause: Cause) -> Tally:
        return self.moved.get(cause.value, NONE)

    def by_provider(self) -> dict[str, Tally]:
        return self._sum_by("provider")

    def by_kind(self) -> dict[str, Tally]:
        return self._sum_by("kind")

    def _sum_by(self, name: str) -> dict[str, Tally]:
        sums: dict[str, Tally] = {}
        for each in self.income:
            key = getattr(each, name)
            sums[key] = sums.get(key, NONE) + each.tally
        return sums

    def to_json(self) -> dict[str, Any]:
        return {
            "income": [asdict(each) for each in self.income],
            "moved": {cause: asdict(tally) for cause, tally in self.moved.items()},
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            income=tuple(
                Income(**{**each, "tally": Tally.of(each["tally"])}) for each in document["income"]
            ),
            moved={cause: Tally.of(tally) for cause, tally in document["moved"].items()},
        )


@dataclass(frozen=True, kw_only=True)
class ShiftShare:
    """What one shift answers for within a day."""

    shift_id: str
    cashier_name: str
    opened_at: str
    """ISO 8601, with its zone."""
    closed_at: str | None
    received: Tally


@dataclass(frozen=True, kw_only=True)
class DayFigures:
    """A business day to the đồng.

    `balances` of all accounts at its end. The `open_` ones and `unposted` are what somebody still
    has to do, as it stood when they were counted. `outside`: came while nobody was in charge and
    no shift has taken it over yet.
    """

    figures: Figures
    balances: Mapping[str, int]
    held_opened: Tally = NONE
    held_settled: Mapping[str, Tally] = field(default_factory=dict)
    """By how it left: applied, refunded, handed_over."""
    open_held: Tally = NONE
    open_refunds: Tally = NONE
    unposted: Tally = NONE
    shifts: Sequence[ShiftShare] = ()
    outside: Tally = NONE
    cashless: Tally = NONE
    """Fees and advances paid by QR."""
    at_counter: int = 0
    """People who were served in the cashier's line."""

    @property
    def cashless_percent(self) -> float | None:
        """Of all who paid, those who paid by QR; None when nobody did."""
        everybody = self.cashless.count + self.at_counter
        return round(100 * self.cashless.count / everybody, 1) if everybody else None

    def list_open(self) -> list[tuple[str, Tally]]:
        """What is not finished, named; empty when the day is done with."""
        found = (
            ("held", self.open_held),
            ("refunds", self.open_refunds),
            ("unposted", self.unposted),
        )
        return [(name, tally) for name, tally in found if tally.count]

    def to_json(self) -> dict[str, Any]:
        return {
            "figures": self.figures.to_json(),
            "balances": dict(self.balances),
            "held_opened": asdict(self.held_opened),
            "held_settled": {state: asdict(each) for state, each in self.held_settled.items()},
            "open_held": asdict(self.open_held),
            "open_refunds": asdict(self.open_refunds),
            "unposted": asdict(self.unposted),
            "shifts": [asdict(each) for each in self.shifts],
            "outside": asdict(self.outside),
            "cashless": asdict(self.cashless),
            "at_counter": self.at_counter,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        tallies = ("held_opened", "open_held", "open_refunds", "unposted", "outside", "cashless")
        return cls(
            figures=Figures.from_json(document["figures"]),
            balances=document["balances"],
            held_settled={
                state: Tally.of(each) for state, each in document["held_settled"].items()
            },
            shifts=tuple(
                ShiftShare(**{**each, "received": Tally.of(each["received"])})
                for each in document["shifts"]
            ),
            at_counter=document["at_counter"],
            **{name: Tally.of(document[name]) for name in tallies},
        )


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `since`, before `until`."""

    since: datetime
    until: datetime


def span_of(day: date, zone: ZoneInfo) -> Span:
    """The calendar day where the hospital is."""
    since = datetime.combine(day, time.min, tzinfo=zone)
    return Span(since=since, until=datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone))


def is_over(day: date, zone: ZoneInfo, now: datetime) -> bool:
    return now >= span_of(day, zone).until + ENDING
