"""What rooms really took, by hour of the day.

And what a page of all rooms needs: who is in a room, away or back in line by index, and acts on
the room itself that can be taken back.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INDICES = (
    (
        "ix_step_in_sight",
        ["room_id", "day", "state", "kind"],
        "state IN ('called', 'serving', 'done')",
    ),
    (
        "ix_step_away",
        ["queue_id", "day", "state", "hold_reason"],
        "state IN ('hold', 'missed', 'cancelled')",
    ),
    ("ix_step_returned", ["facility_id", "day"], "returns > 0"),
)


def upgrade() -> None:
    op.add_column("staff_act", sa.Column("room_before", JSON, nullable=True))
    for name, columns, where in INDICES:
        op.create_index(
            name, "step", columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where)
        )
    op.create_table(
        "wait_history",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("median_s", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name="ck_wait_history_hour"),
        sa.PrimaryKeyConstraint("facility_id", "room_id", "hour", name="pk_wait_history"),
    )
