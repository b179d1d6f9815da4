"""Tables of telling and watching: how channels are, and figures that all processes share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Float, Integer
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Name, one_of

PROCESS_KINDS = ("web", "worker")


class AlertChannel(Base):
    """How one way of telling is. Who holds the lease is the only one to use it."""

    __tablename__ = "alert_channel"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(Code, primary_key=True)
    failures: Mapped[int] = mapped_column(server_default="0")
    """In a row."""
    failing_since: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Name)
    """A code."""
    last_ok_at: Mapped[datetime | None]
    next_at: Mapped[datetime]
    """Not tried again before."""
    leased_until: Mapped[datetime | None]
    lease_id: Mapped[str | None] = mapped_column(Id)


class RequestFigure(Base):
    """How many requests of one kind there were, and how many took at most so many ms."""

    __tablename__ = "request_figure"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    route: Mapped[str] = mapped_column(Name, primary_key=True)
    """The pattern of the address, never the address."""
    method: Mapped[str] = mapped_column(Code, primary_key=True)
    status: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    requests: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Float(53))
    le_25: Mapped[int] = mapped_column(BigInteger)
    le_100: Mapped[int] = mapped_column(BigInteger)
    le_300: Mapped[int] = mapped_column(BigInteger)
    le_1000: Mapped[int] = mapped_column(BigInteger)
    le_3000: Mapped[int] = mapped_column(BigInteger)
    le_10000: Mapped[int] = mapped_column(BigInteger)


class JobFigure(Base):
    """How often one job of the worker ran and failed, how long that took, and when last."""

    __tablename__ = "job_figure"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    job: Mapped[str] = mapped_column(Code, primary_key=True)
    runs: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float] = mapped_column(Float(53))
    last_run_at: Mapped[datetime]
    last_ok_at: Mapped[datetime | None]


class ProcessFigure(Base):
    """How one process is at the moment; silent ones are forgotten."""

    __tablename__ = "process_figure"
    __table_args__ = (CheckConstraint(one_of("kind", PROCESS_KINDS), name="kind"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(Code)
    host: Mapped[str] = mapped_column(Name)
    version: Mapped[str] = mapped_column(Code)
    seen_at: Mapped[datetime]
    live_streams: Mapped[int]
    pool_size: Mapped[int]
    pool_in_use: Mapped[int]
    logs_lost_at: Mapped[datetime | None]
    """When it last could not write a line of its log."""
