"""How the register file is laid out, version by version."""

from __future__ import annotations

from collections.abc import Sequence

# Each entry brings the file from version n to n+1 (PRAGMA user_version); never edited, only added.
MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE patient (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL DEFAULT 1,
        full_name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        birth_date TEXT,
        gender TEXT NOT NULL,
        phone TEXT,
        address TEXT,
        guardian TEXT,
        merged_into INTEGER REFERENCES patient(id)
    );
    CREATE INDEX patient_by_name ON patient (name_key, birth_date);

    CREATE TABLE identifier (
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        PRIMARY KEY (kind, value, patient_id)
    );
    CREATE INDEX identifier_by_patient ON identifier (patient_id);
    -- Old identity card numbers were issued twice; all others name one person.
    CREATE UNIQUE INDEX identifier_unique ON identifier (kind, value) WHERE kind <> 'cmnd9';

    CREATE TABLE appointment (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL DEFAULT 1,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        status TEXT NOT NULL,
        code TEXT NOT NULL UNIQUE,
        service TEXT,
        practitioner TEXT,
        room TEXT,
        slot TEXT,
        starts_at TEXT NOT NULL,
        ends_at TEXT NOT NULL,
        facility_code TEXT NOT NULL,
        facility_name TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX appointment_by_patient ON appointment (patient_id, starts_at);
    CREATE INDEX appointment_by_slot ON appointment (slot, status);
    CREATE UNIQUE INDEX appointment_once ON appointment (patient_id, slot)
        WHERE status IN ('booked', 'arrived');

    CREATE TABLE visit (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL DEFAULT 1,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        status TEXT NOT NULL,
        day TEXT NOT NULL,
        service TEXT NOT NULL,
        practitioner TEXT,
        room TEXT,
        appointment_id INTEGER REFERENCES appointment(id),
        prefix TEXT NOT NULL,
        number INTEGER NOT NULL,
        own_number TEXT,
        provisional INTEGER NOT NULL,
        visit_kind TEXT NOT NULL,
        reason TEXT NOT NULL,
        coverage_outcome TEXT,
        coverage_code TEXT,
        card_number TEXT,
        fee_due_vnd INTEGER,
        created_at TEXT NOT NULL,
        UNIQUE (day, prefix, number)
    );
    CREATE INDEX visit_by_patient ON visit (patient_id, day);
    CREATE UNIQUE INDEX visit_open ON visit (patient_id, service, day) WHERE status = 'arrived';

    CREATE TABLE counter (
        day TEXT NOT NULL,
        prefix TEXT NOT NULL,
        value INTEGER NOT NULL,
        PRIMARY KEY (day, prefix)
    );

    CREATE TABLE write_key (
        key TEXT PRIMARY KEY,
        content_sha256 TEXT NOT NULL,
        kind TEXT NOT NULL,
        record_id INTEGER NOT NULL,
        created_at TEXT NOT NULL
    );

    CREATE TABLE note (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    );
    """,
    """
    CREATE TABLE service_order (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL DEFAULT 1,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        visit_id INTEGER REFERENCES visit(id),
        service TEXT,
        kind TEXT NOT NULL,
        code TEXT NOT NULL,
        name_vi TEXT NOT NULL,
        name_en TEXT NOT NULL,
        status TEXT NOT NULL,
        room TEXT,
        preparation_vi TEXT NOT NULL,
        preparation_en TEXT NOT NULL,
        accession TEXT UNIQUE,
        ordered_at TEXT NOT NULL
    );
    CREATE INDEX order_by_patient ON service_order (patient_id, ordered_at);

    CREATE TABLE report (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL DEFAULT 1,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        order_id INTEGER REFERENCES service_order(id),
        visit_id INTEGER REFERENCES visit(id),
        kind TEXT NOT NULL,
        title_vi TEXT NOT NULL,
        status TEXT,  -- NULL: not released
        signed INTEGER,
        issued_at TEXT NOT NULL
    );
    CREATE INDEX report_by_patient ON report (patient_id, issued_at);

    CREATE TABLE report_part (
        report_id INTEGER NOT NULL REFERENCES report(id),
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        media_type TEXT NOT NULL,
        lines TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (report_id, name)
    );

    CREATE TABLE invoice (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL DEFAULT 1,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        visit_id INTEGER REFERENCES visit(id),
        code TEXT NOT NULL UNIQUE,
        status TEXT NOT NULL,
        title_vi TEXT NOT NULL,
        issued_at TEXT NOT NULL
    );
    CREATE INDEX invoice_by_patient ON invoice (patient_id);

    CREATE TABLE charge (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        visit_id INTEGER REFERENCES visit(id),
        invoice_id INTEGER REFERENCES invoice(id),  -- NULL: not on a bill yet
        code TEXT NOT NULL,
        name_vi TEXT NOT NULL,
        quantity INTEGER NOT NULL,
        amount_vnd INTEGER NOT NULL,
        insurance_vnd INTEGER NOT NULL,
        discount_vnd INTEGER NOT NULL
    );
    CREATE INDEX charge_by_patient ON charge (patient_id);
    CREATE INDEX charge_by_invoice ON charge (invoice_id);

    CREATE TABLE payment (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        visit_id INTEGER REFERENCES visit(id),
        invoice_id INTEGER REFERENCES invoice(id),  -- NULL: an advance
        amount_vnd INTEGER NOT NULL,
        method TEXT NOT NULL,
        provider TEXT NOT NULL,
        provider_reference TEXT NOT NULL,
        paid_at TEXT NOT NULL,
        posted_at TEXT NOT NULL
    );
    CREATE INDEX payment_by_patient ON payment (patient_id);
    CREATE INDEX payment_by_invoice ON payment (invoice_id);

    CREATE TABLE einvoice (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        invoice_id INTEGER NOT NULL UNIQUE REFERENCES invoice(id),
        number TEXT NOT NULL,
        url TEXT NOT NULL,
        lookup_code TEXT NOT NULL,
        issued_at TEXT NOT NULL
    );

    CREATE TABLE history (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        questionnaire TEXT NOT NULL,
        language TEXT NOT NULL,
        answers TEXT NOT NULL,
        answered_at TEXT NOT NULL,
        accepted_at TEXT
    );
    CREATE INDEX history_by_patient ON history (patient_id);

    CREATE TABLE consent (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        patient_id INTEGER NOT NULL REFERENCES patient(id),
        document TEXT NOT NULL,
        signer_is_patient INTEGER NOT NULL,
        signer_relation TEXT NOT NULL,
        evidence TEXT NOT NULL,
        document_pdf BLOB NOT NULL,
        given_at TEXT NOT NULL
    );
    CREATE INDEX consent_by_patient ON consent (patient_id);

    -- What changed, by the order of commits: one writer at a time makes it so.
    CREATE TABLE change_log (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        ref TEXT NOT NULL,
        patient_id INTEGER,
        at TEXT NOT NULL
    );
    CREATE INDEX change_by_time ON change_log (at);
    INSERT INTO note VALUES ('change_feed', lower(hex(randomblob(6))));
    """,
)
