"""Money as the whole house uses it: integer đồng with its currency, never a float."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, order=True)
class Money:
    """An amount in Vietnamese đồng. The đồng has no smaller unit in use (ISO 4217: VND, 0 digits)."""

    amount_vnd: int
    currency: str = "VND"

    def __post_init__(self) -> None:
        if type(self.amount_vnd) is not int:
            raise TypeError("an amount of money is an int")
        if self.currency != "VND":
            raise ValueError("only VND is handled")

    def __add__(self, other: Self) -> Money:
        return Money(self.amount_vnd + other.amount_vnd)

    def __sub__(self, other: Self) -> Money:
        return Money(self.amount_vnd - other.amount_vnd)

    def __str__(self) -> str:
        """As written in Vietnam: `150.000 đ`."""
        return f"{self.amount_vnd:,}".replace(",", ".") + " đ"
