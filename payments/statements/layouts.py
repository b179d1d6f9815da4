"""Which column is which, told by their headings. The layouts are data: `layouts.json`.

How sure each is (none is published by the bank itself):

- `bidv`: sure. Headings, order and forms of values agree in five public programs that read files
  which BIDV customers download, over several years. The newer form has counterparties and a
  reference number, an older and a split one leave them out.
- `hdbank`: not sure. No public example was found; the headings are those usual at Vietnamese banks.
  Take one file of the hospital's own account and try it before relying on this.
- `generic`: columns found by many usual headings of banks and wallets (MoMo, ZaloPay, VNPAY). None
  of the wallets publishes its settlement list. A hospital adds its own headings with `extended`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files

from payments.statements.errors import UnknownLayout
from payments.statements.tables import Row
from payments.statements.values import Cell, fold, squeeze

AUTO = "auto"


class Role(StrEnum):
    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    VALUE_DATE = "value_date"
    """Taken for the date where there is no other."""
    CODE = "code"
    DEBIT = "debit"
    CREDIT = "credit"
    AMOUNT = "amount"
    """Where one column holds both; below zero, or `sign` says which."""
    SIGN = "sign"
    BALANCE = "balance"
    MEMO = "memo"
    REFERENCE = "reference"
    """The bank's own number, the same in its messages."""
    TRANSACTION = "transaction"
    """The wallet's own number, the same in its callbacks."""
    ORDER = "order"
    """Our number, as the provider was given it."""
    SEQUENCE = "sequence"
    TELLER = "teller"
    BRANCH = "branch"
    STATUS = "status"
    FEE = "fee"
    NET = "net"
    CURRENCY = "currency"
    ACCOUNT = "account"
    PAYER_NAME = "payer_name"
    PAYER_ACCOUNT = "payer_account"
    PAYER_BANK = "payer_bank"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """`headings`: words a column of that role is known by, folded; earlier ones are preferred.
    One with `=` is a heading by itself only: "chi" is money out, "địa chỉ" is not. One with marks
    is told by them: "nợ" is money out, "No" a number.

    `markers`: words above the table that tell the bank; `signature`: roles only this layout has.
    `written`: what `payments.statements.writing` puts over its columns.
    """

    name: str
    headings: Mapping[Role, tuple[str, ...]]
    markers: tuple[str, ...] = ()
    signature: tuple[Role, ...] = ()
    written: tuple[tuple[Role, str], ...] = ()

    def extended(self, headings: Mapping[str, Iterable[str]]) -> Layout:
        """With more headings, preferred to those known. Raises UnknownLayout for a wrong role."""
        more = dict(self.headings)
        for name, words in headings.items():
            if name not in Role.__members__.values():
                raise UnknownLayout(f"no column is called {name!r}")
            role = Role(name)
            more[role] = (*(fold(word) for word in words), *more.get(role, ()))
        return replace(self, headings=more)


@cache
def _layouts() -> dict[str, Layout]:
    content = json.loads(files("payments.statements").joinpath("layouts.json").read_text("utf-8"))
    return {
        name: Layout(
            name=name,
            headings={Role(role): tuple(words) for role, words in entry["headings"].items()},
            markers=tuple(entry["markers"]),
            signature=tuple(Role(role) for role in entry["signature"]),
            written=tuple((Role(role), heading) for role, heading in entry["written"]),
        )
        for name, entry in content.items()
    }


def layout_names() -> tuple[str, ...]:
    return tuple(_layouts())


def get_layout(name: str) -> Layout:
    """Raises UnknownLayout."""
    layout = _layouts().get(name)
    if layout is None:
        known = ", ".join((AUTO, *layout_names()))
        raise UnknownLayout(f"no layout {name!r}; there are {known}")
    return layout


Columns = Mapping[Role, int]


def find_columns(layout: Layout, heading_cells: tuple[Cell, ...]) -> Columns | None:
    """Where each role stands, when these cells are the headings of a table of movements."""
    known: dict[Role, tuple[int, int]] = {}
    for column, cell in enumerate(heading_cells):
        match = _match(layout, cell)
        if match is None:
            continue
        role, preference = match
        if role not in known or preference < known[role][0]:
            known[role] = (preference, column)
    columns = {role: column for role, (_, column) in known.items()}
    if Role.DATE not in columns and Role.VALUE_DATE in columns:
        columns[Role.DATE] = columns.pop(Role.VALUE_DATE)
    has_money = Role.CREDIT in columns or Role.AMOUNT in columns
    told_apart = {Role.MEMO, Role.ORDER, Role.TRANSACTION, Role.REFERENCE} & columns.keys()
    return columns if Role.DATE in columns and has_money and told_apart else None


def _match(layout: Layout, cell: Cell) -> tuple[Role, int] | None:
    """The role with the longest heading found whole in the cell, and that heading's place."""
    if not isinstance(cell, str) or len(cell) > 120:
        return None
    heading, written = fold(cell), squeeze(cell).lower()
    found = [
        (len(word), -preference, role)
        for role, words in layout.headings.items()
        for preference, word in enumerate(words)
        if word in {f"={heading}", written} or f" {word} " in f" {heading} "
    ]
    if not found:
        return None
    _, preference, role = max(found)
    return role, -preference


def speaks_of(layout: Layout, rows_above: Iterable[Row], columns: Columns) -> bool:
    """Whether the words above the table or its own columns tell this layout."""
    if layout.signature and all(role in columns for role in layout.signature):
        return True
    words = " ".join(
        fold(cell) for row in rows_above for cell in row.cells if isinstance(cell, str)
    )
    return any(f" {marker} " in f" {words} " for marker in layout.markers)
