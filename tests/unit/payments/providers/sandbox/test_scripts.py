from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from payments.models import Money, Order, OrderStatus
from payments.providers.sandbox.scripts import Script, acts_of, script_of

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def order(amount_vnd: int) -> Order:
    return Order(
        code="VP26AB7K9",
        attempt=1,
        amount=Money(amount_vnd),
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
    )


@pytest.mark.parametrize(
    ("amount_vnd", "script", "sums"),
    [
        (150_001, Script.PAY, [150_001]),
        (150_002, Script.LATE, [150_002]),
        (150_003, Script.TWICE, [150_003, 150_003]),
        (150_004, Script.UNDER, [75_002]),
        (150_005, Script.OVER, [151_005]),
        (150_006, Script.FAIL, [0]),
        (150_007, Script.EXPIRE, [0]),
        (150_000, Script.NEVER, []),
        (150_008, Script.NEVER, []),
    ],
)
def test_the_amount_decides(amount_vnd: int, script: Script, sums: list[int]) -> None:
    assert script_of(amount_vnd, otherwise=Script.NEVER) is script
    acts = acts_of(script, order(amount_vnd), now=NOW, after_s=3)
    assert [act.amount_vnd for act in acts] == sums
    assert all(act.at > NOW for act in acts)


def test_late_is_after_the_end_of_the_order() -> None:
    (act,) = acts_of(Script.LATE, order(150_002), now=NOW, after_s=3)
    assert act.at == NOW + timedelta(minutes=10, seconds=3)


def test_what_ends_without_money_says_how() -> None:
    (failed,) = acts_of(Script.FAIL, order(150_006), now=NOW, after_s=3)
    (expired,) = acts_of(Script.EXPIRE, order(150_007), now=NOW, after_s=3)
    assert (failed.status, expired.status) == (OrderStatus.FAILED, OrderStatus.EXPIRED)
