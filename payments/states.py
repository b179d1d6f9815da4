"""What a payment may become, and what one more credit does to it. Pure.

created → waiting → paid → posted            (told to the HIS)
   └────────┴─→ underpaid → paid             (a part came; the rest is offered again)
   └────────┴─→ expired | cancelled | failed (nobody pays any more)
expired | cancelled | failed → late_paid → posted
paid | late_paid → post_failed → posted      (the HIS does not answer: it is told again)
paid | late_paid | post_failed → refund_due  (the HIS takes none of it: the cashier gives it back)

A payment moves forward only. Money is never refused: what a payment does not take is held, with
the reason, until a cashier has dealt with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from payments.models import Money


class PaymentState(StrEnum):
    CREATED = "created"
    WAITING = "waiting"
    UNDERPAID = "underpaid"
    PAID = "paid"
    LATE_PAID = "late_paid"
    POST_FAILED = "post_failed"
    POSTED = "posted"
    REFUND_DUE = "refund_due"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class AttemptState(StrEnum):
    CREATED = "created"
    """Kept, and perhaps sent: the provider may know of it."""
    OPEN = "open"
    """A QR that can be paid."""
    PAID = "paid"
    REPLACED = "replaced"
    """Another way of paying was chosen."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"


class HoldReason(StrEnum):
    """Why money is held for the cashier."""

    SHORT = "short"
    OVER = "over"
    DUPLICATE = "duplicate"
    LATE = "late"
    UNKNOWN = "unknown"
    NOT_TAKEN_BY_HIS = "not_taken_by_his"


_S = PaymentState
OPEN_PAYMENTS = frozenset({_S.CREATED, _S.WAITING, _S.UNDERPAID})
"""May still be paid at the kiosk."""
CLOSED_PAYMENTS = frozenset({_S.EXPIRED, _S.CANCELLED, _S.FAILED})
PAID_PAYMENTS = frozenset({_S.PAID, _S.LATE_PAID, _S.POST_FAILED, _S.POSTED})
"""All that was due has come."""
TO_POST = frozenset({_S.PAID, _S.LATE_PAID, _S.POST_FAILED})

MOVES: dict[PaymentState, frozenset[PaymentState]] = {
    _S.CREATED: frozenset({_S.WAITING, _S.UNDERPAID, _S.PAID}) | CLOSED_PAYMENTS,
    _S.WAITING: frozenset({_S.UNDERPAID, _S.PAID}) | CLOSED_PAYMENTS,
    _S.UNDERPAID: frozenset({_S.PAID}) | CLOSED_PAYMENTS,
    _S.PAID: frozenset({_S.POSTED, _S.POST_FAILED, _S.REFUND_DUE}),
    _S.LATE_PAID: frozenset({_S.POSTED, _S.POST_FAILED, _S.REFUND_DUE}),
    _S.POST_FAILED: frozenset({_S.POSTED, _S.REFUND_DUE}),
    _S.POSTED: frozenset(),
    _S.REFUND_DUE: frozenset(),
    _S.EXPIRED: frozenset({_S.LATE_PAID}),
    _S.CANCELLED: frozenset({_S.LATE_PAID}),
    _S.FAILED: frozenset({_S.LATE_PAID}),
}


class MoveRefused(ValueError):
    """A payment may not become that."""


def check_move(here: PaymentState, there: PaymentState) -> None:
    """Raises MoveRefused."""
    if there not in MOVES[here]:
        raise MoveRefused(f"{here} does not become {there}")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A payment as it stands before one more credit.

    `due`: all that was asked for. `held`: short credits of it that wait for the rest. `free`:
    nobody else pays or paid the same bills meanwhile; asked only of closed payments.
    """

    state: PaymentState
    due: Money
    held: Money
    free: bool = True


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one credit does. `applied` + `held` is the whole credit.

    `state`: what the payment becomes (the same: it stays). `completes`: with it the held parts
    are applied as well.
    """

    state: PaymentState
    applied: Money
    held: Money
    reason: HoldReason | None = None
    completes: bool = False


NOTHING = Money(0)


def decide(standing: Standing, amount: Money) -> Decision:
    """Raises ValueError for an amount that is not positive."""
    if not amount.is_positive:
        raise ValueError("a credit is more than nothing")
    total = standing.held + amount
    if standing.state in OPEN_PAYMENTS:
        if total < standing.due:
            return _hold(amount, HoldReason.SHORT, PaymentState.UNDERPAID)
        over = total - standing.due
        return Decision(
            state=PaymentState.PAID,
            applied=amount - over,
            held=over,
            reason=HoldReason.OVER if over.is_positive else None,
            completes=True,
        )
    if standing.state in CLOSED_PAYMENTS:
        if standing.free and total == standing.due:
            return Decision(
                state=PaymentState.LATE_PAID, applied=amount, held=NOTHING, completes=True
            )
        return _hold(amount, HoldReason.LATE, standing.state)
    return _hold(amount, HoldReason.DUPLICATE, standing.state)


def _hold(amount: Money, reason: HoldReason, state: PaymentState) -> Decision:
    return Decision(state=state, applied=NOTHING, held=amount, reason=reason)
