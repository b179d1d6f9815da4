"""What MoMo's result codes mean for an order, a refund and a call."""

from __future__ import annotations

from payments.errors import Declined, OutcomeUnknown, PaymentError, Throttled, Unavailable
from payments.models import OrderStatus

DONE = 0
NOT_FINAL = frozenset({1000, 7000, 7002, 9000})
"""Waiting for the payer, processing, authorised: asked again later."""
NOT_FOUND = 42
REPEATED = frozenset({40, 41})
"""Asked for before, and not ended yet: the first time counts."""
_EXPIRED = 1005
_CANCELLED = frozenset({1003, 1006, 1017})
_OF_THE_CALL = frozenset({*range(10, 14), *range(20, 23), 40, 41, 43, 45, 47})
"""About our question, not about the order."""
_MAINTENANCE, _IN_PROGRESS = 10, 43


def status_of(code: int) -> OrderStatus:
    """Of an order that was asked for. Raises PaymentError for a code about the call itself."""
    status = find_status(code)
    if status is None:
        raise fault_of(code)
    return status


def find_status(code: int) -> OrderStatus | None:
    """Of an order. None: the code is about a call."""
    if code in _OF_THE_CALL:
        return None
    if code == DONE:
        return OrderStatus.PAID
    if code in NOT_FINAL:
        return OrderStatus.OPEN
    if code == NOT_FOUND:
        return OrderStatus.UNKNOWN
    if code == _EXPIRED:
        return OrderStatus.EXPIRED
    return OrderStatus.CANCELLED if code in _CANCELLED else OrderStatus.FAILED


def fault_of(code: int) -> PaymentError:
    """Of a call that asked for something to be done and did not get a plain yes."""
    if code == _MAINTENANCE:
        return Unavailable("in maintenance")
    if code == _IN_PROGRESS:
        return Throttled("the same order is being worked on")
    if code in NOT_FINAL:
        return OutcomeUnknown(f"code {code}")
    return Declined(str(code))
