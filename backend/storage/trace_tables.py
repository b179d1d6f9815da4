"""What is kept about trouble and about wishes of people: incidents and requests.

Words that people write may name somebody: they are sealed.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Name, one_of, primary
from backend.storage.catalogue_tables import facility_key

REQUEST_KINDS = ("view", "correct", "withdraw", "limit", "object", "delete")
REQUEST_OUTCOMES = ("done", "refused", "taken_back")


class Incident(Base):
    """Something went wrong with data or machines, and who must be told by when."""

    __tablename__ = "incident"
    __table_args__ = (UniqueConstraint("facility_id", "number"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Code)
    noticed_at: Mapped[datetime]
    """The clocks of the law run from here."""
    span_from: Mapped[datetime]
    span_to: Mapped[datetime]
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(Name)
    sealed_about: Mapped[bytes]
    first_notice_at: Mapped[datetime | None]
    first_notice_by: Mapped[str | None] = mapped_column(Name)
    report_at: Mapped[datetime | None]
    report_by: Mapped[str | None] = mapped_column(Name)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None] = mapped_column(Name)


class IncidentNote(Base):
    """One line of the diary of an incident; the last one of a closed incident is its report."""

    __tablename__ = "incident_note"
    __table_args__ = (Index("ix_incident_note_incident_id_id", "incident_id", "id"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    incident_id: Mapped[str] = mapped_column(ForeignKey("incident.id"))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Code)
    sealed_text: Mapped[bytes]


class DataRequest(Base):
    """What somebody asked about their own data, and by when they must hear."""

    __tablename__ = "data_request"
    __table_args__ = (
        UniqueConstraint("facility_id", "number"),
        CheckConstraint(one_of("kind", REQUEST_KINDS), name="kind"),
        CheckConstraint(
            f"outcome IS NULL OR {one_of('outcome', REQUEST_OUTCOMES)}", name="outcome"
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(Code)
    channel: Mapped[str] = mapped_column(Code)
    received_on: Mapped[date]
    answer_by: Mapped[date]
    done_by: Mapped[date]
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(Name)
    sealed_who: Mapped[bytes | None]
    """Who asks and how to reach them; none once it need not be kept."""
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None] = mapped_column(Name)
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(Name)
    outcome: Mapped[str | None] = mapped_column(Code)
    sealed_answer: Mapped[bytes | None]
