"""Displays: screens for patients, each with a key of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
STANDING = sa.text("revoked_at IS NULL")
SPEAKING = sa.text("speaks AND revoked_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "display",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("room_ids", JSON, nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("speaks", sa.Boolean(), nullable=False),
        sa.Column("languages", sa.String(length=64), nullable=False),
        sa.Column("show_names", sa.Boolean(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.Column("screen_in", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('hall', 'door', 'counter')", name="ck_display_kind"),
        sa.CheckConstraint("languages IN ('vi', 'vi+en')", name="ck_display_languages"),
        sa.PrimaryKeyConstraint("id", name="pk_display"),
        sa.UniqueConstraint("key_hash", name="uq_display_key_hash"),
    )
    op.create_index(
        "uq_display_name",
        "display",
        ["facility_id", "name"],
        unique=True,
        postgresql_where=STANDING,
        sqlite_where=STANDING,
    )
    op.create_index(
        "uq_display_voice",
        "display",
        ["facility_id", "zone"],
        unique=True,
        postgresql_where=SPEAKING,
        sqlite_where=SPEAKING,
    )
