"""The IT desk: alerts and who was told, absences of kiosks, what they are ordered to do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
OPEN_ALERT = sa.text("cleared_at IS NULL")
OPEN_ABSENCE = sa.text("ended_at IS NULL")
TO_SEND = sa.text("state = 'waiting'")
OPEN_COMMAND = sa.text("state IN ('waiting', 'taken')")


def upgrade() -> None:
    op.add_column(
        "kiosk",
        sa.Column("profile", sa.String(length=64), server_default="reception", nullable=False),
    )
    op.add_column("kiosk", sa.Column("out_of_service", JSON, nullable=True))
    with op.batch_alter_table("kiosk") as kiosk:
        kiosk.create_check_constraint(
            "profile", "profile IN ('reception', 'examination', 'laboratory', 'fees')"
        )
    _create_alerts()
    op.create_table(
        "kiosk_absence",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosk.id"], name="fk_kiosk_absence_kiosk_id"),
        sa.PrimaryKeyConstraint("id", name="pk_kiosk_absence"),
    )
    op.create_index(
        "uq_kiosk_absence_open",
        "kiosk_absence",
        ["kiosk_id"],
        unique=True,
        postgresql_where=OPEN_ABSENCE,
        sqlite_where=OPEN_ABSENCE,
    )
    op.create_index("ix_kiosk_absence_began", "kiosk_absence", ["facility_id", "began_at"])
    op.create_table(
        "kiosk_command",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), server_default="waiting", nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("taken_at", MOMENT, nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("attachment", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('restart', 'test_print', 'take_picture', 'send_logs')",
            name="ck_kiosk_command_kind",
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'taken', 'done', 'refused', 'failed', 'expired', 'cancelled')",
            name="ck_kiosk_command_state",
        ),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosk.id"], name="fk_kiosk_command_kiosk_id"),
        sa.PrimaryKeyConstraint("id", name="pk_kiosk_command"),
    )
    op.create_index(
        "ix_kiosk_command_kiosk", "kiosk_command", ["facility_id", "kiosk_id", "created_at"]
    )
    op.create_index(
        "ix_kiosk_command_open",
        "kiosk_command",
        ["kiosk_id"],
        postgresql_where=OPEN_COMMAND,
        sqlite_where=OPEN_COMMAND,
    )


def _create_alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("cleared_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alert"),
    )
    op.create_index(
        "uq_alert_open",
        "alert",
        ["facility_id", "kind", "subject"],
        unique=True,
        postgresql_where=OPEN_ALERT,
        sqlite_where=OPEN_ALERT,
    )
    op.create_index("ix_alert_raised", "alert", ["facility_id", "raised_at"])
    op.create_table(
        "alert_notice",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("phase", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), server_default="", nullable=False),
        sa.Column("state", sa.String(length=64), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.CheckConstraint("phase IN ('raised', 'cleared')", name="ck_alert_notice_phase"),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'given_up')", name="ck_alert_notice_state"
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alert.id"], name="fk_alert_notice_alert_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alert_notice"),
    )
    op.create_index(
        "uq_alert_notice", "alert_notice", ["alert_id", "phase", "channel"], unique=True
    )
    op.create_index(
        "ix_alert_notice_due",
        "alert_notice",
        ["facility_id", "next_at"],
        postgresql_where=TO_SEND,
        sqlite_where=TO_SEND,
    )


def downgrade() -> None:
    for table in ("kiosk_command", "kiosk_absence", "alert_notice", "alert"):
        op.drop_table(table)
    with op.batch_alter_table("kiosk") as kiosk:
        kiosk.drop_constraint("profile", type_="check")
        kiosk.drop_column("out_of_service")
        kiosk.drop_column("profile")
