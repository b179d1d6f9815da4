"""Tables of people and their visits, from the scan at a kiosk on."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Name, index_where, primary


class Person(Base):
    """A patient as known here. Readable parts are sealed (storage.crypto)."""

    __tablename__ = "person"
    __table_args__ = (
        index_where(
            "ix_person_his_ref", "facility_id", "his_ref", where=text("his_ref IS NOT NULL")
        ),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    his_ref: Mapped[str | None] = mapped_column(Name)
    sealed: Mapped[bytes]
    """domain.scan.PersonFacts as JSON, encrypted for this id."""
    last_seen_at: Mapped[datetime] = mapped_column(index=True)


class PersonKey(Base):
    """What a person is found by: keyed hashes of numbers, of name with birth date, of the HIS ref.

    One person has several, so that a card and an insurance card lead to the same row.
    """

    __tablename__ = "person_key"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    key_hash: Mapped[str] = mapped_column(Code, primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)


class Visit(Base):
    __tablename__ = "visit"
    __table_args__ = (
        Index("ix_visit_person_day", "person_id", "day"),
        Index("ix_visit_day", "facility_id", "day"),
        Index("ix_visit_phone", "facility_id", "day", "phone_hash"),
        Index("ix_visit_revisit", "facility_id", "revisit_hash"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    """None once the link between ticket and person has been purged."""
    day: Mapped[date]
    kind: Mapped[str] = mapped_column(Code)
    lane: Mapped[str] = mapped_column(String(1))
    priority_group: Mapped[str | None] = mapped_column(Code)
    priority_declared: Mapped[bool] = mapped_column(default=False)
    """True when the patient said so and papers are still to be seen."""
    provisional: Mapped[bool]
    verified: Mapped[bool]
    known_to_his: Mapped[bool]
    """False: registered from the card alone because the HIS did not answer."""
    use_insurance: Mapped[bool]
    coverage_outcome: Mapped[str | None] = mapped_column(Code)
    coverage_code: Mapped[str | None] = mapped_column(Code)
    papers: Mapped[dict[str, Any]]
    sealed_card: Mapped[bytes | None]
    """domain.scan.CardFacts as JSON, encrypted for this id."""
    sealed_slips: Mapped[bytes | None]
    """Numbers of transfer and re-visit slip as JSON, encrypted for this id."""
    revisit_hash: Mapped[str | None] = mapped_column(Code)
    """Keyed hash of the re-visit slip: it serves once."""
    registered_here: Mapped[bool | None]
    """Whether the insured person is registered with us for first contact."""
    category_code: Mapped[str | None] = mapped_column(Code)
    """MA_DOITUONG_KCB: a proposal until somebody at the desk has confirmed it."""
    category_reason: Mapped[str | None] = mapped_column(Code)
    category_confirmed: Mapped[bool] = mapped_column(server_default=false())
    sealed_on_behalf: Mapped[bytes | None]
    language: Mapped[str] = mapped_column(String(2))
    kiosk_id: Mapped[str | None] = mapped_column(Id)
    scan_id: Mapped[str] = mapped_column(Id)
    appointment_ref: Mapped[str | None] = mapped_column(Name)
    his_number: Mapped[str | None] = mapped_column(Code)
    his_record_code: Mapped[str | None] = mapped_column(Code)
    """MA_LK of the HIS."""
    his_key: Mapped[str | None] = mapped_column(String(80))
    """The key its check-in was asked for with before the number was given, see numbering."""
    changes: Mapped[int] = mapped_column(default=0)
    phone_hash: Mapped[str | None] = mapped_column(Code)
    """Keyed hash of the phone that came with the visit: it finds a visit, it tells nobody apart."""
    version: Mapped[int] = mapped_column(server_default="0")
    """Counts up with every decision of the desk: whoever decides says which one they saw."""
    handed_in_at: Mapped[datetime | None]
    """When a number that a kiosk gave without the server arrived here; it was taken before."""
    age_band: Mapped[str | None] = mapped_column(String(16))
    """domain.reports.counting.AgeBand on the day of the visit; for reports, tells nobody apart."""
    since_touch_ms: Mapped[int | None]
    """From the first touch at the kiosk to the wish, on the kiosk's own clock."""
    created_at: Mapped[datetime]


class Scan(Base):
    """Who stood before a kiosk a moment ago: sealed, short-lived, bound to that kiosk."""

    __tablename__ = "scan"
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kiosk_id: Mapped[str] = mapped_column(Id)
    """The kiosk, or the member of staff who scanned or took the scan over."""
    kind: Mapped[str] = mapped_column(Code)
    outcome: Mapped[str] = mapped_column(Code)
    sealed: Mapped[bytes]
    """domain.scan.ScanContent as JSON, encrypted for this id."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class NoticeAcceptance(Base):
    """Proof that the data notice was accepted before a person's data were used."""

    __tablename__ = "notice_acceptance"
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    scan_id: Mapped[str] = mapped_column(Id, index=True)
    """Leads to the visit that came of it."""
    version: Mapped[str] = mapped_column(Name)
    language: Mapped[str] = mapped_column(String(2))
    kiosk_id: Mapped[str] = mapped_column(Id)
    accepted_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
