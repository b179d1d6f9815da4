"""How an order of the sandbox ends, by the last three digits of its amount.

| Amount ends in | Script | What happens                                       |
|----------------|--------|----------------------------------------------------|
| 001            | pay    | paid in full after `after_s`                       |
| 002            | late   | paid in full, `after_s` after the QR ran out       |
| 003            | twice  | paid in full two times                             |
| 004            | under  | half of it comes                                   |
| 005            | over   | 1.000 đ more than was asked comes                  |
| 006            | fail   | the payer tries, no money comes                    |
| 007            | expire | the provider closes it early                       |
| anything else  | never  | nothing, until somebody plays the payer (setting)  |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from payments.models import Order, OrderStatus


class Script(StrEnum):
    PAY = "pay"
    LATE = "late"
    TWICE = "twice"
    UNDER = "under"
    OVER = "over"
    FAIL = "fail"
    EXPIRE = "expire"
    NEVER = "never"


_BY_DIGITS = {
    1: Script.PAY,
    2: Script.LATE,
    3: Script.TWICE,
    4: Script.UNDER,
    5: Script.OVER,
    6: Script.FAIL,
    7: Script.EXPIRE,
}
_EXTRA_VND = 1_000


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something that happens to an order at that time: money, or its end without money."""

    at: datetime
    amount_vnd: int = 0
    status: OrderStatus | None = None


def script_of(amount_vnd: int, *, otherwise: Script) -> Script:
    return _BY_DIGITS.get(amount_vnd % 1_000, otherwise)


def acts_of(script: Script, order: Order, *, now: datetime, after_s: float) -> tuple[Act, ...]:
    """What will happen to an order that was placed now, in order of time."""
    soon, due = now + timedelta(seconds=after_s), order.amount.amount_vnd
    late = max(order.expires_at, now) + timedelta(seconds=after_s)
    match script:
        case Script.PAY:
            return (Act(at=soon, amount_vnd=due),)
        case Script.LATE:
            return (Act(at=late, amount_vnd=due),)
        case Script.TWICE:
            again = soon + timedelta(seconds=after_s)
            return Act(at=soon, amount_vnd=due), Act(at=again, amount_vnd=due)
        case Script.UNDER:
            return (Act(at=soon, amount_vnd=max(due // 2, 1)),)
        case Script.OVER:
            return (Act(at=soon, amount_vnd=due + _EXTRA_VND),)
        case Script.FAIL:
            return (Act(at=soon, status=OrderStatus.FAILED),)
        case Script.EXPIRE:
            return (Act(at=soon, status=OrderStatus.EXPIRED),)
        case Script.NEVER:
            return ()
