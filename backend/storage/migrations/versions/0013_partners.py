"""Kiosks of partners: who they are, and the signatures they used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

STANDING = sa.text("revoked_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "partner",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("merchant_id", sa.String(length=64), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("reads_cards", sa.Boolean(), nullable=False),
        sa.Column("notice_version", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_partner"),
        sa.UniqueConstraint("merchant_id", name="uq_partner_merchant_id"),
    )
    op.create_index(
        "uq_partner_name",
        "partner",
        ["facility_id", "name"],
        unique=True,
        postgresql_where=STANDING,
        sqlite_where=STANDING,
    )
    op.create_table(
        "partner_signature",
        sa.Column("signature_hash", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("signature_hash", name="pk_partner_signature"),
    )
    op.create_index("ix_partner_signature_seen_at", "partner_signature", ["seen_at"])


def downgrade() -> None:
    op.drop_table("partner_signature")
    op.drop_table("partner")
