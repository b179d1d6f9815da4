"""Tables of changed settings: what stood before is kept, to go back to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Json, Name
from backend.storage.catalogue_tables import Facility


class CallingWordsChange(Base):
    """One change of how calls are worded; what stood before is kept, to go back to it."""

    __tablename__ = "calling_words_change"
    facility_id: Mapped[str] = mapped_column(
        Id, ForeignKey(Facility.__table__.c.id), primary_key=True
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Counts up from 1: whoever changes an older one is told."""
    before: Mapped[dict[str, Any]] = mapped_column(Json)
    """domain.calling_settings.CallingSettings as JSON."""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(Name)


class SettingsImport(Base):
    """Settings changed at once, by a file or on a page, or taken back; what stood before is kept."""

    __tablename__ = "settings_import"
    facility_id: Mapped[str] = mapped_column(
        Id, ForeignKey(Facility.__table__.c.id), primary_key=True
    )
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    """Counts up from 1; the newest can be taken back."""
    changes: Mapped[list[Any]] = mapped_column(Json)
    """domain.settings_file.Change as JSON."""
    origin: Mapped[str] = mapped_column(Code, server_default="file")
    """services.keep_settings.Origin"""
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(Name)
