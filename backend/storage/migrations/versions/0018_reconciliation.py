"""Reconciliations and their items; what is signed is kept as it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

_REFUSAL = "what is signed is kept as it is"
_PARENT = (
    "SELECT 1 FROM reconciliation WHERE id = {row}.reconciliation_id AND signed_at IS NOT NULL"
)
SIGNED = {
    "postgresql": [
        f"""
        CREATE FUNCTION refuse_signed() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION '{_REFUSAL}';
        END $$
        """,
        f"""
        CREATE FUNCTION refuse_signed_item() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF EXISTS ({_PARENT.format(row="OLD")}) THEN RAISE EXCEPTION '{_REFUSAL}'; END IF;
          IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
          RETURN NEW;
        END $$
        """,
        (
            "CREATE TRIGGER reconciliation_is_kept BEFORE UPDATE OR DELETE ON reconciliation"
            " FOR EACH ROW WHEN (OLD.signed_at IS NOT NULL) EXECUTE FUNCTION refuse_signed()"
        ),
        (
            "CREATE TRIGGER reconciliation_item_is_kept BEFORE UPDATE OR DELETE ON reconciliation_item"
            " FOR EACH ROW EXECUTE FUNCTION refuse_signed_item()"
        ),
    ],
    "sqlite": [
        *(
            f"CREATE TRIGGER reconciliation_{verb.lower()} BEFORE {verb} ON reconciliation"
            f" WHEN OLD.signed_at IS NOT NULL BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            for verb in ("UPDATE", "DELETE")
        ),
        *(
            f"CREATE TRIGGER reconciliation_item_{verb.lower()} BEFORE {verb} ON reconciliation_item"
            f" WHEN EXISTS ({_PARENT.format(row='OLD')})"
            f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            for verb in ("UPDATE", "DELETE")
        ),
    ],
}


def upgrade() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("content_key", sa.String(length=64), nullable=False),
        sa.Column("layout", sa.String(length=64), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("figures", JSON, nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("signed_at", MOMENT, nullable=True),
        sa.Column("signed_by", sa.String(length=200), nullable=True),
        sa.Column("signed_name", sa.String(length=200), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.CheckConstraint("source IN ('statement', 'list')", name="ck_reconciliation_source"),
        sa.CheckConstraint(
            "(signed_at IS NULL) = (signed_by IS NULL)", name="ck_reconciliation_signed"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation"),
        sa.UniqueConstraint(
            "facility_id",
            "provider",
            "account",
            "content_key",
            name="uq_reconciliation_facility_id_provider_account_content_key",
        ),
    )
    op.create_index(
        "ix_reconciliation_day", "reconciliation", ["facility_id", "first_day"], unique=False
    )
    op.create_table(
        "reconciliation_item",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("reconciliation_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("way", sa.String(length=64), nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("at", MOMENT, nullable=True),
        sa.Column("transaction_id", sa.String(length=200), nullable=True),
        sa.Column("expected_vnd", sa.BigInteger(), nullable=True),
        sa.Column("found_vnd", sa.BigInteger(), nullable=True),
        sa.Column("credit_id", sa.String(length=64), nullable=True),
        sa.Column("payment_id", sa.String(length=64), nullable=True),
        sa.Column("refund_id", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliation.id"],
            name="fk_reconciliation_item_reconciliation_id",
        ),
        sa.ForeignKeyConstraint(
            ["credit_id"], ["credit.id"], name="fk_reconciliation_item_credit_id"
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name="fk_reconciliation_item_payment_id"
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["payment_refund.id"], name="fk_reconciliation_item_refund_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation_item"),
        sa.UniqueConstraint(
            "reconciliation_id",
            "position",
            name="uq_reconciliation_item_reconciliation_id_position",
        ),
    )
    op.create_index(
        "ix_reconciliation_item_credit", "reconciliation_item", ["credit_id"], unique=False
    )
    for statement in SIGNED[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("reconciliation_item")
    op.drop_table("reconciliation")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_signed()")
        op.execute("DROP FUNCTION refuse_signed_item()")
