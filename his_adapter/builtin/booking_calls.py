"""Calls of the port about bookings."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime

from his_adapter.builtin import appointments, patients
from his_adapter.builtin.base import RegisterBase, page
from his_adapter.builtin.checks import (
    MAX_REASON,
    checked_limit,
    checked_moment,
    checked_ref,
    checked_text,
)
from his_adapter.builtin.records import RecordKind
from his_adapter.builtin.slots import find_slot
from his_adapter.errors import InvalidData, NotFound
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    Page,
    Ref,
    Slot,
    WriteKey,
)
from his_adapter.ports import DEFAULT_LIMIT


class BookingCalls(RegisterBase):
    def book_appointment(
        self, patient: Ref, slot: Ref, service: Ref, *, key: WriteKey
    ) -> Appointment:
        def write(db: sqlite3.Connection) -> int:
            patient_id = patients.patient_id_of(db, patient)
            wanted = self._bookable(slot)
            if wanted.service != service:
                raise InvalidData("service", "Khung giờ này thuộc dịch vụ khác.")
            return appointments.insert_appointment(db, patient_id, wanted, self._catalogue.facility)

        return self._appointment(key, ("book", patient, slot, service), write)

    def change_appointment(
        self,
        ref: Ref,
        action: AppointmentAction,
        *,
        version: str,
        key: WriteKey,
        reason: str = "",
        new_slot: Ref | None = None,
    ) -> Appointment:
        reason = checked_text("reason", reason, max_chars=MAX_REASON)

        def write(db: sqlite3.Connection) -> int:
            appointment_id = appointments.appointment_id_of(db, ref)
            if action is AppointmentAction.CANCEL:
                return appointments.cancel_appointment(
                    db, appointment_id, version=version, reason=reason
                )
            if new_slot is None:
                raise InvalidData("new_slot", "Chưa chọn khung giờ mới.")
            return appointments.move_appointment(
                db, appointment_id, self._bookable(new_slot), version=version, reason=reason
            )

        return self._appointment(key, (action, ref, version, reason, new_slot), write)

    def find_appointments(
        self,
        patient: Ref,
        start: datetime,
        end: datetime,
        *,
        statuses: frozenset[AppointmentStatus] = frozenset({AppointmentStatus.BOOKED}),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Appointment]:
        start, end = checked_moment("start", start), checked_moment("end", end)
        with self._line.reading(), self._store.reading() as db:
            found = appointments.find_appointments(
                db,
                patients.patient_id_of(db, patient),
                start,
                end,
                statuses=statuses,
                limit=checked_limit(limit) + 1,
            )
            return page(found, limit)

    def _appointment(
        self, key: WriteKey, content: tuple[object, ...], write: Callable[[sqlite3.Connection], int]
    ) -> Appointment:
        return self._write(
            key, content, RecordKind.APPOINTMENT, write, appointments.read_appointment
        )

    def _bookable(self, ref: Ref) -> Slot:
        slot = find_slot(self._catalogue, checked_ref(ref))
        if slot is None:
            raise NotFound("no such slot")
        if slot.end <= self._clock():
            raise InvalidData("slot", "Khung giờ này đã qua.")
        return slot
