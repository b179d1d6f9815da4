"""Tables of the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Name, primary

IDENTIFIED = text("event = 'person_identified'")


class AuditEvent(Base):
    """Who did what to which row. `sequence` and `chain_hash` are filled by the sealer later."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(
            "ix_audit_event_unsealed",
            "id",
            postgresql_where=text("sequence IS NULL"),
            sqlite_where=text("sequence IS NULL"),
        ),
        Index(
            "uq_audit_event_sequence",
            "facility_id",
            "sequence",
            unique=True,
            postgresql_where=text("sequence IS NOT NULL"),
            sqlite_where=text("sequence IS NOT NULL"),
        ),
        # What people search by, each in the order in which it is shown.
        Index("ix_audit_event_at", "facility_id", "at", "id"),
        Index("ix_audit_event_actor", "facility_id", "actor", "at", "id"),
        Index("ix_audit_event_event", "facility_id", "event", "at", "id"),
        Index("ix_audit_event_subject", "facility_id", "subject", "at", "id"),
        Index(
            "ix_audit_event_identified",
            "facility_id",
            "at",
            postgresql_where=IDENTIFIED,
            sqlite_where=IDENTIFIED,
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Name)
    """kiosk:ID, staff:ID, job:NAME or command."""
    event: Mapped[str] = mapped_column(Code)
    subject: Mapped[str] = mapped_column(Name)
    """table:ID"""
    detail: Mapped[dict[str, Any]]
    origin: Mapped[str | None] = mapped_column(Code)
    """Where from: an address of the network, or host:ACCOUNT for a command; none for a job."""
    sequence: Mapped[int | None] = mapped_column(BigInteger)
    chain_hash: Mapped[str | None] = mapped_column(Code)


class AuditCheckpoint(Base):
    """Both ends of the audit chain. Who seals or purges holds this row: one at a time."""

    __tablename__ = "audit_checkpoint"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    purged_sequence: Mapped[int] = mapped_column(BigInteger)
    """The newest row that was purged, 0 before; the oldest row that is left is chained to it."""
    purged_hash: Mapped[str] = mapped_column(Code)
    head_sequence: Mapped[int] = mapped_column(BigInteger)
    head_hash: Mapped[str] = mapped_column(Code)
