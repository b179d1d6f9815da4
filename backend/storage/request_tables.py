"""Tables of what is remembered of requests, whoever made them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Name


class RateLimit(Base):
    """Tries per subject (a keyed hash) and window; old windows are purged."""

    __tablename__ = "rate_limit"
    subject: Mapped[str] = mapped_column(Name, primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    facility_id: Mapped[str] = mapped_column(Id)
    count: Mapped[int]


class IdempotencyKey(Base):
    """The first answer to a caller's key, given again word for word."""

    __tablename__ = "idempotency_key"
    caller: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    body_hash: Mapped[str] = mapped_column(Code)
    status: Mapped[int]
    reply: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
