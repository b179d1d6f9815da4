"""Whether the books add up now: what the journal says is what the rows of money say.

Quick, in one statement, for whoever is about to sign. The whole proof, row by row, is
`verify_payments`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, ScalarSelect, case, func, select

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
    `expected` is what the rows say, `found` what the journal says.
    """

    what: str
    expected: int
    found: int


def find_faults(connection: Connection, facility_id: str) -> list[Fault]:
    """Empty when every đồng is where it is said to be.

    One statement: what is committed meanwhile is seen everywhere or nowhere.
    """
    rows = connection.execute(
        select(
            _balance(SUSPENSE, facility_id).label("suspense"),
            _balance(CLEARING, facility_id).label("clearing"),
            _balance(REFUND, facility_id).label("refund"),
            _held(facility_id).label("held"),
            _owed(facility_id).label("owed"),
            _unposted(facility_id).label("unposted"),
            _misbooked(facility_id).label("misbooked"),
        )
    ).one()
    compared = (
        Fault(what=SUSPENSE, expected=int(rows.held - rows.owed), found=int(rows.suspense)),
        Fault(what=CLEARING, expected=int(rows.unposted), found=int(rows.clearing)),
        Fault(what=REFUND, expected=int(rows.owed), found=int(rows.refund)),
        Fault(what="credits", expected=0, found=int(rows.misbooked)),
    )
    return [fault for fault in compared if fault.expected != fault.found]


def _balance(account: str, facility_id: str) -> ScalarSelect[int]:
    entry = JournalEntry
    side = case(
        (entry.credit == account, entry.amount_vnd),
        (entry.debit == account, -entry.amount_vnd),
        else_=0,
    )
    return (
        select(func.coalesce(func.sum(side), 0))
        .where(entry.facility_id == facility_id)
        .scalar_subquery()
    )


def _held(facility_id: str) -> ScalarSelect[int]:
    item = SuspenseItem
    return (
        select(func.coalesce(func.sum(item.amount_vnd), 0))
        .where(item.facility_id == facility_id, item.state.in_(("open", "refunding")))
        .scalar_subquery()
    )


def _owed(facility_id: str) -> ScalarSelect[int]:
    """To payers: approved, and not yet on its way back to them."""
    refund = PaymentRefund
    return (
        select(func.coalesce(func.sum(refund.amount_vnd), 0))
        .where(refund.facility_id == facility_id, refund.state.in_(("approved", "processing")))
        .scalar_subquery()
    )


def _unposted(facility_id: str) -> ScalarSelect[int]:
    line, payment = PaymentLine, Payment
    return (
        select(func.coalesce(func.sum(line.amount_vnd), 0))
        .join(payment, payment.id == line.payment_id)
        .where(
            payment.facility_id == facility_id,
            payment.state.in_(sorted(TO_POST)),
            line.posted_at.is_(None),
            line.refused.is_(None),
        )
        .scalar_subquery()
    )


def _misbooked(facility_id: str) -> ScalarSelect[int]:
    """Credits that are not booked once and in full."""
    entry = JournalEntry
    booked = (
        select(entry.credit_id, func.sum(entry.amount_vnd).label("amount"))
        .where(entry.facility_id == facility_id, entry.cause == Cause.RECEIVED.value)
        .group_by(entry.credit_id)
        .subquery()
    )
    return (
        select(func.count())
        .select_from(Credit)
        .outerjoin(booked, booked.c.credit_id == Credit.id)
        .where(
            Credit.facility_id == facility_id,
            func.coalesce(booked.c.amount, 0) != Credit.amount_vnd,
        )
        .scalar_subquery()
    )
