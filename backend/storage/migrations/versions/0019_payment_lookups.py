"""What is looked up while a patient waits is found without reading a year of payments."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TO_CANCEL = sa.text("to_cancel")


def upgrade() -> None:
    op.create_index("ix_journal_entry_payment", "journal_entry", ["payment_id"])
    op.create_index("ix_payment_line_invoice", "payment_line", ["facility_id", "invoice_ref"])
    op.create_index(
        "ix_payment_attempt_cancel",
        "payment_attempt",
        ["facility_id", "id"],
        postgresql_where=TO_CANCEL,
        sqlite_where=TO_CANCEL,
    )


def downgrade() -> None:
    op.drop_index("ix_payment_attempt_cancel", "payment_attempt")
    op.drop_index("ix_payment_line_invoice", "payment_line")
    op.drop_index("ix_journal_entry_payment", "journal_entry")
