"""First shape: catalogue, people and visits, kiosks, and the rows every change leaves behind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("chain_hash", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
    )
    op.create_index(
        "ix_audit_event_unsealed",
        "audit_event",
        ["id"],
        unique=False,
        postgresql_where=sa.text("sequence IS NULL"),
        sqlite_where=sa.text("sequence IS NULL"),
    )
    op.create_table(
        "device_event",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_device_event"),
    )
    op.create_index(
        "ix_device_event_kiosk",
        "device_event",
        ["facility_id", "kiosk_id", "device", "at"],
        unique=False,
    )
    op.create_table(
        "enrolment_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kiosk_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name="pk_enrolment_code"),
    )
    op.create_table(
        "facility",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_vi", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("hotline", sa.String(length=64), nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("catalogue_version", sa.Integer(), nullable=False),
        sa.Column("catalogue_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_facility"),
    )
    op.create_table(
        "heartbeat",
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", JSON, nullable=False),
        sa.PrimaryKeyConstraint("kiosk_id", name="pk_heartbeat"),
    )
    op.create_table(
        "help_call",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("screen", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=True),
        sa.CheckConstraint("kind IN ('help', 'emergency')", name="ck_help_call_kind"),
        sa.CheckConstraint("state IN ('waiting', 'acknowledged')", name="ck_help_call_state"),
        sa.PrimaryKeyConstraint("id", name="pk_help_call"),
    )
    op.create_index(
        "ix_help_call_state", "help_call", ["facility_id", "state", "created_at"], unique=False
    )
    op.create_table(
        "idempotency_key",
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_idempotency_key"),
    )
    op.create_index(
        "ix_idempotency_key_created_at", "idempotency_key", ["created_at"], unique=False
    )
    op.create_table(
        "kiosk",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_kiosk"),
        sa.UniqueConstraint("token_hash", name="uq_kiosk_token_hash"),
    )
    op.create_table(
        "live_event",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_live_event"),
    )
    op.create_index("ix_live_event_at", "live_event", ["at"], unique=False)
    op.create_table(
        "notice_acceptance",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("scan_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notice_acceptance"),
    )
    op.create_index("ix_notice_acceptance_scan_id", "notice_acceptance", ["scan_id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("his_ref", sa.String(length=200), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
    )
    op.create_index("ix_person_last_seen_at", "person", ["last_seen_at"], unique=False)
    op.create_table(
        "quota",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken BETWEEN 0 AND capacity", name="ck_quota_taken"),
        sa.PrimaryKeyConstraint("facility_id", "day", "scope", name="pk_quota"),
    )
    op.create_table(
        "rate_limit",
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "window_start", name="pk_rate_limit"),
    )
    op.create_index("ix_rate_limit_window_start", "rate_limit", ["window_start"], unique=False)
    op.create_table(
        "scan",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scan"),
    )
    op.create_index("ix_scan_expires_at", "scan", ["expires_at"], unique=False)
    op.create_table(
        "series",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("letter", sa.String(length=4), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("facility_id", "letter", "day", name="pk_series"),
    )
    op.create_table(
        "staff_credential",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_staff_credential"),
        sa.UniqueConstraint("token_hash", name="uq_staff_credential_token_hash"),
    )
    op.create_table(
        "department",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("his_ref", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_vi", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_department_facility_id"),
        sa.PrimaryKeyConstraint("id", name="pk_department"),
        sa.UniqueConstraint("facility_id", "his_ref", name="uq_department_facility_id_his_ref"),
    )
    op.create_table(
        "person_key",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_person_key_person_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("facility_id", "key_hash", name="pk_person_key"),
    )
    op.create_index("ix_person_key_person_id", "person_key", ["person_id"], unique=False)
    op.create_table(
        "practitioner",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("his_ref", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("session_limit", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name="fk_practitioner_facility_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_practitioner"),
        sa.UniqueConstraint("facility_id", "his_ref", name="uq_practitioner_facility_id_his_ref"),
    )
    op.create_table(
        "priority_group",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("label_vi", sa.String(length=200), nullable=False),
        sa.Column("label_en", sa.String(length=200), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("age_from_years", sa.Integer(), nullable=True),
        sa.Column("age_below_years", sa.Integer(), nullable=True),
        sa.Column("self_declared", sa.Boolean(), nullable=False),
        sa.Column("legal_basis", sa.String(length=200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name="fk_priority_group_facility_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_priority_group"),
        sa.UniqueConstraint("facility_id", "code", name="uq_priority_group_facility_id_code"),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=1), nullable=False),
        sa.Column("priority_group", sa.String(length=64), nullable=True),
        sa.Column("priority_declared", sa.Boolean(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("known_to_his", sa.Boolean(), nullable=False),
        sa.Column("use_insurance", sa.Boolean(), nullable=False),
        sa.Column("coverage_outcome", sa.String(length=64), nullable=True),
        sa.Column("coverage_code", sa.String(length=64), nullable=True),
        sa.Column("papers", JSON, nullable=False),
        sa.Column("sealed_on_behalf", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=True),
        sa.Column("scan_id", sa.String(length=64), nullable=False),
        sa.Column("appointment_ref", sa.String(length=200), nullable=True),
        sa.Column("his_number", sa.String(length=64), nullable=True),
        sa.Column("his_record_code", sa.String(length=64), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_visit_person_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_visit"),
    )
    op.create_index("ix_visit_day", "visit", ["facility_id", "day"], unique=False)
    op.create_index("ix_visit_person_day", "visit", ["person_id", "day"], unique=False)
    op.create_table(
        "number",
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("letter", sa.String(length=4), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.CheckConstraint("number > 0", name="ck_number_positive"),
        sa.CheckConstraint(
            "visit_id IS NOT NULL OR reason IS NOT NULL", name="ck_number_explained"
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_number_visit_id"),
        sa.PrimaryKeyConstraint("facility_id", "letter", "day", "number", name="pk_number"),
    )
    op.create_index("ix_number_visit", "number", ["visit_id"], unique=False)
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'sent', 'dead')", name="ck_outbox_message_state"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_outbox_message_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_message"),
    )
    op.create_index(
        "ix_outbox_message_due",
        "outbox_message",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
        sqlite_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_outbox_message_visit", "outbox_message", ["visit_id"], unique=False)
    op.create_table(
        "print_job",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("kiosk_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("elapsed_ms", sa.Integer(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'printed', 'unconfirmed', 'failed', 'unknown')",
            name="ck_print_job_state",
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_print_job_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_print_job"),
    )
    op.create_index("ix_print_job_visit", "print_job", ["visit_id"], unique=False)
    op.create_table(
        "room",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("his_ref", sa.String(length=200), nullable=False),
        sa.Column("department_id", sa.String(length=64), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_vi", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("floor", sa.String(length=64), nullable=False),
        sa.Column("landmark_vi", sa.String(length=200), nullable=False),
        sa.Column("landmark_en", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="fk_room_department_id"),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_room_facility_id"),
        sa.PrimaryKeyConstraint("id", name="pk_room"),
        sa.UniqueConstraint("facility_id", "his_ref", name="uq_room_facility_id_his_ref"),
    )
    op.create_table(
        "service",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("his_ref", sa.String(length=200), nullable=False),
        sa.Column("department_id", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_vi", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("price_vnd", sa.BigInteger(), nullable=False),
        sa.Column("insurance_price_vnd", sa.BigInteger(), nullable=True),
        sa.Column("pooled", sa.Boolean(), nullable=False),
        sa.Column("by_doctor", sa.Boolean(), nullable=False),
        sa.Column("by_hour", sa.Boolean(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=True),
        sa.Column("gender", sa.String(length=64), nullable=True),
        sa.Column("age_min_years", sa.Integer(), nullable=True),
        sa.Column("age_max_years", sa.Integer(), nullable=True),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("series_letter", sa.String(length=4), nullable=True),
        sa.Column("visit_kinds", JSON, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("price_vnd >= 0", name="ck_service_price"),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name="fk_service_department_id"
        ),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_service_facility_id"),
        sa.PrimaryKeyConstraint("id", name="pk_service"),
        sa.UniqueConstraint("facility_id", "his_ref", name="uq_service_facility_id_his_ref"),
    )
    op.create_table(
        "step",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("service_id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=True),
        sa.Column("practitioner_id", sa.String(length=64), nullable=True),
        sa.Column("slot_id", sa.String(length=64), nullable=True),
        sa.Column("queue_id", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=1), nullable=False),
        sa.Column("queue_key_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quota_scopes", JSON, nullable=False),
        sa.Column("his_ref", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'called', 'serving', 'hold', 'missed', 'done', 'cancelled')",
            name="ck_step_state",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_step_person_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_step_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_step"),
    )
    op.create_index("ix_step_visit", "step", ["visit_id"], unique=False)
    op.create_index(
        "ix_step_waiting",
        "step",
        ["queue_id", "day", "lane", "queue_key_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "uq_step_open",
        "step",
        ["facility_id", "person_id", "service_id", "day"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'called', 'serving', 'hold', 'missed')"),
        sqlite_where=sa.text("state IN ('waiting', 'called', 'serving', 'hold', 'missed')"),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("print_state", sa.String(length=64), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "print_state IN ('pending', 'printed', 'unconfirmed', 'failed', 'unknown')",
            name="ck_ticket_print_state",
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_ticket_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
        sa.UniqueConstraint("token", name="uq_ticket_token"),
        sa.UniqueConstraint("visit_id", name="uq_ticket_visit_id"),
    )
    op.create_table(
        "call",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("step_id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("called_by", sa.String(length=200), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name="fk_call_step_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
    )
    op.create_index("ix_call_step", "call", ["step_id"], unique=False)
    op.create_table(
        "closed_day",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_closed_day_facility_id"),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name="fk_closed_day_room_id"),
        sa.PrimaryKeyConstraint("id", name="pk_closed_day"),
    )
    op.create_table(
        "opening_session",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("opens_at", sa.Time(), nullable=False),
        sa.Column("closes_at", sa.Time(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=True),
        sa.CheckConstraint("opens_at < closes_at", name="ck_opening_session_span"),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="ck_opening_session_weekday"),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name="fk_opening_session_facility_id"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name="fk_opening_session_room_id"),
        sa.PrimaryKeyConstraint("id", name="pk_opening_session"),
    )
    op.create_table(
        "practitioner_service",
        sa.Column("practitioner_id", sa.String(length=64), nullable=False),
        sa.Column("service_id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=True),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name="fk_practitioner_service_facility_id"
        ),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name="fk_practitioner_service_practitioner_id"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name="fk_practitioner_service_room_id"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name="fk_practitioner_service_service_id"
        ),
        sa.PrimaryKeyConstraint("practitioner_id", "service_id", name="pk_practitioner_service"),
    )
    op.create_table(
        "service_room",
        sa.Column("service_id", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name="fk_service_room_facility_id"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name="fk_service_room_room_id"),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name="fk_service_room_service_id"),
        sa.PrimaryKeyConstraint("service_id", "room_id", name="pk_service_room"),
    )
    op.create_table(
        "slot",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("his_ref", sa.String(length=200), nullable=False),
        sa.Column("service_id", sa.String(length=64), nullable=False),
        sa.Column("practitioner_id", sa.String(length=64), nullable=True),
        sa.Column("room_id", sa.String(length=64), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_slot_facility_id"),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name="fk_slot_practitioner_id"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"], name="fk_slot_room_id"),
        sa.ForeignKeyConstraint(["service_id"], ["service.id"], name="fk_slot_service_id"),
        sa.PrimaryKeyConstraint("id", name="pk_slot"),
        sa.UniqueConstraint("facility_id", "his_ref", name="uq_slot_facility_id_his_ref"),
    )
    op.create_index(
        "ix_slot_service_starts", "slot", ["facility_id", "service_id", "starts_at"], unique=False
    )
    op.create_table(
        "step_change",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("facility_id", sa.String(length=64), nullable=False),
        sa.Column("visit_id", sa.String(length=64), nullable=False),
        sa.Column("step_id", sa.String(length=64), nullable=False),
        sa.Column("mark", sa.String(length=3), nullable=True),
        sa.Column("from_state", sa.String(length=64), nullable=True),
        sa.Column("to_state", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["step_id"], ["step.id"], name="fk_step_change_step_id"),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_step_change_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_step_change"),
    )
    op.create_index("ix_step_change_step", "step_change", ["step_id"], unique=False)
    # ### end Alembic commands ###


def downgrade() -> None:
    for table in (
        "step_change",
        "slot",
        "service_room",
        "practitioner_service",
        "opening_session",
        "closed_day",
        "call",
        "ticket",
        "step",
        "service",
        "room",
        "print_job",
        "outbox_message",
        "number",
        "visit",
        "priority_group",
        "practitioner",
        "person_key",
        "department",
        "staff_credential",
        "series",
        "scan",
        "rate_limit",
        "quota",
        "person",
        "notice_acceptance",
        "live_event",
        "kiosk",
        "idempotency_key",
        "help_call",
        "heartbeat",
        "facility",
        "enrolment_code",
        "device_event",
        "audit_event",
    ):
        op.drop_table(table)
