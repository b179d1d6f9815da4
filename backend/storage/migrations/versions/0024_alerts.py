"""Telling of alerts: messages that went out together, channels, figures of all processes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KEY = sa.String(length=64)
TEXT = sa.String(length=200)


def upgrade() -> None:
    op.add_column("alert_notice", sa.Column("batch_id", KEY, nullable=True))
    op.create_table(
        "alert_channel",
        sa.Column("facility_id", KEY, nullable=False),
        sa.Column("channel", KEY, nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("last_error", TEXT, nullable=True),
        sa.Column("last_ok_at", MOMENT, nullable=True),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("lease_id", KEY, nullable=True),
        sa.PrimaryKeyConstraint("facility_id", "channel", name="pk_alert_channel"),
    )
    counts = ("requests", "le_25", "le_100", "le_300", "le_1000", "le_3000", "le_10000")
    op.create_table(
        "request_figure",
        sa.Column("facility_id", KEY, nullable=False),
        sa.Column("route", TEXT, nullable=False),
        sa.Column("method", KEY, nullable=False),
        sa.Column("status", sa.Integer(), autoincrement=False, nullable=False),
        *[sa.Column(name, sa.BigInteger(), nullable=False) for name in counts],
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint(
            "facility_id", "route", "method", "status", name="pk_request_figure"
        ),
    )
    op.create_table(
        "job_figure",
        sa.Column("facility_id", KEY, nullable=False),
        sa.Column("job", KEY, nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Float(53), nullable=False),
        sa.Column("last_run_at", MOMENT, nullable=False),
        sa.Column("last_ok_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("facility_id", "job", name="pk_job_figure"),
    )
    op.create_table(
        "process_figure",
        sa.Column("facility_id", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("live_streams", sa.Integer(), nullable=False),
        sa.Column("pool_size", sa.Integer(), nullable=False),
        sa.Column("pool_in_use", sa.Integer(), nullable=False),
        sa.Column("logs_lost_at", MOMENT, nullable=True),
        sa.CheckConstraint("kind IN ('web', 'worker')", name="ck_process_figure_kind"),
        sa.PrimaryKeyConstraint("facility_id", "id", name="pk_process_figure"),
    )


def downgrade() -> None:
    for table in ("process_figure", "job_figure", "request_figure", "alert_channel"):
        op.drop_table(table)
    op.drop_column("alert_notice", "batch_id")
