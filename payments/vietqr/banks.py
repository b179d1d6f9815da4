"""Banks by the six digits (BIN) of the State Bank, under the names patients know them by.

The table is data, `banks.json`: banks are renamed and merge. A bank that is not in it can be paid
all the same; only its name is then unknown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Bank:
    """`note`: an older or another name, where people still say it."""

    bin: str
    name: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class BankTable:
    checked_on: date
    """When somebody last compared it with the lists of others."""
    banks: Mapping[str, Bank]


@cache
def bank_table() -> BankTable:
    content = json.loads(files("payments.vietqr").joinpath("banks.json").read_text("utf-8"))
    banks = [Bank(**entry) for entry in content["banks"]]
    return BankTable(
        checked_on=date.fromisoformat(content["checked_on"]),
        banks=MappingProxyType({bank.bin: bank for bank in banks}),
    )


def find_bank(bin_: str) -> Bank | None:
    return bank_table().banks.get(bin_)


def bank_name(bin_: str) -> str:
    """What a screen calls the bank; its digits where the table does not know it."""
    bank = find_bank(bin_)
    return bank.name if bank else bin_
