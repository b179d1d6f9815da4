"""Tables of what halls see and hear."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import STANDING, Base, Code, Id, Name, index_where, one_of, primary
from backend.storage.catalogue_tables import facility_key

DISPLAY_KINDS = ("hall", "door", "counter")
SPEAKING = text("speaks AND revoked_at IS NULL")


class Display(Base):
    """A screen for patients. Whoever holds its key sees the page, and nothing but that page."""

    __tablename__ = "display"
    __table_args__ = (
        CheckConstraint(one_of("kind", DISPLAY_KINDS), name="kind"),
        CheckConstraint(one_of("languages", ("vi", "vi+en")), name="languages"),
        UniqueConstraint("key_hash"),
        index_where("uq_display_name", "facility_id", "name", unique=True, where=STANDING),
        index_where("uq_display_voice", "facility_id", "zone", unique=True, where=SPEAKING),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Code)
    room_ids: Mapped[list[Any]]
    zone: Mapped[str] = mapped_column(Code)
    """Whoever sits here hears one voice; empty = the facility is one zone."""
    speaks: Mapped[bool]
    languages: Mapped[str] = mapped_column(Code)
    show_names: Mapped[bool]
    """Masked names beside numbers; never for sensitive rooms."""
    distance_m: Mapped[int]
    """From the last seat to the screen."""
    screen_in: Mapped[int]
    """Diagonal of the screen in inches, as it is sold."""
    key_hash: Mapped[str] = mapped_column(Code)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime | None]


class Announcement(Base):
    """A text for halls by timetable: domain.announcements says when it is due. Never deleted."""

    __tablename__ = "announcement"
    __table_args__ = (Index("ix_announcement_active", "facility_id", "active"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    text_vi: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text)
    spoken: Mapped[bool]
    zones: Mapped[list[Any]]
    """Codes; empty = everywhere."""
    weekdays: Mapped[list[Any]]
    times: Mapped[list[Any]]
    """HH:MM in the facility's own time."""
    every_min: Mapped[int | None]
    starts_at: Mapped[time]
    ends_at: Mapped[time]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    clip: Mapped[str | None] = mapped_column(Name)
    """A phrase of a recorded clip pack."""
    active: Mapped[bool]
    version: Mapped[int]
    """Counts up: whoever changes an older one is told."""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(Name)
