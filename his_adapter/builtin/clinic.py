"""The inside of the hospital: what clinicians, laboratory and cashier do in the register.

Not part of the port. A demonstration, an emulator or a test stands here to play the hospital's
own people; the port shows what became of it. Each call is one transaction and is seen in
`changes`. References come from the port or from here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date

from his_adapter.builtin import bills, orders, patients, payments, reports, visits
from his_adapter.builtin.base import Clock
from his_adapter.builtin.catalogue import Catalogue
from his_adapter.builtin.change_log import note_change
from his_adapter.builtin.records import RecordKind, note_record
from his_adapter.builtin.reports import PartDraft
from his_adapter.builtin.store import Store
from his_adapter.errors import InvalidData, NotFound
from his_adapter.models import (
    ChangeKind,
    Charge,
    EInvoice,
    Invoice,
    Order,
    OrderStatus,
    Patient,
    PatientChanges,
    PatientDraft,
    Ref,
    ReportKind,
    ReportStatus,
    Service,
    ServiceKind,
)

_REPORT_OF = {
    ServiceKind.LABORATORY: ReportKind.LABORATORY,
    ServiceKind.IMAGING: ReportKind.IMAGING,
}


class Clinic:
    def __init__(self, store: Store, catalogue: Catalogue, *, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock

    # --- people

    def register_patient(self, draft: PatientDraft) -> Patient:
        """Somebody whom the hospital's own reception takes in. Raises Duplicate, InvalidData."""
        with self._store.writing() as db:
            patient_id = patients.insert_patient(db, patients.checked_draft(draft))
            self._note(db, RecordKind.PATIENT, patient_id)
            return patients.read_patient(db, patient_id)

    def change_patient(self, patient: Ref, changes: PatientChanges) -> Patient:
        """Whatever the version is by now."""
        with self._store.writing() as db:
            patient_id = patients.patient_id_of(db, patient)
            version = patients.read_patient(db, patient_id).version
            patients.update_patient(db, patient_id, changes, version=version)
            self._note(db, RecordKind.PATIENT, patient_id)
            return patients.read_patient(db, patient_id)

    def finish_visit(self, visit: Ref) -> None:
        """The examination is over."""
        with self._store.writing() as db:
            visit_id = visits.visit_id_of(db, visit)
            visits.finish_visit(db, visit_id)
            self._note(db, RecordKind.VISIT, visit_id)

    # --- orders

    def place_order(
        self,
        patient: Ref,
        *,
        service: Ref,
        code: str = "",
        name_vi: str = "",
        name_en: str = "",
        visit: Ref | None = None,
        room: Ref | None = None,
        preparation_vi: str = "",
        preparation_en: str = "",
    ) -> Order:
        """One thing to be done at that service, named like the service unless said otherwise."""
        offered = self._service(service, room)
        with self._store.writing() as db:
            patient_id = patients.patient_id_of(db, patient)
            order_id = orders.insert_order(
                db,
                patient_id=patient_id,
                visit_id=self._visit_id(db, visit, patient_id),
                service=offered.ref,
                kind=offered.kind,
                code=code or offered.code,
                names=(name_vi or offered.name_vi, name_en or ("" if name_vi else offered.name_en)),
                room=room,
                preparation=(preparation_vi, preparation_en),
                ordered_at=self._clock(),
            )
            self._note(db, RecordKind.ORDER, order_id)
            return orders.read_order(db, order_id)

    def cancel_order(self, order: Ref) -> Order:
        return self._set_order(order, OrderStatus.CANCELLED)

    def complete_order(self, order: Ref) -> Order:
        return self._set_order(order, OrderStatus.COMPLETED)

    # --- results

    def write_report(
        self,
        patient: Ref,
        *,
        parts: Sequence[PartDraft],
        order: Ref | None = None,
        visit: Ref | None = None,
        kind: ReportKind | None = None,
        title_vi: str = "",
        signed: bool | None = None,
    ) -> Ref:
        """A result that nobody outside sees before `release_report`."""
        with self._store.writing() as db:
            patient_id = patients.patient_id_of(db, patient)
            order_id = None if order is None else orders.order_id_of(db, order)
            ordered = None if order_id is None else orders.read_order(db, order_id)
            if ordered is not None and ordered.patient != patients.patient_ref(patient_id):
                raise NotFound("no such order of this patient")
            of_order = _REPORT_OF.get(ordered.kind, ReportKind.OTHER) if ordered else None
            report_id = reports.insert_report(
                db,
                patient_id=patient_id,
                order_id=order_id,
                visit_id=self._visit_id(
                    db, visit or (ordered.visit if ordered else None), patient_id
                ),
                kind=kind or of_order or ReportKind.OTHER,
                title_vi=title_vi or (ordered.name_vi if ordered else ""),
                signed=signed,
                parts=parts,
                written_at=self._clock(),
            )
            return reports.report_ref(report_id)

    def release_report(self, report: Ref) -> None:
        """From now on it is shown; its order is done."""
        with self._store.writing() as db:
            report_id = reports.report_id_of(db, report)
            reports.set_report_status(db, report_id, ReportStatus.FINAL, self._clock())
            self._note(db, RecordKind.REPORT, report_id)
            row = db.execute("SELECT order_id FROM report WHERE id = ?", (report_id,)).fetchone()
            if row["order_id"] is not None:
                orders.set_order_status(db, row["order_id"], OrderStatus.COMPLETED)
                self._note(db, RecordKind.ORDER, row["order_id"])

    def correct_report(
        self, report: Ref, parts: Sequence[PartDraft], *, status: ReportStatus | None = None
    ) -> None:
        """The same result with other content. Raises InvalidData when it is not released."""
        with self._store.writing() as db:
            report_id = reports.report_id_of(db, report)
            row = db.execute("SELECT status FROM report WHERE id = ?", (report_id,)).fetchone()
            if row["status"] is None:
                raise InvalidData("report", "Kết quả này chưa được trả.")
            reports.replace_parts(db, report_id, parts)
            reports.set_report_status(
                db, report_id, status or ReportStatus.CORRECTED, self._clock()
            )
            self._note(db, RecordKind.REPORT, report_id)

    def withdraw_report(self, report: Ref) -> None:
        """The release is taken back."""
        with self._store.writing() as db:
            report_id = reports.report_id_of(db, report)
            reports.set_report_status(db, report_id, None, self._clock())
            self._note(db, RecordKind.REPORT, report_id)

    # --- money

    def charge(self, patient: Ref, charge: Charge, *, visit: Ref | None = None) -> None:
        """Owed from now on, and on the next bill. Raises InvalidData."""
        with self._store.writing() as db:
            patient_id = patients.patient_id_of(db, patient)
            bills.insert_charge(db, patient_id, self._visit_id(db, visit, patient_id), charge)
            note_change(
                db, ChangeKind.PAYMENT, patients.patient_ref(patient_id), patient_id, self._clock()
            )

    def issue_invoice(
        self, patient: Ref, *, visit: Ref | None = None, title_vi: str = "Phiếu thu"
    ) -> Invoice:
        """Bills what is charged and not billed yet. Raises InvalidData when that is nothing."""
        with self._store.writing() as db:
            patient_id = patients.patient_id_of(db, patient)
            invoice_id = bills.issue_invoice(
                db,
                patient_id,
                self._visit_id(db, visit, patient_id),
                title_vi=title_vi,
                day=self._today(),
                issued_at=self._clock(),
            )
            self._note(db, RecordKind.INVOICE, invoice_id)
            return bills.read_invoice(db, invoice_id)

    def cancel_invoice(self, invoice: Ref) -> Invoice:
        with self._store.writing() as db:
            invoice_id = bills.invoice_id_of(db, invoice)
            bills.cancel_invoice(db, invoice_id)
            self._note(db, RecordKind.INVOICE, invoice_id)
            return bills.read_invoice(db, invoice_id)

    def issue_einvoice(self, invoice: Ref) -> EInvoice:
        """Raises InvalidData unless the bill is paid and has no electronic invoice yet."""
        with self._store.writing() as db:
            invoice_id = bills.invoice_id_of(db, invoice)
            bills.issue_einvoice(db, invoice_id, day=self._today(), issued_at=self._clock())
            self._note(db, RecordKind.EINVOICE, invoice_id)
            issued = bills.find_einvoice(db, invoice_id)
        if issued is None:
            raise NotFound("the electronic invoice")
        return issued

    # --- inside

    def _set_order(self, order: Ref, status: OrderStatus) -> Order:
        with self._store.writing() as db:
            order_id = orders.order_id_of(db, order)
            orders.set_order_status(db, order_id, status)
            self._note(db, RecordKind.ORDER, order_id)
            return orders.read_order(db, order_id)

    def _service(self, ref: Ref, room: Ref | None) -> Service:
        service = self._catalogue.find_service(ref)
        if service is None:
            raise NotFound("no such service")
        if room not in {None, *service.rooms}:
            raise InvalidData("room", "Phòng này không thuộc dịch vụ đã chọn.")
        return service

    def _visit_id(self, db: sqlite3.Connection, visit: Ref | None, patient_id: int) -> int | None:
        return None if visit is None else payments.own_visit_id(db, visit, patient_id)

    def _note(self, db: sqlite3.Connection, kind: RecordKind, record_id: int) -> None:
        note_record(db, kind, record_id, at=self._clock())

    def _today(self) -> date:
        return self._clock().astimezone(self._catalogue.zone).date()
