"""The kinds of records that writes of the port leave, and which change each of them is."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from enum import StrEnum

from his_adapter.builtin.appointments import appointment_ref
from his_adapter.builtin.bills import invoice_ref
from his_adapter.builtin.change_log import note_change
from his_adapter.builtin.orders import order_ref
from his_adapter.builtin.patients import patient_ref
from his_adapter.builtin.payments import payment_ref
from his_adapter.builtin.refs import Letter, ref_of
from his_adapter.builtin.reports import report_ref
from his_adapter.builtin.visits import visit_ref
from his_adapter.models import ChangeKind, Ref


class RecordKind(StrEnum):
    PATIENT = "patient"
    APPOINTMENT = "appointment"
    VISIT = "visit"
    HISTORY = "history"
    CONSENT = "consent"
    PAYMENT = "payment"
    ORDER = "order"
    REPORT = "report"
    INVOICE = "invoice"
    EINVOICE = "einvoice"


_OWNER = {
    RecordKind.PATIENT: "SELECT id FROM patient WHERE id = ?",
    RecordKind.APPOINTMENT: "SELECT patient_id FROM appointment WHERE id = ?",
    RecordKind.VISIT: "SELECT patient_id FROM visit WHERE id = ?",
    RecordKind.HISTORY: "SELECT patient_id FROM history WHERE id = ?",
    RecordKind.PAYMENT: "SELECT patient_id FROM payment WHERE id = ?",
    RecordKind.ORDER: "SELECT patient_id FROM service_order WHERE id = ?",
    RecordKind.REPORT: "SELECT patient_id FROM report WHERE id = ?",
    RecordKind.INVOICE: "SELECT patient_id FROM invoice WHERE id = ?",
    RecordKind.EINVOICE: "SELECT patient_id FROM invoice WHERE id = ?",
}
_CHANGE = {
    RecordKind.PATIENT: ChangeKind.PATIENT,
    RecordKind.APPOINTMENT: ChangeKind.VISIT,
    RecordKind.VISIT: ChangeKind.VISIT,
    RecordKind.HISTORY: ChangeKind.HISTORY,
    RecordKind.PAYMENT: ChangeKind.PAYMENT,
    RecordKind.ORDER: ChangeKind.ORDER,
    RecordKind.REPORT: ChangeKind.REPORT,
    RecordKind.INVOICE: ChangeKind.PAYMENT,
    RecordKind.EINVOICE: ChangeKind.EINVOICE,
}


def note_record(db: sqlite3.Connection, kind: RecordKind, record_id: int, *, at: datetime) -> None:
    """Says that this record changed, unless nobody follows its kind (consents).

    An electronic invoice is named by the bill it belongs to, as `einvoice` asks for it.
    """
    if kind in _CHANGE:
        patient_id = int(db.execute(_OWNER[kind], (record_id,)).fetchone()[0])
        note_change(db, _CHANGE[kind], _ref(kind, record_id), patient_id, at)


def _ref(kind: RecordKind, record_id: int) -> Ref:
    named = {
        RecordKind.PATIENT: patient_ref,
        RecordKind.APPOINTMENT: appointment_ref,
        RecordKind.VISIT: visit_ref,
        RecordKind.PAYMENT: payment_ref,
        RecordKind.ORDER: order_ref,
        RecordKind.REPORT: report_ref,
        RecordKind.INVOICE: invoice_ref,
        RecordKind.EINVOICE: invoice_ref,
    }
    return named[kind](record_id) if kind in named else ref_of(Letter.HISTORY, record_id)
