"""Calling: what a step waits for and how often it was called, calls, rooms of the day, acts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _widen_steps()
    _widen_calls()
    op.create_table(
        "room_day",
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("practitioner_id", sa.String(length=64), nullable=True),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('open', 'paused', 'closed')", name="ck_room_day_state"),
        sa.PrimaryKeyConstraint("room_id", "day", name="pk_room_day"),
    )
    op.create_table(
        "staff_act",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("steps", JSON, nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff_act"),
    )
    op.create_index("ix_staff_act_room", "staff_act", ["room_id", "at"])
    op.create_index("ix_staff_act_at", "staff_act", ["facility_id", "at"])


def _widen_steps() -> None:
    columns = (
        sa.Column("hold_reason", sa.String(length=64), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("returns", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wait_low_min", sa.Integer(), nullable=True),
        sa.Column("wait_high_min", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False, server_default="0"),
    )
    for column in columns:
        op.add_column("step", column)
    op.execute("UPDATE step SET state_at = queue_key_at")
    op.execute("UPDATE step SET hold_reason = 'earlier_step' WHERE state = 'hold'")
    with op.batch_alter_table("step") as step:
        step.alter_column("state_at", nullable=False)
    op.add_column("step_change", sa.Column("reason", sa.String(length=64), nullable=True))
    op.add_column("step_change", sa.Column("room_id", sa.String(length=64), nullable=True))
    op.create_index("ix_step_change_done", "step_change", ["facility_id", "to_state", "at"])


def _widen_calls() -> None:
    """Nothing has been called before this version."""
    op.drop_table("call")
    op.create_table(
        "call",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("step_id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("queue_id", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=1), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("by_guard", sa.Boolean(), nullable=False),
        sa.Column("offline", sa.Boolean(), nullable=False),
        sa.Column("called_by", sa.String(length=200), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name="fk_call_step_id"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_call_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
    )
    op.create_index("ix_call_step", "call", ["step_id"])
    op.create_index("ix_call_queue", "call", ["queue_id", "day", "called_at"])
    op.create_index("ix_call_room", "call", ["room_id", "day", "called_at"])
