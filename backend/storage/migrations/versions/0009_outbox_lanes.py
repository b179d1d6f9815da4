"""The outbox keeps order per lane, for several parties, and says how each party is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UNDER_WAY = sa.text("state IN ('new', 'sending', 'unknown')")
SENDING = sa.text("state = 'sending'")
NOT_SETTLED = sa.text("settled_at IS NULL")
PENDING = sa.text("state = 'pending'")
STATES = "state IN ('new', 'sending', 'unknown', 'done', 'rejected', 'dead', 'discarded')"
LANE = "(SELECT coalesce(person_id, id) FROM visit WHERE visit.id = outbox_message.visit_id)"


def upgrade() -> None:
    op.drop_index("ix_outbox_message_due", "outbox_message")
    with op.batch_alter_table("outbox_message") as table:
        table.drop_constraint("ck_outbox_message_state", type_="check")
        party = sa.Column("party", sa.String(length=64), nullable=False, server_default="his")
        table.add_column(party)
        table.add_column(sa.Column("lane", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("his_ref", sa.String(length=200), nullable=True))
    _carry_over()
    with op.batch_alter_table("outbox_message") as table:
        table.alter_column("lane", existing_type=sa.String(length=64), nullable=False)
        table.alter_column("visit_id", existing_type=sa.String(length=64), nullable=True)
        table.alter_column("expires_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        table.alter_column("state", existing_type=sa.String(length=64), server_default="new")
        table.alter_column("attempts", existing_type=sa.Integer(), server_default="0")
        table.create_check_constraint("ck_outbox_message_state", STATES)
    lane = ["facility_id", "party", "lane"]
    _index("uq_outbox_message_sending", lane, SENDING, unique=True)
    _index("ix_outbox_message_due", ["facility_id", "party", "id"], UNDER_WAY)
    _index("ix_outbox_message_lane", [*lane, "id"], NOT_SETTLED)
    op.create_index("ix_outbox_message_settled", "outbox_message", ["settled_at"])
    op.create_table(
        "party_state",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("party", sa.String(length=64), nullable=False),
        sa.Column("call_group", sa.String(length=64), nullable=False),
        sa.Column("breaker", sa.String(length=64), nullable=False, server_default="closed"),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=64), nullable=True),
        sa.Column("delivered", sa.BigInteger(), nullable=False, server_default="0"),
        sa.CheckConstraint(
            "breaker IN ('closed', 'open', 'half_open')", name="ck_party_state_breaker"
        ),
        sa.PrimaryKeyConstraint("facility_id", "party", "call_group", name="pk_party_state"),
    )


def _carry_over() -> None:
    """What was tried before may have arrived: it is looked up first."""
    connection = op.get_bind()
    expires_at = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=3)
    moment = sa.DateTime(timezone=True)
    table = sa.table(
        "outbox_message", sa.column("state"), sa.column("attempts"), sa.column("lane"),
        sa.column("expires_at", moment), sa.column("settled_at", moment), sa.column("sent_at", moment),
    )  # fmt: skip
    if connection.dialect.name != "sqlite":
        expires_at = expires_at.replace(tzinfo=UTC)
    connection.execute(
        sa.update(table).values(
            state=sa.case(
                (table.c.state == "sent", "done"),
                ((table.c.state == "pending") & (table.c.attempts > 0), "unknown"),
                (table.c.state == "pending", "new"),
                else_=table.c.state,
            ),
            lane=sa.text(LANE),
            expires_at=expires_at,
            sent_at=table.c.settled_at,
            settled_at=sa.case((table.c.state == "dead", None), else_=table.c.settled_at),
        )
    )


def _index(name: str, columns: list[str], where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(
        name, "outbox_message", columns, unique=unique, postgresql_where=where, sqlite_where=where
    )


def downgrade() -> None:
    """Messages without a visit are lost: the older code knows none."""
    op.drop_table("party_state")
    for name in (
        "uq_outbox_message_sending", "ix_outbox_message_due", "ix_outbox_message_lane",
        "ix_outbox_message_settled",
    ):  # fmt: skip
        op.drop_index(name, "outbox_message")
    with op.batch_alter_table("outbox_message") as table:
        table.drop_constraint("ck_outbox_message_state", type_="check")
    op.execute(sa.text("DELETE FROM outbox_message WHERE visit_id IS NULL"))
    op.execute(
        sa.text(
            "UPDATE outbox_message SET settled_at = coalesce(settled_at, created_at)"
            " WHERE state IN ('rejected', 'dead')"
        )
    )
    op.execute(
        sa.text(
            "UPDATE outbox_message SET state = CASE"
            " WHEN state IN ('new', 'sending', 'unknown') THEN 'pending'"
            " WHEN state = 'done' THEN 'sent' ELSE 'dead' END"
        )
    )
    with op.batch_alter_table("outbox_message") as table:
        table.alter_column("state", existing_type=sa.String(length=64), server_default=None)
        table.alter_column("attempts", existing_type=sa.Integer(), server_default=None)
        table.alter_column("visit_id", existing_type=sa.String(length=64), nullable=False)
        for name in ("party", "lane", "sent_at", "expires_at", "his_ref"):
            table.drop_column(name)
        table.create_check_constraint(
            "ck_outbox_message_state", "state IN ('pending', 'sent', 'dead')"
        )
    op.create_index(
        "ix_outbox_message_due", "outbox_message", ["next_at"],
        postgresql_where=PENDING, sqlite_where=PENDING,
    )  # fmt: skip
