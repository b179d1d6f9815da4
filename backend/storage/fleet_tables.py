"""Tables of the IT desk: what is wrong now and who was told, and what kiosks are ordered to do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.domain.alerts import AlertKind, AlertPhase
from backend.storage.base import Base, Code, Id, Name, index_where, one_of, primary
from backend.storage.kiosk_tables import Kiosk

COMMAND_KINDS = ("restart", "test_print", "take_picture", "send_logs")
COMMAND_STATES = ("waiting", "taken", "done", "refused", "failed", "expired", "cancelled")
OPEN_ORDERS = ("waiting", "taken")
NOTICE_STATES = ("waiting", "sent", "given_up")

OPEN_ALERT = text("cleared_at IS NULL")
OPEN_ABSENCE = text("ended_at IS NULL")
TO_SEND = text("state = 'waiting'")
OPEN_COMMAND = text("state IN ('waiting', 'taken')")


def is_known_alert() -> ColumnElement[bool]:
    """Not one that a newer release wrote, which was rolled back since: it has no words here."""
    return Alert.kind.in_([kind.value for kind in AlertKind])


class Alert(Base):
    """Something is wrong from `raised_at` to `cleared_at`. Nothing of a patient is in it."""

    __tablename__ = "alert"
    __table_args__ = (
        index_where(
            "uq_alert_open", "facility_id", "kind", "subject", unique=True, where=OPEN_ALERT
        ),
        Index("ix_alert_raised", "facility_id", "raised_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Code)
    """domain.alerts.AlertKind"""
    subject: Mapped[str] = mapped_column(Name)
    """kiosk:ID, party:NAME, server, report:day:2026-11-26 …"""
    detail: Mapped[dict[str, Any]]
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]


class AlertNotice(Base):
    """One phase of one alert, to be told over every channel; sent after the commit, kept till then.

    `channel` is "" until the sender made one row of it for each channel that is set up.
    """

    __tablename__ = "alert_notice"
    __table_args__ = (
        CheckConstraint(one_of("phase", tuple(AlertPhase)), name="phase"),
        CheckConstraint(one_of("state", NOTICE_STATES), name="state"),
        Index(
            "uq_alert_notice",
            "alert_id",
            "phase",
            "channel",
            unique=True,
        ),
        index_where("ix_alert_notice_due", "facility_id", "next_at", where=TO_SEND),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    alert_id: Mapped[str] = mapped_column(ForeignKey("alert.id", ondelete="CASCADE"))
    phase: Mapped[str] = mapped_column(Code)
    channel: Mapped[str] = mapped_column(Code, server_default="")
    state: Mapped[str] = mapped_column(Code, server_default="waiting")
    batch_id: Mapped[str | None] = mapped_column(Id)
    """What was told in one message. A waiting row that has one may have arrived already."""
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[datetime]
    last_error: Mapped[str | None] = mapped_column(Name)
    settled_at: Mapped[datetime | None]


class KioskAbsence(Base):
    """From the last beat before a kiosk went away to the first one after it."""

    __tablename__ = "kiosk_absence"
    __table_args__ = (
        index_where("uq_kiosk_absence_open", "kiosk_id", unique=True, where=OPEN_ABSENCE),
        Index("ix_kiosk_absence_began", "facility_id", "began_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kiosk_id: Mapped[str] = mapped_column(ForeignKey(Kiosk.__table__.c.id))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class KioskHour(Base):
    """What a kiosk said in one hour: a year of it is quick to look at. Nothing of a person."""

    __tablename__ = "kiosk_hour"
    __table_args__ = (Index("ix_kiosk_hour_hour", "facility_id", "hour"),)
    kiosk_id: Mapped[str] = mapped_column(ForeignKey(Kiosk.__table__.c.id), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    beats: Mapped[int]
    visits: Mapped[int]
    errors: Mapped[int]
    waits: Mapped[int]
    p95_sum_ms: Mapped[float]
    worst_ms: Mapped[float]
    temperature_max_c: Mapped[float | None]
    memory_max_percent: Mapped[float | None]
    disk_min_percent: Mapped[float | None]
    skew_max_s: Mapped[float | None]


class KioskOwner(Base):
    """Whose machine it is, and who mends it: a bank, a vendor. An office, not a person."""

    __tablename__ = "kiosk_owner"
    kiosk_id: Mapped[str] = mapped_column(ForeignKey(Kiosk.__table__.c.id), primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    owner: Mapped[str] = mapped_column(Name, server_default="")
    contact: Mapped[str] = mapped_column(Name, server_default="")
    serial_number: Mapped[str] = mapped_column(Name, server_default="")


class KioskCommand(Base):
    """What staff ask of one kiosk, once. It waits for a kiosk that is away, until it expires."""

    __tablename__ = "kiosk_command"
    __table_args__ = (
        CheckConstraint(one_of("kind", COMMAND_KINDS), name="kind"),
        CheckConstraint(one_of("state", COMMAND_STATES), name="state"),
        Index("ix_kiosk_command_kiosk", "facility_id", "kiosk_id", "created_at"),
        index_where("ix_kiosk_command_open", "kiosk_id", where=OPEN_COMMAND),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kiosk_id: Mapped[str] = mapped_column(ForeignKey(Kiosk.__table__.c.id))
    kind: Mapped[str] = mapped_column(Code)
    state: Mapped[str] = mapped_column(Code, server_default="waiting")
    reason: Mapped[str | None] = mapped_column(Name)
    """Of a refusal or failure: a code."""
    created_by: Mapped[str] = mapped_column(Name)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    attachment: Mapped[bytes | None] = mapped_column(LargeBinary)
    """A picture of the glass (PNG) or logs (gzip). Nothing of a patient is in it; short-lived."""
