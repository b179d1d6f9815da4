"""Tables of somebody else's kiosks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import STANDING, Base, Code, Id, Name, index_where, primary


class Partner(Base):
    """Somebody else's kiosks, a bank's: one name, one secret, all of its machines."""

    __tablename__ = "partner"
    __table_args__ = (
        UniqueConstraint("merchant_id"),
        index_where("uq_partner_name", "facility_id", "name", unique=True, where=STANDING),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    name: Mapped[str] = mapped_column(Name)
    merchant_id: Mapped[str] = mapped_column(Code)
    sealed_secret: Mapped[bytes]
    """Readable: a signature can only be checked with the secret itself."""
    reads_cards: Mapped[bool]
    """Its machines read the chip and compare the face: who comes from there is verified."""
    notice_version: Mapped[str | None] = mapped_column(Code)
    """The data notice that its machines show before they ask for a person."""
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PartnerSignature(Base):
    """Signatures that were used: each opens once."""

    __tablename__ = "partner_signature"
    signature_hash: Mapped[str] = mapped_column(Code, primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    seen_at: Mapped[datetime] = mapped_column(index=True)
