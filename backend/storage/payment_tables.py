"""Tables of money. Amounts are integer đồng; what happened is added, never changed.

A payment is one decision of a patient to pay; an attempt is one QR at one provider; a credit is
money that came, once. Every movement is a row of the journal: a pair of accounts and an amount,
so that the books balance by their shape. Held money is in `suspense_item` until it is dealt with.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, BigKey, Code, Id, Json, Name, index_where, one_of, primary
from backend.storage.visit_tables import Person, Visit

PAYMENT_KINDS = ("fees", "advance")
PAYMENT_STATES = (
    "created", "waiting", "underpaid", "paid", "late_paid", "post_failed", "posted", "refund_due",
    "expired", "cancelled", "failed",
)  # fmt: skip
ATTEMPT_STATES = ("created", "open", "paid", "replaced", "cancelled", "expired", "failed")
CREDIT_SOURCES = ("callback", "query", "statement", "cashier")
HOLD_REASONS = ("short", "over", "duplicate", "late", "unknown", "not_taken_by_his")
ITEM_STATES = ("open", "applied", "refunding", "refunded", "handed_over")
REFUND_STATES = ("requested", "approved", "rejected", "processing", "done", "failed")

OPEN_LINE = text("is_open")
TO_CANCEL = text("to_cancel")
ASKED_LATER = text("next_query_at IS NOT NULL")
OPEN_ITEM = text("state IN ('open', 'refunding')")
UNFINISHED_REFUND = text("state IN ('requested', 'approved', 'processing')")
TO_FOLLOW = text("state IN ('created', 'waiting', 'underpaid')")


class PaymentQuote(Base):
    """What the HIS said was due, as shown at one kiosk a moment ago. Sealed, short-lived."""

    __tablename__ = "payment_quote"
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kiosk_id: Mapped[str] = mapped_column(Id)
    sealed: Mapped[bytes]
    """domain.dues.Dues as JSON, encrypted for this id."""
    as_of: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Payment(Base):
    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint(one_of("kind", PAYMENT_KINDS), name="kind"),
        CheckConstraint(one_of("state", PAYMENT_STATES), name="state"),
        CheckConstraint("amount_vnd > 0", name="amount"),
        UniqueConstraint("code"),
        Index("ix_payment_created", "facility_id", "created_at"),
        Index("ix_payment_visit", "visit_id"),
        Index("ix_payment_person", "person_id"),
        index_where("ix_payment_follow", "facility_id", "fee_checked_at", where=TO_FOLLOW),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    code: Mapped[str] = mapped_column(Code)
    """The match code: in the memo, on the receipt, spoken at the counter."""
    kind: Mapped[str] = mapped_column(Code)
    state: Mapped[str] = mapped_column(Code)
    amount_vnd: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey(Person.__table__.c.id, ondelete="SET NULL")
    )
    visit_id: Mapped[str | None] = mapped_column(
        ForeignKey(Visit.__table__.c.id, ondelete="SET NULL")
    )
    patient_ref: Mapped[str] = mapped_column(Name)
    """The HIS's own reference of the patient."""
    visit_ref: Mapped[str | None] = mapped_column(Name)
    kiosk_id: Mapped[str | None] = mapped_column(Id)
    language: Mapped[str] = mapped_column(String(2))
    version: Mapped[int] = mapped_column(server_default="0")
    """Counts up with every change, so that a screen asks only for what is new."""
    method: Mapped[str | None] = mapped_column(Code)
    """Name of the provider of the newest attempt; of the one that was paid, once it was."""
    reason: Mapped[str | None] = mapped_column(Code)
    """Why it ended: left, fee_changed, paid_elsewhere, …"""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    fee_checked_at: Mapped[datetime]
    """When the HIS last said that this amount is due."""
    paid_at: Mapped[datetime | None]
    posted_at: Mapped[datetime | None]
    receipt_print_state: Mapped[str | None] = mapped_column(Code)
    sealed_invoice: Mapped[bytes | None]
    """The address of the electronic invoice, which opens for whoever has it; sealed for this id."""


class PaymentLine(Base):
    """A bill of a payment, or its advance. While it is open no other payment may hold the bill."""

    __tablename__ = "payment_line"
    __table_args__ = (
        CheckConstraint("amount_vnd > 0", name="amount"),
        index_where(
            "uq_payment_line_open", "facility_id", "invoice_ref", unique=True, where=OPEN_LINE
        ),
        Index("ix_payment_line_invoice", "facility_id", "invoice_ref"),
        UniqueConstraint("payment_id", "position"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payment.id"))
    position: Mapped[int]
    invoice_ref: Mapped[str | None] = mapped_column(Name)
    """None for an advance: of these a patient may pay several."""
    invoice_code: Mapped[str | None] = mapped_column(Code)
    invoice_version: Mapped[str | None] = mapped_column(Name)
    title_vi: Mapped[str] = mapped_column(Name)
    amount_vnd: Mapped[int] = mapped_column(BigInteger)
    is_open: Mapped[bool]
    posted_at: Mapped[datetime | None]
    his_ref: Mapped[str | None] = mapped_column(Name)
    """What the HIS calls the payment it entered."""
    refused: Mapped[str | None] = mapped_column(Code)
    """Why the HIS takes no money for it."""


class PaymentAttempt(Base):
    __tablename__ = "payment_attempt"
    __table_args__ = (
        CheckConstraint(one_of("state", ATTEMPT_STATES), name="state"),
        UniqueConstraint("key"),
        UniqueConstraint("payment_id", "attempt"),
        index_where("ix_payment_attempt_cancel", "facility_id", "id", where=TO_CANCEL),
        index_where("ix_payment_attempt_query", "facility_id", "next_query_at", where=ASKED_LATER),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payment.id"))
    attempt: Mapped[int]
    key: Mapped[str] = mapped_column(Code)
    """payments.models.Order.key: what the provider knows the order by."""
    provider: Mapped[str] = mapped_column(Code)
    state: Mapped[str] = mapped_column(Code)
    amount_vnd: Mapped[int] = mapped_column(BigInteger)
    provider_ref: Mapped[str | None] = mapped_column(Name)
    qr_text: Mapped[str | None] = mapped_column(Text)
    offer: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """Account and memo as the screen shows them."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    queries: Mapped[int] = mapped_column(server_default="0")
    """How often the provider was asked what became of it."""
    next_query_at: Mapped[datetime | None]
    to_cancel: Mapped[bool] = mapped_column(server_default=false())
    """The provider has still to be told that nobody will pay it."""


class PaymentChange(Base):
    """Every state a payment took, with its cause. Only added to."""

    __tablename__ = "payment_change"
    __table_args__ = (Index("ix_payment_change_payment", "payment_id", "id"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    payment_id: Mapped[str] = mapped_column(ForeignKey("payment.id"))
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Code)
    cause: Mapped[str] = mapped_column(Code)
    """kiosk, callback, query, statement, cashier, time, his"""
    actor: Mapped[str] = mapped_column(Name)
    reason: Mapped[str | None] = mapped_column(Code)


class Credit(Base):
    """Money that came. The same money told twice is one row."""

    __tablename__ = "credit"
    __table_args__ = (
        CheckConstraint("amount_vnd > 0", name="amount"),
        CheckConstraint(one_of("source", CREDIT_SOURCES), name="source"),
        UniqueConstraint("facility_id", "provider", "account", "transaction_id"),
        UniqueConstraint("same_money_key"),
        Index("ix_credit_paid_at", "facility_id", "paid_at"),
        Index("ix_credit_payment", "payment_id"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    provider: Mapped[str] = mapped_column(Code)
    account: Mapped[str] = mapped_column(Code)
    transaction_id: Mapped[str] = mapped_column(String(128))
    bank_reference: Mapped[str] = mapped_column(String(128), server_default="")
    same_money_key: Mapped[str | None] = mapped_column(Code)
    """Hash of account, bank reference, amount and day: a feed and a statement tell of the same
    money under ids of their own."""
    amount_vnd: Mapped[int] = mapped_column(BigInteger)
    paid_at: Mapped[datetime]
    received_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(Code)
    payment_id: Mapped[str | None] = mapped_column(ForeignKey("payment.id"))
    attempt_key: Mapped[str | None] = mapped_column(Code)
    sealed: Mapped[bytes]
    """Memo and payer as JSON, encrypted for this id."""


class SuspenseItem(Base):
    """Money that belongs to no bill yet. It leaves by a bill, by a refund, or to the HIS."""

    __tablename__ = "suspense_item"
    __table_args__ = (
        CheckConstraint("amount_vnd > 0", name="amount"),
        CheckConstraint(one_of("reason", HOLD_REASONS), name="reason"),
        CheckConstraint(one_of("state", ITEM_STATES), name="state"),
        index_where("ix_suspense_item_open", "facility_id", "opened_at", where=OPEN_ITEM),
        Index("ix_suspense_item_credit", "credit_id"),
        Index("ix_suspense_item_payment", "payment_id"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    credit_id: Mapped[str] = mapped_column(ForeignKey("credit.id"))
    payment_id: Mapped[str | None] = mapped_column(ForeignKey("payment.id"))
    """The payment it came for, or was matched with by a cashier."""
    line_id: Mapped[str | None] = mapped_column(ForeignKey("payment_line.id"))
    """The bill the HIS did not take it for."""
    reason: Mapped[str] = mapped_column(Code)
    state: Mapped[str] = mapped_column(Code)
    amount_vnd: Mapped[int] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str | None] = mapped_column(Name)
    note: Mapped[str | None] = mapped_column(Name)
    version: Mapped[int] = mapped_column(server_default="0")


class PaymentRefund(Base):
    """Money to be given back: asked for by one, approved by another."""

    __tablename__ = "payment_refund"
    __table_args__ = (
        CheckConstraint("amount_vnd > 0", name="amount"),
        CheckConstraint(one_of("state", REFUND_STATES), name="state"),
        CheckConstraint("approved_by IS NULL OR approved_by <> requested_by", name="two_people"),
        index_where("uq_payment_refund_open", "item_id", unique=True, where=UNFINISHED_REFUND),
        UniqueConstraint("credit_id", "serial"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    item_id: Mapped[str] = mapped_column(ForeignKey("suspense_item.id"))
    credit_id: Mapped[str] = mapped_column(ForeignKey("credit.id"))
    serial: Mapped[int]
    """Counts from 1 over all refunds of one credit."""
    amount_vnd: Mapped[int] = mapped_column(BigInteger)
    by_provider: Mapped[bool]
    """False: the cashier transfers or pays it out, and notes the proof."""
    state: Mapped[str] = mapped_column(Code)
    reason: Mapped[str] = mapped_column(Name)
    requested_by: Mapped[str] = mapped_column(Name)
    requested_at: Mapped[datetime]
    approved_by: Mapped[str | None] = mapped_column(Name)
    approved_at: Mapped[datetime | None]
    provider_ref: Mapped[str | None] = mapped_column(Name)
    """Of the provider, or of the transfer or the paper the cashier made."""
    failure: Mapped[str | None] = mapped_column(Name)
    done_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(server_default="0")
    next_try_at: Mapped[datetime | None]


class JournalEntry(Base):
    """One movement of money between two accounts of domain.ledger. Only added to: the database
    itself refuses to change or delete a row.
    """

    __tablename__ = "journal_entry"
    __table_args__ = (
        CheckConstraint("amount_vnd > 0", name="amount"),
        CheckConstraint("debit <> credit", name="two_accounts"),
        Index("ix_journal_entry_credit", "credit_id"),
        Index("ix_journal_entry_payment", "payment_id"),
        Index("ix_journal_entry_at", "facility_id", "at"),
    )
    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    facility_id: Mapped[str] = mapped_column(Id)
    at: Mapped[datetime]
    debit: Mapped[str] = mapped_column(Code)
    credit: Mapped[str] = mapped_column(Code)
    amount_vnd: Mapped[int] = mapped_column(BigInteger)
    cause: Mapped[str] = mapped_column(Code)
    actor: Mapped[str] = mapped_column(Name)
    credit_id: Mapped[str] = mapped_column(ForeignKey("credit.id"))
    payment_id: Mapped[str | None] = mapped_column(Id)
    line_id: Mapped[str | None] = mapped_column(Id)
    item_id: Mapped[str | None] = mapped_column(Id)
    refund_id: Mapped[str | None] = mapped_column(Id)


class PaymentNotice(Base):
    """A callback as it came, once its signature was right: proof, for questions to the provider."""

    __tablename__ = "payment_notice"
    __table_args__ = (
        UniqueConstraint("facility_id", "provider", "body_hash"),
        Index("ix_payment_notice_received", "received_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    provider: Mapped[str] = mapped_column(Code)
    body_hash: Mapped[str] = mapped_column(Code)
    kind: Mapped[str] = mapped_column(Code)
    outcome: Mapped[str] = mapped_column(Code)
    sealed: Mapped[bytes]
    received_at: Mapped[datetime]
    repeats: Mapped[int] = mapped_column(server_default="0")
