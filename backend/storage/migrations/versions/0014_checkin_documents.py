"""Check-in tables for the insurance gateway, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
STATES = (
    "state IN ('queued', 'invalid', 'skipped', 'unknown', 'received', 'refused', 'accepted', "
    "'faulty')"
)
WAITING = sa.text("state = 'queued'")


def upgrade() -> None:
    op.create_table(
        "checkin_document",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("standard", sa.String(length=64), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("sent_key_hash", sa.String(length=64), nullable=True),
        sa.Column("findings", JSON, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("result_code", sa.String(length=64), nullable=True),
        sa.Column("transaction_id", sa.String(length=200), nullable=True),
        sa.Column("sealed_message", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_by", sa.String(length=200), nullable=True),
        sa.CheckConstraint(STATES, name="ck_checkin_document_state"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_checkin_document_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_checkin_document"),
        sa.UniqueConstraint("visit_id", "position", name="uq_checkin_document_visit_id_position"),
    )
    op.create_index("ix_checkin_document_created_at", "checkin_document", ["created_at"])
    op.create_index(
        "ix_checkin_document_due",
        "checkin_document",
        ["due_at"],
        postgresql_where=WAITING,
        sqlite_where=WAITING,
    )


def downgrade() -> None:
    op.drop_table("checkin_document")
