"""Tables of queues: the steps of a visit, the calls to rooms, and how long people took."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.storage.base import Base, Code, Id, Json, Name, index_where, one_of, primary
from backend.storage.visit_tables import Person, Visit

OPEN_STEP_STATES = ("waiting", "called", "serving", "hold", "missed")
STEP_STATES = (*OPEN_STEP_STATES, "done", "cancelled")
ROOM_STATES = ("open", "paused", "closed")
OPEN_STEP = text(one_of("state", OPEN_STEP_STATES))
STEP_IN_SIGHT = one_of("step.state", ("called", "serving", "done"))
"""A room has seen or sees them. With the prefix, because queries say it word for word."""
STEP_AWAY = one_of("step.state", ("hold", "missed", "cancelled"))
IN_SIGHT = text(STEP_IN_SIGHT.removeprefix("step."))
AWAY = text(STEP_AWAY.removeprefix("step."))
RETURNED = text("returns > 0")


class Step(Base):
    """One stay in one queue. At most one open per person, service and day."""

    __tablename__ = "step"
    __table_args__ = (
        CheckConstraint(one_of("state", STEP_STATES), name="state"),
        index_where(
            "uq_step_open",
            "facility_id",
            "person_id",
            "service_id",
            "day",
            unique=True,
            where=OPEN_STEP,
        ),
        index_where(
            "ix_step_waiting",
            "queue_id",
            "day",
            "lane",
            "queue_key_at",
            where=text("state = 'waiting'"),
        ),
        Index("ix_step_visit", "visit_id"),
        # A ticket that is issued waits: these three cost its issue nothing.
        index_where("ix_step_in_sight", "room_id", "day", "state", "kind", where=IN_SIGHT),
        index_where("ix_step_away", "queue_id", "day", "state", "hold_reason", where=AWAY),
        index_where("ix_step_returned", "facility_id", "day", where=RETURNED),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id))
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey(Person.__table__.c.id, ondelete="SET NULL")
    )
    day: Mapped[date]
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(Code)
    service_id: Mapped[str] = mapped_column(Id)
    room_id: Mapped[str | None] = mapped_column(Id)
    """None while the queue is pooled: the room is bound at the call."""
    practitioner_id: Mapped[str | None] = mapped_column(Id)
    slot_id: Mapped[str | None] = mapped_column(Id)
    queue_id: Mapped[str] = mapped_column(Id)
    """The room's id, or the service's when pooled: those with the same one wait together."""
    lane: Mapped[str] = mapped_column(String(1))
    queue_key_at: Mapped[datetime]
    """Virtual arrival: what the order within a lane goes by."""
    quota_scopes: Mapped[list[Any]]
    """Places this step holds; given back when it is cancelled."""
    his_ref: Mapped[str | None] = mapped_column(Name)
    """The visit the HIS made of this step."""
    state: Mapped[str] = mapped_column(Code)
    hold_reason: Mapped[str | None] = mapped_column(Code)
    """domain.visit.HoldReason while the step is on hold."""
    calls: Mapped[int] = mapped_column(server_default="0")
    """How often it was called since it last waited."""
    returns: Mapped[int] = mapped_column(server_default="0")
    """How often it came back after a missed turn."""
    state_at: Mapped[datetime]
    """Since when the state is what it is."""
    wait_low_min: Mapped[int | None]
    wait_high_min: Mapped[int | None]
    """What the patient was told; held against what happened."""
    version: Mapped[int] = mapped_column(server_default="0")
    """Counts up with every change: whoever acts says which one they saw."""


class StepChange(Base):
    """Every change of a step, timed. Marks T0 … T12 are those of waiting-time reports."""

    __tablename__ = "step_change"
    __table_args__ = (
        Index("ix_step_change_step", "step_id"),
        Index("ix_step_change_done", "facility_id", "to_state", "at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id))
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id"))
    mark: Mapped[str | None] = mapped_column(String(3))
    from_state: Mapped[str | None] = mapped_column(Code)
    to_state: Mapped[str] = mapped_column(Code)
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(Code)
    """kiosk, caller, reception, phone, his or job."""
    reason: Mapped[str | None] = mapped_column(Code)
    room_id: Mapped[str | None] = mapped_column(Id)


class Call(Base):
    """Who called which step where and when, and why it was next.

    The order of later calls follows from these rows alone: taking one back or adding one that was
    made while the server was away leaves nothing else to mend.
    """

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_step", "step_id"),
        Index("ix_call_queue", "queue_id", "day", "called_at"),
        Index("ix_call_room", "room_id", "day", "called_at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    day: Mapped[date]
    visit_id: Mapped[str] = mapped_column(ForeignKey(Visit.__table__.c.id))
    step_id: Mapped[str] = mapped_column(ForeignKey("step.id"))
    room_id: Mapped[str] = mapped_column(Id)
    queue_id: Mapped[str] = mapped_column(Id)
    lane: Mapped[str] = mapped_column(String(1))
    number: Mapped[str] = mapped_column(Code)
    attempt: Mapped[int]
    """1 is the call itself, more are calls again."""
    reason: Mapped[str] = mapped_column(Code)
    """domain.queueing.CallReason."""
    by_guard: Mapped[bool]
    offline: Mapped[bool]
    """Made by a room while the server was away, and handed in later."""
    called_by: Mapped[str] = mapped_column(Name)
    called_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class RoomDay(Base):
    """How a room works today, where that differs from the catalogue."""

    __tablename__ = "room_day"
    __table_args__ = (CheckConstraint(one_of("state", ROOM_STATES), name="state"),)
    room_id: Mapped[str] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    facility_id: Mapped[str] = mapped_column(Id)
    state: Mapped[str] = mapped_column(Code)
    reason: Mapped[str | None] = mapped_column(Code)
    until: Mapped[datetime | None]
    """When a pause is meant to end; nothing happens by itself then."""
    practitioner_id: Mapped[str | None] = mapped_column(Id)
    """Who sees patients here today."""
    changed_by: Mapped[str] = mapped_column(Name)
    changed_at: Mapped[datetime]


class StaffAct(Base):
    """One thing a member of staff did to a queue, with what it takes to undo it for a while."""

    __tablename__ = "staff_act"
    __table_args__ = (
        Index("ix_staff_act_room", "room_id", "at"),
        Index("ix_staff_act_at", "facility_id", "at"),
    )
    id: Mapped[str] = primary()
    facility_id: Mapped[str] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(Code)
    actor: Mapped[str] = mapped_column(Name)
    room_id: Mapped[str | None] = mapped_column(Id)
    reason: Mapped[str | None] = mapped_column(Code)
    steps: Mapped[list[Any]]
    """For each step it changed: id, the version it left, and the values from before (or null
    for a step it made)."""
    call_id: Mapped[str | None] = mapped_column(Id)
    room_before: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """Of a change of the room itself: how it worked before."""
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(Name)


class WaitHistory(Base):
    """How long people took in a room at one hour of the day, in the last days: one row, no person.

    Written by a job, so that a wait range costs the issue of a number nothing.
    """

    __tablename__ = "wait_history"
    __table_args__ = (CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),)
    facility_id: Mapped[str] = mapped_column(Id, primary_key=True)
    room_id: Mapped[str] = mapped_column(Id, primary_key=True)
    hour: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    cases: Mapped[int]
    median_s: Mapped[int]
    at: Mapped[datetime]
    """When it was counted."""
