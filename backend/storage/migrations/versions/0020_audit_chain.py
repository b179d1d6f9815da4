"""Audit rows are sealed into a chain; both its ends are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

SEALED = sa.text("sequence IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "audit_checkpoint",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("purged_sequence", sa.BigInteger(), nullable=False),
        sa.Column("purged_hash", sa.String(length=64), nullable=False),
        sa.Column("head_sequence", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("facility_id", name="pk_audit_checkpoint"),
    )
    op.create_index(
        "uq_audit_event_sequence",
        "audit_event",
        ["facility_id", "sequence"],
        unique=True,
        postgresql_where=SEALED,
        sqlite_where=SEALED,
    )


def downgrade() -> None:
    op.drop_index("uq_audit_event_sequence", "audit_event")
    op.drop_table("audit_checkpoint")
