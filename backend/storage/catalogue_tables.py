"""Tables of the facility and its catalogue, which is filled from the HIS.

Their rows are never deleted, only switched off. What comes with every ticket names them without
foreign keys: PostgreSQL would lock the one facility row for every row of every ticket, which
makes it the busiest place of the database.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Json, Name, primary


def facility_key() -> Mapped[str]:
    """Of rows that are few."""
    return mapped_column(Id, ForeignKey("facility.id"))


class Facility(Base):
    __tablename__ = "facility"
    id: Mapped[str] = primary()
    code: Mapped[str] = mapped_column(Code)
    name_vi: Mapped[str] = mapped_column(Name)
    name_en: Mapped[str] = mapped_column(Name)
    timezone: Mapped[str] = mapped_column(Code)
    hotline: Mapped[str] = mapped_column(Code)
    settings: Mapped[dict[str, Any]] = mapped_column(Json)
    """domain.settings.FacilitySettings as JSON."""
    catalogue_version: Mapped[int] = mapped_column(Integer, default=0)
    """Counts up with every change, so that processes notice that their copy is old."""
    catalogue_at: Mapped[datetime | None]
    his_features: Mapped[list[Any] | None] = mapped_column(Json)
    """What the HIS can do (names of the port's methods); none: it was never asked."""
    practice: Mapped[bool] = mapped_column(default=False, server_default=false())
    """For lessons, with invented people: set when the database is made, and never changed."""


class Department(Base):
    __tablename__ = "department"
    __table_args__ = (UniqueConstraint("facility_id", "his_ref"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    code: Mapped[str] = mapped_column(Code)
    name_vi: Mapped[str] = mapped_column(Name)
    name_en: Mapped[str] = mapped_column(Name)
    position: Mapped[int] = mapped_column(Integer)
    """Place in the HIS's own order: the most asked for stand first on screens."""
    active: Mapped[bool] = mapped_column(default=True)


class Room(Base):
    __tablename__ = "room"
    __table_args__ = (UniqueConstraint("facility_id", "his_ref"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    department_id: Mapped[str | None] = mapped_column(ForeignKey("department.id"))
    code: Mapped[str] = mapped_column(Code)
    name_vi: Mapped[str] = mapped_column(Name)
    name_en: Mapped[str] = mapped_column(Name)
    floor: Mapped[str] = mapped_column(Code)
    landmark_vi: Mapped[str] = mapped_column(Name)
    landmark_en: Mapped[str] = mapped_column(Name)
    active: Mapped[bool] = mapped_column(default=True)


class Service(Base):
    __tablename__ = "service"
    __table_args__ = (
        UniqueConstraint("facility_id", "his_ref"),
        CheckConstraint("price_vnd >= 0", name="price"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    department_id: Mapped[str] = mapped_column(ForeignKey("department.id"))
    code: Mapped[str] = mapped_column(Code)
    name_vi: Mapped[str] = mapped_column(Name)
    name_en: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Code)
    price_vnd: Mapped[int] = mapped_column(BigInteger)
    insurance_price_vnd: Mapped[int | None] = mapped_column(BigInteger)
    pooled: Mapped[bool]
    by_doctor: Mapped[bool]
    by_hour: Mapped[bool]
    minutes: Mapped[int | None]
    """Minutes one patient takes; none hides the wait range."""
    gender: Mapped[str | None] = mapped_column(Code)
    age_min_years: Mapped[int | None]
    age_max_years: Mapped[int | None]
    """The last age that may come, inclusive."""
    sensitive: Mapped[bool] = mapped_column(default=False)
    series_letter: Mapped[str | None] = mapped_column(String(4))
    """Letter of normal tickets of this service; none = the facility's letter of the lane."""
    visit_kinds: Mapped[list[Any]]
    """Codes of the visit kinds it is offered for; empty = all."""
    active: Mapped[bool] = mapped_column(default=True)


class ServiceRoom(Base):
    __tablename__ = "service_room"
    service_id: Mapped[str] = mapped_column(ForeignKey("service.id"), primary_key=True)
    room_id: Mapped[str] = mapped_column(ForeignKey("room.id"), primary_key=True)
    facility_id: Mapped[str] = facility_key()


class Practitioner(Base):
    __tablename__ = "practitioner"
    __table_args__ = (UniqueConstraint("facility_id", "his_ref"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    title: Mapped[str] = mapped_column(Code)
    name: Mapped[str] = mapped_column(Name)
    session_limit: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)


class PractitionerService(Base):
    """Who offers what, and where."""

    __tablename__ = "practitioner_service"
    practitioner_id: Mapped[str] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("service.id"), primary_key=True)
    room_id: Mapped[str | None] = mapped_column(ForeignKey("room.id"))
    facility_id: Mapped[str] = facility_key()


class OpeningSession(Base):
    """When a room takes people: a span of one weekday in the facility's zone."""

    __tablename__ = "opening_session"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens_at < closes_at", name="span"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    room_id: Mapped[str] = mapped_column(ForeignKey("room.id"))
    weekday: Mapped[int]
    """0 = Monday."""
    name: Mapped[str] = mapped_column(Code)
    opens_at: Mapped[time]
    closes_at: Mapped[time]
    limit: Mapped[int | None]
    """People the room takes in this session."""


class ClosedDay(Base):
    __tablename__ = "closed_day"
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    room_id: Mapped[str | None] = mapped_column(ForeignKey("room.id"))
    """None closes the whole facility."""
    day: Mapped[date]


class Slot(Base):
    """A bookable hour; `capacity` = people it takes, counted in Quota."""

    __tablename__ = "slot"
    __table_args__ = (
        UniqueConstraint("facility_id", "his_ref"),
        Index("ix_slot_service_starts", "facility_id", "service_id", "starts_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    his_ref: Mapped[str] = mapped_column(Name)
    service_id: Mapped[str] = mapped_column(ForeignKey("service.id"))
    practitioner_id: Mapped[str | None] = mapped_column(ForeignKey("practitioner.id"))
    room_id: Mapped[str | None] = mapped_column(ForeignKey("room.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int]


class Quota(Base):
    """Places taken of a limit: one row per limited thing and day, counted up atomically.

    `scope` = slot:ID, room:ROOM:SESSION or doctor:PRACTITIONER:SESSION. The check makes overselling
    impossible whatever the code does.
    """

    __tablename__ = "quota"
    __table_args__ = (CheckConstraint("taken BETWEEN 0 AND capacity", name="taken"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    scope: Mapped[str] = mapped_column(Name, primary_key=True)
    capacity: Mapped[int]
    taken: Mapped[int]


class PriorityGroup(Base):
    """Who is called earlier, as data: law changes, hospitals differ."""

    __tablename__ = "priority_group"
    __table_args__ = (UniqueConstraint("facility_id", "code"),)
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = facility_key()
    code: Mapped[str] = mapped_column(Code)
    label_vi: Mapped[str] = mapped_column(Name)
    label_en: Mapped[str] = mapped_column(Name)
    rank: Mapped[int]
    """0 goes first among the groups a person belongs to."""
    age_from_years: Mapped[int | None]
    age_below_years: Mapped[int | None]
    self_declared: Mapped[bool]
    legal_basis: Mapped[str] = mapped_column(Name)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
