"""Tables of kiosks: who is enrolled, how each one is, and who called for help there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Json, Name, one_of, primary

KIOSK_KINDS = ("kiosk", "agent")
KIOSK_PROFILES = ("reception", "examination", "laboratory", "fees")


class Kiosk(Base):
    __tablename__ = "kiosk"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint(one_of("kind", KIOSK_KINDS), name="kind"),
        CheckConstraint(one_of("profile", KIOSK_PROFILES), name="profile"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Code, server_default="kiosk")
    """An agent prints for staff and may do nothing else."""
    name: Mapped[str] = mapped_column(Name)
    profile: Mapped[str] = mapped_column(Code, server_default="reception")
    """Where it stands, and so what it offers first: one of KIOSK_PROFILES."""
    out_of_service: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """Words (vi, en) for the glass while staff have taken it out of service."""
    token_hash: Mapped[str] = mapped_column(Code)
    enrolled_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class EnrolmentCode(Base):
    __tablename__ = "enrolment_code"
    code_hash: Mapped[str] = mapped_column(Code, primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    kiosk_name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Code, server_default="kiosk")
    profile: Mapped[str] = mapped_column(Code, server_default="reception")
    kiosk_id: Mapped[str | None] = mapped_column(Id)
    """New hardware for this kiosk: it keeps its place, name, profile and letters."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Heartbeat(Base):
    __tablename__ = "heartbeat"
    kiosk_id: Mapped[str] = mapped_column(Id, primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    at: Mapped[datetime]
    report: Mapped[dict[str, Any]]
    """The newest one; device events that came since are in it."""
    notes: Mapped[dict[str, Any]] = mapped_column(Json, server_default=text("'{}'"))
    """domain.kiosk_health.Notes"""


class DeviceEvent(Base):
    __tablename__ = "device_event"
    __table_args__ = (Index("ix_device_event_kiosk", "facility_id", "kiosk_id", "device", "at"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kiosk_id: Mapped[str] = mapped_column(Id)
    device: Mapped[str] = mapped_column(Code)
    state: Mapped[str] = mapped_column(Code)
    reason: Mapped[str | None] = mapped_column(Name)
    at: Mapped[datetime]


class HelpCall(Base):
    __tablename__ = "help_call"
    __table_args__ = (
        CheckConstraint(one_of("kind", ("help", "emergency")), name="kind"),
        CheckConstraint(one_of("state", ("waiting", "acknowledged")), name="state"),
        Index("ix_help_call_state", "facility_id", "state", "created_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Code)
    state: Mapped[str] = mapped_column(Code)
    kiosk_id: Mapped[str] = mapped_column(Id)
    screen: Mapped[str] = mapped_column(Code)
    visit_id: Mapped[str | None] = mapped_column(Id)
    scan_id: Mapped[str | None] = mapped_column(Id)
    """Who stood there, while the scan lives: staff go on with it."""
    chosen: Mapped[dict[str, Any] | None]
    """What had been chosen by then: codes and ids, nothing of the person."""
    created_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(Name)
