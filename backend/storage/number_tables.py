"""Tables of numbers and of the paper they are printed on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Name, one_of, primary
from backend.storage.visit_tables import Visit

PRINT_STATES = ("pending", "printed", "unconfirmed", "failed", "unknown")
PRINT_REQUEST_STATES = ("pending", "taken", "printed", "unconfirmed", "failed", "unknown")


class Series(Base):
    """The counter numbers are taken from: its row lock is what makes them gapless."""

    __tablename__ = "series"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    letter: Mapped[str] = mapped_column(String(4), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last: Mapped[int]


class OfflineSeries(Base):
    """A letter that belongs to one journal of one kiosk for ever: the numbers it gives while the
    server is away. A kiosk that lost its journal gets another letter, so nothing comes twice.
    """

    __tablename__ = "offline_series"
    __table_args__ = (UniqueConstraint("journal_id"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    letter: Mapped[str] = mapped_column(String(4), primary_key=True)
    kiosk_id: Mapped[str] = mapped_column(Id)
    journal_id: Mapped[str] = mapped_column(Id)
    granted_at: Mapped[datetime]


class Number(Base):
    """A number that was given out, once. A number without a visit says why it has none."""

    __tablename__ = "number"
    __table_args__ = (
        CheckConstraint("number > 0", name="positive"),
        CheckConstraint("visit_id IS NOT NULL OR reason IS NOT NULL", name="explained"),
        Index("ix_number_visit", "visit_id"),
    )
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    letter: Mapped[str] = mapped_column(String(4), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    visit_id: Mapped[str | None] = mapped_column(ForeignKey(Visit.__table__.c.id))
    reason: Mapped[str | None] = mapped_column(Code)


class Ticket(Base):
    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint(one_of("print_state", PRINT_STATES), name="print_state"),
        UniqueConstraint("token"),
        UniqueConstraint("visit_id"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id))
    day: Mapped[date]
    number: Mapped[str] = mapped_column(Code)
    """As printed: letter and digits."""
    token: Mapped[str] = mapped_column(Code)
    content: Mapped[dict[str, Any]]
    """The printed words (web.visit_schemas.Ticket): no name, no number of a person."""
    print_state: Mapped[str] = mapped_column(Code)
    issued_at: Mapped[datetime]


class PrintJob(Base):
    """One attempt to print a ticket, as the kiosk reported it."""

    __tablename__ = "print_job"
    __table_args__ = (
        CheckConstraint(one_of("state", PRINT_STATES), name="state"),
        Index("ix_print_job_visit", "visit_id"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id))
    kiosk_id: Mapped[str | None] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Code)
    reason: Mapped[str | None] = mapped_column(Name)
    elapsed_ms: Mapped[int | None]
    reported_at: Mapped[datetime]


class PrintRequest(Base):
    """A ticket that staff want on paper, at one print agent. Its id is the agent's job id, so that
    the agent's own journal keeps it from being printed twice.
    """

    __tablename__ = "print_request"
    __table_args__ = (
        CheckConstraint(one_of("state", PRINT_REQUEST_STATES), name="state"),
        Index("ix_print_request_agent", "agent_id", "state", "requested_at"),
        Index("ix_print_request_visit", "visit_id"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id))
    agent_id: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Code)
    requested_by: Mapped[str] = mapped_column(Name)
    requested_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Name)
