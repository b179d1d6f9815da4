"""Where audit rows come from and what they are searched by; incidents; requests of people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
OPEN = sa.text("finished_at IS NULL")
SEARCHED = {
    "ix_audit_event_at": ["facility_id", "at", "id"],
    "ix_audit_event_actor": ["facility_id", "actor", "at", "id"],
    "ix_audit_event_event": ["facility_id", "event", "at", "id"],
    "ix_audit_event_subject": ["facility_id", "subject", "at", "id"],
}


def upgrade() -> None:
    op.add_column("audit_event", sa.Column("origin", sa.String(length=64), nullable=True))
    for name, columns in SEARCHED.items():
        op.create_index(name, "audit_event", columns)
    _create_checks()
    _create_incidents()
    _create_requests()


def downgrade() -> None:
    for name in ("data_request", "incident_note", "incident", "audit_check"):
        op.drop_table(name)
    for name in SEARCHED:
        op.drop_index(name, "audit_event")
    op.drop_column("audit_event", "origin")


def _create_checks() -> None:
    op.create_table(
        "audit_check",
        *_keys("audit_check"),
        sa.Column("asked_by", sa.String(length=200), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("verdict", JSON, nullable=True),
    )
    op.create_index(
        "ix_audit_check_facility_id_asked_at", "audit_check", ["facility_id", "asked_at"]
    )
    op.create_index(
        "uq_audit_check_open",
        "audit_check",
        ["facility_id"],
        unique=True,
        postgresql_where=OPEN,
        sqlite_where=OPEN,
    )


def _create_incidents() -> None:
    op.create_table(
        "incident",
        *_keys("incident"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("noticed_at", MOMENT, nullable=False),
        sa.Column("span_from", MOMENT, nullable=False),
        sa.Column("span_to", MOMENT, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("opened_by", sa.String(length=200), nullable=False),
        sa.Column("sealed_about", sa.LargeBinary(), nullable=False),
        sa.Column("first_notice_at", MOMENT, nullable=True),
        sa.Column("first_notice_by", sa.String(length=200), nullable=True),
        sa.Column("report_at", MOMENT, nullable=True),
        sa.Column("report_by", sa.String(length=200), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by", sa.String(length=200), nullable=True),
        sa.UniqueConstraint("facility_id", "number", name="uq_incident_facility_id_number"),
    )
    op.create_table(
        "incident_note",
        *_keys("incident_note"),
        sa.Column("incident_id", sa.String(length=64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("sealed_text", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incident.id"], name="fk_incident_note_incident_id"
        ),
    )
    op.create_index("ix_incident_note_incident_id_id", "incident_note", ["incident_id", "id"])


def _create_requests() -> None:
    op.create_table(
        "data_request",
        *_keys("data_request"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("answer_by", sa.Date(), nullable=False),
        sa.Column("done_by", sa.Date(), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("written_by", sa.String(length=200), nullable=False),
        sa.Column("sealed_who", sa.LargeBinary(), nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("answered_by", sa.String(length=200), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.String(length=200), nullable=True),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.UniqueConstraint("facility_id", "number", name="uq_data_request_facility_id_number"),
        sa.CheckConstraint(
            "kind IN ('view', 'correct', 'withdraw', 'limit', 'object', 'delete')",
            name="ck_data_request_kind",
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('done', 'refused', 'taken_back')",
            name="ck_data_request_outcome",
        ),
    )


def _keys(table: str) -> tuple[sa.Column[str] | sa.Constraint, ...]:
    return (
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=f"fk_{table}_facility_id"),
    )
