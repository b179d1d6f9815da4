"""Tables of what is to be told: written in the transaction that caused it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, BigKey, Code, Id, Name, index_where, one_of, primary
from backend.storage.visit_tables import Visit

UNDER_WAY_STATES = ("new", "sending", "unknown")
OUTBOX_STATES = (*UNDER_WAY_STATES, "done", "rejected", "dead", "discarded")
BREAKER_STATES = ("closed", "open", "half_open")
UNDER_WAY = text(one_of("state", UNDER_WAY_STATES))
NOT_SETTLED = text("settled_at IS NULL")
SENDING = text("state = 'sending'")


class OutboxMessage(Base):
    """Something to tell another system. Carries our own ids only: the rest is read when it is
    sent. Of one lane at most one is under way at any time, whatever the code does.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        CheckConstraint(one_of("state", OUTBOX_STATES), name="state"),
        index_where(
            "uq_outbox_message_sending", "facility_id", "party", "lane", unique=True, where=SENDING
        ),
        index_where("ix_outbox_message_due", "facility_id", "party", "id", where=UNDER_WAY),
        index_where(
            "ix_outbox_message_lane", "facility_id", "party", "lane", "id", where=NOT_SETTLED
        ),
        Index("ix_outbox_message_visit", "visit_id"),
        Index("ix_outbox_message_settled", "settled_at"),
    )
    id: Mapped[str] = primary()
    """Also the key the other side recognises a repeated message by; orders the lane."""
    facility_id: Mapped[str] = mapped_column(Id)
    party: Mapped[str] = mapped_column(Code, server_default="his")
    lane: Mapped[str] = mapped_column(Id)
    """What must stay in order: the person's id, or an id of the message's own."""
    kind: Mapped[str] = mapped_column(Code)
    visit_id: Mapped[str | None] = mapped_column(ForeignKey(Visit.__table__.c.id))
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(Code, server_default="new")
    attempts: Mapped[int] = mapped_column(server_default="0")
    """How often it was taken up; also tells a worker that was late that it is no longer its."""
    next_at: Mapped[datetime]
    """When it is due; while it is being sent: when its worker counts as lost."""
    sent_at: Mapped[datetime | None]
    """When it was taken up last."""
    failed_alone: Mapped[int] = mapped_column(server_default="0")
    """How often it met a fault of its party although others had got through since its last try."""
    expires_at: Mapped[datetime]
    last_error: Mapped[str | None] = mapped_column(Code)
    his_ref: Mapped[str | None] = mapped_column(Name)
    """What the other side calls the record that came of it."""
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    """Done or discarded: nobody has to think of it any more."""


class PartyState(Base):
    """How another system is, as all processes see it together."""

    __tablename__ = "party_state"
    __table_args__ = (CheckConstraint(one_of("breaker", BREAKER_STATES), name="breaker"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    party: Mapped[str] = mapped_column(Code, primary_key=True)
    call_group: Mapped[str] = mapped_column(Code, primary_key=True)
    """read or write"""
    breaker: Mapped[str] = mapped_column(Code, server_default="closed")
    failures: Mapped[int] = mapped_column(server_default="0")
    """In a row, since `failing_since`."""
    failing_since: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    """Since when it is away."""
    probe_at: Mapped[datetime | None]
    """When the next single try may go."""
    last_ok_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Code)
    delivered: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Messages that arrived, ever."""


class LiveEvent(Base):
    """Something boards, desks and phones show at once. Readers remember the last id they saw."""

    __tablename__ = "live_event"
    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    facility_id: Mapped[str] = mapped_column(Id)
    event: Mapped[str] = mapped_column(Code)
    subject: Mapped[str] = mapped_column(Name)
    detail: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(index=True)
