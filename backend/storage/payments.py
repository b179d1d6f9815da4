"""Rows of payments: found, locked, moved, and the journal written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from backend.domain.ids import new_id
from backend.domain.ledger import Cause, accounts_of
from backend.errors import PaymentNotFound
from backend.events import Event
from backend.storage import payment_tables as tables
from backend.storage.unit_of_work import UnitOfWork
from payments.models import Money
from payments.states import (
    OPEN_PAYMENTS,
    PAID_PAYMENTS,
    TO_POST,
    AttemptState,
    PaymentState,
    check_move,
)

_PAYMENT = tables.Payment.__table__
_BY_ID = select(_PAYMENT).where(
    _PAYMENT.c.id == bindparam("payment_id"), _PAYMENT.c.facility_id == bindparam("facility")
)
_LOCK = _BY_ID.with_for_update()


def get_payment(connection: Connection, payment_id: str, *, facility_id: str) -> Row[Any]:
    """Raises PaymentNotFound."""
    found = connection.execute(
        _BY_ID, {"payment_id": payment_id, "facility": facility_id}
    ).one_or_none()
    if found is None:
        raise PaymentNotFound
    return found


def lock_payment(unit: UnitOfWork, payment_id: str) -> Row[Any]:
    """Nobody else changes it until the transaction ends. Raises PaymentNotFound."""
    found = unit.connection.execute(
        _LOCK, {"payment_id": payment_id, "facility": unit.facility_id}
    ).one_or_none()
    if found is None:
        raise PaymentNotFound
    unit.take_time()
    return found


def find_payment_by_code(connection: Connection, code: str, *, facility_id: str) -> str | None:
    """Its id."""
    return connection.scalar(
        select(tables.Payment.id).where(
            tables.Payment.code == code, tables.Payment.facility_id == facility_id
        )
    )


def find_payments_by_code(
    connection: Connection, codes: Sequence[str], *, facility_id: str
) -> Sequence[str]:
    """Their ids."""
    if not codes:
        return ()
    return connection.scalars(
        select(tables.Payment.id).where(
            tables.Payment.code.in_(codes), tables.Payment.facility_id == facility_id
        )
    ).all()


_LINES = (
    select(tables.PaymentLine.__table__)
    .where(tables.PaymentLine.payment_id == bindparam("payment_id"))
    .order_by(tables.PaymentLine.position)
)


def list_lines(connection: Connection, payment_id: str) -> Sequence[Row[Any]]:
    return connection.execute(_LINES, {"payment_id": payment_id}).all()


_ATTEMPTS = (
    select(tables.PaymentAttempt.__table__)
    .where(tables.PaymentAttempt.payment_id == bindparam("payment_id"))
    .order_by(tables.PaymentAttempt.attempt)
)


def list_attempts(connection: Connection, payment_id: str) -> Sequence[Row[Any]]:
    """Oldest first."""
    return connection.execute(_ATTEMPTS, {"payment_id": payment_id}).all()


_FIND_ATTEMPT = select(tables.PaymentAttempt.__table__).where(
    tables.PaymentAttempt.key == bindparam("key"),
    tables.PaymentAttempt.facility_id == bindparam("facility"),
)


def find_attempt(connection: Connection, key: str, *, facility_id: str) -> Row[Any] | None:
    return connection.execute(_FIND_ATTEMPT, {"key": key, "facility": facility_id}).one_or_none()


_SHORT_ITEMS = (
    select(tables.SuspenseItem.__table__)
    .where(
        tables.SuspenseItem.payment_id == bindparam("payment_id"),
        tables.SuspenseItem.reason == "short",
        tables.SuspenseItem.state == "open",
    )
    .order_by(tables.SuspenseItem.id)
)


def list_short_items(unit: UnitOfWork, payment_id: str) -> Sequence[Row[Any]]:
    """Parts that wait for the rest."""
    return unit.connection.execute(_SHORT_ITEMS, {"payment_id": payment_id}).all()


def sum_received(connection: Connection, payment_id: str) -> Money:
    """What came for a payment and counts for it: applied, or a part that waits for the rest."""
    applied = _sum_moved(connection, payment_id, Cause.APPLIED)
    waiting = connection.scalar(
        select(func.coalesce(func.sum(tables.SuspenseItem.amount_vnd), 0)).where(
            tables.SuspenseItem.payment_id == payment_id,
            tables.SuspenseItem.reason == "short",
            tables.SuspenseItem.state == "open",
        )
    )
    return Money(applied + int(waiting or 0))


def _sum_moved(connection: Connection, payment_id: str, cause: Cause) -> int:
    moved = connection.scalar(
        select(func.coalesce(func.sum(tables.JournalEntry.amount_vnd), 0)).where(
            tables.JournalEntry.payment_id == payment_id, tables.JournalEntry.cause == cause.value
        )
    )
    return int(moved or 0)


def move_payment(
    unit: UnitOfWork,
    payment: Row[Any],
    state: PaymentState,
    *,
    cause: str,
    actor: str,
    reason: str | None = None,
    **values: Any,
) -> None:
    """The one way a payment changes: the row, the trail and the live event together.

    The same state with other `values` counts as a change too (a new QR). Raises MoveRefused.
    """
    if state.value != payment.state:
        check_move(PaymentState(payment.state), state)
        unit.add(
            tables.PaymentChange,
            id=new_id(),
            payment_id=payment.id,
            at=unit.now,
            state=state.value,
            cause=cause,
            actor=actor,
            reason=reason,
        )
        unit.audit(
            Event.PAYMENT_CHANGED,
            actor=actor,
            subject=f"payment:{payment.id}",
            detail={"state": state.value, "cause": cause},
        )
    if reason is not None:
        values["reason"] = reason
    unit.connection.execute(
        update(tables.Payment)
        .where(tables.Payment.id == payment.id)
        .values(state=state.value, version=tables.Payment.version + 1, **values)
    )
    unit.publish(Event.PAYMENT_CHANGED, subject=f"payment:{payment.id}", detail={})


def close_lines(unit: UnitOfWork, payment_id: str) -> None:
    """Its bills may be paid by another payment from now on."""
    unit.connection.execute(
        update(tables.PaymentLine)
        .where(tables.PaymentLine.payment_id == payment_id)
        .values(is_open=False)
    )


def close_attempts(unit: UnitOfWork, payment_id: str, state: AttemptState) -> None:
    """Nobody is shown its QR any more; the provider is told by whoever pursues payments."""
    attempt = tables.PaymentAttempt
    unit.connection.execute(
        update(attempt)
        .where(
            attempt.payment_id == payment_id,
            attempt.state.in_((AttemptState.CREATED.value, AttemptState.OPEN.value)),
        )
        .values(state=state.value, to_cancel=True)
    )


def end_payment(
    unit: UnitOfWork,
    payment: Row[Any],
    state: PaymentState,
    *,
    cause: str,
    actor: str,
    reason: str,
) -> None:
    """Nobody pays it any more. Money that comes all the same is looked at then."""
    move_payment(unit, payment, state, cause=cause, actor=actor, reason=reason)
    attempt_state = {
        PaymentState.EXPIRED: AttemptState.EXPIRED,
        PaymentState.FAILED: AttemptState.FAILED,
    }.get(state, AttemptState.CANCELLED)
    close_attempts(unit, payment.id, attempt_state)
    close_lines(unit, payment.id)


def list_rivals(unit: UnitOfWork, payment_id: str, refs: Sequence[str]) -> Sequence[Row[Any]]:
    """Other payments that hold one of these bills, locked."""
    if not refs:
        return ()
    line = tables.PaymentLine
    ids = unit.connection.scalars(
        select(line.payment_id).where(
            line.facility_id == unit.facility_id,
            line.invoice_ref.in_(refs),
            line.payment_id != payment_id,
            line.is_open | line.posted_at.is_not(None),
        )
    ).all()
    return unit.connection.execute(
        select(_PAYMENT)
        .where(_PAYMENT.c.id.in_(sorted(set(ids))))
        .order_by(_PAYMENT.c.id)
        .with_for_update()
    ).all()


def is_open(payment: Row[Any]) -> bool:
    return PaymentState(payment.state) in OPEN_PAYMENTS


def write_journal(
    unit: UnitOfWork,
    cause: Cause,
    amount: Money,
    *,
    provider: str,
    actor: str,
    credit_id: str,
    payment_id: str | None = None,
    line_id: str | None = None,
    item_id: str | None = None,
    refund_id: str | None = None,
) -> None:
    """One movement. Written at once: its order is that of what happened."""
    debit, credit = accounts_of(cause, provider)
    unit.connection.execute(
        insert(tables.JournalEntry).values(
            facility_id=unit.facility_id,
            at=unit.now,
            debit=debit,
            credit=credit,
            amount_vnd=amount.amount_vnd,
            cause=cause.value,
            actor=actor,
            credit_id=credit_id,
            payment_id=payment_id,
            line_id=line_id,
            item_id=item_id,
            refund_id=refund_id,
        )
    )


def has_advance(connection: Connection, patient_ref: str, *, day: date, zone: ZoneInfo) -> bool:
    """Whether this patient of the HIS paid an advance here on that day."""
    begins_at = datetime.combine(day, time(0), zone)
    payment = tables.Payment
    found = connection.scalar(
        select(payment.id)
        .where(
            payment.patient_ref == patient_ref,
            payment.kind == "advance",
            payment.paid_at >= begins_at,
            payment.state.in_(sorted(state.value for state in PAID_PAYMENTS)),
        )
        .limit(1)
    )
    return found is not None


def find_paid_refs(
    connection: Connection, refs: Sequence[str], *, facility_id: str
) -> frozenset[str]:
    """Of these bills those that are paid here and not yet entered in the HIS."""
    if not refs:
        return frozenset()
    line, payment = tables.PaymentLine, tables.Payment
    return frozenset(
        connection.scalars(
            select(line.invoice_ref)
            .join(payment, payment.id == line.payment_id)
            .where(
                line.facility_id == facility_id,
                line.is_open,
                line.posted_at.is_(None),
                line.invoice_ref.in_(refs),
                payment.state.in_(sorted(state.value for state in TO_POST)),
            )
        )
    )
