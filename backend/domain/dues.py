"""What a patient owes, as the HIS said a moment ago, and what of it may be paid. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from payments.models import Money

FRESH_FOR = timedelta(seconds=60)
"""Older figures are read again before anybody pays them (fee sheet, his.md 7.2)."""


@dataclass(frozen=True, kw_only=True)
class ChargeFacts:
    name: str
    quantity: int
    amount_vnd: int
    insurance_vnd: int
    discount_vnd: int


@dataclass(frozen=True, kw_only=True)
class BillFacts:
    """`id` is our own name of it, as short as a screen likes; `ref` is the HIS's."""

    id: str
    ref: str
    code: str
    version: str
    title: str
    issued_at: str
    due_vnd: int
    charges: tuple[ChargeFacts, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class Dues:
    """All that is due of one patient. `readable`: the person was proven, details may be shown."""

    patient_ref: str
    visit_ref: str | None
    person_id: str | None
    visit_id: str | None
    number: str | None
    shown_name: str
    readable: bool
    bills: tuple[BillFacts, ...]
    credit_vnd: int
    as_of: str

    @property
    def due(self) -> Money:
        return Money(sum(bill.due_vnd for bill in self.bills))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Dues:
        bills = tuple(
            BillFacts(
                **{**bill, "charges": tuple(ChargeFacts(**charge) for charge in bill["charges"])}
            )
            for bill in document["bills"]
        )
        return cls(**{**document, "bills": bills})


class BillUnknown(ValueError):
    """A bill that was not among those shown."""


def choose_bills(dues: Dues, bill_ids: Sequence[str]) -> tuple[BillFacts, ...]:
    """In the order they were shown. Raises BillUnknown."""
    wanted = set(bill_ids)
    chosen = tuple(bill for bill in dues.bills if bill.id in wanted)
    if len(chosen) != len(wanted) or not chosen:
        raise BillUnknown
    return chosen


def is_fresh(as_of: datetime, now: datetime) -> bool:
    return now - as_of <= FRESH_FOR


def still_due(chosen: Sequence[BillFacts], now_due: Sequence[BillFacts]) -> bool:
    """Every chosen bill is due with the same amount as when it was shown."""
    amounts = {bill.ref: bill.due_vnd for bill in now_due}
    return all(amounts.get(bill.ref) == bill.due_vnd for bill in chosen)
