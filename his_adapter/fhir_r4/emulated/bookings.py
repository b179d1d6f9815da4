"""Appointments."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

from his_adapter.errors import InvalidData, NotFound
from his_adapter.fhir_r4.emulated.hours import Hours
from his_adapter.fhir_r4.emulated.store import WHOLE, Params, Store, values
from his_adapter.fhir_r4.mapping.appointments import appointment as parsed_appointment
from his_adapter.fhir_r4.mapping.appointments import existing_appointment_resource
from his_adapter.fhir_r4.mapping.reading import Resource, object_of, text_of
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    Identifier,
    IdentifierKind,
    PatientQuery,
    Ref,
    Slot,
    WriteKey,
)


class Bookings:
    def __init__(self, store: Store, hours: Hours) -> None:
        self._store = store
        self._hours = hours
        self._lock = threading.Lock()
        self._bookings: dict[str, set[str]] = {}
        self._owners: dict[str, Ref] = {}

    def search(self, params: Params) -> list[Resource]:
        statuses = set(values(params, "status"))
        slots = {self._store.ref_for(value.rpartition("/")[2]) for value in values(params, "slot")}
        found: dict[str, Appointment] = {}
        for value in values(params, "identifier"):
            found.update(self._find_named(value))
        for value in values(params, "patient"):
            start, end = self._store.span(params, "date")
            page = self._store.his.find_appointments(
                self._store.ref_for(value.rpartition("/")[2]),
                start,
                end,
                statuses=frozenset(AppointmentStatus),
                limit=WHOLE,
            )
            found.update({item.ref: item for item in page.items})
        if slots and not values(params, "patient"):
            with self._lock:
                refs = [ref for slot in slots for ref in self._bookings.get(slot, ())]
            found.update({ref: self._get(Ref(ref)) for ref in refs})
        return [
            self.show(found[ref])
            for ref in sorted(found)
            if (not statuses or found[ref].status.value in statuses)
            and (not slots or found[ref].slot in slots)
        ]

    def read(self, ref: Ref) -> Resource:
        return self.show(self._get(ref))

    def create(self, body: Resource, key: WriteKey) -> Resource:
        made = self._book(body, key)
        self._store.remember("Appointment", made.ref, "official", key)
        return self.show(made)

    def update(
        self, ref: Ref, stored: Resource, body: Resource, version: str, key: WriteKey
    ) -> Resource:
        self._change_booking(ref, stored, body, version, key)
        return self.read(ref)

    def show(self, item: Appointment) -> Resource:
        self._owners[item.ref] = item.patient
        slot = None if item.slot is None else self._store.id_for(item.slot)
        if item.slot is not None and item.service is not None:
            hour = Slot(
                ref=item.slot,
                service=item.service,
                practitioner=item.practitioner,
                room=item.room,
                start=item.start,
                end=item.end,
                capacity=1,
                free=0,
            )
            self._hours.keep(hour)
        resource = existing_appointment_resource(self._store.config, item, slot=slot)
        return self._store.with_keys(resource, item.ref)

    def _book(self, body: Resource, key: WriteKey) -> Appointment:
        asked = parsed_appointment(self._store.config, {**body, "id": "new"})
        if asked.slot is None or asked.service is None:
            raise InvalidData("slot", "Chưa chọn khung giờ.")
        slot = self._store.ref_for(asked.slot)
        made = self._store.his.book_appointment(
            self._store.ref_for(asked.patient), slot, self._store.ref_for(asked.service), key=key
        )
        with self._lock:
            self._bookings.setdefault(slot, set()).add(made.ref)
        return made

    def _change_booking(
        self, ref: Ref, stored: Resource, body: Resource, version: str, key: WriteKey
    ) -> None:
        before = parsed_appointment(self._store.config, stored)
        after = parsed_appointment(self._store.config, body)
        if after.status is AppointmentStatus.CANCELLED is not before.status:
            reason = text_of(object_of(body.get("cancelationReason")).get("text"))
            self._store.his.change_appointment(
                ref, AppointmentAction.CANCEL, version=version, key=key, reason=reason
            )
        elif after.slot != before.slot and after.slot is not None:
            slot = self._store.ref_for(after.slot)
            self._store.his.change_appointment(
                ref, AppointmentAction.RESCHEDULE, version=version, key=key, new_slot=slot
            )
            with self._lock:
                self._bookings.setdefault(slot, set()).add(ref)
        else:
            return  # arrivals are marked by the Encounter
        self._store.remember("Appointment", ref, "secondary", key)

    def _find_named(self, token: str) -> dict[str, Appointment]:
        system, _, value = token.rpartition("|")
        if system == self._store.config.system("request_key"):
            made = self._store.his.find_by_key(WriteKey(value))
            if isinstance(made, Appointment):
                self._store.remember("Appointment", made.ref, "secondary", value)
                return {made.ref: made}
            return {}
        if system not in self._store.config.readable("appointment"):
            return {}
        query = PatientQuery(
            identifiers=(Identifier(kind=IdentifierKind.APPOINTMENT, value=value),)
        )
        found: dict[str, Appointment] = {}
        for match in self._store.his.find_patients(query, limit=WHOLE).items:
            for item in self._list_all(match.ref):
                if item.code == value:
                    found[item.ref] = item
        return found

    def _get(self, ref: Ref) -> Appointment:
        owner = self._owners.get(ref)
        if owner is not None:
            for item in self._list_all(owner):
                if item.ref == ref:
                    return item
        raise NotFound("no such appointment")

    def _list_all(self, patient: Ref) -> Sequence[Appointment]:
        now = self._store.clock()
        year = timedelta(days=366)
        return self._store.his.find_appointments(
            patient, now - year, now + year, statuses=frozenset(AppointmentStatus), limit=WHOLE
        ).items
