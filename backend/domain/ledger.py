"""The books: accounts, and the movements there are between them. Pure.

A row of the journal names two accounts and an amount, so that debit and credit are always equal.

    bank:PROVIDER → money that lies with a bank or wallet
    suspense      → money that came and belongs to no bill yet
    clearing      → money of a payment the HIS has not entered yet
    his           → money of bills and advances the HIS has entered
    refund        → money that will be given back and is not on its way yet
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from payments.models import Money

SUSPENSE, CLEARING, HIS, REFUND = "suspense", "clearing", "his", "refund"
LIABILITIES = (SUSPENSE, CLEARING, HIS, REFUND)
_BANK = "bank:"


def bank(provider: str) -> str:
    return _BANK + provider


def is_bank(account: str) -> bool:
    return account.startswith(_BANK)


class Cause(StrEnum):
    """What a row of the journal stands for; each cause moves between the same kinds of account."""

    RECEIVED = "received"
    APPLIED = "applied"
    POSTED = "posted"
    NOT_TAKEN = "not_taken"
    """The HIS takes no money for a bill: back into suspense."""
    HANDED_OVER = "handed_over"
    REFUND_APPROVED = "refund_approved"
    REFUND_WITHDRAWN = "refund_withdrawn"
    """The provider could not give it back: back into suspense."""
    REFUNDED = "refunded"


def accounts_of(cause: Cause, provider: str) -> tuple[str, str]:
    """(debit, credit) of a movement: what is debited grows on the side of the banks."""
    return {
        Cause.RECEIVED: (bank(provider), SUSPENSE),
        Cause.APPLIED: (SUSPENSE, CLEARING),
        Cause.POSTED: (CLEARING, HIS),
        Cause.NOT_TAKEN: (CLEARING, SUSPENSE),
        Cause.HANDED_OVER: (SUSPENSE, HIS),
        Cause.REFUND_APPROVED: (SUSPENSE, REFUND),
        Cause.REFUND_WITHDRAWN: (REFUND, SUSPENSE),
        Cause.REFUNDED: (REFUND, bank(provider)),
    }[cause]


@dataclass(frozen=True, kw_only=True)
class Movement:
    debit: str
    credit: str
    amount: Money


def balance(movements: Iterable[Movement]) -> dict[str, int]:
    """Account → đồng: banks by what is there, the others by what is owed from them."""
    sums: dict[str, int] = {}
    for each in movements:
        for account, sign in ((each.debit, 1), (each.credit, -1)):
            side = sign if is_bank(account) else -sign
            sums[account] = sums.get(account, 0) + side * each.amount.amount_vnd
    return sums


def is_balanced(balances: dict[str, int]) -> bool:
    """What the banks hold is what is owed to somebody, to the đồng."""
    held = sum(amount for account, amount in balances.items() if is_bank(account))
    return held == sum(balances.get(account, 0) for account in LIABILITIES)
