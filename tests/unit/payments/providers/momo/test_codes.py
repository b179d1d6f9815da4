from __future__ import annotations

import pytest

from payments.errors import Declined, OutcomeUnknown, PaymentError, Throttled, Unavailable
from payments.models import OrderStatus
from payments.providers.momo.codes import fault_of, status_of


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (0, OrderStatus.PAID),
        (1000, OrderStatus.OPEN),
        (7000, OrderStatus.OPEN),
        (7002, OrderStatus.OPEN),
        (9000, OrderStatus.OPEN),
        (1005, OrderStatus.EXPIRED),
        (1003, OrderStatus.CANCELLED),
        (1006, OrderStatus.CANCELLED),
        (1017, OrderStatus.CANCELLED),
        (1001, OrderStatus.FAILED),
        (4002, OrderStatus.FAILED),
        (99, OrderStatus.FAILED),
        (42, OrderStatus.UNKNOWN),
    ],
)
def test_status_of_an_order(code: int, status: OrderStatus) -> None:
    assert status_of(code) is status


@pytest.mark.parametrize("code", [11, 12, 13, 20, 21, 22, 40, 41, 47])
def test_a_fault_of_the_call_says_nothing_of_the_order(code: int) -> None:
    with pytest.raises(PaymentError):
        status_of(code)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (10, Unavailable),
        (43, Throttled),
        (7000, OutcomeUnknown),
        (1000, OutcomeUnknown),
        (41, Declined),
        (99, Declined),
    ],
)
def test_what_a_refused_call_is(code: int, error: type[PaymentError]) -> None:
    assert type(fault_of(code)) is error
