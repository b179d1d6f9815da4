"""Tables of a visit's insurance: look-ups that failed, what is asked again, check-in tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Name, index_where, one_of, primary
from backend.storage.visit_tables import Visit

CHECKIN_STATES = (
    "queued", "invalid", "skipped", "unknown", "received", "refused", "accepted", "faulty",
)  # fmt: skip
RECHECK_STATES = ("pending", "known", "needs_person", "day_over")


class CoverageEvidence(Base):
    """A look-up of a card that failed, stayed silent or left it open (NĐ 188/2025 Điều 38).

    Written with the scan or by a re-check; a visit takes over what its scan left.
    """

    __tablename__ = "coverage_evidence"
    __table_args__ = (
        Index("ix_coverage_evidence_visit", "visit_id"),
        Index("ix_coverage_evidence_scan", "scan_id"),
    )
    id: Mapped[str] = primary()
    """Our own id of the request."""
    facility_id: Mapped[str] = mapped_column(Id)
    scan_id: Mapped[str | None] = mapped_column(Id)
    visit_id: Mapped[str | None] = mapped_column(Id)
    party: Mapped[str] = mapped_column(Code)
    """Who was asked: the name of the insurer's adapter, or `his`."""
    problem: Mapped[str] = mapped_column(Code)
    """domain.coverage_evidence.Problem."""
    failure: Mapped[str | None] = mapped_column(Code)
    code: Mapped[str | None] = mapped_column(Code)
    http_status: Mapped[int | None]
    answer_sha256: Mapped[str | None] = mapped_column(Code)
    sealed_answer: Mapped[bytes | None]
    """The beginning of what came back, encrypted for this id."""
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime] = mapped_column(index=True)


class CoverageRecheck(Base):
    """The insurance of a visit that is asked about again until it is known or the day is over."""

    __tablename__ = "coverage_recheck"
    __table_args__ = (
        CheckConstraint(one_of("state", RECHECK_STATES), name="state"),
        index_where("ix_coverage_recheck_due", "next_at", where=text("state = 'pending'")),
    )
    visit_id: Mapped[str] = mapped_column(
        ForeignKey(Visit.__table__.c.id, ondelete="CASCADE"), primary_key=True
    )
    facility_id: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Code)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class CheckinDocument(Base):
    """A check-in table of one visit for the insurance gateway, and what became of it.

    A correction is a new row with the next position; what was sent stays as it was.
    """

    __tablename__ = "checkin_document"
    __table_args__ = (
        CheckConstraint(one_of("state", CHECKIN_STATES), name="state"),
        UniqueConstraint("visit_id", "position"),
        index_where("ix_checkin_document_due", "due_at", where=text("state = 'queued'")),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id))
    position: Mapped[int]
    """0 is the first of its visit, later ones are corrections."""
    state: Mapped[str] = mapped_column(Code)
    standard: Mapped[str | None] = mapped_column(Code)
    sealed: Mapped[bytes | None]
    """The XML as it was built last, encrypted for this id."""
    sent_key_hash: Mapped[str | None] = mapped_column(Code)
    """Keyed hash of what the gateway knows the row by (rule CI-15)."""
    findings: Mapped[list[Any]]
    """Rules and fields that were not kept; no values."""
    reason: Mapped[str | None] = mapped_column(Name)
    """Why it was sent again."""
    result_code: Mapped[str | None] = mapped_column(Code)
    transaction_id: Mapped[str | None] = mapped_column(Name)
    """`maGiaoDich`: what the portal calls it."""
    sealed_message: Mapped[bytes | None]
    """What the gateway wrote; it may quote values."""
    created_at: Mapped[datetime] = mapped_column(index=True)
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    judged_at: Mapped[datetime | None]
    judged_by: Mapped[str | None] = mapped_column(Name)
