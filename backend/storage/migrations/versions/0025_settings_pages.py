"""Settings changed on a page beside those of files, and how far a first set-up has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column(
        "settings_import",
        sa.Column("origin", sa.String(length=64), server_default="file", nullable=False),
    )
    op.create_table(
        "first_set_up",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("code_expires_at", MOMENT, nullable=True),
        sa.Column("administrator_at", MOMENT, nullable=True),
        sa.Column("done", JSON, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("finished_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("facility_id", name="pk_first_set_up"),
    )


def downgrade() -> None:
    op.drop_table("first_set_up")
    op.drop_column("settings_import", "origin")
