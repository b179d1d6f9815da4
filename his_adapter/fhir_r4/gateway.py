"""The port on FHIR R4. What the hospital's server cannot do is switched off in `features_off`.

Settings: `FhirConfig` in config.py; docs/how-to/his-fhir.md explains them to the technician.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.metadata import version as package_version
from typing import Any

from his_adapter.builtin.checks import MAX_LIMIT, checked_key, checked_limit
from his_adapter.errors import GatewayMisconfigured, HisError
from his_adapter.fhir_r4.arrivals import Arrivals
from his_adapter.fhir_r4.bookings import Bookings
from his_adapter.fhir_r4.catalogue import Catalogue
from his_adapter.fhir_r4.client import FhirClient
from his_adapter.fhir_r4.config import FhirConfig, read_config
from his_adapter.fhir_r4.feed import Feed
from his_adapter.fhir_r4.hospital import Clock, Hospital, page_of
from his_adapter.fhir_r4.mapping.papers import receipt
from his_adapter.fhir_r4.mapping.patients import patient
from his_adapter.fhir_r4.mapping.reading import Resource, object_of, objects, text_of
from his_adapter.fhir_r4.money import Money
from his_adapter.fhir_r4.papers import Papers
from his_adapter.fhir_r4.people import People
from his_adapter.fhir_r4.records import Records
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
    Department,
    EInvoice,
    Feature,
    Health,
    HealthState,
    HistoryAnswers,
    OpeningSession,
    Order,
    OrderStatus,
    Page,
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
    Visit,
    WriteKey,
    Written,
)
from his_adapter.partial import PartialGateway, overridden_features
from his_adapter.ports import DEFAULT_LIMIT, HisGateway

_SLOW_MS = 2000.0
_SKEW_S = 60.0
_ASK_AGAIN_S = 30.0
"""Whoever asks what a HIS can that is away does not wait for it each time."""


class FhirGateway(PartialGateway):
    """Keeps connections and, for some minutes, the catalogue; nothing of a person."""

    def __init__(self, config: FhirConfig, *, clock: Clock) -> None:
        self._config = config
        self._client = FhirClient(config, clock=clock)
        hospital = Hospital(client=self._client, config=config, clock=clock)
        self._hospital = hospital
        self._catalogue = Catalogue(hospital)
        self._people = People(hospital=hospital)
        self._bookings = Bookings(hospital=hospital, catalogue=self._catalogue, people=self._people)
        self._arrivals = Arrivals(
            hospital=hospital,
            catalogue=self._catalogue,
            people=self._people,
            bookings=self._bookings,
        )
        self._records = Records(hospital=hospital, catalogue=self._catalogue, people=self._people)
        self._money = Money(hospital=hospital, people=self._people)
        self._papers = Papers(hospital=hospital, people=self._people)
        self._feed = Feed(hospital=hospital)
        self._his_version = ""
        self._ask_again_at = 0.0
        self._on = overridden_features(type(self))
        self._switch_off(_off_by_config(config))

    # --- the HIS itself

    def capabilities(self) -> Capabilities:
        return Capabilities(
            features=self._features(),
            facility=self._config.facility.facility(),
            max_limit=MAX_LIMIT,
            adapter="fhir_r4",
            adapter_version=package_version("tiepdon"),
            his_version=self._his_version or "unknown",
        )

    def health(self) -> Health:
        try:
            _, took_ms, skew_s = self._client.metadata()
        except HisError as error:
            return Health(state=HealthState.DOWN, cause=f"{error.code}: {error}")
        slow = took_ms > _SLOW_MS
        askew = skew_s is not None and abs(skew_s) > _SKEW_S
        return Health(
            state=HealthState.DEGRADED if slow or askew else HealthState.OK,
            latency_ms=took_ms,
            clock_skew_s=skew_s,
            cause="slow" if slow else "clock" if askew else None,
        )

    def close(self) -> None:
        self._client.close()

    # --- people

    def find_patients(
        self, query: PatientQuery, *, limit: int = DEFAULT_LIMIT
    ) -> Page[PatientMatch]:
        return self._people.find(query, limit=limit)

    def read_patient(self, ref: Ref) -> Patient:
        return self._people.read(ref)

    def create_patient(self, draft: PatientDraft, *, key: WriteKey) -> Patient:
        return self._people.create(draft, key=key)

    def update_patient(
        self, ref: Ref, changes: PatientChanges, *, version: str, key: WriteKey
    ) -> Patient:
        return self._people.update(ref, changes, version=version, key=key)

    # --- catalogue

    def list_departments(self, *, limit: int = DEFAULT_LIMIT) -> Page[Department]:
        return page_of(self._catalogue.departments(), limit)

    def list_rooms(self, *, limit: int = DEFAULT_LIMIT) -> Page[Room]:
        return page_of(self._catalogue.rooms(), limit)

    def list_services(
        self, wanted: ServiceFilter | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Service]:
        return page_of(self._catalogue.services(wanted), limit)

    def list_practitioners(
        self, service: Ref | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Practitioner]:
        return page_of(self._catalogue.practitioners(service), limit)

    def list_sessions(self, *, limit: int = DEFAULT_LIMIT) -> Page[OpeningSession]:
        return page_of(self._catalogue.sessions(), limit)

    def list_closed_days(
        self, start: date, end: date, *, limit: int = DEFAULT_LIMIT
    ) -> Page[ClosedDay]:
        return page_of(self._catalogue.closed_days(start, end), limit)

    def find_slots(
        self,
        service: Ref,
        practitioner: Ref | None,
        start: datetime,
        end: datetime,
        *,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Slot]:
        return self._bookings.find_slots(service, practitioner, start, end, limit=limit)

    # --- appointments

    def book_appointment(
        self, patient: Ref, slot: Ref, service: Ref, *, key: WriteKey
    ) -> Appointment:
        return self._bookings.book(patient, slot, service, key=key)

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
        return self._bookings.change(
            ref, action, version=version, key=key, reason=reason, new_slot=new_slot
        )

    def find_appointments(
        self,
        patient: Ref,
        start: datetime,
        end: datetime,
        *,
        statuses: frozenset[AppointmentStatus] = frozenset({AppointmentStatus.BOOKED}),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Appointment]:
        return self._bookings.find(patient, start, end, statuses=statuses, limit=limit)

    # --- visits

    def check_in(self, request: CheckIn, *, key: WriteKey) -> Visit:
        return self._arrivals.check_in(request, key=key)

    def cancel_visit(self, ref: Ref, *, reason: str, key: WriteKey) -> Visit:
        return self._arrivals.cancel(ref, reason=reason, key=key)

    def list_visits(self, patient: Ref, since: date, *, limit: int = DEFAULT_LIMIT) -> Page[Visit]:
        return self._arrivals.find(patient, since, limit=limit)

    def queue_status(self, visit: Ref) -> QueueStatus:
        return self._arrivals.queue_status(visit)

    def submit_history(self, patient: Ref, history: HistoryAnswers, *, key: WriteKey) -> Receipt:
        return self._papers.submit_history(patient, history, key=key)

    # --- orders and results

    def list_orders(
        self,
        patient: Ref,
        since: datetime,
        *,
        statuses: frozenset[OrderStatus] = frozenset(OrderStatus),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Order]:
        return self._records.orders(patient, since, statuses=statuses, limit=limit)

    def list_reports(
        self,
        patient: Ref,
        since: datetime,
        *,
        kinds: frozenset[ReportKind] = frozenset(ReportKind),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Report]:
        return self._records.reports(patient, since, kinds=kinds, limit=limit)

    def read_report_part(self, ref: Ref, part: str, *, patient: Ref) -> ReportContent:
        return self._records.part(ref, part, patient=patient)

    # --- money

    def read_account(self, patient: Ref, visit: Ref | None = None) -> Account:
        return self._money.account(patient, visit)

    def post_payment(self, payment: PaymentPosting, *, key: WriteKey) -> PaymentReceipt:
        return self._money.post(payment, key=key)

    def einvoice(self, invoice: Ref) -> EInvoice | None:
        return self._money.einvoice(invoice)

    # --- consent, codes, changes

    def record_consent(self, consent: ConsentRecord, *, key: WriteKey) -> Receipt:
        return self._papers.record_consent(consent, key=key)

    def list_codes(
        self, system: str, parent: str | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Code]:
        return self._papers.codes(system, parent, limit=limit)

    def changes(self, cursor: str | None, *, limit: int = DEFAULT_LIMIT) -> ChangePage:
        return self._feed.changes(cursor, self._on, limit=checked_limit(limit))

    # --- after a lost answer

    def find_by_key(self, key: WriteKey) -> Written | None:
        checked_key(key)
        for resource in self._hospital.with_key("Patient", key):
            return patient(self._config, resource)
        for resource in self._hospital.with_key("Encounter", key):
            return self._arrivals.written(resource, key)
        for resource in self._hospital.with_key("Appointment", key):
            return self._bookings.written(resource)
        if Feature.POST_PAYMENT in self._on:
            for resource in self._hospital.with_key("PaymentNotice", key):
                if resource.get("status") == "active":
                    return self._money.written(resource)
        for kind, feature in (
            ("QuestionnaireResponse", Feature.SUBMIT_HISTORY),
            ("Consent", Feature.RECORD_CONSENT),
        ):
            if feature in self._on:
                for resource in self._hospital.with_key(kind, key):
                    return receipt(resource)
        return None

    # --- inside

    def _features(self) -> frozenset[Feature]:
        """By the settings, and by what the server lists of itself once it has answered."""
        if not self._his_version and time.monotonic() >= self._ask_again_at:
            self._ask_again_at = time.monotonic() + _ASK_AGAIN_S
            try:
                statement, _, _ = self._client.metadata()
            except HisError:  # away: the settings have to do for now
                return self._on
            self._his_version = _version(statement)
            self._switch_off(_off_by_statement(statement))
        return self._on

    def _switch_off(self, features: frozenset[Feature]) -> None:
        """What is off is what PartialGateway makes of it."""
        for feature in features:
            self.__dict__[feature.value] = getattr(super(), feature.value)
        self._on = self._on - features


def _off_by_config(config: FhirConfig) -> frozenset[Feature]:
    off = {Feature(name) for name in config.features_off}
    if not config.queue:
        off.add(Feature.QUEUE_STATUS)
    if not config.code_lists:
        off.add(Feature.LIST_CODES)
    return frozenset(off)


_NEEDS = {
    Feature.FIND_SLOTS: "Slot",
    Feature.BOOK_APPOINTMENT: "Appointment",
    Feature.CHANGE_APPOINTMENT: "Appointment",
    Feature.FIND_APPOINTMENTS: "Appointment",
    Feature.CHECK_IN: "Encounter",
    Feature.CANCEL_VISIT: "Encounter",
    Feature.LIST_VISITS: "Encounter",
    Feature.SUBMIT_HISTORY: "QuestionnaireResponse",
    Feature.LIST_ORDERS: "ServiceRequest",
    Feature.LIST_REPORTS: "DiagnosticReport",
    Feature.READ_REPORT_PART: "DiagnosticReport",
    Feature.READ_ACCOUNT: "Invoice",
    Feature.POST_PAYMENT: "PaymentNotice",
    Feature.EINVOICE: "DocumentReference",
    Feature.RECORD_CONSENT: "Consent",
}


def _off_by_statement(statement: Resource) -> frozenset[Feature]:
    """A server that lists its resources has no others; one that lists none is not asked."""
    listed = {
        text_of(item.get("type"))
        for rest in objects(statement.get("rest"))
        for item in objects(rest.get("resource"))
    }
    return frozenset(feature for feature, kind in _NEEDS.items() if listed and kind not in listed)


def _version(statement: Resource) -> str:
    software = object_of(statement.get("software"))
    name, version = text_of(software.get("name")), text_of(software.get("version"))
    fhir = text_of(statement.get("fhirVersion"))
    return " ".join(filter(None, (name, version, f"FHIR {fhir}")))[:80]


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Raises GatewayMisconfigured for settings that cannot be used."""
    config = read_config(settings)
    if unknown := sorted(config.features_off - {feature.value for feature in Feature}):
        raise GatewayMisconfigured(f"features_off: unknown feature {unknown[0]}")
    return FhirGateway(config, clock=lambda: datetime.now(UTC))
