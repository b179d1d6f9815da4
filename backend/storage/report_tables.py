"""Tables of reports: what was counted of each period, and who signed it. No person, no visit.

Figures are kept for good: they outlive the tickets they were counted from.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.domain.reports.periods import SIGNED_SPANS
from backend.storage.base import Base, Code, Id, Json, Name, one_of, primary

ROLLED_SPANS = ("day", "month", "quarter", "year")
"""Weeks are made of days as they are asked for."""
Cut = String(16)


class ReportRoll(Base):
    """A day that was counted, or a longer period that was added up."""

    __tablename__ = "report_roll"
    __table_args__ = (CheckConstraint(one_of("span", ROLLED_SPANS), name="span"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    span: Mapped[str] = mapped_column(Code, primary_key=True)
    first_day: Mapped[date] = mapped_column(primary_key=True)
    counted_at: Mapped[datetime]
    """As it stood then; who counted later wins."""
    took_ms: Mapped[int] = mapped_column(Integer)
    stale: Mapped[int] = mapped_column(Integer, server_default="0")
    """How often a part of it was counted that is not in its figures yet; 0 of a day."""


class ReportFigure(Base):
    """Figures of one cut of such a period: one room, one hour, one kiosk …"""

    __tablename__ = "report_figure"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    span: Mapped[str] = mapped_column(Code, primary_key=True)
    first_day: Mapped[date] = mapped_column(primary_key=True)
    cut: Mapped[str] = mapped_column(Cut, primary_key=True)
    """domain.reports.figures.Cut"""
    key: Mapped[str] = mapped_column(Name, primary_key=True)
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    """domain.reports.figures.Figures as JSON."""


class ReportCursor(Base):
    """The newest change of a step whose day was counted with it: what is newer makes days new."""

    __tablename__ = "report_cursor"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    seen_id: Mapped[str] = mapped_column(Id)


class ReportSignOff(Base):
    """Somebody answers for a report with their name. What they saw is kept with it."""

    __tablename__ = "report_sign_off"
    __table_args__ = (
        CheckConstraint(one_of("span", tuple(SIGNED_SPANS)), name="span"),
        Index("uq_report_sign_off", "facility_id", "span", "first_day", "position", unique=True),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    span: Mapped[str] = mapped_column(Code)
    first_day: Mapped[date]
    position: Mapped[int]
    """1 is the first signature; a later one signs the figures as they stand then."""
    signed_by: Mapped[str] = mapped_column(Name)
    """As audit rows name them: staff:ID."""
    signed_name: Mapped[str] = mapped_column(Name)
    signed_at: Mapped[datetime]
    counted_at: Mapped[datetime]
    """The figures they saw were counted then."""
    note: Mapped[str] = mapped_column(Text)
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    """The headline figures, by their names."""
