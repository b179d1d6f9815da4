from __future__ import annotations

import pytest

from payments.models import Money


def test_money_is_written_with_dots() -> None:
    assert str(Money(1_250_000)) == "1.250.000 đ"
    assert str(Money(0)) == "0 đ"


def test_money_adds_and_orders() -> None:
    assert Money(1) + Money(2) == Money(3)
    assert Money(1) - Money(2) == Money(-1)
    assert Money(1) < Money(2)


@pytest.mark.parametrize("amount", [1.0, True, "1"])
def test_money_is_never_anything_but_an_int(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount)  # type: ignore[arg-type]


def test_other_currencies_are_refused() -> None:
    with pytest.raises(ValueError, match="VND"):
        Money(1, "USD")
