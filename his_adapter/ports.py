"""The port to a hospital information system.

Blocking calls, safe from several threads and processes. Every call answers or raises a HisError
within the adapter's own time limits (reads 5 s, writes 15 s unless configured otherwise). Every
list is bounded by `limit` and says whether it is complete. Every write takes a `key`: the same
key with the same content gives the same record again, with other content KeyReused. What a write
returns is what the HIS has stored, read back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Protocol

from his_adapter.models import (
    Account,
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    Capabilities,
    ChangePage,
    CheckIn,
    ClosedDay,
    Code,
    ConsentRecord,
    Copayment,
    Coverage,
    CoverageQuery,
    Department,
    EInvoice,
    Exchange,
    Health,
    HistoryAnswers,
    OpeningSession,
    Order,
    OrderStatus,
    Page,
    PastStay,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientMatch,
    PatientQuery,
    PaymentPosting,
    PaymentReceipt,
    Practitioner,
    QueueStatus,
    Receipt,
    Ref,
    Report,
    ReportContent,
    ReportKind,
    Room,
    Service,
    ServiceFilter,
    Slot,
    SubmissionReceipt,
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

    def merge_patients(self, keep: Ref, drop: Ref, *, key: WriteKey) -> Patient:
        """Two records of one person become `keep`; references to `drop` lead there.

        For staff. Raises NotFound, or InvalidData when both have an open visit for the same
        service.
        """
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

    def queue_status(self, visit: Ref) -> QueueStatus:
        """Where the visit stands in the HIS's own line. Raises NotFound."""
        ...

    def submit_history(self, patient: Ref, history: HistoryAnswers, *, key: WriteKey) -> Receipt:
        """Puts answers before a clinician; nothing becomes part of the record by itself."""
        ...

    # --- orders and results

    def list_orders(
        self,
        patient: Ref,
        since: datetime,
        *,
        statuses: frozenset[OrderStatus] = frozenset(OrderStatus),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Order]:
        """Orders placed since then, the oldest first, cancelled ones included."""
        ...

    def list_reports(
        self,
        patient: Ref,
        since: datetime,
        *,
        kinds: frozenset[ReportKind] = frozenset(ReportKind),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Report]:
        """Released results issued since then, the latest first; each once, in its last version."""
        ...

    def read_report_part(self, ref: Ref, part: str, *, patient: Ref) -> ReportContent:
        """Values, document or picture of a released result of this very patient.

        Raises NotFound when it is not (or no longer) released, not this patient's, or has no such
        part; BrokenReply above `MAX_PART_BYTES`.
        """
        ...

    # --- money

    def read_account(self, patient: Ref, visit: Ref | None = None) -> Account:
        """What is due now. Raises NotFound."""
        ...

    def post_payment(self, payment: PaymentPosting, *, key: WriteKey) -> PaymentReceipt:
        """Enters a confirmed payment. Raises NotFound, InvalidData when the amount is not what is
        due on the invoice, Duplicate when the invoice is paid already.
        """
        ...

    def einvoice(self, invoice: Ref) -> EInvoice | None:
        """The electronic invoice of a paid bill, or None while there is none."""
        ...

    # --- consent, codes, changes

    def record_consent(self, consent: ConsentRecord, *, key: WriteKey) -> Receipt: ...

    def list_codes(
        self, system: str, parent: str | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Code]:
        """Entries of a code list (`province`, `ward`, `ethnicity`, `occupation`, `nationality`) by
        code. Raises NotFound for a list the HIS does not keep.
        """
        ...

    def changes(self, cursor: str | None, *, limit: int = DEFAULT_LIMIT) -> ChangePage:
        """What changed in the HIS after `cursor`; None starts now and gives no changes.

        Nothing is left out; something may come twice. A cursor that is too old or not ours gives
        `reset`, with a fresh cursor.
        """
        ...

    # --- after a lost answer

    def find_by_key(self, key: WriteKey) -> Written | None:
        """The record that the write with this key left, as it is now, or None if none did."""
        ...


Witness = Callable[[Exchange], None]
"""Told of every exchange as it ended, good or bad, before the call returns or raises."""


class Insurer(Protocol):
    """The gateway of the social health insurance, asked directly instead of through the HIS.

    Blocking, safe from several threads; every call ends within `timeout_s`. Raises HisError as
    the HIS does: Unavailable and Throttled may be tried again, LoginFailed and
    GatewayMisconfigured need a technician. No error carries anything of a person or a secret.
    """

    def health(self) -> Health:
        """How the insurer is now. Never raises: one that does not answer is `down`."""
        ...

    def close(self) -> None:
        """Gives up what is held. The insurer must not be asked afterwards."""
        ...

    def check_card(
        self,
        query: CoverageQuery,
        *,
        on: date,
        timeout_s: float,
        asked_by: str | None = None,
        witness: Witness | None = None,
    ) -> Coverage:
        """What the insurance says about this day, by card, number of the insurance or CCCD.

        Needs a name and a birth date: raises InvalidData without. `asked_by` names the kiosk or
        counter, whose registered employee answers for the question. Bad news is an outcome.
        """
        ...

    def history(
        self, query: CoverageQuery, *, timeout_s: float, asked_by: str | None = None
    ) -> tuple[PastStay, ...]:
        """Visits to any hospital, the latest first: facility and times only."""
        ...

    def copayment(self, query: CoverageQuery, *, on: date, timeout_s: float) -> Copayment:
        """The running total of co-payments in the year of `on`. Slow, and behind the truth."""
        ...

    def send_checkin(
        self, document: bytes, *, key: WriteKey, timeout_s: float
    ) -> SubmissionReceipt:
        """Hands in one check-in table as UTF-8 XML.

        A refusal of its content is a receipt that is not `received`. Raises Forbidden for another
        facility's file, OutcomeUnknown when it was sent and no answer came: nothing can be asked
        about it later, whether to send again is for the caller to decide.
        """
        ...
