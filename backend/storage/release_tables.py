"""Tables of releases: what the server has for kiosks, who shall run which, what each one said."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.domain.releases import SCOPES, STATES
from backend.storage.base import Base, Code, Id, Name, one_of, primary
from backend.storage.kiosk_tables import Kiosk


class ReleaseBundle(Base):
    """A signed file in the folder of releases. A version never changes."""

    __tablename__ = "release_bundle"
    __table_args__ = (UniqueConstraint("facility_id", "version"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    version: Mapped[str] = mapped_column(Code)
    sha256: Mapped[str] = mapped_column(Code)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    added_at: Mapped[datetime]


class ReleaseTarget(Base):
    """Which release a kiosk, the kiosks of a profile, or all of them shall run."""

    __tablename__ = "release_target"
    __table_args__ = (
        UniqueConstraint("facility_id", "scope", "name"),
        CheckConstraint(one_of("scope", SCOPES), name="scope"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    scope: Mapped[str] = mapped_column(Code)
    name: Mapped[str] = mapped_column(Name)
    """Id of a kiosk, a profile, or nothing."""
    version: Mapped[str] = mapped_column(Code)
    set_at: Mapped[datetime]


class KioskRelease(Base):
    """The last thing a kiosk said about a change of release."""

    __tablename__ = "kiosk_release"
    __table_args__ = (CheckConstraint(one_of("state", STATES), name="state"),)
    kiosk_id: Mapped[str] = mapped_column(ForeignKey(Kiosk.__table__.c.id), primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    version: Mapped[str] = mapped_column(Code)
    state: Mapped[str] = mapped_column(Code)
    reason: Mapped[str | None] = mapped_column(Name)
    at: Mapped[datetime]
