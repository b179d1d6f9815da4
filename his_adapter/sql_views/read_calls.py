"""Reads of the port, one view each."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from his_adapter.builtin.checks import checked_moment
from his_adapter.errors import InvalidData, MultipleMatches, NotFound
from his_adapter.models import (
    Appointment,
    AppointmentStatus,
    ClosedDay,
    Code,
    Department,
    Feature,
    IdentifierKind,
    MatchGrade,
    OpeningSession,
    Page,
    Patient,
    PatientMatch,
    PatientQuery,
    Practitioner,
    Ref,
    Room,
    Service,
    ServiceFilter,
    Slot,
    Visit,
)
from his_adapter.ports import DEFAULT_LIMIT
from his_adapter.sql_views import mapping, matching
from his_adapter.sql_views.base import SqlViewsBase, checked, named
from his_adapter.sql_views.columns import Columns

_LONGEST_SEARCH = timedelta(days=62)
_MAX_NUMBER = 40


class ReadCalls(SqlViewsBase):
    # --- people

    def find_patients(
        self, query: PatientQuery, *, limit: int = DEFAULT_LIMIT
    ) -> Page[PatientMatch]:
        self._need(Feature.FIND_PATIENTS)
        self._limit(limit)
        wanted = matching.checked_query(query)
        found: list[tuple[Patient, MatchGrade]] = []
        for item in query.identifiers:
            agreeing = [
                (patient, grade)
                for patient in self._with_number(item.kind, item.value)
                if (grade := matching.by_number(patient, item.kind, wanted))
            ]
            if len(agreeing) > 1:
                raise MultipleMatches("several people carry this number")
            found += agreeing
        complete = True
        if wanted.name_key is not None and wanted.birth_date is not None:
            most = self._config.max_limit
            rows = self._database.rows(
                "patients_by_birth",
                limit=most + 1,
                earliest=wanted.birth_date.earliest,
                latest=wanted.birth_date.latest,
            )
            complete = len(rows) <= most
            found += [
                (patient, grade)
                for patient in map(self._patient, rows[:most])
                if (grade := matching.by_name(patient, wanted))
            ]
        page = self._page(matching.ranked(found), limit)
        return Page(items=page.items, complete=page.complete and complete)

    def read_patient(self, ref: Ref) -> Patient:
        self._need(Feature.READ_PATIENT)
        return self._patient(named(self._one("patient", ref=checked(ref)), ref))

    # --- catalogue

    def list_departments(self, *, limit: int = DEFAULT_LIMIT) -> Page[Department]:
        self._need(Feature.LIST_DEPARTMENTS)
        return self._listed("departments", mapping.department, limit)

    def list_rooms(self, *, limit: int = DEFAULT_LIMIT) -> Page[Room]:
        self._need(Feature.LIST_ROOMS)
        return self._listed("rooms", mapping.room, limit)

    def list_services(
        self, wanted: ServiceFilter | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Service]:
        self._need(Feature.LIST_SERVICES)
        self._limit(limit)
        wanted = wanted or ServiceFilter()
        found = [
            service
            for service in map(mapping.service, self._all("services"))
            if wanted.kind in {None, service.kind}
            and wanted.department in {None, service.department}
        ]
        return self._page(sorted(found, key=lambda item: item.code), limit)

    def list_practitioners(
        self, service: Ref | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Practitioner]:
        self._need(Feature.LIST_PRACTITIONERS)
        self._limit(limit)
        found = [
            item
            for item in mapping.practitioners(self._all("practitioners"))
            if service is None or service in {post.service for post in item.posts}
        ]
        return self._page(found, limit)

    def list_sessions(self, *, limit: int = DEFAULT_LIMIT) -> Page[OpeningSession]:
        self._need(Feature.LIST_SESSIONS)
        return self._listed("sessions", mapping.session, limit)

    def list_closed_days(
        self, start: date, end: date, *, limit: int = DEFAULT_LIMIT
    ) -> Page[ClosedDay]:
        self._need(Feature.LIST_CLOSED_DAYS)
        return self._listed("closed_days", mapping.closed_day, limit, start=start, end=end)

    def find_slots(
        self,
        service: Ref,
        practitioner: Ref | None,
        start: datetime,
        end: datetime,
        *,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Slot]:
        self._need(Feature.FIND_SLOTS)
        start, end = checked_moment("start", start), checked_moment("end", end)
        if end - start > _LONGEST_SEARCH:
            raise InvalidData("end", "Khoảng thời gian tìm quá dài.")

        def shape(row: Columns) -> Slot:
            return mapping.slot(named(row, service, "service"))

        return self._listed(
            "slots",
            shape,
            limit,
            service=checked(service),
            practitioner=practitioner,
            start=start,
            end=end,
        )

    def list_codes(
        self, system: str, parent: str | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Code]:
        self._need(Feature.LIST_CODES)
        found = self._listed(
            "codes", mapping.code, limit, system=checked(Ref(system)), parent=parent
        )
        if not found.items and parent is None:
            raise NotFound("no such code list")
        return found

    # --- bookings and visits

    def find_appointments(
        self,
        patient: Ref,
        start: datetime,
        end: datetime,
        *,
        statuses: frozenset[AppointmentStatus] = frozenset({AppointmentStatus.BOOKED}),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Appointment]:
        self._need(Feature.FIND_APPOINTMENTS)
        self._known(patient)
        rows = self._all(
            "appointments",
            patient=patient,
            start=checked_moment("start", start),
            end=checked_moment("end", end),
        )
        found = [mapping.appointment(named(row, patient, "patient")) for row in rows]
        return self._page([item for item in found if item.status in statuses], limit)

    def list_visits(self, patient: Ref, since: date, *, limit: int = DEFAULT_LIMIT) -> Page[Visit]:
        self._need(Feature.LIST_VISITS)
        self._known(patient)

        def shape(row: Columns) -> Visit:
            return mapping.visit(named(row, patient, "patient"))

        return self._listed("visits", shape, limit, patient=patient, since=since)

    # --- inside

    def _with_number(self, kind: IdentifierKind, untrusted_value: str) -> list[Patient]:
        """People who really carry it; an appointment's code leads to one without standing there."""
        plain = untrusted_value.isascii() and untrusted_value.isalnum()
        if not plain or len(untrusted_value) > _MAX_NUMBER:
            return []
        rows = self._all("patients_by_identifier", kind=kind, value=untrusted_value)
        found = [self._patient(row) for row in rows]
        if kind is IdentifierKind.APPOINTMENT:
            return found
        return [item for item in found if item.find_identifier(kind) == untrusted_value]

    def _known(self, patient: Ref) -> None:
        """Raises NotFound: an empty list must not mean two things."""
        self._one("patient", ref=checked(patient))

    def _patient(self, row: Columns) -> Patient:
        return mapping.patient(row, self._config.genders)
