"""Evidence of failed look-ups, re-checks, the card of a visit and its proposed category."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "coverage_evidence",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("scan_id", sa.String(length=64), nullable=True),
        sa.Column("visit_id", sa.String(length=64), nullable=True),
        sa.Column("party", sa.String(length=64), nullable=False),
        sa.Column("problem", sa.String(length=64), nullable=False),
        sa.Column("failure", sa.String(length=64), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("answer_sha256", sa.String(length=64), nullable=True),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_coverage_evidence"),
    )
    op.create_index("ix_coverage_evidence_visit", "coverage_evidence", ["visit_id"])
    op.create_index("ix_coverage_evidence_scan", "coverage_evidence", ["scan_id"])
    op.create_index("ix_coverage_evidence_recorded_at", "coverage_evidence", ["recorded_at"])
    op.create_table(
        "coverage_recheck",
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'known', 'needs_person', 'day_over')",
            name="ck_coverage_recheck_state",
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"],
            ["visit.id"],
            name="fk_coverage_recheck_visit_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("visit_id", name="pk_coverage_recheck"),
    )
    op.create_index(
        "ix_coverage_recheck_due",
        "coverage_recheck",
        ["next_at"],
        postgresql_where=PENDING,
        sqlite_where=PENDING,
    )
    op.add_column("visit", sa.Column("sealed_card", sa.LargeBinary(), nullable=True))
    op.add_column("visit", sa.Column("category_code", sa.String(length=64), nullable=True))
    op.add_column("visit", sa.Column("category_reason", sa.String(length=64), nullable=True))
    op.add_column(
        "visit",
        sa.Column("category_confirmed", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    for name in ("category_confirmed", "category_reason", "category_code", "sealed_card"):
        op.drop_column("visit", name)
    op.drop_table("coverage_recheck")
    op.drop_table("coverage_evidence")
