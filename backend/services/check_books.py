"""Whether the books add up now: what the journal says is what the rows of money say.

Quick, in one statement, for whoever is about to sign. The whole proof, row by row, is
`verify_payments`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Subquery, case, func, select, true

from backend.domain.ledger import CLEARING, REFUND, SUSPENSE, Cause
from backend.storage.payment_tables import (
    Credit,
    JournalEntry,
    Payment,
    PaymentLine,
    PaymentRefund,
    SuspenseItem,
)
from payments.states import TO_POST


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`what` names the account, or `credits`: money that is booked twice, in part or not at all.
    `expected` is what the rows say, `found` what the journal says, in đồng.
    """

    what: str
    expected: int
    found: int


def find_faults(connection: Connection, facility_id: str) -> list[Fault]:
    """Empty when every đồng is where it is said to be.

    One statement that reads each table once: what is committed meanwhile is seen everywhere or
    nowhere.
    """
    journal, money = _journal(facility_id), _money(facility_id)
    rows = connection.execute(
        select(
            journal,
            money,
            _held(facility_id).label("held"),
            _owed(facility_id).label("owed"),
            _unposted(facility_id).label("unposted"),
        ).select_from(journal.join(money, true()))
    ).one()
    faults = [
        Fault(what=what, expected=int(expected), found=int(found))
        for what, expected, found in (
            (SUSPENSE, rows.held - rows.owed, rows.suspense),
            (CLEARING, rows.unposted, rows.clearing),
            (REFUND, rows.owed, rows.refund),
        )
        if expected != found
    ]
    if (rows.came, rows.came_vnd) != (rows.booked, rows.booked_vnd):
        faults.append(
            Fault(what="credits", expected=int(rows.came_vnd), found=int(rows.booked_vnd))
        )
    return faults


def _journal(facility_id: str) -> Subquery:
    entry = JournalEntry
    is_received = entry.cause == Cause.RECEIVED.value
    return (
        select(
            *(_balance(account).label(account) for account in (SUSPENSE, CLEARING, REFUND)),
            func.count(case((is_received, 1))).label("booked"),
            _sum(case((is_received, entry.amount_vnd), else_=0)).label("booked_vnd"),
        )
        .where(entry.facility_id == facility_id)
        .subquery()
    )


def _balance(account: str) -> ColumnElement[int]:
    entry = JournalEntry
    return _sum(
        case(
            (entry.credit == account, entry.amount_vnd),
            (entry.debit == account, -entry.amount_vnd),
            else_=0,
        )
    )


def _money(facility_id: str) -> Subquery:
    return (
        select(func.count().label("came"), _sum(Credit.amount_vnd).label("came_vnd"))
        .where(Credit.facility_id == facility_id)
        .subquery()
    )


def _held(facility_id: str) -> ScalarSelect[int]:
    item = SuspenseItem
    return (
        select(_sum(item.amount_vnd))
        .where(item.facility_id == facility_id, item.state.in_(("open", "refunding")))
        .scalar_subquery()
    )


def _owed(facility_id: str) -> ScalarSelect[int]:
    """To payers: approved, and not yet on its way back to them."""
    refund = PaymentRefund
    return (
        select(_sum(refund.amount_vnd))
        .where(refund.facility_id == facility_id, refund.state.in_(("approved", "processing")))
        .scalar_subquery()
    )


def _unposted(facility_id: str) -> ScalarSelect[int]:
    line, payment = PaymentLine, Payment
    return (
        select(_sum(line.amount_vnd))
        .join(payment, payment.id == line.payment_id)
        .where(
            payment.facility_id == facility_id,
            payment.state.in_(sorted(TO_POST)),
            line.posted_at.is_(None),
            line.refused.is_(None),
        )
        .scalar_subquery()
    )


def _sum(amounts: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(amounts), 0)
