"""What patients say and agree to. Kept for clinicians and for proof; nothing follows by itself."""

from __future__ import annotations

import json
import sqlite3

from his_adapter.builtin.appointments import moment_text
from his_adapter.builtin.checks import MAX_REF, checked_moment, checked_text
from his_adapter.builtin.patients import patient_id_of
from his_adapter.builtin.refs import Letter, ref_of
from his_adapter.errors import InvalidData
from his_adapter.models import MAX_PART_BYTES, ConsentRecord, HistoryAnswers, Receipt, Ref

_MAX_ANSWERS = 300
_MAX_ANSWER = 2000


def insert_history(db: sqlite3.Connection, patient: Ref, history: HistoryAnswers) -> int:
    """Raises NotFound, InvalidData."""
    if len(history.answers) > _MAX_ANSWERS:
        raise InvalidData("answers", "Quá nhiều câu trả lời.")
    answers = [
        (
            checked_text("answers", question, max_chars=MAX_REF),
            checked_text("answers", answer, max_chars=_MAX_ANSWER),
        )
        for question, answer in history.answers
    ]
    cursor = db.execute(
        "INSERT INTO history (patient_id, questionnaire, language, answers, answered_at)"
        " VALUES (?,?,?,?,?)",
        (
            patient_id_of(db, patient),
            checked_text("questionnaire", history.questionnaire, max_chars=MAX_REF),
            checked_text("language", history.language, max_chars=MAX_REF),
            json.dumps(answers, ensure_ascii=False),
            moment_text(checked_moment("answered_at", history.answered_at)),
        ),
    )
    return int(cursor.lastrowid or 0)


def insert_consent(db: sqlite3.Connection, consent: ConsentRecord) -> int:
    """Raises NotFound, InvalidData."""
    if len(consent.document_pdf) > MAX_PART_BYTES:
        raise InvalidData("document_pdf", "Tài liệu quá lớn.")
    if consent.document_pdf and not consent.document_pdf.startswith(b"%PDF-"):
        raise InvalidData("document_pdf", "Tài liệu không phải PDF.")
    cursor = db.execute(
        "INSERT INTO consent (patient_id, document, signer_is_patient, signer_relation, evidence,"
        " document_pdf, given_at) VALUES (?,?,?,?,?,?,?)",
        (
            patient_id_of(db, consent.patient),
            checked_text("document", consent.document, max_chars=MAX_REF),
            consent.signer_is_patient,
            checked_text("signer_relation", consent.signer_relation, max_chars=MAX_REF),
            checked_text("evidence", consent.evidence, max_chars=MAX_REF),
            consent.document_pdf,
            moment_text(checked_moment("given_at", consent.given_at)),
        ),
    )
    return int(cursor.lastrowid or 0)


def read_history_receipt(_: sqlite3.Connection, history_id: int) -> Receipt:
    return Receipt(ref=ref_of(Letter.HISTORY, history_id), version="1")


def read_consent_receipt(_: sqlite3.Connection, consent_id: int) -> Receipt:
    return Receipt(ref=ref_of(Letter.CONSENT, consent_id), version="1")
