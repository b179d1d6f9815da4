"""Charges and the bills (phiếu thu) they stand on."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from datetime import date, datetime

from his_adapter.builtin.appointments import moment_text
from his_adapter.builtin.refs import Letter, id_of, ref_of
from his_adapter.errors import InvalidData
from his_adapter.models import Charge, EInvoice, Invoice, InvoiceStatus, Ref


def invoice_ref(invoice_id: int) -> Ref:
    return ref_of(Letter.INVOICE, invoice_id)


def invoice_id_of(db: sqlite3.Connection, ref: Ref) -> int:
    """Raises NotFound."""
    return id_of(db, Letter.INVOICE, ref)


def insert_charge(
    db: sqlite3.Connection, patient_id: int, visit_id: int | None, charge: Charge
) -> None:
    """Raises InvalidData for amounts that cannot be."""
    amounts = (charge.amount_vnd, charge.insurance_vnd, charge.discount_vnd)
    if min(amounts) < 0 or sum(amounts[1:]) > amounts[0] or charge.quantity < 1:
        raise InvalidData("charge", "Số tiền không hợp lệ.")
    db.execute(
        "INSERT INTO charge (patient_id, visit_id, code, name_vi, quantity, amount_vnd,"
        " insurance_vnd, discount_vnd) VALUES (?,?,?,?,?,?,?,?)",
        (patient_id, visit_id, charge.code, charge.name_vi, charge.quantity, *amounts),
    )


def issue_invoice(
    db: sqlite3.Connection,
    patient_id: int,
    visit_id: int | None,
    *,
    title_vi: str,
    day: date,
    issued_at: datetime,
) -> int:
    """Bills what was charged and is on no bill yet. Raises InvalidData when that is nothing."""
    number = db.execute(
        "INSERT INTO counter VALUES (?, 'phieu-thu', 1)"
        " ON CONFLICT (day, prefix) DO UPDATE SET value = value + 1 RETURNING value",
        (day.isoformat(),),
    ).fetchone()[0]
    cursor = db.execute(
        "INSERT INTO invoice (patient_id, visit_id, code, status, title_vi, issued_at)"
        " VALUES (?,?,?,?,?,?)",
        (
            patient_id,
            visit_id,
            f"PT{day:%y%m%d}{number:04d}",
            InvoiceStatus.ISSUED,
            title_vi,
            moment_text(issued_at),
        ),
    )
    invoice_id = int(cursor.lastrowid or 0)
    billed = db.execute(
        "UPDATE charge SET invoice_id = ? WHERE patient_id = ? AND visit_id IS ?"
        " AND invoice_id IS NULL",
        (invoice_id, patient_id, visit_id),
    )
    if billed.rowcount == 0:
        raise InvalidData("charges", "Không có khoản nào để thu.")
    balance_invoice(db, invoice_id)
    return invoice_id


def balance_invoice(db: sqlite3.Connection, invoice_id: int) -> None:
    """A bill with nothing left to pay is balanced."""
    if read_invoice(db, invoice_id).due_vnd == 0:
        db.execute(
            "UPDATE invoice SET status = ?, version = version + 1 WHERE id = ? AND status = ?",
            (InvoiceStatus.BALANCED, invoice_id, InvoiceStatus.ISSUED),
        )


def cancel_invoice(db: sqlite3.Connection, invoice_id: int) -> None:
    """Its charges count no longer; what was paid of it becomes credit."""
    db.execute(
        "UPDATE invoice SET status = ?, version = version + 1 WHERE id = ?",
        (InvoiceStatus.CANCELLED, invoice_id),
    )


def read_invoice(db: sqlite3.Connection, invoice_id: int) -> Invoice:
    return _invoice(db, db.execute("SELECT * FROM invoice WHERE id = ?", (invoice_id,)).fetchone())


def list_invoices(
    db: sqlite3.Connection, patient_id: int, visit_id: int | None
) -> tuple[Invoice, ...]:
    """The oldest first; of one visit, or all."""
    rows: Sequence[sqlite3.Row] = db.execute(
        "SELECT * FROM invoice WHERE patient_id = ? AND (? IS NULL OR visit_id = ?) ORDER BY id",
        (patient_id, visit_id, visit_id),
    ).fetchall()
    return tuple(_invoice(db, row) for row in rows)


def insert_einvoice(
    db: sqlite3.Connection,
    invoice_id: int,
    *,
    number: str,
    url: str,
    lookup_code: str,
    issued_at: datetime,
) -> None:
    """Raises InvalidData unless the bill is paid and has none yet."""
    if read_invoice(db, invoice_id).status is not InvoiceStatus.BALANCED:
        raise InvalidData("invoice", "Phiếu thu chưa được thanh toán.")
    if find_einvoice(db, invoice_id) is not None:
        raise InvalidData("invoice", "Phiếu thu đã có hóa đơn điện tử.")
    db.execute(
        "INSERT INTO einvoice (invoice_id, number, url, lookup_code, issued_at) VALUES (?,?,?,?,?)",
        (invoice_id, number, url, lookup_code, moment_text(issued_at)),
    )


def issue_einvoice(
    db: sqlite3.Connection, invoice_id: int, *, day: date, issued_at: datetime
) -> None:
    """Under the next number. Raises InvalidData as `insert_einvoice`."""
    lookup_code = secrets.token_hex(6).upper()
    insert_einvoice(
        db,
        invoice_id,
        number=f"1C{day:%y}TTD-{invoice_id:07d}",
        url=f"https://hoadon.example.vn/tra-cuu?ma={lookup_code}",
        lookup_code=lookup_code,
        issued_at=issued_at,
    )


def find_einvoice(db: sqlite3.Connection, invoice_id: int) -> EInvoice | None:
    row = db.execute("SELECT * FROM einvoice WHERE invoice_id = ?", (invoice_id,)).fetchone()
    if row is None:
        return None
    return EInvoice(
        ref=ref_of(Letter.EINVOICE, int(row["id"])),
        invoice=invoice_ref(invoice_id),
        number=row["number"],
        url=row["url"],
        lookup_code=row["lookup_code"],
        issued_at=datetime.fromisoformat(row["issued_at"]),
    )


def _invoice(db: sqlite3.Connection, row: sqlite3.Row) -> Invoice:
    charges = tuple(
        Charge(
            code=item["code"],
            name_vi=item["name_vi"],
            quantity=int(item["quantity"]),
            amount_vnd=int(item["amount_vnd"]),
            insurance_vnd=int(item["insurance_vnd"]),
            discount_vnd=int(item["discount_vnd"]),
        )
        for item in db.execute(
            "SELECT * FROM charge WHERE invoice_id = ? ORDER BY id", (row["id"],)
        )
    )
    total_vnd = sum(item.amount_vnd - item.insurance_vnd - item.discount_vnd for item in charges)
    paid_vnd = db.execute(
        "SELECT coalesce(sum(amount_vnd), 0) FROM payment WHERE invoice_id = ?", (row["id"],)
    ).fetchone()[0]
    status = InvoiceStatus(row["status"])
    left_vnd = 0 if status is InvoiceStatus.CANCELLED else max(0, total_vnd - int(paid_vnd))
    return Invoice(
        ref=invoice_ref(int(row["id"])),
        version=str(row["version"]),
        code=row["code"],
        status=status,
        title_vi=row["title_vi"],
        total_vnd=total_vnd,
        due_vnd=left_vnd,
        charges=charges,
        issued_at=datetime.fromisoformat(row["issued_at"]),
    )
