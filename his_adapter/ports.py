"""The port to a hospital information system.

Blocking calls, safe from several threads and processes. Every call answers or raises a HisError
within the adapter's own time limits (reads 5 s, writes 15 s unless configured otherwise). Every
list is bounded by `limit` and says whether it is complete. Every write takes a `key`: the same
key with the same content gives the same record again, with other content KeyReused. What a write
returns is what the HIS has stored, read back.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

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
    Health,
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

DEFAULT_LIMIT = 50


class HisGateway(Protocol):
    """Names in FHIR terms. A method that `capabilities` does not list raises NotSupported."""

    def capabilities(self) -> Capabilities: ...

    def health(self) -> Health:
        """How the HIS is now. Never raises: a HIS that does not answer is `down`."""
        ...

    def close(self) -> None:
        """Gives connections back. The gateway must not be used afterwards."""
        ...

    # --- people

    def find_patients(
        self, query: PatientQuery, *, limit: int = DEFAULT_LIMIT
    ) -> Page[PatientMatch]:
        """Best matches first; nothing found is an empty page.

        Raises MultipleMatches when an identifier that should be unique leads to several people,
        InvalidData for a query with neither identifiers nor name and birth date.
        """
        ...

    def read_patient(self, ref: Ref) -> Patient:
        """Raises NotFound."""
        ...

    def create_patient(self, draft: PatientDraft, *, key: WriteKey) -> Patient:
        """Raises Duplicate when somebody already carries one of the unique identifiers."""
        ...

    def update_patient(
        self, ref: Ref, changes: PatientChanges, *, version: str, key: WriteKey
    ) -> Patient:
        """Raises NotFound, Duplicate, or VersionConflict when `version` is not the latest."""
        ...

    # --- coverage

    def check_coverage(self, query: CoverageQuery, *, on: date, timeout_s: float) -> Coverage:
        """What the insurance says about this day.

        Raises Unavailable when no answer came within `timeout_s`; whoever waits less calls this
        in the background. Bad news is an outcome, not an error.
        """
        ...

    # --- catalogue

    def list_departments(self, *, limit: int = DEFAULT_LIMIT) -> Page[Department]:
        """Clinical units in the HIS's own order, which is the order on screens: a patient chooses
        the department before the service.
        """
        ...

    def list_rooms(self, *, limit: int = DEFAULT_LIMIT) -> Page[Room]:
        """Rooms by code: a service names its rooms, and a ticket needs their floor and landmark."""
        ...

    def list_services(
        self, wanted: ServiceFilter | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Service]:
        """Active services by code."""
        ...

    def list_practitioners(
        self, service: Ref | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Practitioner]:
        """Practitioners by reference, of one service or all."""
        ...

    def list_sessions(self, *, limit: int = DEFAULT_LIMIT) -> Page[OpeningSession]:
        """Weekly opening hours by reference: walk-ins depend on them, slots do not show them."""
        ...

    def list_closed_days(
        self, start: date, end: date, *, limit: int = DEFAULT_LIMIT
    ) -> Page[ClosedDay]:
        """Exceptions to the weekly hours from `start` until before `end`, by day."""
        ...

    def find_slots(
        self,
        service: Ref,
        practitioner: Ref | None,
        start: datetime,
        end: datetime,
        *,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Slot]:
        """Slots with a free place that start in [start, end) and not in the past, by start."""
        ...

    # --- appointments

    def book_appointment(
        self, patient: Ref, slot: Ref, service: Ref, *, key: WriteKey
    ) -> Appointment:
        """Takes one place. Raises SlotTaken, NotFound, or Duplicate: one booking per slot."""
        ...

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
        """Cancels, which frees the place, or moves to `new_slot` in one go.

        Cancelling what is cancelled changes nothing. Raises NotFound, VersionConflict, SlotTaken,
        InvalidData when the appointment is over or `new_slot` is missing.
        """
        ...

    def find_appointments(
        self,
        patient: Ref,
        start: datetime,
        end: datetime,
        *,
        statuses: frozenset[AppointmentStatus] = frozenset({AppointmentStatus.BOOKED}),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Appointment]:
        """Bookings that start in [start, end), by start, those for other facilities included."""
        ...

    # --- visits

    def check_in(self, request: CheckIn, *, key: WriteKey) -> Visit:
        """The patient is here: makes the visit, numbers it, marks the appointment as arrived.

        Raises NotFound; InvalidData when the appointment is not one for today at this facility;
        Duplicate when the patient has an open visit for this service today.
        """
        ...

    def cancel_visit(self, ref: Ref, *, reason: str, key: WriteKey) -> Visit:
        """Takes a visit back that nobody will come to; the place of its booking is lost.

        Without it the HIS keeps calling people who cancelled their ticket. Cancelling what is
        cancelled changes nothing. Raises NotFound; InvalidData when the visit is finished.
        """
        ...

    def list_visits(self, patient: Ref, since: date, *, limit: int = DEFAULT_LIMIT) -> Page[Visit]:
        """Visits from that day on, the latest first."""
        ...

    # --- after a lost answer

    def find_by_key(self, key: WriteKey) -> Written | None:
        """The record that the write with this key left, as it is now, or None if none did."""
        ...
