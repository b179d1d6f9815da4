"""Payments and what is left to pay."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from his_adapter.builtin.appointments import moment_text
from his_adapter.builtin.bills import (
    balance_invoice,
    invoice_id_of,
    invoice_ref,
    list_invoices,
    read_invoice,
)
from his_adapter.builtin.checks import MAX_REF, checked_moment, checked_text
from his_adapter.builtin.patients import patient_id_of, patient_ref
from his_adapter.builtin.refs import Letter, ref_of
from his_adapter.builtin.visits import visit_id_of, visit_ref
from his_adapter.errors import Duplicate, InvalidData, NotFound
from his_adapter.models import Account, InvoiceStatus, PaymentPosting, PaymentReceipt, Ref


def payment_ref(payment_id: int) -> Ref:
    return ref_of(Letter.PAYMENT, payment_id)


def insert_payment(db: sqlite3.Connection, posting: PaymentPosting, now: datetime) -> int:
    """Raises NotFound, InvalidData, or Duplicate when the bill is paid."""
    patient_id = patient_id_of(db, posting.patient)
    visit_id = None if posting.visit is None else own_visit_id(db, posting.visit, patient_id)
    invoice_id = None
    if posting.amount_vnd < 1:
        raise InvalidData("amount_vnd", "Số tiền không hợp lệ.")
    if posting.invoice is not None:
        invoice_id = invoice_id_of(db, posting.invoice)
        visit_id = _check_bill(db, invoice_id, patient_id, posting.amount_vnd) or visit_id
    cursor = db.execute(
        "INSERT INTO payment (patient_id, visit_id, invoice_id, amount_vnd, method, provider,"
        " provider_reference, paid_at, posted_at) VALUES (?,?,?,?,?,?,?,?,?)",
        (
            patient_id,
            visit_id,
            invoice_id,
            posting.amount_vnd,
            posting.method,
            checked_text("provider", posting.provider, max_chars=MAX_REF),
            checked_text("provider_reference", posting.provider_reference, max_chars=MAX_REF),
            moment_text(checked_moment("paid_at", posting.paid_at)),
            moment_text(now),
        ),
    )
    if invoice_id is not None:
        balance_invoice(db, invoice_id)
    return int(cursor.lastrowid or 0)


def read_receipt(db: sqlite3.Connection, payment_id: int) -> PaymentReceipt:
    row = db.execute("SELECT * FROM payment WHERE id = ?", (payment_id,)).fetchone()
    invoice_id = row["invoice_id"]
    return PaymentReceipt(
        ref=payment_ref(payment_id),
        invoice=None if invoice_id is None else invoice_ref(int(invoice_id)),
        invoice_status=None if invoice_id is None else read_invoice(db, int(invoice_id)).status,
        amount_vnd=int(row["amount_vnd"]),
        posted_at=datetime.fromisoformat(row["posted_at"]),
    )


def read_account(
    db: sqlite3.Connection, patient_id: int, visit_id: int | None, *, now: datetime
) -> Account:
    """Charges of cancelled bills do not count; payments always do."""
    scope = (patient_id, visit_id, visit_id)
    charged, insurance, discount = db.execute(
        "SELECT coalesce(sum(charge.amount_vnd), 0), coalesce(sum(insurance_vnd), 0),"
        " coalesce(sum(discount_vnd), 0) FROM charge"
        " LEFT JOIN invoice ON invoice.id = charge.invoice_id"
        " WHERE charge.patient_id = ? AND (? IS NULL OR charge.visit_id = ?)"
        " AND coalesce(invoice.status, '') <> 'cancelled'",
        scope,
    ).fetchone()
    advances, paid = db.execute(
        "SELECT coalesce(sum(iif(invoice_id IS NULL, amount_vnd, 0)), 0),"
        " coalesce(sum(iif(invoice_id IS NULL, 0, amount_vnd)), 0) FROM payment"
        " WHERE patient_id = ? AND (? IS NULL OR visit_id = ?)",
        scope,
    ).fetchone()
    left_vnd = charged - insurance - discount - advances - paid
    return Account(
        patient=patient_ref(patient_id),
        visit=None if visit_id is None else visit_ref(visit_id),
        invoices=list_invoices(db, patient_id, visit_id),
        charged_vnd=charged,
        insurance_vnd=insurance,
        discount_vnd=discount,
        advances_vnd=advances,
        paid_vnd=paid,
        due_vnd=max(0, left_vnd),
        credit_vnd=max(0, -left_vnd),
        as_of=now,
    )


def own_visit_id(db: sqlite3.Connection, ref: Ref, patient_id: int) -> int:
    """Raises NotFound when it is somebody else's."""
    visit_id = visit_id_of(db, ref)
    row = db.execute("SELECT patient_id FROM visit WHERE id = ?", (visit_id,)).fetchone()
    if row["patient_id"] != patient_id:
        raise NotFound("no such visit of this patient")
    return visit_id


def _check_bill(
    db: sqlite3.Connection, invoice_id: int, patient_id: int, amount_vnd: int
) -> int | None:
    """The visit of the bill, if it has one."""
    row = db.execute("SELECT * FROM invoice WHERE id = ?", (invoice_id,)).fetchone()
    if row["patient_id"] != patient_id:
        raise NotFound("no such invoice of this patient")
    invoice = read_invoice(db, invoice_id)
    if invoice.status is InvoiceStatus.BALANCED:
        payment = db.execute(
            "SELECT max(id) FROM payment WHERE invoice_id = ?", (invoice_id,)
        ).fetchone()[0]
        existing = invoice.ref if payment is None else payment_ref(int(payment))
        raise Duplicate("the invoice is paid", existing=existing)
    if invoice.status is InvoiceStatus.CANCELLED:
        raise InvalidData("invoice", "Phiếu thu này đã bị hủy.")
    if amount_vnd != invoice.due_vnd:
        raise InvalidData("amount_vnd", "Số tiền khác với số phải thu.")
    return None if row["visit_id"] is None else int(row["visit_id"])
