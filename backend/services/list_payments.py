"""Payments as cashiers find them: by their code, a ticket, a bill, or by how they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, or_, select

from backend.storage.database import Database
from backend.storage.number_tables import Ticket
from backend.storage.payment_tables import Payment, PaymentLine
from payments.states import CLOSED_PAYMENTS, OPEN_PAYMENTS, PaymentState

MAX_LISTED = 100
MAX_SEARCH_CHARS = 64
GROUPS: dict[str, frozenset[PaymentState]] = {
    "waiting": OPEN_PAYMENTS,
    "unposted": frozenset({PaymentState.PAID, PaymentState.LATE_PAID, PaymentState.POST_FAILED}),
    "posted": frozenset({PaymentState.POSTED}),
    "refund_due": frozenset({PaymentState.REFUND_DUE}),
    "ended": CLOSED_PAYMENTS,
}
"""Filters of the list, by name."""


@dataclass(frozen=True, kw_only=True)
class ListedPayment:
    """Nobody is named: code, ticket and bill lead to the person."""

    id: str
    code: str
    number: str | None
    kind: str
    state: str
    reason: str | None
    amount_vnd: int
    method: str | None
    created_at: datetime
    paid_at: datetime | None
    posted_at: datetime | None


def list_payments(database: Database, *, group: str | None = None) -> list[ListedPayment]:
    """The newest first; `group` is one of GROUPS, anything else is all of them."""
    states = GROUPS.get(group or "")
    wanted = Payment.state.in_(sorted(states)) if states is not None else None
    return _list(database, wanted)


def find_payments(database: Database, untrusted_text: str) -> list[ListedPayment]:
    """By match code, number of a ticket, or code of a bill, as they are read off a paper."""
    text = "".join(untrusted_text[:MAX_SEARCH_CHARS].split()).upper()
    if not text:
        return []
    of_bill = select(PaymentLine.payment_id).where(
        PaymentLine.facility_id == database.facility_id,
        or_(PaymentLine.invoice_code == text, PaymentLine.invoice_ref == text),
    )
    return _list(
        database, or_(Payment.code == text, Ticket.number == text, Payment.id.in_(of_bill))
    )


def _list(database: Database, wanted: ColumnElement[bool] | None) -> list[ListedPayment]:
    query = _query(database).order_by(Payment.created_at.desc()).limit(MAX_LISTED)
    if wanted is not None:
        query = query.where(wanted)
    with database.read() as connection:
        rows: Sequence[Row[Any]] = connection.execute(query).all()
    fields = ListedPayment.__dataclass_fields__
    return [ListedPayment(**{name: getattr(row, name) for name in fields}) for row in rows]


def _query(database: Database) -> Select[Any]:
    return (
        select(Payment.__table__, Ticket.number)
        .outerjoin(Ticket, Ticket.visit_id == Payment.visit_id)
        .where(Payment.facility_id == database.facility_id)
    )
