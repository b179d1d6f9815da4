"""Reports: figures of days and months, signatures, and the first touch of a visit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ID = sa.String(length=64)
NAME = sa.String(length=200)
MOMENT = sa.DateTime(timezone=True)
IDENTIFIED = sa.text("event = 'person_identified'")


def upgrade() -> None:
    op.add_column("visit", sa.Column("age_band", sa.String(length=16), nullable=True))
    op.add_column("visit", sa.Column("since_touch_ms", sa.Integer(), nullable=True))
    op.create_index(
        "ix_audit_event_identified",
        "audit_event",
        ["facility_id", "at"],
        postgresql_where=IDENTIFIED,
        sqlite_where=IDENTIFIED,
    )
    op.create_table(
        "report_roll",
        sa.Column("facility_id", ID, nullable=False),
        sa.Column("span", ID, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("counted_at", MOMENT, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("stale", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "span IN ('day', 'month', 'quarter', 'year')", name="ck_report_roll_span"
        ),
        sa.PrimaryKeyConstraint("facility_id", "span", "first_day", name="pk_report_roll"),
    )
    op.create_table(
        "report_figure",
        sa.Column("facility_id", ID, nullable=False),
        sa.Column("span", ID, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("cut", sa.String(length=16), nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("figures", JSON, nullable=False),
        sa.PrimaryKeyConstraint(
            "facility_id", "span", "first_day", "cut", "key", name="pk_report_figure"
        ),
    )
    op.create_table(
        "report_cursor",
        sa.Column("facility_id", ID, nullable=False),
        sa.Column("seen_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("facility_id", name="pk_report_cursor"),
    )
    op.create_table(
        "report_sign_off",
        sa.Column("id", ID, nullable=False),
        sa.Column("facility_id", ID, nullable=False),
        sa.Column("span", ID, nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("signed_by", NAME, nullable=False),
        sa.Column("signed_name", NAME, nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.Column("counted_at", MOMENT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("figures", JSON, nullable=False),
        sa.CheckConstraint("span IN ('day', 'week', 'month')", name="ck_report_sign_off_span"),
        sa.PrimaryKeyConstraint("id", name="pk_report_sign_off"),
    )
    op.create_index(
        "uq_report_sign_off",
        "report_sign_off",
        ["facility_id", "span", "first_day", "position"],
        unique=True,
    )


def downgrade() -> None:
    op.drop_table("report_sign_off")
    op.drop_table("report_cursor")
    op.drop_table("report_figure")
    op.drop_table("report_roll")
    op.drop_index("ix_audit_event_identified", "audit_event")
    op.drop_column("visit", "since_touch_ms")
    op.drop_column("visit", "age_band")
