"""What keeps visits in step with the HIS: the feed, visits to read, orders, dated copies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
KNOWN = sa.text("his_ref IS NOT NULL")


def upgrade() -> None:
    op.add_column("facility", sa.Column("his_features", JSON, nullable=True))
    op.create_index(
        "ix_person_his_ref",
        "person",
        ["facility_id", "his_ref"],
        postgresql_where=KNOWN,
        sqlite_where=KNOWN,
    )
    op.create_table(
        "his_feed",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("pause_until", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("last_error", sa.String(length=64), nullable=True),
        sa.Column("last_error_at", MOMENT, nullable=True),
        sa.Column("lags_ms", JSON, nullable=False),
        sa.PrimaryKeyConstraint("facility_id", name="pk_his_feed"),
    )
    op.create_table(
        "his_watch",
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("noticed", sa.Integer(), nullable=False),
        sa.Column("applied", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=True),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_his_watch_visit_id"),
        sa.PrimaryKeyConstraint("visit_id", name="pk_his_watch"),
    )
    op.create_index("ix_his_watch_facility", "his_watch", ["facility_id", "changed_at"])
    op.create_table(
        "his_order",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("step_id", sa.String(length=64), nullable=True),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("preparation_vi", sa.Text(), nullable=False),
        sa.Column("preparation_en", sa.Text(), nullable=False),
        sa.Column("ordered_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_his_order_visit_id"),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name="fk_his_order_step_id"),
        sa.PrimaryKeyConstraint("facility_id", "ref", name="pk_his_order"),
    )
    op.create_index("ix_his_order_visit", "his_order", ["visit_id"])
    op.create_index("ix_his_order_step", "his_order", ["step_id"])
    op.create_table(
        "his_copy",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("fetched_at", MOMENT, nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_his_copy_visit_id"),
        sa.PrimaryKeyConstraint("facility_id", "kind", "visit_id", name="pk_his_copy"),
    )


def downgrade() -> None:
    for table in ("his_copy", "his_order", "his_watch", "his_feed"):
        op.drop_table(table)
    op.drop_index("ix_person_his_ref", "person")
    op.drop_column("facility", "his_features")
