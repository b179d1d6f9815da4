"""What a bank or wallet says of some days: a statement file, or its own list of one day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Literal, TypeVar

from backend.domain.catalogue import Catalogue
from backend.domain.reconciling import BankMove, BookedMove, Item, Kind
from payments.match_codes import find_match_codes
from payments.models import Credit
from payments.statements import Debit, Statement

Movement = TypeVar("Movement", Credit, Debit)
Told = Literal["statement", "list"]


@dataclass(frozen=True, kw_only=True)
class ToldLine(Generic[Movement]):
    """`named`: the bank or wallet itself numbers it."""

    row: int | None
    time_known: bool = True
    named: bool = True
    movement: Movement


@dataclass(frozen=True, kw_only=True)
class ToldMoney:
    """`content` is the file as it came, or the list as JSON; `notes` are rows nobody could read.

    The same `content_key` for the same account is told again.
    """

    provider: str
    account: str
    source: Told
    layout: str
    content_key: str
    content: bytes
    first_day: date
    last_day: date
    credits: Sequence[ToldLine[Credit]]
    debits: Sequence[ToldLine[Debit]] = ()
    notes: Sequence[Item] = ()

    @property
    def tells_debits(self) -> bool:
        return self.source == "statement"

    def covers(self, move: BookedMove, day: date) -> bool:
        """Whether it would have to tell of that credit."""
        if self.source == "list":
            return move.provider == self.provider and self.first_day == day
        return move.account == self.account and self.first_day <= day <= self.last_day


def tell_statement(
    statement: Statement, content: bytes, first_day: date, last_day: date
) -> ToldMoney:
    return ToldMoney(
        provider=statement.provider,
        account=statement.account,
        source="statement",
        layout=statement.layout,
        content_key=statement.sha256,
        content=content,
        first_day=first_day,
        last_day=last_day,
        credits=[
            ToldLine(
                row=line.row, time_known=line.time_known, named=line.named, movement=line.credit
            )
            for line in statement.lines
            if line.credit
        ],
        debits=[
            ToldLine(
                row=line.row, time_known=line.time_known, named=line.named, movement=line.debit
            )
            for line in statement.lines
            if line.debit
        ],
        notes=[
            Item(kind=kind, row=note.row, detail=note.reason.value)
            for kind, group in (
                (Kind.UNREADABLE, statement.refused),
                (Kind.DOUBT, statement.doubts),
            )
            for note in group
        ],
    )


def tell_list(listed: Sequence[Credit], *, provider: str, account: str, day: date) -> ToldMoney:
    content = json.dumps([_as_json(credit) for credit in listed], ensure_ascii=False)
    return ToldMoney(
        provider=provider,
        account=account,
        source="list",
        layout="list",
        content_key=hashlib.sha256(f"list:{day.isoformat()}".encode()).hexdigest(),
        content=content.encode(),
        first_day=day,
        last_day=day,
        credits=[ToldLine(row=None, movement=credit) for credit in listed],
    )


def _as_json(credit: Credit) -> dict[str, Any]:
    return {
        "account": credit.account,
        "transaction_id": credit.transaction_id,
        "bank_reference": credit.bank_reference,
        "amount_vnd": credit.amount.amount_vnd,
        "paid_at": credit.paid_at.isoformat(),
        "memo": credit.memo,
        "order_key": credit.order_key,
        "payer": [credit.payer.name, credit.payer.account, credit.payer.bank],
    }


def as_moves(lines: Sequence[ToldLine[Any]], catalogue: Catalogue) -> list[BankMove]:
    """In their order; `index` is their place."""
    prefix = catalogue.settings.payment_prefix
    return [
        BankMove(
            index=index,
            row=line.row,
            provider=line.movement.provider,
            transaction_id=line.movement.transaction_id,
            reference=line.movement.bank_reference,
            named=line.named,
            amount_vnd=line.movement.amount.amount_vnd,
            at=line.movement.paid_at,
            time_known=line.time_known,
            codes=frozenset(find_match_codes(line.movement.memo, prefix)),
            order_key=line.movement.order_key,
        )
        for index, line in enumerate(lines)
    ]
