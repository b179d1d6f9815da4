"""What the books have, as it is laid beside a statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, or_, select

from backend.domain.ledger import Cause
from backend.domain.reconciling import BookedMove, Standing
from backend.storage.payment_tables import (
    Credit,
    JournalEntry,
    Payment,
    PaymentRefund,
    SuspenseItem,
)
from payments.models import RefundState
from payments.states import TO_POST

AT_ONCE = 400
"""Ids in one question: databases bound how many."""
AROUND = timedelta(days=1)
"""A movement near midnight may have another day at the bank."""


def list_accounts(connection: Connection, facility_id: str, provider: str) -> Sequence[str]:
    """Up to two that money of this provider came to."""
    return connection.scalars(
        select(Credit.account)
        .where(Credit.facility_id == facility_id, Credit.provider == provider)
        .distinct()
        .limit(2)
    ).all()


def list_booked(
    connection: Connection,
    facility_id: str,
    *,
    account: str,
    provider: str,
    since: datetime,
    until: datetime,
) -> list[BookedMove]:
    """Credits to this account or by this provider, at this time and a day around it."""
    rows = connection.execute(
        select(
            Credit.id,
            Credit.provider,
            Credit.account,
            Credit.transaction_id,
            Credit.bank_reference,
            Credit.amount_vnd,
            Credit.paid_at,
            Credit.attempt_key,
            Payment.code,
        )
        .outerjoin(Payment, Payment.id == Credit.payment_id)
        .where(
            Credit.facility_id == facility_id,
            or_(Credit.account == account, Credit.provider == provider),
            Credit.paid_at >= since - AROUND,
            Credit.paid_at < until + AROUND,
        )
        .order_by(Credit.paid_at, Credit.id)
    )
    return [
        BookedMove(
            id=row.id,
            provider=row.provider,
            account=row.account,
            transaction_id=row.transaction_id,
            reference=row.bank_reference,
            amount_vnd=row.amount_vnd,
            at=row.paid_at,
            order_key=row.attempt_key,
            code=row.code,
        )
        for row in rows
    ]


def list_refunds(
    connection: Connection,
    facility_id: str,
    *,
    account: str,
    provider: str,
    since: datetime,
    until: datetime,
) -> tuple[list[BookedMove], set[str]]:
    """Refunds that are done, of money as above; and the ids of those the provider made itself."""
    rows = connection.execute(
        select(
            PaymentRefund.id,
            PaymentRefund.amount_vnd,
            PaymentRefund.by_provider,
            PaymentRefund.provider_ref,
            PaymentRefund.done_at,
            Credit.provider,
            Credit.account,
            Credit.attempt_key,
            Payment.code,
        )
        .join(Credit, Credit.id == PaymentRefund.credit_id)
        .outerjoin(Payment, Payment.id == Credit.payment_id)
        .where(
            PaymentRefund.facility_id == facility_id,
            PaymentRefund.state == RefundState.DONE.value,
            or_(Credit.account == account, Credit.provider == provider),
            PaymentRefund.done_at >= since - AROUND,
            PaymentRefund.done_at < until + AROUND,
        )
        .order_by(PaymentRefund.done_at, PaymentRefund.id)
    ).all()
    refunds = [
        BookedMove(
            id=row.id,
            provider=row.provider,
            account=row.account,
            transaction_id=row.provider_ref or "",
            reference=row.provider_ref or "",
            amount_vnd=row.amount_vnd,
            at=row.done_at,
            order_key=row.attempt_key,
            code=row.code,
        )
        for row in rows
    ]
    return refunds, {row.id for row in rows if row.by_provider}


def read_standings(
    connection: Connection, facility_id: str, credit_ids: Sequence[str]
) -> dict[str, Standing]:
    """Credits as the books have them now, by id."""
    rows = [
        row
        for part in _parts(credit_ids)
        for row in connection.execute(
            select(Credit.id, Credit.amount_vnd, Credit.payment_id, Payment.state)
            .outerjoin(Payment, Payment.id == Credit.payment_id)
            .where(Credit.facility_id == facility_id, Credit.id.in_(part))
        )
    ]
    held = _ids(
        connection,
        credit_ids,
        lambda part: select(SuspenseItem.credit_id).where(
            SuspenseItem.credit_id.in_(part),
            SuspenseItem.state == "open",
            SuspenseItem.reason == "unknown",
        ),
    )
    applied = _ids(
        connection,
        credit_ids,
        lambda part: select(JournalEntry.credit_id).where(
            JournalEntry.credit_id.in_(part), JournalEntry.cause == Cause.APPLIED.value
        ),
    )
    to_post = {state.value for state in TO_POST}
    return {
        row.id: Standing(
            credit_id=row.id,
            payment_id=row.payment_id,
            amount_vnd=row.amount_vnd,
            is_held=row.id in held,
            to_post=row.state in to_post and row.id in applied,
        )
        for row in rows
    }


def _ids(
    connection: Connection, ids: Sequence[str], question: Callable[[Sequence[str]], Any]
) -> set[str]:
    return {found for part in _parts(ids) for found in connection.scalars(question(part))}


def _parts(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
