"""Lines of invented people."""

from __future__ import annotations

from datetime import datetime

from payments.models import Credit, Money, Payer
from payments.statements import Debit, StatementLine
from payments.statements.values import VIETNAM

ACCOUNT = "1200000000001"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def credit_line(
    amount_vnd: int = 350_000,
    *,
    row: int = 1,
    when: str = "2026-02-16T08:05:09",
    reference: str = "FT26047000000001",
    memo: str = "VP26AB7K9M nop vien phi",
    order_key: str | None = None,
) -> StatementLine:
    return StatementLine(
        row=row,
        credit=Credit(
            provider="bank",
            account=ACCOUNT,
            transaction_id=reference,
            bank_reference=reference,
            amount=Money(amount_vnd),
            paid_at=at(when),
            memo=memo,
            payer=Payer(name="NGUYEN VAN THU", account="0000000001", bank="ACB"),
            order_key=order_key,
        ),
    )


def debit_line(
    amount_vnd: int = 50_000,
    *,
    row: int = 2,
    when: str = "2026-02-16T17:30:00",
    reference: str = "FT26047000000002",
    memo: str = "HOAN TIEN",
) -> StatementLine:
    return StatementLine(
        row=row,
        debit=Debit(
            provider="bank",
            account=ACCOUNT,
            transaction_id=reference,
            bank_reference=reference,
            amount=Money(amount_vnd),
            paid_at=at(when),
            memo=memo,
        ),
    )
