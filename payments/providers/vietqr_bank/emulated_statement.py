"""The statement of a day as people download it from each bank: CSV or XLSX, in the bank's own form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from payments.emulation.banks import BIDV, HDBANK, Account, Movement
from payments.fields import VIETNAM
from payments.models import Credit, Money, Payer
from payments.statements.models import Debit, StatementLine
from payments.statements.writing import write_statement

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_LAYOUTS = {BIDV: "bidv", HDBANK: "hdbank"}


def write(account: Account, day: date, movements: Sequence[Movement], *, kind: str) -> bytes:
    """`kind` is one of `CONTENT_TYPES`."""
    opening_vnd = account.balance_vnd
    if movements:
        opening_vnd = movements[0].balance_vnd - movements[0].amount_vnd
    return write_statement(
        [_line(row, movement) for row, movement in enumerate(movements, 1)],
        layout=_LAYOUTS.get(account.bin, "generic"),
        account=account.number,
        opening=Money(opening_vnd),
        days=(day, day),
        xlsx=kind == "xlsx",
    )


def _line(row: int, movement: Movement) -> StatementLine:
    payer = movement.payer
    booked_at = movement.booked_at.astimezone(VIETNAM)  # as the bank's own clock shows it
    amount, balance = Money(abs(movement.amount_vnd)), Money(movement.balance_vnd)
    if movement.amount_vnd < 0:
        debit = Debit(
            provider="bank",
            account=movement.account,
            transaction_id=movement.transaction_id,
            bank_reference=movement.bank_reference,
            amount=amount,
            paid_at=booked_at,
            memo=movement.memo,
        )
        return StatementLine(row=row, debit=debit, balance=balance)
    credit = Credit(
        provider="bank",
        account=movement.account,
        transaction_id=movement.transaction_id,
        bank_reference=movement.bank_reference,
        amount=amount,
        paid_at=booked_at,
        memo=movement.memo,
        payer=Payer(name=payer.name, account=payer.account, bank=payer.bin) if payer else Payer(),
    )
    return StatementLine(row=row, credit=credit, balance=balance)
