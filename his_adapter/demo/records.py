"""What past visits of the demo hospital left behind: orders, results, paid bills. All invented."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from datetime import datetime, timedelta

from his_adapter.builtin import bills, orders, payments, reports
from his_adapter.builtin.patients import patient_ref
from his_adapter.builtin.reports import PartDraft
from his_adapter.builtin.store import Store
from his_adapter.models import (
    Charge,
    OrderStatus,
    PartKind,
    PaymentMethod,
    PaymentPosting,
    Ref,
    ReportKind,
    ReportStatus,
    ResultValue,
    ServiceKind,
)

_NOTE = "demo_records"
_LAYOUT = "1"
_PEOPLE = 60
"""Past visits that left records; those of the personas come first."""

_BLOOD_COUNT = (
    ResultValue(
        code="WBC", name_vi="Bạch cầu", value="7,2", unit="G/L", reference_range="4,0-10,0"
    ),
    ResultValue(
        code="RBC", name_vi="Hồng cầu", value="4,61", unit="T/L", reference_range="3,80-5,80"
    ),
    ResultValue(
        code="HGB",
        name_vi="Huyết sắc tố",
        value="118",
        unit="g/L",
        reference_range="120-165",
        flag="L",
    ),
    ResultValue(
        code="GLU",
        name_vi="Đường máu lúc đói",
        value="5,4",
        unit="mmol/L",
        reference_range="3,9-6,4",
    ),
)


def seed_records(store: Store) -> None:
    """Once per register; visits must be there."""
    with store.writing() as db:
        row = db.execute("SELECT value FROM note WHERE name = ?", (_NOTE,)).fetchone()
        if row is not None:
            return
        visits = db.execute(
            "SELECT id, patient_id, created_at, day FROM visit WHERE status = 'finished'"
            " ORDER BY id LIMIT ?",
            (_PEOPLE,),
        ).fetchall()
        for place, visit in enumerate(visits):
            _leave_result(db, visit, imaging=place % 4 == 1)
            _leave_paid_bill(db, visit, with_einvoice=place % 2 == 0)
        db.execute("INSERT INTO note VALUES (?, ?)", (_NOTE, _LAYOUT))


def _leave_result(db: sqlite3.Connection, visit: sqlite3.Row, *, imaging: bool) -> None:
    came_at = datetime.fromisoformat(visit["created_at"])
    title = "X-quang ngực thẳng" if imaging else "Tổng phân tích tế bào máu"
    order_id = orders.insert_order(
        db,
        patient_id=visit["patient_id"],
        visit_id=visit["id"],
        service=Ref("x-ray") if imaging else Ref("blood"),
        kind=ServiceKind.IMAGING if imaging else ServiceKind.LABORATORY,
        code="XQ-NGUC" if imaging else "XN-CTM",
        names=(title, "Chest X-ray" if imaging else "Full blood count"),
        room=Ref("b202") if imaging else Ref("b201"),
        preparation=("", ""),
        ordered_at=came_at + timedelta(minutes=25),
    )
    orders.set_order_status(db, order_id, OrderStatus.COMPLETED)
    main = (
        PartDraft(name="image-1", kind=PartKind.IMAGE, media_type="image/png", body=shadow_png())
        if imaging
        else PartDraft(name="values", kind=PartKind.VALUES, values=_BLOOD_COUNT)
    )
    report_id = reports.insert_report(
        db,
        patient_id=visit["patient_id"],
        order_id=order_id,
        visit_id=visit["id"],
        kind=ReportKind.IMAGING if imaging else ReportKind.LABORATORY,
        title_vi=title,
        signed=False,
        parts=(
            main,
            PartDraft(
                name="pdf", kind=PartKind.PDF, media_type="application/pdf", body=sample_pdf()
            ),
        ),
        written_at=came_at + timedelta(minutes=80),
    )
    reports.set_report_status(db, report_id, ReportStatus.FINAL, came_at + timedelta(minutes=85))


def _leave_paid_bill(db: sqlite3.Connection, visit: sqlite3.Row, *, with_einvoice: bool) -> None:
    came_at = datetime.fromisoformat(visit["created_at"])
    charge = Charge(code="KB", name_vi="Khám bệnh", quantity=1, amount_vnd=45_000, insurance_vnd=0)
    bills.insert_charge(db, visit["patient_id"], visit["id"], charge)
    invoice_id = bills.issue_invoice(
        db,
        visit["patient_id"],
        visit["id"],
        title_vi="Khám bệnh",
        day=datetime.fromisoformat(visit["day"]).date(),
        issued_at=came_at,
    )
    paid_at = came_at + timedelta(minutes=5)
    payments.insert_payment(
        db,
        PaymentPosting(
            patient=patient_ref(visit["patient_id"]),
            invoice=bills.invoice_ref(invoice_id),
            amount_vnd=charge.amount_vnd,
            method=PaymentMethod.CASH,
            provider="cashier",
            provider_reference="",
            paid_at=paid_at,
        ),
        paid_at,
    )
    if with_einvoice:
        bills.insert_einvoice(
            db,
            invoice_id,
            number=f"1C{came_at:%y}TTD-{invoice_id:07d}",
            url=f"https://hoadon.example.vn/tra-cuu?ma=MAU{invoice_id:07d}",
            lookup_code=f"MAU{invoice_id:07d}",
            issued_at=paid_at,
        )


def sample_pdf() -> bytes:
    """One empty A5 page that says so, with the table of offsets that readers want."""
    text = b"BT /F1 14 Tf 40 500 Td (Sample result of an invented patient) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 420 595] /Contents 4 0 R"
            b" /Resources << /Font << /F1 5 0 R >> >> >>"
        ),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (
        body
        + b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(body)
    )


def shadow_png(size: int = 64) -> bytes:
    """A grey picture, dark in the middle: enough to see that a picture is shown."""
    middle = size // 2
    rows = b"".join(
        b"\x00" + bytes(min(255, 2 * (abs(x - middle) + abs(y - middle)) + 40) for x in range(size))
        for y in range(size)
    )
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)),
            _chunk(b"IDAT", zlib.compress(rows)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )
