"""What was laid beside the books: the file or list as it came, sealed, and what became of each line.

A reconciliation that is signed never changes: the database itself refuses it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Json, Name, one_of, primary
from backend.storage.payment_tables import Credit, Payment, PaymentRefund

SOURCES = ("statement", "list")


class Reconciliation(Base):
    """One statement file, or a provider's own list of one day."""

    __tablename__ = "reconciliation"
    __table_args__ = (
        CheckConstraint(one_of("source", SOURCES), name="source"),
        CheckConstraint("(signed_at IS NULL) = (signed_by IS NULL)", name="signed"),
        UniqueConstraint("facility_id", "provider", "account", "content_key"),
        Index("ix_reconciliation_day", "facility_id", "first_day"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    provider: Mapped[str] = mapped_column(Code)
    account: Mapped[str] = mapped_column(Code)
    source: Mapped[str] = mapped_column(Code)
    content_key: Mapped[str] = mapped_column(Code)
    """SHA-256 of the file; of a list its day. The same again is the same reconciliation."""
    layout: Mapped[str] = mapped_column(Code)
    first_day: Mapped[date]
    last_day: Mapped[date]
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    """domain.reconciling.Figures."""
    differences: Mapped[int]
    sealed: Mapped[bytes]
    """The file as it came, or the list as JSON, encrypted for this id."""
    version: Mapped[int] = mapped_column(server_default="1")
    """Counts up whenever it was looked at again and something had changed."""
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(Name)
    checked_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    signed_by: Mapped[str | None] = mapped_column(Name)
    signed_name: Mapped[str | None] = mapped_column(Name)
    note: Mapped[str | None] = mapped_column(Name)


class ReconciliationItem(Base):
    """A line, money the bank does not tell of, or a row nobody could read (domain.reconciling)."""

    __tablename__ = "reconciliation_item"
    __table_args__ = (
        UniqueConstraint("reconciliation_id", "position"),
        Index("ix_reconciliation_item_credit", "credit_id"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    reconciliation_id: Mapped[str] = mapped_column(ForeignKey("reconciliation.id"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(Code)
    way: Mapped[str | None] = mapped_column(Code)
    row: Mapped[int | None]
    """In the file, from 1."""
    at: Mapped[datetime | None]
    transaction_id: Mapped[str | None] = mapped_column(String(200))
    expected_vnd: Mapped[int | None] = mapped_column(BigInteger)
    found_vnd: Mapped[int | None] = mapped_column(BigInteger)
    credit_id: Mapped[str | None] = mapped_column(ForeignKey(Credit.__table__.c.id))
    payment_id: Mapped[str | None] = mapped_column(ForeignKey(Payment.__table__.c.id))
    refund_id: Mapped[str | None] = mapped_column(ForeignKey(PaymentRefund.__table__.c.id))
    detail: Mapped[str | None] = mapped_column(Code)
