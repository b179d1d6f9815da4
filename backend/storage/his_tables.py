"""Tables that keep us in step with the HIS."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Name
from backend.storage.queue_tables import Step
from backend.storage.visit_tables import Visit


class HisFeed(Base):
    """How far this facility has followed its HIS. One row; whoever holds the lease reads on."""

    __tablename__ = "his_feed"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    cursor: Mapped[str | None] = mapped_column(Text)
    """Of the port's `changes`; none = nothing was followed yet."""
    leased_until: Mapped[datetime | None]
    """One worker reads at a time."""
    pause_until: Mapped[datetime | None]
    """The HIS failed: nobody asks before this."""
    failures: Mapped[int]
    """In a row; they lengthen the pause."""
    answered_at: Mapped[datetime | None]
    """When the HIS last answered."""
    last_error: Mapped[str | None] = mapped_column(Code)
    last_error_at: Mapped[datetime | None]
    lags_ms: Mapped[list[Any]]
    """The last delays between a change in the HIS and its being applied here."""


class HisWatch(Base):
    """A visit that is kept in step. It is to be read while `noticed` is ahead of `applied`."""

    __tablename__ = "his_watch"
    __table_args__ = (Index("ix_his_watch_facility", "facility_id", "changed_at"),)
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id), primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    noticed: Mapped[int]
    """Changes the HIS has told of."""
    applied: Mapped[int]
    """How many of them had been told when it was last read."""
    changed_at: Mapped[datetime | None]
    """The oldest change that is not applied yet."""
    read_at: Mapped[datetime | None]
    failures: Mapped[int]
    next_at: Mapped[datetime | None]
    """After a failure that has to do with this visit alone."""


class HisOrder(Base):
    """An order of the HIS and the step it opened or joined. What was ordered is not kept."""

    __tablename__ = "his_order"
    __table_args__ = (
        Index("ix_his_order_visit", "visit_id"),
        Index("ix_his_order_step", "step_id"),
    )
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    ref: Mapped[str] = mapped_column(Name, primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id))
    step_id: Mapped[str | None] = mapped_column(ForeignKey(Step.__table__.c.id))
    """None: nobody knows where it is done, or it was over before it was seen."""
    version: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Code)
    status: Mapped[str] = mapped_column(Code)
    released: Mapped[bool]
    """A result of it may be seen by the doctor."""
    preparation_vi: Mapped[str] = mapped_column(Text)
    preparation_en: Mapped[str] = mapped_column(Text)
    ordered_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class HisCopy(Base):
    """What the HIS said of one kind of data, sealed and dated. domain.ages says what it is for."""

    __tablename__ = "his_copy"
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(Code, primary_key=True)
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id), primary_key=True)
    sealed: Mapped[bytes]
    version: Mapped[str] = mapped_column(Name)
    fetched_at: Mapped[datetime]
    stale: Mapped[bool]
    """The HIS said that it changed, and it was not read again yet."""
