"""Tables of who was in charge of money and what they signed. Signed rows never change.

The database itself refuses to change a shift that was closed, what it took over, and a day that
was closed.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, BigKey, Id, Json, Name, index_where, primary
from backend.storage.payment_tables import JournalEntry

OPEN_SHIFT = text("closed_at IS NULL")


class CashierShift(Base):
    """One person in charge of QR money, from the end of the shift before. One at a time."""

    __tablename__ = "cashier_shift"
    __table_args__ = (
        CheckConstraint("(closed_at IS NULL) = (figures IS NULL)", name="figures"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by"),
        index_where("uq_cashier_shift_open", "facility_id", unique=True, where=OPEN_SHIFT),
        Index("ix_cashier_shift_opened", "facility_id", "opened_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    cashier: Mapped[str] = mapped_column(Name)
    """As audit rows name them: staff:ID."""
    cashier_name: Mapped[str] = mapped_column(Name)
    """As they were called then."""
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(Name)
    """Somebody else where the next shift was taken over from one that was left open."""
    figures: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """domain.money_figures.Figures, as signed."""


class ShiftEntry(Base):
    """A movement of money that a shift answers for: each belongs to one shift."""

    __tablename__ = "shift_entry"
    __table_args__ = (Index("ix_shift_entry_shift", "shift_id"),)
    entry_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey(JournalEntry.__table__.c.id), primary_key=True, autoincrement=False
    )
    facility_id: Mapped[str] = mapped_column(Id)
    shift_id: Mapped[str] = mapped_column(ForeignKey("cashier_shift.id"))


class DayClose(Base):
    """A business day as the finance office signed it."""

    __tablename__ = "day_close"
    __table_args__ = (UniqueConstraint("facility_id", "day"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    day: Mapped[date]
    closed_at: Mapped[datetime]
    closed_by: Mapped[str] = mapped_column(Name)
    closed_name: Mapped[str] = mapped_column(Name)
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    """domain.money_figures.DayFigures, as signed."""
    note: Mapped[str | None] = mapped_column(Name)
