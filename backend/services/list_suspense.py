"""Held money as cashiers see it: all of it, one item with its trail, and where it may belong.

Lists name nobody. Memo and payer are read on the item's own page, and each reading is noted down.
A suggestion is never more than that: a person decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, false, func, or_, select

from backend.domain.money_figures import Tally
from backend.errors import HeldMoneyNotFound
from backend.events import Event
from backend.services.name_actors import name_actors
from backend.services.recognise_caller import Caller
from backend.services.request_refund import can_give_back
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.storage.number_tables import Ticket
from backend.storage.payment_tables import (
    Credit,
    JournalEntry,
    Payment,
    PaymentAttempt,
    PaymentLine,
    PaymentRefund,
    SuspenseItem,
)
from payments.states import CLOSED_PAYMENTS, OPEN_PAYMENTS

MAX_LISTED = 200
MAX_SUGGESTED = 5
BEFORE, AFTER = timedelta(days=2), timedelta(minutes=15)
"""A payment is suggested when it was begun this long before the money came, or after it."""
OPEN_STATES = ("open", "refunding")
_MATCHABLE = tuple(state.value for state in OPEN_PAYMENTS | CLOSED_PAYMENTS)


@dataclass(frozen=True, kw_only=True)
class HeldItem:
    """`number` is that of the ticket, `code` that of the payment it came for."""

    id: str
    credit_id: str
    reason: str
    state: str
    amount_vnd: int
    opened_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    note: str | None
    version: int
    provider: str
    account: str
    paid_at: datetime
    payment_id: str | None
    payment_state: str | None
    code: str | None
    number: str | None

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    @property
    def is_being_paid(self) -> bool:
        """A part that waits for the rest: nothing to do before the payment ends."""
        return self.payment_state in {state.value for state in OPEN_PAYMENTS}


@dataclass(frozen=True, kw_only=True)
class Refund:
    id: str
    item_id: str
    serial: int
    amount_vnd: int
    by_provider: bool
    state: str
    reason: str
    requested_by: str
    requested_name: str
    requested_at: datetime
    approved_name: str | None
    approved_at: datetime | None
    proof: str | None
    failure: str | None
    done_at: datetime | None
    provider: str
    code: str | None
    number: str | None


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A payment of just this amount that waits, or waited, at the same provider."""

    payment_id: str
    code: str
    number: str | None
    state: str
    amount_vnd: int
    created_at: datetime
    bills: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Move:
    at: datetime
    cause: str
    amount_vnd: int
    actor: str


@dataclass(frozen=True, kw_only=True)
class HeldDetail:
    item: HeldItem
    transaction_id: str
    bank_reference: str
    source: str
    credit_vnd: int
    """All of the money that came at once; the item may be a part of it."""
    can_give_back: bool
    """The provider returns it itself; otherwise somebody transfers it."""
    settled_name: str | None
    moves: Sequence[Move]
    refunds: Sequence[Refund]
    suggestions: Sequence[Suggestion]


@dataclass(frozen=True, kw_only=True)
class PayerWords:
    """What the payer wrote and who they are, as the bank said. Personal data."""

    memo: str
    name: str
    account: str
    bank: str


def list_suspense(
    database: Database, *, states: Sequence[str] = OPEN_STATES, limit: int = MAX_LISTED
) -> list[HeldItem]:
    """The oldest first."""
    query = _items(database).where(SuspenseItem.state.in_(states))
    with database.read() as connection:
        rows = connection.execute(query.order_by(SuspenseItem.opened_at).limit(limit)).all()
    return [_item(row) for row in rows]


def list_settled(database: Database, *, limit: int = 50) -> list[HeldItem]:
    """Dealt with, the newest first."""
    query = _items(database).where(SuspenseItem.settled_at.is_not(None))
    with database.read() as connection:
        rows = connection.execute(query.order_by(SuspenseItem.settled_at.desc()).limit(limit)).all()
    return [_item(row) for row in rows]


def count_suspense(database: Database) -> Tally:
    """All that is still here."""
    with database.read() as connection:
        count, amount = connection.execute(
            select(func.count(), func.coalesce(func.sum(SuspenseItem.amount_vnd), 0)).where(
                SuspenseItem.facility_id == database.facility_id,
                SuspenseItem.state.in_(OPEN_STATES),
            )
        ).one()
    return Tally(count=int(count), amount_vnd=int(amount))


def get_suspense(resources: Resources, item_id: str) -> HeldDetail:
    """Raises HeldMoneyNotFound, StorageUnavailable."""
    database = resources.database
    with database.read() as connection:
        row = connection.execute(
            _items(database)
            .where(SuspenseItem.id == item_id)
            .add_columns(
                Credit.transaction_id,
                Credit.bank_reference,
                Credit.source,
                Credit.attempt_key,
                Credit.amount_vnd.label("credit_vnd"),
            )
        ).one_or_none()
        if row is None:
            raise HeldMoneyNotFound
        item = _item(row)
        moves = connection.execute(
            select(JournalEntry.at, JournalEntry.cause, JournalEntry.amount_vnd, JournalEntry.actor)
            .where(
                JournalEntry.credit_id == item.credit_id,
                or_(JournalEntry.item_id.is_(None), JournalEntry.item_id == item_id),
            )
            .order_by(JournalEntry.id)
        ).all()
        names = name_actors(connection, [item.settled_by, *(move.actor for move in moves)])
    return HeldDetail(
        item=item,
        transaction_id=row.transaction_id,
        bank_reference=row.bank_reference,
        source=row.source,
        credit_vnd=row.credit_vnd,
        can_give_back=row.attempt_key is not None and can_give_back(resources, item.provider),
        settled_name=names.get(item.settled_by or "", item.settled_by),
        moves=[
            Move(
                at=move.at,
                cause=move.cause,
                amount_vnd=move.amount_vnd,
                actor=names.get(move.actor, ""),
            )
            for move in moves
        ],
        refunds=list_refunds(database, item_id=item_id),
        suggestions=_suggest(database, item) if item.is_open else [],
    )


def read_payer(resources: Resources, item_id: str, *, staff: Caller) -> PayerWords:
    """Who looked is noted down. Raises HeldMoneyNotFound, StorageUnavailable."""
    with resources.database.write() as unit:
        row = unit.connection.execute(
            select(Credit.id, Credit.sealed)
            .join(SuspenseItem, SuspenseItem.credit_id == Credit.id)
            .where(SuspenseItem.id == item_id, SuspenseItem.facility_id == unit.facility_id)
        ).one_or_none()
        if row is None:
            raise HeldMoneyNotFound
        subject = f"suspense_item:{item_id}"
        unit.audit(Event.PAYMENT_PAYER_READ, actor=staff.actor, subject=subject)
    content = json.loads(resources.keys.unseal(row.sealed, context=f"credit:{row.id}"))
    return PayerWords(
        memo=content["memo"],
        name=content["payer_name"],
        account=content["payer_account"],
        bank=content["payer_bank"],
    )


def list_refunds(
    database: Database,
    *,
    item_id: str | None = None,
    states: Sequence[str] = (),
    newest: int | None = None,
) -> list[Refund]:
    """Of one item, or in these states; the oldest first. `newest`: so many, the newest first."""
    refund = PaymentRefund
    query = (
        select(refund.__table__, Credit.provider, Payment.code, Ticket.number)
        .join(Credit, Credit.id == refund.credit_id)
        .join(SuspenseItem, SuspenseItem.id == refund.item_id)
        .outerjoin(Payment, Payment.id == SuspenseItem.payment_id)
        .outerjoin(Ticket, Ticket.visit_id == Payment.visit_id)
        .where(refund.facility_id == database.facility_id)
        .order_by(*(each.desc() if newest else each for each in (refund.requested_at, refund.id)))
        .limit(newest or MAX_LISTED)
    )
    if item_id is not None:
        query = query.where(refund.item_id == item_id)
    if states:
        query = query.where(refund.state.in_(states))
    with database.read() as connection:
        rows = connection.execute(query).all()
        actors = [actor for row in rows for actor in (row.requested_by, row.approved_by)]
        names = name_actors(connection, actors)
    return [
        Refund(
            id=row.id,
            item_id=row.item_id,
            serial=row.serial,
            amount_vnd=row.amount_vnd,
            by_provider=row.by_provider,
            state=row.state,
            reason=row.reason,
            requested_by=row.requested_by,
            requested_name=names.get(row.requested_by, row.requested_by),
            requested_at=row.requested_at,
            approved_name=names.get(row.approved_by, row.approved_by),
            approved_at=row.approved_at,
            proof=row.provider_ref,
            failure=row.failure,
            done_at=row.done_at,
            provider=row.provider,
            code=row.code,
            number=row.number,
        )
        for row in rows
    ]


def count_refunds(database: Database, *, requested: bool, by_hand: bool) -> int:
    """Those that wait for whoever approves, for whoever pays out by hand, or for both."""
    refund = PaymentRefund
    states = [
        *([refund.state == "requested"] if requested else []),
        *([and_(refund.state == "approved", refund.by_provider.is_(False))] if by_hand else []),
    ]
    with database.read() as connection:
        return (
            connection.scalar(
                select(func.count()).where(
                    refund.facility_id == database.facility_id, or_(false(), *states)
                )
            )
            or 0
        )


def _suggest(database: Database, item: HeldItem) -> list[Suggestion]:
    """Payments nobody paid yet, of the same amount, offered at the same provider at that time; the
    nearest in time first.
    """
    at_provider = (
        select(PaymentAttempt.id)
        .where(PaymentAttempt.payment_id == Payment.id, PaymentAttempt.provider == item.provider)
        .exists()
    )
    query = (
        select(Payment.__table__, Ticket.number)
        .outerjoin(Ticket, Ticket.visit_id == Payment.visit_id)
        .where(
            Payment.facility_id == database.facility_id,
            Payment.amount_vnd == item.amount_vnd,
            Payment.state.in_(_MATCHABLE),
            Payment.created_at.between(item.paid_at - BEFORE, item.paid_at + AFTER),
            or_(at_provider, and_(Payment.id == item.payment_id)),
        )
        .order_by(Payment.created_at.desc())
        .limit(MAX_LISTED)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
        near = sorted(rows, key=lambda row: abs(row.created_at - item.paid_at))[:MAX_SUGGESTED]
        bills: dict[str, list[str]] = {}
        for line in connection.execute(
            select(PaymentLine.payment_id, PaymentLine.invoice_code)
            .where(PaymentLine.payment_id.in_([row.id for row in near]))
            .order_by(PaymentLine.payment_id, PaymentLine.position)
        ):
            bills.setdefault(line.payment_id, []).append(line.invoice_code or "")
    return [
        Suggestion(
            payment_id=row.id,
            code=row.code,
            number=row.number,
            state=row.state,
            amount_vnd=row.amount_vnd,
            created_at=row.created_at,
            bills=tuple(code for code in bills.get(row.id, ()) if code),
        )
        for row in near
    ]


def _items(database: Database) -> Select[Any]:
    return (
        select(
            SuspenseItem.__table__,
            Credit.provider,
            Credit.account,
            Credit.paid_at,
            Payment.code,
            Payment.state.label("payment_state"),
            Ticket.number,
        )
        .join(Credit, Credit.id == SuspenseItem.credit_id)
        .outerjoin(Payment, Payment.id == SuspenseItem.payment_id)
        .outerjoin(Ticket, Ticket.visit_id == Payment.visit_id)
        .where(SuspenseItem.facility_id == database.facility_id)
    )


def _item(row: Row[Any]) -> HeldItem:
    fields = HeldItem.__dataclass_fields__
    return HeldItem(**{name: getattr(row, name) for name in fields})
