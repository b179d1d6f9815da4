"""The desk: decisions about a visit, calls that are gone on with, tickets printed by agents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
REQUEST_STATES = "state IN ('pending', 'taken', 'printed', 'unconfirmed', 'failed', 'unknown')"


def upgrade() -> None:
    op.add_column("visit", sa.Column("phone_hash", sa.String(length=64), nullable=True))
    op.add_column("visit", sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_visit_phone", "visit", ["facility_id", "day", "phone_hash"])
    kind = sa.Column("kind", sa.String(length=64), nullable=False, server_default="kiosk")
    with op.batch_alter_table("kiosk") as kiosk:
        kiosk.add_column(kind)
        kiosk.create_check_constraint("ck_kiosk_kind", "kind IN ('kiosk', 'agent')")
    op.add_column(
        "enrolment_code",
        sa.Column("kind", sa.String(length=64), nullable=False, server_default="kiosk"),
    )
    op.add_column("help_call", sa.Column("scan_id", sa.String(length=64), nullable=True))
    op.add_column("help_call", sa.Column("chosen", JSON, nullable=True))
    op.create_table(
        "print_request",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.CheckConstraint(REQUEST_STATES, name="ck_print_request_state"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_print_request_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_print_request"),
    )
    op.create_index(
        "ix_print_request_agent", "print_request", ["agent_id", "state", "requested_at"]
    )
    op.create_index("ix_print_request_visit", "print_request", ["visit_id"])
