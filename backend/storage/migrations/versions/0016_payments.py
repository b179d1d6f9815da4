"""Payments, credits, held money, the journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

TABLES = (
    "payment_notice",
    "payment_quote",
    "payment",
    "credit",
    "payment_attempt",
    "payment_change",
    "payment_line",
    "journal_entry",
    "suspense_item",
    "payment_refund",
)

_KEPT = ("journal_entry", "payment_change")
_FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are only added to', TG_TABLE_NAME;
END $$
"""
# The rows of money are proof: not even a mistake in our own code may change one.
APPEND_ONLY = {
    "postgresql": [
        _FUNCTION,
        *(
            f"CREATE TRIGGER {table}_is_kept BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            for table in _KEPT
        ),
    ],
    "sqlite": [
        f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, 'rows of {table} are only added to'); END"
        for table in _KEPT
        for verb in ("UPDATE", "DELETE")
    ],
}


def upgrade() -> None:
    op.create_table(
        "payment_notice",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("repeats", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payment_notice"),
        sa.UniqueConstraint(
            "facility_id",
            "provider",
            "body_hash",
            name="uq_payment_notice_facility_id_provider_body_hash",
        ),
    )
    op.create_index("ix_payment_notice_received", "payment_notice", ["received_at"], unique=False)
    op.create_table(
        "payment_quote",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payment_quote"),
    )
    op.create_index("ix_payment_quote_expires_at", "payment_quote", ["expires_at"], unique=False)
    op.create_table(
        "payment",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=True),
        sa.Column("visit_id", sa.String(length=64), nullable=True),
        sa.Column("patient_ref", sa.String(length=200), nullable=False),
        sa.Column("visit_ref", sa.String(length=200), nullable=True),
        sa.Column("kiosk_id", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("method", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("fee_checked_at", MOMENT, nullable=False),
        sa.Column("paid_at", MOMENT, nullable=True),
        sa.Column("posted_at", MOMENT, nullable=True),
        sa.Column("receipt_print_state", sa.String(length=64), nullable=True),
        sa.Column("sealed_invoice", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("kind IN ('fees', 'advance')", name="ck_payment_kind"),
        sa.CheckConstraint(
            "state IN ('created', 'waiting', 'underpaid', 'paid', 'late_paid', 'post_failed', 'posted', 'refund_due', 'expired', 'cancelled', 'failed')",
            name="ck_payment_state",
        ),
        sa.CheckConstraint("amount_vnd > 0", name="ck_payment_amount"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_payment_person_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name="fk_payment_visit_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment"),
        sa.UniqueConstraint("code", name="uq_payment_code"),
    )
    op.create_index("ix_payment_created", "payment", ["facility_id", "created_at"], unique=False)
    op.create_index(
        "ix_payment_follow",
        "payment",
        ["facility_id", "fee_checked_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('created', 'waiting', 'underpaid')"),
        sqlite_where=sa.text("state IN ('created', 'waiting', 'underpaid')"),
    )
    op.create_index("ix_payment_person", "payment", ["person_id"], unique=False)
    op.create_index("ix_payment_visit", "payment", ["visit_id"], unique=False)
    op.create_table(
        "credit",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("transaction_id", sa.String(length=128), nullable=False),
        sa.Column("bank_reference", sa.String(length=128), server_default="", nullable=False),
        sa.Column("same_money_key", sa.String(length=64), nullable=True),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.String(length=64), nullable=True),
        sa.Column("attempt_key", sa.String(length=64), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "source IN ('callback', 'query', 'statement', 'cashier')", name="ck_credit_source"
        ),
        sa.CheckConstraint("amount_vnd > 0", name="ck_credit_amount"),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name="fk_credit_payment_id"),
        sa.PrimaryKeyConstraint("id", name="pk_credit"),
        sa.UniqueConstraint(
            "facility_id",
            "provider",
            "account",
            "transaction_id",
            name="uq_credit_facility_id_provider_account_transaction_id",
        ),
        sa.UniqueConstraint("same_money_key", name="uq_credit_same_money_key"),
    )
    op.create_index("ix_credit_paid_at", "credit", ["facility_id", "paid_at"], unique=False)
    op.create_index("ix_credit_payment", "credit", ["payment_id"], unique=False)
    op.create_table(
        "payment_attempt",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("provider_ref", sa.String(length=200), nullable=True),
        sa.Column("qr_text", sa.Text(), nullable=True),
        sa.Column("offer", JSON, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("queries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_query_at", MOMENT, nullable=True),
        sa.Column("to_cancel", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint(
            "state IN ('created', 'open', 'paid', 'replaced', 'cancelled', 'expired', 'failed')",
            name="ck_payment_attempt_state",
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name="fk_payment_attempt_payment_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_attempt"),
        sa.UniqueConstraint("key", name="uq_payment_attempt_key"),
        sa.UniqueConstraint("payment_id", "attempt", name="uq_payment_attempt_payment_id_attempt"),
    )
    op.create_index(
        "ix_payment_attempt_query",
        "payment_attempt",
        ["facility_id", "next_query_at"],
        unique=False,
        postgresql_where=sa.text("next_query_at IS NOT NULL"),
        sqlite_where=sa.text("next_query_at IS NOT NULL"),
    )
    op.create_table(
        "payment_change",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.String(length=64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name="fk_payment_change_payment_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_change"),
    )
    op.create_index(
        "ix_payment_change_payment", "payment_change", ["payment_id", "id"], unique=False
    )
    op.create_table(
        "payment_line",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("invoice_ref", sa.String(length=200), nullable=True),
        sa.Column("invoice_code", sa.String(length=64), nullable=True),
        sa.Column("invoice_version", sa.String(length=200), nullable=True),
        sa.Column("title_vi", sa.String(length=200), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("posted_at", MOMENT, nullable=True),
        sa.Column("his_ref", sa.String(length=200), nullable=True),
        sa.Column("refused", sa.String(length=64), nullable=True),
        sa.CheckConstraint("amount_vnd > 0", name="ck_payment_line_amount"),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name="fk_payment_line_payment_id"),
        sa.PrimaryKeyConstraint("id", name="pk_payment_line"),
        sa.UniqueConstraint("payment_id", "position", name="uq_payment_line_payment_id_position"),
    )
    op.create_index(
        "uq_payment_line_open",
        "payment_line",
        ["facility_id", "invoice_ref"],
        unique=True,
        postgresql_where=sa.text("is_open"),
        sqlite_where=sa.text("is_open"),
    )
    op.create_table(
        "journal_entry",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("debit", sa.String(length=64), nullable=False),
        sa.Column("credit", sa.String(length=64), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("credit_id", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.String(length=64), nullable=True),
        sa.Column("line_id", sa.String(length=64), nullable=True),
        sa.Column("item_id", sa.String(length=64), nullable=True),
        sa.Column("refund_id", sa.String(length=64), nullable=True),
        sa.CheckConstraint("amount_vnd > 0", name="ck_journal_entry_amount"),
        sa.CheckConstraint("debit <> credit", name="ck_journal_entry_two_accounts"),
        sa.ForeignKeyConstraint(["credit_id"], ["credit.id"], name="fk_journal_entry_credit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_journal_entry"),
    )
    op.create_index("ix_journal_entry_at", "journal_entry", ["facility_id", "at"], unique=False)
    op.create_index("ix_journal_entry_credit", "journal_entry", ["credit_id"], unique=False)
    op.create_table(
        "suspense_item",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("credit_id", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.String(length=64), nullable=True),
        sa.Column("line_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_by", sa.String(length=200), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "reason IN ('short', 'over', 'duplicate', 'late', 'unknown', 'not_taken_by_his')",
            name="ck_suspense_item_reason",
        ),
        sa.CheckConstraint(
            "state IN ('open', 'applied', 'refunding', 'refunded', 'handed_over')",
            name="ck_suspense_item_state",
        ),
        sa.CheckConstraint("amount_vnd > 0", name="ck_suspense_item_amount"),
        sa.ForeignKeyConstraint(["credit_id"], ["credit.id"], name="fk_suspense_item_credit_id"),
        sa.ForeignKeyConstraint(["line_id"], ["payment_line.id"], name="fk_suspense_item_line_id"),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name="fk_suspense_item_payment_id"),
        sa.PrimaryKeyConstraint("id", name="pk_suspense_item"),
    )
    op.create_index("ix_suspense_item_credit", "suspense_item", ["credit_id"], unique=False)
    op.create_index(
        "ix_suspense_item_open",
        "suspense_item",
        ["facility_id", "opened_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('open', 'refunding')"),
        sqlite_where=sa.text("state IN ('open', 'refunding')"),
    )
    op.create_index("ix_suspense_item_payment", "suspense_item", ["payment_id"], unique=False)
    op.create_table(
        "payment_refund",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("credit_id", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("amount_vnd", sa.BigInteger(), nullable=False),
        sa.Column("by_provider", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("approved_by", sa.String(length=200), nullable=True),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("provider_ref", sa.String(length=200), nullable=True),
        sa.Column("failure", sa.String(length=200), nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'rejected', 'processing', 'done', 'failed')",
            name="ck_payment_refund_state",
        ),
        sa.CheckConstraint("amount_vnd > 0", name="ck_payment_refund_amount"),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> requested_by",
            name="ck_payment_refund_two_people",
        ),
        sa.ForeignKeyConstraint(["credit_id"], ["credit.id"], name="fk_payment_refund_credit_id"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["suspense_item.id"], name="fk_payment_refund_item_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_refund"),
        sa.UniqueConstraint("credit_id", "serial", name="uq_payment_refund_credit_id_serial"),
    )
    op.create_index(
        "uq_payment_refund_open",
        "payment_refund",
        ["item_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('requested', 'approved', 'processing')"),
        sqlite_where=sa.text("state IN ('requested', 'approved', 'processing')"),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
