"""Counts movements of money from the journal: of a day, of a shift, of everything so far."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

from backend.domain.ledger import Cause, Movement, balance
from backend.domain.money_figures import NONE, Figures, Income, ShiftShare, Span, Tally
from backend.storage.cashier_tables import CashierShift, ShiftEntry
from backend.storage.payment_tables import Credit, JournalEntry, Payment
from payments.models import Money

UNDER_WAY = 5_000
"""More movements than are ever between their number and their commit at one moment. By numbers,
not by times: clocks of two machines differ, and are set back at times."""


def within(facility_id: str, span: Span) -> ColumnElement[bool]:
    entry = JournalEntry
    return and_(entry.facility_id == facility_id, entry.at >= span.since, entry.at < span.until)


def of_shift(shift_id: str) -> ColumnElement[bool]:
    """What a closed shift took over."""
    return exists().where(ShiftEntry.entry_id == JournalEntry.id, ShiftEntry.shift_id == shift_id)


def not_taken(connection: Connection, facility_id: str) -> ColumnElement[bool]:
    """What no shift has taken over yet; also what was committed while the last one was closed."""
    last = connection.scalar(
        select(func.max(ShiftEntry.entry_id)).where(ShiftEntry.facility_id == facility_id)
    )
    wanted = and_(
        JournalEntry.facility_id == facility_id,
        ~exists().where(ShiftEntry.entry_id == JournalEntry.id),
    )
    return wanted if last is None else and_(wanted, JournalEntry.id > last - UNDER_WAY)


def count_figures(connection: Connection, wanted: ColumnElement[bool]) -> Figures:
    entry = JournalEntry
    sums = (func.count(), func.sum(entry.amount_vnd))
    kind = func.coalesce(Payment.kind, "unknown")
    income = connection.execute(
        select(Credit.provider, Credit.account, kind, *sums)
        .select_from(entry)
        .join(Credit, Credit.id == entry.credit_id)
        .outerjoin(Payment, Payment.id == Credit.payment_id)
        .where(wanted, entry.cause == Cause.RECEIVED.value)
        .group_by(Credit.provider, Credit.account, kind)
        .order_by(Credit.provider, Credit.account, kind)
    )
    moved = connection.execute(
        select(entry.cause, *sums).where(wanted).group_by(entry.cause).order_by(entry.cause)
    )
    return Figures(
        income=tuple(
            Income(provider=provider, account=account, kind=kind, tally=_tally(count, amount))
            for provider, account, kind, count, amount in income
        ),
        moved={cause: _tally(count, amount) for cause, count, amount in moved},
    )


def count_balances(
    connection: Connection, facility_id: str, *, until: datetime | None = None
) -> dict[str, int]:
    """All accounts as they stood before `until`, or as they stand."""
    entry = JournalEntry
    wanted = entry.facility_id == facility_id
    if until is not None:
        wanted = and_(wanted, entry.at < until)
    rows = connection.execute(
        select(entry.debit, entry.credit, func.sum(entry.amount_vnd))
        .where(wanted)
        .group_by(entry.debit, entry.credit)
    )
    return balance(
        Movement(debit=debit, credit=credit, amount=Money(int(amount)))
        for debit, credit, amount in rows
    )


def share_among_shifts(
    connection: Connection, facility_id: str, span: Span
) -> tuple[list[ShiftShare], Tally]:
    """What came in that time by the shift that answers for it, and what none answers for.

    What the open shift has not taken over yet is its own already.
    """
    entry, shift = JournalEntry, CashierShift
    wanted = and_(within(facility_id, span), entry.cause == Cause.RECEIVED.value)
    taken = {
        row.shift_id: _tally(row.count, row.amount)
        for row in connection.execute(
            select(
                ShiftEntry.shift_id,
                func.count().label("count"),
                func.sum(entry.amount_vnd).label("amount"),
            )
            .join(entry, entry.id == ShiftEntry.entry_id)
            .where(wanted)
            .group_by(ShiftEntry.shift_id)
        )
    }
    free = connection.execute(
        select(func.count(), func.sum(entry.amount_vnd)).where(
            wanted, ~exists().where(ShiftEntry.entry_id == entry.id)
        )
    ).one()
    outside = _tally(*free)
    is_here = shift.id.in_(sorted(taken)) | shift.closed_at.is_(None)
    shares = []
    for row in connection.execute(
        select(shift.__table__)
        .where(shift.facility_id == facility_id, is_here)
        .order_by(shift.opened_at)
    ):
        own = taken.get(row.id, NONE)
        if row.closed_at is None:
            own, outside = own + outside, NONE
        if not own.count and row.opened_at >= span.until:
            continue
        shares.append(
            ShiftShare(
                shift_id=row.id,
                cashier_name=row.cashier_name,
                opened_at=row.opened_at.isoformat(),
                closed_at=row.closed_at.isoformat() if row.closed_at else None,
                received=own,
            )
        )
    return shares, outside


def _tally(count: Any, amount: Any) -> Tally:
    return Tally(count=int(count), amount_vnd=int(amount or 0))
