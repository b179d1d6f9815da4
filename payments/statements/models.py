"""A statement as read: lines with their row in the file, and every row that is in doubt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from payments.models import Credit, Money


@dataclass(frozen=True, kw_only=True)
class Debit:
    """Money that left the hospital: a refund, a fee, a transfer. Identity as that of a credit."""

    provider: str
    account: str
    transaction_id: str
    bank_reference: str = ""
    amount: Money
    paid_at: datetime
    memo: str = field(default="", repr=False)
    order_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class StatementLine:
    """One movement: `credit` or `debit`. `row` counts from 1 as spreadsheets show it."""

    row: int
    credit: Credit | None = None
    debit: Debit | None = None
    balance: Money | None = None
    """After this movement, where the statement says it."""
    fee: Money | None = None
    """What a wallet keeps of it; the credit is what the payer paid."""
    time_known: bool = True
    """False: only the day is told, the hour is midnight."""
    named: bool = True
    """False: neither bank nor wallet numbers it; its transaction id is made from what it says."""

    @property
    def movement(self) -> Credit | Debit:
        movement = self.credit or self.debit
        if movement is None:
            raise ValueError("a line is a credit or a debit")
        return movement

    @property
    def signed_vnd(self) -> int:
        amount_vnd = self.movement.amount.amount_vnd
        return amount_vnd if self.credit else -amount_vnd


class RowReason(StrEnum):
    DATE = "date"
    """No date that can be read."""
    AMOUNT = "amount"
    """No amount that can be read as whole đồng, none at all, or both in and out."""
    DIRECTION = "direction"
    """It does not say whether money came or left."""
    STATUS = "status"
    """It does not say whether the payment succeeded."""
    CURRENCY = "currency"
    ACCOUNT = "account"
    """Of another account than the statement's."""
    REPEATED = "repeated"
    """The same transaction stands above with another content, or stands twice."""
    UNPAID = "unpaid"
    """A payment that failed: no money moved."""
    BALANCE = "balance"
    """The balance does not follow from the line before: a line is missing, or one was changed."""
    TOTAL = "total"
    """A total the lines do not add up to."""


@dataclass(frozen=True, kw_only=True)
class RowNote:
    row: int
    reason: RowReason


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Every row of the table is a line, or stands in `refused`, `unpaid` or is a total.

    `refused`: money may have moved and could not be read; somebody has to look.
    `doubts`: the lines were read, but they do not add up to what the file says of itself.
    """

    layout: str
    provider: str
    account: str
    first_day: date | None
    last_day: date | None
    """What the file says it covers, else the days of its lines. None: neither is known."""
    lines: tuple[StatementLine, ...]
    refused: tuple[RowNote, ...] = ()
    unpaid: tuple[RowNote, ...] = ()
    doubts: tuple[RowNote, ...] = ()
    sha256: str

    @property
    def credits(self) -> tuple[Credit, ...]:
        return tuple(line.credit for line in self.lines if line.credit)

    @property
    def debits(self) -> tuple[Debit, ...]:
        return tuple(line.debit for line in self.lines if line.debit)
