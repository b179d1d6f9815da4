"""Shifts of cashiers, closed days."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_ANY = {"UPDATE": "", "DELETE": ""}
KEPT = {
    "day_close": _ANY,
    "shift_entry": _ANY,
    "cashier_shift": {"UPDATE": "OLD.closed_at IS NOT NULL", "DELETE": ""},
}
"""Table → what is refused, and when."""


def upgrade() -> None:
    op.create_table(
        "cashier_shift",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("cashier", sa.String(length=200), nullable=False),
        sa.Column("cashier_name", sa.String(length=200), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by", sa.String(length=200), nullable=True),
        sa.Column("figures", JSON, nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (figures IS NULL)", name="ck_cashier_shift_figures"
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name="ck_cashier_shift_closed_by"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_cashier_shift"),
    )
    op.create_index(
        "uq_cashier_shift_open",
        "cashier_shift",
        ["facility_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_cashier_shift_opened", "cashier_shift", ["facility_id", "opened_at"])
    op.create_table(
        "shift_entry",
        sa.Column("entry_id", BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("shift_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entry.id"], name="fk_shift_entry_entry_id"),
        sa.ForeignKeyConstraint(["shift_id"], ["cashier_shift.id"], name="fk_shift_entry_shift_id"),
        sa.PrimaryKeyConstraint("entry_id", name="pk_shift_entry"),
    )
    op.create_index("ix_shift_entry_shift", "shift_entry", ["shift_id"])
    op.create_table(
        "day_close",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.Column("closed_by", sa.String(length=200), nullable=False),
        sa.Column("closed_name", sa.String(length=200), nullable=False),
        sa.Column("figures", JSON, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_day_close"),
        sa.UniqueConstraint("facility_id", "day", name="uq_day_close_facility_id_day"),
    )
    make = {"postgresql": _postgresql, "sqlite": _sqlite}[op.get_bind().dialect.name]
    for table, refused in KEPT.items():
        for verb, when in refused.items():
            op.execute(make(table, verb, when))


def _postgresql(table: str, verb: str, when: str) -> str:
    """`refuse_change` came with the journal."""
    condition = f" WHEN ({when})" if when else ""
    return (
        f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}"
        f" FOR EACH ROW{condition} EXECUTE FUNCTION refuse_change()"
    )


def _sqlite(table: str, verb: str, when: str) -> str:
    condition = f" WHEN {when}" if when else ""
    return (
        f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}{condition}"
        f" BEGIN SELECT RAISE(ABORT, 'signed rows of {table} never change'); END"
    )


def downgrade() -> None:
    for table in ("shift_entry", "cashier_shift", "day_close"):
        op.drop_table(table)
