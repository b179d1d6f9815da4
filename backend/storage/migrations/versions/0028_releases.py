"""Releases of kiosks: bundles, who shall run which, what each kiosk said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "release_bundle",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_release_bundle"),
        sa.UniqueConstraint("facility_id", "version", name="uq_release_bundle_facility_id_version"),
    )
    op.create_table(
        "release_target",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.CheckConstraint("scope IN ('kiosk', 'profile', 'all')", name="ck_release_target_scope"),
        sa.PrimaryKeyConstraint("id", name="pk_release_target"),
        sa.UniqueConstraint(
            "facility_id", "scope", "name", name="uq_release_target_facility_id_scope_name"
        ),
    )
    op.create_table(
        "kiosk_release",
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "state IN ('installed', 'rolled_back', 'refused')", name="ck_kiosk_release_state"
        ),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosk.id"], name="fk_kiosk_release_kiosk_id"),
        sa.PrimaryKeyConstraint("kiosk_id", name="pk_kiosk_release"),
    )


def downgrade() -> None:
    for table in ("kiosk_release", "release_target", "release_bundle"):
        op.drop_table(table)
