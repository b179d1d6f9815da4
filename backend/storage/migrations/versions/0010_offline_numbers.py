"""Letters of kiosks for numbers they give without the server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offline_series",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("letter", sa.String(length=4), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("journal_id", sa.String(length=64), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("facility_id", "letter", name="pk_offline_series"),
        sa.UniqueConstraint("journal_id", name="uq_offline_series_journal_id"),
    )
    op.add_column("visit", sa.Column("handed_in_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("visit", "handed_in_at")
    op.drop_table("offline_series")
