"""One payment with all that happened to it, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from backend.services.list_suspense import OPEN_STATES
from backend.services.name_actors import name_actors
from backend.storage.database import Database
from backend.storage.number_tables import Ticket
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.payment_tables import (
    Credit,
    JournalEntry,
    PaymentChange,
    SuspenseItem,
)
from backend.storage.payments import get_payment, list_attempts, list_lines, sum_received

StepKind = Literal["state", "attempt", "credit", "journal", "held"]


@dataclass(frozen=True, kw_only=True)
class TrailStep:
    """`what` is the code of a state, a provider, a movement, or a reason why money is held."""

    at: datetime
    kind: StepKind
    what: str
    amount_vnd: int | None = None
    who: str = ""
    """The name of a member of staff, or nothing."""
    cause: str = ""
    note: str = ""
    """Our own codes or those of the provider; the id of held money."""


@dataclass(frozen=True, kw_only=True)
class PaymentLineView:
    code: str
    title: str
    amount_vnd: int
    posted_at: datetime | None
    his_ref: str | None
    refused: str | None


@dataclass(frozen=True, kw_only=True)
class PaymentDetail:
    id: str
    code: str
    kind: str
    state: str
    reason: str | None
    amount_vnd: int
    received_vnd: int
    method: str | None
    number: str | None
    patient_ref: str
    created_at: datetime
    paid_at: datetime | None
    posted_at: datetime | None
    receipt_print_state: str | None
    lines: Sequence[PaymentLineView]
    trail: Sequence[TrailStep]
    held: Sequence[tuple[str, int]]
    """Held money of it that is still here: (id, đồng)."""
    message_id: str | None
    """Of the outbox, where telling the HIS waits for somebody."""


def trace_payment(database: Database, payment_id: str) -> PaymentDetail:
    """Raises PaymentNotFound, StorageUnavailable."""
    with database.read() as connection:
        row = get_payment(connection, payment_id, facility_id=database.facility_id)
        lines = list_lines(connection, payment_id)
        number = connection.scalar(select(Ticket.number).where(Ticket.visit_id == row.visit_id))
        held = connection.execute(
            select(SuspenseItem.id, SuspenseItem.amount_vnd)
            .where(SuspenseItem.payment_id == payment_id, SuspenseItem.state.in_(OPEN_STATES))
            .order_by(SuspenseItem.id)
        ).all()
        return PaymentDetail(
            id=row.id,
            code=row.code,
            kind=row.kind,
            state=row.state,
            reason=row.reason,
            amount_vnd=row.amount_vnd,
            received_vnd=sum_received(connection, payment_id).amount_vnd,
            method=row.method,
            number=number,
            patient_ref=row.patient_ref,
            created_at=row.created_at,
            paid_at=row.paid_at,
            posted_at=row.posted_at,
            receipt_print_state=row.receipt_print_state,
            lines=[
                PaymentLineView(
                    code=line.invoice_code or "",
                    title=line.title_vi,
                    amount_vnd=line.amount_vnd,
                    posted_at=line.posted_at,
                    his_ref=line.his_ref,
                    refused=line.refused,
                )
                for line in lines
            ],
            trail=_trail(connection, payment_id),
            held=[(each.id, each.amount_vnd) for each in held],
            message_id=_find_waiting_message(connection, row),
        )


def _trail(connection: Connection, payment_id: str) -> list[TrailStep]:
    changes = connection.execute(
        select(PaymentChange.__table__)
        .where(PaymentChange.payment_id == payment_id)
        .order_by(PaymentChange.id)
    ).all()
    money = connection.execute(
        select(Credit.__table__).where(Credit.payment_id == payment_id).order_by(Credit.id)
    ).all()
    entries = connection.execute(
        select(JournalEntry.__table__)
        .where(JournalEntry.payment_id == payment_id)
        .order_by(JournalEntry.id)
    ).all()
    held = connection.execute(
        select(SuspenseItem.__table__)
        .where(SuspenseItem.payment_id == payment_id)
        .order_by(SuspenseItem.id)
    ).all()
    actors = [each.actor for each in (*changes, *entries)] + [each.settled_by for each in held]
    names = name_actors(connection, actors)
    steps = [
        TrailStep(
            at=attempt.created_at,
            kind="attempt",
            what=attempt.provider,
            amount_vnd=attempt.amount_vnd,
            cause=attempt.state,
            note=attempt.key,
        )
        for attempt in list_attempts(connection, payment_id)
    ]
    steps += [
        TrailStep(
            at=credit.received_at,
            kind="credit",
            what=credit.provider,
            amount_vnd=credit.amount_vnd,
            cause=credit.source,
            note=credit.bank_reference or credit.transaction_id,
        )
        for credit in money
    ]
    steps += [
        TrailStep(
            at=change.at,
            kind="state",
            what=change.state,
            who=names.get(change.actor, ""),
            cause=change.cause,
            note=change.reason or "",
        )
        for change in changes
    ]
    steps += [
        TrailStep(
            at=entry.at,
            kind="journal",
            what=entry.cause,
            amount_vnd=entry.amount_vnd,
            who=names.get(entry.actor, ""),
            note=f"{entry.debit} → {entry.credit}",
        )
        for entry in entries
    ]
    steps += [
        TrailStep(
            at=item.opened_at,
            kind="held",
            what=item.reason,
            amount_vnd=item.amount_vnd,
            who=names.get(item.settled_by or "", ""),
            cause=item.state,
            note=item.id,
        )
        for item in held
    ]
    # One transaction writes all of one moment: an order is offered, money comes, the books are
    # written, the state follows.
    order = {"attempt": 0, "credit": 1, "journal": 2, "held": 3, "state": 4}
    return sorted(steps, key=lambda step: (step.at, order[step.kind]))


def _find_waiting_message(connection: Connection, payment: Any) -> str | None:
    """The message to the HIS that nobody sends any more without a person's decision."""
    if payment.posted_at is not None:
        return None
    rows = connection.execute(
        select(OutboxMessage.id, OutboxMessage.payload).where(
            OutboxMessage.facility_id == payment.facility_id,
            OutboxMessage.lane == (payment.person_id or payment.id),
            OutboxMessage.kind == "his.post_payment",
            OutboxMessage.state.in_(("rejected", "dead")),
        )
    )
    return next((row.id for row in rows if row.payload.get("payment_id") == payment.id), None)
