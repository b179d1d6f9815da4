"""Tables of the audit trail and of looks at it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Json, Name, index_where, primary
from backend.storage.catalogue_tables import facility_key

IDENTIFIED = text("event = 'person_identified'")


class AuditEvent(Base):
    """Who did what to which row. `sequence` and `chain_hash` are filled by the sealer later."""

    __tablename__ = "audit_event"
    __table_args__ = (
        index_where("ix_audit_event_unsealed", "id", where=text("sequence IS NULL")),
        index_where(
            "uq_audit_event_sequence",
            "facility_id",
            "sequence",
            unique=True,
            where=text("sequence IS NOT NULL"),
        ),
        # What people search by, each in the order in which it is shown.
        Index("ix_audit_event_at", "facility_id", "at", "id"),
        Index("ix_audit_event_actor", "facility_id", "actor", "at", "id"),
        Index("ix_audit_event_event", "facility_id", "event", "at", "id"),
        Index("ix_audit_event_subject", "facility_id", "subject", "at", "id"),
        index_where("ix_audit_event_identified", "facility_id", "at", where=IDENTIFIED),
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


class AuditCheck(Base):
    """One look at the whole audit chain. `verdict` is filled when it ended."""

    __tablename__ = "audit_check"
    __table_args__ = (
        Index("ix_audit_check_facility_id_asked_at", "facility_id", "asked_at"),
        index_where(
            "uq_audit_check_open", "facility_id", unique=True, where=text("finished_at IS NULL")
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    asked_by: Mapped[str] = mapped_column(Name)
    asked_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    verdict: Mapped[dict[str, Any] | None] = mapped_column(Json)
