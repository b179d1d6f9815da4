"""Kiosks: figures of an hour, whose machine it is, codes that put new hardware in an old place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "heartbeat", sa.Column("notes", JSON, server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column(
        "enrolment_code",
        sa.Column("profile", sa.String(length=64), server_default="reception", nullable=False),
    )
    op.add_column("enrolment_code", sa.Column("kiosk_id", sa.String(length=64), nullable=True))
    op.create_table(
        "kiosk_hour",
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("beats", "visits", "errors", "waits")
        ),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("p95_sum_ms", "worst_ms")),
        *(
            sa.Column(name, sa.Double(), nullable=True)
            for name in (
                "temperature_max_c",
                "memory_max_percent",
                "disk_min_percent",
                "skew_max_s",
            )
        ),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosk.id"], name="fk_kiosk_hour_kiosk_id"),
        sa.PrimaryKeyConstraint("kiosk_id", "hour", name="pk_kiosk_hour"),
    )
    op.create_index("ix_kiosk_hour_hour", "kiosk_hour", ["facility_id", "hour"])
    op.create_table(
        "kiosk_owner",
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        *(
            sa.Column(name, sa.String(length=200), server_default="", nullable=False)
            for name in ("owner", "contact", "serial_number")
        ),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosk.id"], name="fk_kiosk_owner_kiosk_id"),
        sa.PrimaryKeyConstraint("kiosk_id", name="pk_kiosk_owner"),
    )


def downgrade() -> None:
    op.drop_table("kiosk_owner")
    op.drop_table("kiosk_hour")
    op.drop_column("enrolment_code", "kiosk_id")
    op.drop_column("enrolment_code", "profile")
    op.drop_column("heartbeat", "notes")
