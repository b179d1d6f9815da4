"""The builtin register behind the port: what a commune station uses instead of a HIS.

| Setting     | Meaning                                    | Default                   |
|-------------|--------------------------------------------|---------------------------|
| `file`      | the register, SQLite                       | tiepdon-register.sqlite3  |
| `catalogue` | JSON document with rooms, services, people | a commune health station  |

Nobody is asked about insurance here, so `check_coverage` is not supported: the desk checks cards.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, Protocol, TypeVar

from his_adapter.builtin import appointments, patients, visits
from his_adapter.builtin.catalogue import STARTER_FILE, Catalogue, load_catalogue
from his_adapter.builtin.checks import (
    MAX_LIMIT,
    MAX_REASON,
    checked_key,
    checked_limit,
    checked_moment,
    checked_ref,
    checked_text,
)
from his_adapter.builtin.line import CalmLine, Line
from his_adapter.builtin.slots import find_slot, last_bookable_day, slots_of_day
from his_adapter.builtin.store import MIGRATIONS, Store
from his_adapter.builtin.writes import RecordKind, find_written, write_once
from his_adapter.errors import (
    Duplicate,
    GatewayMisconfigured,
    HisError,
    InvalidData,
    NotFound,
    NotSupported,
)
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    Capabilities,
    CheckIn,
    ClosedDay,
    Coverage,
    CoverageQuery,
    Department,
    Feature,
    Health,
    HealthState,
    OpeningSession,
    Page,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientMatch,
    PatientQuery,
    Practitioner,
    Ref,
    Room,
    Service,
    ServiceFilter,
    Slot,
    Visit,
    WriteKey,
    Written,
)
from his_adapter.partial import PartialGateway, overridden_features
from his_adapter.ports import DEFAULT_LIMIT, HisGateway

DEFAULT_FILE = "tiepdon-register.sqlite3"
_LONGEST_SEARCH = timedelta(days=62)

Clock = Callable[[], datetime]
Item = TypeVar("Item")


class CoverageSource(Protocol):
    """Who is asked about insurance. The patient is there when the query names one of ours."""

    def check(
        self, query: CoverageQuery, patient: Patient | None, *, on: date, timeout_s: float
    ) -> Coverage: ...


class BuiltinGateway(PartialGateway):
    """The port on a register file and a catalogue. Keeps no state besides the file."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        *,
        clock: Clock,
        line: Line | None = None,
        coverage: CoverageSource | None = None,
        name: str = "builtin",
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock
        self._line = line or CalmLine()
        self._coverage = coverage
        self._name = name

    # --- the HIS itself

    def capabilities(self) -> Capabilities:
        absent = set() if self._coverage else {Feature.CHECK_COVERAGE}
        version = package_version("tiepdon")
        return Capabilities(
            features=overridden_features(type(self)) - absent,
            facility=self._catalogue.facility,
            max_limit=MAX_LIMIT,
            adapter=self._name,
            adapter_version=version,
            his_version=f"register {len(MIGRATIONS)}",
        )

    def health(self) -> Health:
        started = time.monotonic()
        try:
            with self._store.reading() as db:
                db.execute("SELECT 1 FROM note LIMIT 1").fetchone()
            health = self._line.health()
        except HisError as error:
            return Health(state=HealthState.DOWN, cause=error.code)
        latency_ms = (time.monotonic() - started) * 1000 + (health.latency_ms or 0.0)
        return replace(health, latency_ms=latency_ms)

    def close(self) -> None:
        """Nothing is held open between calls."""

    # --- people

    def find_patients(
        self, query: PatientQuery, *, limit: int = DEFAULT_LIMIT
    ) -> Page[PatientMatch]:
        with self._line.reading(), self._store.reading() as db:
            return _page(patients.find_patients(db, query), limit)

    def read_patient(self, ref: Ref) -> Patient:
        with self._line.reading(), self._store.reading() as db:
            return patients.read_patient(db, patients.patient_id_of(db, ref))

    def create_patient(self, draft: PatientDraft, *, key: WriteKey) -> Patient:
        checked = patients.checked_draft(draft)

        def write(db: sqlite3.Connection) -> int:
            return patients.insert_patient(db, checked)

        return self._patient(key, ("create", draft), write)

    def update_patient(
        self, ref: Ref, changes: PatientChanges, *, version: str, key: WriteKey
    ) -> Patient:
        def write(db: sqlite3.Connection) -> int:
            patient_id = patients.patient_id_of(db, ref)
            return patients.update_patient(db, patient_id, changes, version=version)

        return self._patient(key, ("update", ref, changes, version), write)

    def merge_patients(self, keep: Ref, drop: Ref, *, key: WriteKey) -> Patient:
        """Two records of one person become `keep`; references to `drop` lead there. For staff.

        Raises NotFound, or InvalidData when both have an open visit for the same service.
        """

        def write(db: sqlite3.Connection) -> int:
            keep_id, drop_id = (patients.patient_id_of(db, ref) for ref in (keep, drop))
            patients.merge_patients(db, keep_id, drop_id)
            return keep_id

        return self._patient(key, ("merge", keep, drop), write)

    # --- coverage

    def check_coverage(self, query: CoverageQuery, *, on: date, timeout_s: float) -> Coverage:
        if self._coverage is None:
            raise NotSupported("no insurance is asked here")
        patient = None if query.patient is None else self.read_patient(query.patient)
        return self._coverage.check(query, patient, on=on, timeout_s=timeout_s)

    # --- catalogue

    def list_departments(self, *, limit: int = DEFAULT_LIMIT) -> Page[Department]:
        with self._line.reading():
            return _page(self._catalogue.departments, limit)

    def list_rooms(self, *, limit: int = DEFAULT_LIMIT) -> Page[Room]:
        with self._line.reading():
            return _page(sorted(self._catalogue.rooms, key=lambda item: item.code), limit)

    def list_services(
        self, wanted: ServiceFilter | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Service]:
        wanted = wanted or ServiceFilter()
        with self._line.reading():
            found = [
                service
                for service in self._catalogue.services
                if wanted.kind in {None, service.kind}
                and wanted.department in {None, service.department}
            ]
            return _page(sorted(found, key=lambda item: item.code), limit)

    def list_practitioners(
        self, service: Ref | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Practitioner]:
        with self._line.reading():
            found = [
                practitioner
                for practitioner in self._catalogue.practitioners
                if service is None or service in {post.service for post in practitioner.posts}
            ]
            return _page(sorted(found, key=lambda item: item.ref), limit)

    def list_sessions(self, *, limit: int = DEFAULT_LIMIT) -> Page[OpeningSession]:
        with self._line.reading():
            return _page(sorted(self._catalogue.sessions, key=lambda item: item.ref), limit)

    def list_closed_days(
        self, start: date, end: date, *, limit: int = DEFAULT_LIMIT
    ) -> Page[ClosedDay]:
        with self._line.reading():
            found = [entry for entry in self._catalogue.closed_days if start <= entry.day < end]
            return _page(sorted(found, key=lambda entry: (entry.day, entry.room or "")), limit)

    def find_slots(
        self,
        service: Ref,
        practitioner: Ref | None,
        start: datetime,
        end: datetime,
        *,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Slot]:
        offered = self._catalogue.find_service(service)
        if offered is None:
            raise NotFound("no such service")
        start, end = checked_moment("start", start), checked_moment("end", end)
        if end - start > _LONGEST_SEARCH:
            raise InvalidData("end", "Khoảng thời gian tìm quá dài.")
        with self._line.reading(), self._store.reading() as db:
            start = max(start, self._clock())
            found = [
                replace(slot, free=free)
                for slot in self._slots(offered, start, end)
                if practitioner in {None, slot.practitioner}
                and (free := appointments.free_places(db, slot))
            ]
            return _page(sorted(found, key=lambda slot: (slot.start, slot.ref)), limit)

    # --- appointments

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
            return _page(found, limit)

    # --- visits

    def check_in(self, request: CheckIn, *, key: WriteKey) -> Visit:
        checked = replace(
            request,
            reason=checked_text("reason", request.reason or "", max_chars=MAX_REASON),
            number=request.number and checked_ref(request.number),
            visit_kind=checked_ref(request.visit_kind),
        )

        def write(db: sqlite3.Connection) -> int:
            return visits.insert_visit(db, self._arrival(db, checked), checked)

        # Who it is was told for others: the patient is named by reference here.
        return self._visit(key, ("check_in", replace(request, person=None)), write)

    def cancel_visit(self, ref: Ref, *, reason: str, key: WriteKey) -> Visit:
        reason = checked_text("reason", reason, max_chars=MAX_REASON)

        def write(db: sqlite3.Connection) -> int:
            return visits.cancel_visit(db, visits.visit_id_of(db, ref), reason=reason)

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
            return _page(found, limit)

    # --- after a lost answer

    def find_by_key(self, key: WriteKey) -> Written | None:
        with self._line.reading(), self._store.reading() as db:
            written = find_written(db, checked_key(key))
            if written is None:
                return None
            kind, record_id = written
            if kind is RecordKind.PATIENT:
                return patients.read_patient(db, record_id)
            if kind is RecordKind.APPOINTMENT:
                return appointments.read_appointment(db, record_id)
            return visits.read_visit(db, record_id, self._catalogue.facility)

    # --- inside

    def _patient(
        self, key: WriteKey, content: tuple[object, ...], write: Callable[[sqlite3.Connection], int]
    ) -> Patient:
        with self._line.writing(checked_key(key)), self._store.writing() as db:
            record_id = self._once(db, key, content, RecordKind.PATIENT, write)
            return patients.read_patient(db, record_id)

    def _appointment(
        self, key: WriteKey, content: tuple[object, ...], write: Callable[[sqlite3.Connection], int]
    ) -> Appointment:
        with self._line.writing(checked_key(key)), self._store.writing() as db:
            record_id = self._once(db, key, content, RecordKind.APPOINTMENT, write)
            return appointments.read_appointment(db, record_id)

    def _visit(
        self, key: WriteKey, content: tuple[object, ...], write: Callable[[sqlite3.Connection], int]
    ) -> Visit:
        with self._line.writing(checked_key(key)), self._store.writing() as db:
            record_id = self._once(db, key, content, RecordKind.VISIT, write)
            return visits.read_visit(db, record_id, self._catalogue.facility)

    def _once(
        self,
        db: sqlite3.Connection,
        key: WriteKey,
        content: tuple[object, ...],
        kind: RecordKind,
        write: Callable[[sqlite3.Connection], int],
    ) -> int:
        return write_once(
            db, key=key, content=content, kind=kind, now=self._clock(), write=lambda: write(db)
        )

    def _local_day(self, moment: datetime) -> date:
        return moment.astimezone(self._catalogue.zone).date()

    def _slots(self, service: Service, start: datetime, end: datetime) -> list[Slot]:
        """Slots of the service that start in [start, end) and may be booked yet."""
        last = last_bookable_day(self._catalogue, service, self._local_day(self._clock()))
        day = self._local_day(start)
        found: list[Slot] = []
        while day <= min(last, self._local_day(end)):
            found += slots_of_day(self._catalogue, service, day)
            day += timedelta(days=1)
        return [slot for slot in found if start <= slot.start < end]

    def _bookable(self, ref: Ref) -> Slot:
        slot = find_slot(self._catalogue, checked_ref(ref))
        if slot is None:
            raise NotFound("no such slot")
        if slot.end <= self._clock():
            raise InvalidData("slot", "Khung giờ này đã qua.")
        return slot

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


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Raises GatewayMisconfigured for unknown settings or files that cannot be used."""
    if unknown := sorted(settings.keys() - {"file", "catalogue"}):
        raise GatewayMisconfigured(f"unknown setting {unknown[0]}")
    catalogue = load_catalogue(Path(settings.get("catalogue") or STARTER_FILE))
    store = Store(Path(settings.get("file") or DEFAULT_FILE))
    return BuiltinGateway(store, catalogue, clock=lambda: datetime.now(UTC))


def _page(items: Sequence[Item], limit: int) -> Page[Item]:
    """What was read, cut to the limit; `items` may hold more to show that there are more."""
    checked_limit(limit)
    return Page(items=tuple(items[:limit]), complete=len(items) <= limit)
