"""Calls of the port about visits."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from his_adapter.builtin import appointments, bills, orders, patients, visits
from his_adapter.builtin.base import RegisterBase, page
from his_adapter.builtin.checks import (
    MAX_REASON,
    checked_limit,
    checked_moment,
    checked_ref,
    checked_text,
)
from his_adapter.builtin.records import RecordKind, note_record
from his_adapter.errors import Duplicate, InvalidData, NotFound, NotSupported
from his_adapter.models import (
    Appointment,
    AppointmentStatus,
    Charge,
    CheckIn,
    InvoiceStatus,
    OrderStatus,
    Page,
    QueueStatus,
    Ref,
    Visit,
    WriteKey,
)
from his_adapter.ports import DEFAULT_LIMIT


class VisitCalls(RegisterBase):
    def check_in(self, request: CheckIn, *, key: WriteKey) -> Visit:
        checked = replace(
            request,
            reason=checked_text("reason", request.reason or "", max_chars=MAX_REASON),
            number=request.number and checked_ref(request.number),
            visit_kind=checked_ref(request.visit_kind),
        )

        def write(db: sqlite3.Connection) -> int:
            visit_id = visits.insert_visit(db, self._arrival(db, checked), checked)
            self._note_booking(db, visit_id)
            self._bill_fee(db, visit_id)
            return visit_id

        # Who it is was told for others: the patient is named by reference here.
        return self._visit(key, ("check_in", replace(request, person=None)), write)

    def cancel_visit(self, ref: Ref, *, reason: str, key: WriteKey) -> Visit:
        reason = checked_text("reason", reason, max_chars=MAX_REASON)

        def write(db: sqlite3.Connection) -> int:
            visit_id = visits.cancel_visit(db, visits.visit_id_of(db, ref), reason=reason)
            self._note_booking(db, visit_id)
            self._drop_what_is_open(db, visit_id)
            return visit_id

        return self._visit(key, ("cancel_visit", ref, reason), write)

    def list_visits(self, patient: Ref, since: date, *, limit: int = DEFAULT_LIMIT) -> Page[Visit]:
        with self._line.reading(), self._store.reading() as db:
            found = visits.list_visits(
                db,
                patients.patient_id_of(db, patient),
                since,
                self._catalogue.facility,
                limit=checked_limit(limit) + 1,
            )
            return page(found, limit)

    def queue_status(self, visit: Ref) -> QueueStatus:
        if not self._keeps_line:
            raise NotSupported("nobody tells the register whose turn it is")
        with self._line.reading(), self._store.reading() as db:
            ahead, serving = visits.place_in_line(db, visits.visit_id_of(db, visit))
            return QueueStatus(ahead=ahead, serving=serving, updated_at=self._clock())

    # --- inside

    def _visit(
        self, key: WriteKey, content: tuple[object, ...], write: Callable[[sqlite3.Connection], int]
    ) -> Visit:
        return self._write(key, content, RecordKind.VISIT, write, self._read_visit)

    def _read_visit(self, db: sqlite3.Connection, visit_id: int) -> Visit:
        return visits.read_visit(db, visit_id, self._catalogue.facility)

    def _arrival(self, db: sqlite3.Connection, request: CheckIn) -> visits.Arrival:
        arrived_at = checked_moment("arrived_at", request.arrived_at or self._clock())
        patient_id = patients.patient_id_of(db, request.patient)
        service_ref, practitioner, room = request.service, request.practitioner, request.room
        appointment_id = None
        if request.appointment is not None:
            appointment_id = appointments.appointment_id_of(db, request.appointment)
            booked = self._due(db, appointment_id, patient_id, self._local_day(arrived_at))
            service_ref = service_ref or booked.service
            practitioner = practitioner or booked.practitioner
            room = room or booked.room
        service = service_ref and self._catalogue.find_service(service_ref)
        if not service:
            raise NotFound("no such service")
        if room not in {None, *service.rooms}:
            raise InvalidData("room", "Phòng này không thuộc dịch vụ đã chọn.")
        known = {None, *(practitioner.ref for practitioner in self._catalogue.practitioners)}
        if practitioner not in known:
            raise NotFound("no such practitioner")
        return visits.Arrival(
            patient_id=patient_id,
            appointment_id=appointment_id,
            service=service,
            practitioner=practitioner,
            room=room,
            day=self._local_day(arrived_at),
            created_at=arrived_at,
        )

    def _due(
        self, db: sqlite3.Connection, appointment_id: int, patient_id: int, today: date
    ) -> Appointment:
        booked = appointments.read_appointment(db, appointment_id)
        if booked.patient != patients.patient_ref(patient_id):
            raise NotFound("no such appointment of this patient")
        if booked.status is AppointmentStatus.ARRIVED:
            raise Duplicate("checked in already", existing=booked.ref)
        if booked.status is not AppointmentStatus.BOOKED:
            raise InvalidData("appointment", "Lịch hẹn này không còn hiệu lực.")
        if booked.facility_code != self._catalogue.facility.code:
            raise InvalidData("appointment", "Lịch hẹn này thuộc cơ sở khác.")
        if self._local_day(booked.start) != today:
            raise InvalidData("appointment", "Lịch hẹn này không phải của hôm nay.")
        return booked

    def _note_booking(self, db: sqlite3.Connection, visit_id: int) -> None:
        row = db.execute("SELECT appointment_id FROM visit WHERE id = ?", (visit_id,)).fetchone()
        if row["appointment_id"] is not None:
            note_record(db, RecordKind.APPOINTMENT, row["appointment_id"], at=self._clock())

    def _bill_fee(self, db: sqlite3.Connection, visit_id: int) -> None:
        """What a self-payer owes for coming stands on a bill at once."""
        row = db.execute("SELECT * FROM visit WHERE id = ?", (visit_id,)).fetchone()
        service = self._catalogue.find_service(row["service"])
        if not row["fee_due_vnd"] or service is None:
            return
        fee = Charge(
            code=service.code,
            name_vi=service.name_vi,
            quantity=1,
            amount_vnd=int(row["fee_due_vnd"]),
        )
        bills.insert_charge(db, row["patient_id"], visit_id, fee)
        invoice_id = bills.issue_invoice(
            db,
            row["patient_id"],
            visit_id,
            title_vi=service.name_vi,
            day=self._local_day(self._clock()),
            issued_at=self._clock(),
        )
        note_record(db, RecordKind.INVOICE, invoice_id, at=self._clock())

    def _drop_what_is_open(self, db: sqlite3.Connection, visit_id: int) -> None:
        """Unpaid bills and orders not carried out yet; what was paid is for people to refund."""
        for row in db.execute(
            "SELECT id FROM invoice WHERE visit_id = ? AND status = ?",
            (visit_id, InvoiceStatus.ISSUED),
        ).fetchall():
            bills.cancel_invoice(db, row["id"])
            note_record(db, RecordKind.INVOICE, row["id"], at=self._clock())
        for row in db.execute(
            "SELECT id FROM service_order WHERE visit_id = ? AND status = ?",
            (visit_id, OrderStatus.ACTIVE),
        ).fetchall():
            orders.set_order_status(db, row["id"], OrderStatus.CANCELLED)
            note_record(db, RecordKind.ORDER, row["id"], at=self._clock())
