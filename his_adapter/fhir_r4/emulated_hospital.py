"""The verbs of FHIR on top of any HisGateway: what a HIS with a FHIR door does behind it.

For the emulator only. Requests of our own adapter are understood, and what it may try besides;
anything else is answered as FHIR says, with an OperationOutcome.
"""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    Forbidden,
    HisError,
    InvalidData,
    KeyReused,
    LoginFailed,
    MultipleMatches,
    NotFound,
    NotSupported,
    SlotTaken,
    Throttled,
    VersionConflict,
)
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping import catalogue as shown
from his_adapter.fhir_r4.mapping.appointments import (
    appointment as parsed_appointment,
)
from his_adapter.fhir_r4.mapping.appointments import (
    existing_appointment_resource,
)
from his_adapter.fhir_r4.mapping.money import (
    account_resource,
    einvoice_resource,
    invoice_resource,
    receipt_resource,
)
from his_adapter.fhir_r4.mapping.papers import QUESTIONNAIRES, answers_of, value_set_resource
from his_adapter.fhir_r4.mapping.patients import SYSTEM_NAMES, draft_of, patient_resource
from his_adapter.fhir_r4.mapping.reading import (
    VIETNAM,
    Resource,
    extension,
    moment_of,
    moment_text,
    object_of,
    objects,
    reference,
    reference_to,
    text_of,
    vnd_of,
)
from his_adapter.fhir_r4.mapping.records import (
    observation_resource,
    order_resource,
    report_resource,
)
from his_adapter.fhir_r4.mapping.visits import check_in_of, visit_resource
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    BirthDate,
    Change,
    ChangeKind,
    ConsentRecord,
    Feature,
    HistoryAnswers,
    Identifier,
    IdentifierKind,
    Invoice,
    PartKind,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientQuery,
    PaymentMethod,
    PaymentPosting,
    PaymentReceipt,
    Receipt,
    Ref,
    Report,
    Slot,
    Visit,
    WriteKey,
    Written,
)
from his_adapter.ports import HisGateway

Params = Sequence[tuple[str, str]]
_LONG_AGO = date(2000, 1, 1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_KINDS_OF = {
    ChangeKind.PATIENT: ("Patient",),
    ChangeKind.HISTORY: ("QuestionnaireResponse",),
    ChangeKind.VISIT: ("Encounter", "Appointment"),
    ChangeKind.ORDER: ("ServiceRequest",),
    ChangeKind.REPORT: ("DiagnosticReport",),
    ChangeKind.EINVOICE: ("DocumentReference",),
    ChangeKind.PAYMENT: ("Invoice",),
}
_AHEAD = timedelta(days=60)
_MAX = 1000


@dataclass(frozen=True, kw_only=True)
class Careless:
    """What careless servers were seen to do."""

    ignore_if_match: bool = False
    ignore_date_filters: bool = False
    forget_unknown_parameters: bool = False
    """Searches that name one of our keys find nothing."""
    html_with_200: bool = False
    lose_conditional_create: bool = False
    """If-None-Exist is not honoured."""
    another_patient: bool = False
    """Answers about a patient hold a record of somebody else."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    resource: Resource
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Ends a request with that answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def outcome(status: int, code: str, place: str = "") -> Answer:
    issue: Resource = {"severity": "error", "code": code}
    if place:
        issue["expression"] = [place]
    return Answer(status=status, resource={"resourceType": "OperationOutcome", "issue": [issue]})


def answer_for(error: HisError) -> Answer:
    """What a FHIR server says when its hospital refuses."""
    if isinstance(error, InvalidData):
        place = re.sub(r"[^A-Za-z0-9.]", "", error.field)
        return outcome(422, "business-rule", place or "record")
    for kind, status, code in (
        (NotFound, 404, "not-found"),
        (Duplicate, 409, "duplicate"),
        (KeyReused, 409, "conflict"),
        (SlotTaken, 409, "conflict"),
        (VersionConflict, 412, "conflict"),
        (MultipleMatches, 412, "multiple-matches"),
        (LoginFailed, 401, "login"),
        (Forbidden, 403, "forbidden"),
        (NotSupported, 501, "not-supported"),
        (Throttled, 429, "throttled"),
    ):
        if isinstance(error, kind):
            return outcome(status, code)
    # Nothing done is 503; an answer lost behind us can only be told as a gateway time-out.
    return outcome(503 if error.code == "transient" else 504, error.code)


class EmulatedHospital:
    """Remembers, besides what the gateway holds, the identifiers that clients sent."""

    def __init__(
        self, his: HisGateway, config: FhirConfig, *, clock: Callable[[], datetime]
    ) -> None:
        self.careless = Careless()
        self._his = his
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._changes_lock = threading.Lock()
        self._keys: dict[tuple[str, str], list[Resource]] = {}
        self._refs: dict[str, str] = {}
        self._slots: dict[str, Slot] = {}
        self._bookings: dict[str, set[str]] = {}
        self._owners: dict[tuple[str, str], Ref] = {}
        self._bills: dict[str, set[str]] = {}
        self._receipts: dict[str, PaymentReceipt] = {}
        self._kept_papers: dict[tuple[str, str], Resource] = {}
        self._last_changes: dict[tuple[str, str], Change] = {}
        # The gateway tells of changes from now on; what was before needs no telling.
        self._cursor = self._next_changes(None)

    def handle(
        self,
        method: str,
        path: str,
        params: Params,
        body: Resource | None,
        headers: Mapping[str, str],
    ) -> Answer:
        """Never raises for what a client sends."""
        try:
            return self._route(method, path.strip("/").split("/"), params, body or {}, headers)
        except Refused as refused:
            return refused.answer
        except (BrokenReply, ValueError):  # the mapping found the request unreadable
            return outcome(400, "invalid")
        except HisError as error:
            return answer_for(error)

    # --- routes

    def _route(
        self,
        method: str,
        parts: list[str],
        params: Params,
        body: Resource,
        headers: Mapping[str, str],
    ) -> Answer:
        if parts == ["metadata"]:
            return Answer(status=200, resource=self._statement())
        if method == "POST" and parts == ["Patient", "$match"]:
            return self._bundle(self._matches(body))
        if method == "POST" and parts == ["ValueSet", "$expand"]:
            return Answer(status=200, resource=self._expanded(body))
        if method == "POST" and parts == [""]:
            return self._transaction(body)
        kind = parts[0]
        if (method, len(parts)) == ("GET", 1) or (method == "POST" and parts[1:] == ["_search"]):
            return self._search(kind, params)
        if (method, len(parts)) == ("GET", 2):
            return _found(self._read(kind, parts[1]))
        if (method, len(parts)) == ("POST", 1):
            return self._create(kind, body, headers.get("If-None-Exist"))
        if (method, len(parts)) == ("PUT", 2):
            match = re.fullmatch(r'W/"([^"]+)"', headers.get("If-Match", ""))
            return _found(self._update(kind, parts[1], body, match and match[1]))
        if method == "DELETE":
            raise Refused(outcome(405, "not-supported"))
        raise Refused(outcome(404, "not-found"))

    def _read(self, kind: str, wanted: str) -> Resource:
        readers: dict[str, Callable[[Ref], Resource]] = {
            "Patient": lambda ref: self._patient(self._his.read_patient(ref)),
            "Appointment": self._find_appointment,
            "Encounter": self._find_visit,
            "Slot": self._find_slot,
            "DiagnosticReport": self._find_report,
            "Invoice": self._find_invoice,
        }
        if kind in readers:
            resource = readers[kind](self._ref(wanted))
            if self.careless.another_patient and kind == "Patient":
                resource = {**resource, "id": "another"}
            return resource
        for resource in self._list(kind, []):
            if resource["id"] == wanted:
                return resource
        raise NotFound(kind)

    def _search(self, kind: str, params: Params) -> Answer:
        if self.careless.forget_unknown_parameters:
            params = [(n, v) for n, v in params if n != "identifier" or "request" not in v]
        if self.careless.ignore_date_filters:
            params = [(n, v) for n, v in params if n not in {"date", "start", "birthdate"}]
        if any(name == "_lastUpdated" for name, _ in params):
            return self._bundle(self._touched(kind, params))
        found, included = self._list(kind, params), []
        if kind == "PractitionerRole" and ("_include", "PractitionerRole:practitioner") in params:
            included = self._list("Practitioner", [])
        return self._bundle(found, included)

    def _list(self, kind: str, params: Params) -> list[Resource]:
        by_kind: dict[str, Callable[[Params], list[Resource]]] = {
            "Patient": self._patients,
            "Organization": lambda _: self._departments(),
            "Location": lambda _: self._rooms(),
            "HealthcareService": lambda _: self._services(),
            "Practitioner": lambda _: self._practitioners(),
            "PractitionerRole": lambda _: self._roles(),
            "ChargeItemDefinition": lambda _: [],
            "Schedule": self._schedules,
            "Slot": self._hours,
            "Appointment": self._appointments,
            "Encounter": self._visits,
            "ServiceRequest": self._orders,
            "DiagnosticReport": self._reports,
            "Observation": lambda _: [],
            "Invoice": self._invoices,
            "Account": self._accounts,
            "PaymentNotice": self._payments,
            "DocumentReference": self._einvoices,
            "QuestionnaireResponse": self._papers("QuestionnaireResponse"),
            "Consent": self._papers("Consent"),
        }
        if kind not in by_kind:
            raise Refused(outcome(404, "not-supported"))
        return by_kind[kind](params)

    def _create(self, kind: str, body: Resource, condition: str | None) -> Answer:
        key = self._key_in(body, use="official")
        if condition is not None and not self.careless.lose_conditional_create:
            known = self._list(kind, [("identifier", condition.removeprefix("identifier="))])
            if len(known) > 1:
                raise Refused(outcome(412, "multiple-matches"))
            if known:
                return _found(known[0])
        if kind == "Patient":
            made: Written = self._his.create_patient(self._draft(body), key=key)
        elif kind == "Encounter":
            made = self._his.check_in(self._check_in(body), key=key)
        elif kind == "Appointment":
            made = self._book(body, key)
        elif kind == "PaymentNotice":
            made = self._his.post_payment(self._posting(body), key=key)
        elif kind == "QuestionnaireResponse":
            made = self._his.submit_history(
                self._ref(_patient_in(body.get("subject"))), _history(body), key=key
            )
            self._kept_papers[kind, made.ref] = body
        elif kind == "Consent":
            made = self._his.record_consent(self._consent(body), key=key)
            self._kept_papers[kind, made.ref] = body
        else:
            raise Refused(outcome(405, "not-supported"))
        self._remember(kind, getattr(made, "ref", ""), "official", key)
        if isinstance(made, Receipt):
            return Answer(status=201, resource=self._paper(kind, made))
        return Answer(status=201, resource=self._written(made))

    def _update(self, kind: str, wanted: str, body: Resource, version: str | None) -> Resource:
        stored = self._read(kind, wanted)
        latest = text_of(object_of(stored.get("meta")).get("versionId"))
        if version is None or self.careless.ignore_if_match:
            version = latest
        elif version != latest:
            raise VersionConflict("stale")
        ref = self._ref(wanted)
        key = self._key_in(body, use="secondary")
        if kind == "Patient":
            changed = self._his.update_patient(
                ref, self._changes(stored, body), version=version, key=key
            )
            self._remember(kind, ref, "secondary", key)
            return self._patient(changed)
        if kind == "Encounter":
            if body.get("status") == "cancelled" and stored.get("status") != "cancelled":
                told = object_of(extension(body, self._config.extensions.own + "cancel-reason"))
                reason = text_of(told.get("valueString"))
                self._his.cancel_visit(ref, reason=reason, key=key)
                self._remember(kind, ref, "secondary", key)
            return self._find_visit(ref)
        if kind == "Appointment":
            self._change_booking(ref, stored, body, version, key)
            return self._find_appointment(ref)
        raise Refused(outcome(405, "not-supported"))

    def _transaction(self, body: Resource) -> Answer:
        """A booking as two entries: the hour is marked, and the booking made."""
        requests = [
            (object_of(e.get("request")), object_of(e.get("resource")))
            for e in objects(body.get("entry"))
        ]
        slots = [(r, s) for r, s in requests if s.get("resourceType") == "Slot"]
        bookings = [(r, s) for r, s in requests if s.get("resourceType") == "Appointment"]
        if len(slots) != 1 or len(bookings) != 1 or len(requests) != 2:
            raise Refused(outcome(422, "not-supported"))
        stored = self._find_slot(self._ref(text_of(slots[0][1].get("id"))))
        match = re.fullmatch(r'W/"([^"]+)"', text_of(slots[0][0].get("ifMatch")))
        latest = stored["meta"]["versionId"]
        if match is not None and match[1] != latest and not self.careless.ignore_if_match:
            raise VersionConflict("stale")
        condition = text_of(bookings[0][0].get("ifNoneExist")) or None
        made = self._create("Appointment", bookings[0][1], condition)
        answers = [
            {"response": {"status": "200"}, "resource": self._find_slot(self._ref(stored["id"]))},
            {"response": {"status": str(made.status)}, "resource": made.resource},
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}
        return Answer(status=200, resource=bundle)

    # --- people

    def _patients(self, params: Params) -> list[Resource]:
        found: dict[str, Patient] = {}
        for value in _values(params, "identifier"):
            system, _, number = value.rpartition("|")
            if system == self._config.system("request_key"):
                made = self._his.find_by_key(WriteKey(number))
                if isinstance(made, Patient):
                    self._remember("Patient", made.ref, "official", number)
                    found[made.ref] = made
                continue
            for kind, name in SYSTEM_NAMES.items():
                if system in self._config.readable(name):
                    query = PatientQuery(identifiers=(Identifier(kind=kind, value=number),))
                    for match in self._his.find_patients(query, limit=_MAX).items:
                        found[match.ref] = self._his.read_patient(match.ref)
        return [self._patient(found[ref]) for ref in sorted(found)]

    def _matches(self, body: Resource) -> list[Resource]:
        asked = next(
            (
                object_of(parameter.get("resource"))
                for parameter in objects(body.get("parameter"))
                if parameter.get("name") == "resource"
            ),
            {},
        )
        draft = draft_of(self._config, asked)
        query = PatientQuery(full_name=draft.full_name, birth_date=draft.birth_date)
        matches = self._his.find_patients(query, limit=_MAX).items
        return [self._patient(self._his.read_patient(match.ref)) for match in matches]

    def _patient(self, item: Patient) -> Resource:
        resource = patient_resource(self._config, item, key="-")
        resource["id"] = self._id(item.ref)
        resource["meta"] = {"versionId": item.version}
        return self._with_keys(resource, item.ref)

    def _draft(self, body: Resource) -> PatientDraft:
        return draft_of(self._config, body)

    def _changes(self, stored: Resource, body: Resource) -> PatientChanges:
        before, after = draft_of(self._config, stored), draft_of(self._config, body)

        def changed(name: str) -> Any:
            value = getattr(after, name)
            return None if value == getattr(before, name) else value

        birth: BirthDate | None = changed("birth_date")
        return PatientChanges(
            full_name=changed("full_name"),
            birth_date=birth,
            gender=changed("gender"),
            phone=changed("phone"),
            address=changed("address"),
            guardian=changed("guardian"),
            new_identifiers=tuple(
                item for item in after.identifiers if item not in before.identifiers
            ),
        )

    # --- catalogue

    def _departments(self) -> list[Resource]:
        items = self._his.list_departments(limit=_MAX).items
        return [
            shown.department_resource(self._config, item, order=order)
            for order, item in enumerate(items)
        ]

    def _rooms(self) -> list[Resource]:
        sessions = self._his.list_sessions(limit=_MAX).items
        today = self._today()
        closed = self._his.list_closed_days(today, today + timedelta(days=90), limit=_MAX).items
        rooms = [
            shown.room_resource(
                self._config,
                item,
                [session for session in sessions if session.room == item.ref],
                [day for day in closed if day.room == item.ref],
            )
            for item in self._his.list_rooms(limit=_MAX).items
        ]
        everywhere = [day for day in closed if day.room is None]
        return [*rooms, shown.site_resource(self._config, everywhere)]

    def _services(self) -> list[Resource]:
        items = self._his.list_services(limit=_MAX).items
        return [shown.service_resource(self._config, item) for item in items]

    def _practitioners(self) -> list[Resource]:
        items = self._his.list_practitioners(limit=_MAX).items
        return [shown.practitioner_resource(self._config, item) for item in items]

    def _roles(self) -> list[Resource]:
        return [
            shown.role_resource(item.ref, post, ref=f"{item.ref}.{number:02d}")
            for item in self._his.list_practitioners(limit=_MAX).items
            for number, post in enumerate(item.posts)
        ]

    # --- hours

    def _schedules(self, params: Params) -> list[Resource]:
        wanted = {value.rpartition("/")[2] for value in _values(params, "actor")}
        found: dict[str, Resource] = {}
        for service in self._his.list_services(limit=_MAX).items:
            if not service.by_hour or (wanted and service.ref not in wanted):
                continue
            people = self._his.list_practitioners(service.ref, limit=_MAX).items
            posts: list[tuple[Ref | None, Ref | None]] = [
                (item.ref, post.room)
                for item in people
                for post in item.posts
                if post.service == service.ref
            ]
            for person, room in posts or [(None, room) for room in service.rooms]:
                for place in service.rooms if room is None else (room,):
                    ref = self._schedule_id(service.ref, person, place)
                    found[ref] = shown.schedule_resource(ref, service.ref, person, place)
        return [found[ref] for ref in sorted(found)]

    def _schedule_id(self, service: Ref, person: Ref | None, room: Ref | None) -> str:
        return self._id(f"{service}~{person or '-'}~{room or '-'}")

    def _hours(self, params: Params) -> list[Resource]:
        start, end = self._span(params, "start")
        schedules = {value.rpartition("/")[2] for value in _values(params, "schedule")}
        services = {self._ref(ref).split("~")[0] for ref in schedules}
        found = []
        for service in sorted(services):
            for item in self._his.find_slots(Ref(service), None, start, end, limit=_MAX).items:
                schedule = self._schedule_id(item.service, item.practitioner, item.room)
                if schedule in schedules:
                    found.append(self._slot(item))
        return sorted(found, key=lambda item: (item["start"], item["id"]))

    def _find_slot(self, ref: Ref) -> Resource:
        now = self._clock()
        known = self._slots.get(ref)
        services = [known.service] if known else [Ref(ref.split("~")[0])]
        for service in services:
            start = known.start if known else now
            end = known.end if known else now + _AHEAD
            for item in self._his.find_slots(service, None, start, end, limit=_MAX).items:
                if item.ref == ref:
                    return self._slot(item)
        if known is None:
            raise NotFound("no such slot")
        return self._slot(replace(known, free=0))

    def _slot(self, item: Slot) -> Resource:
        with self._lock:
            self._slots[item.ref] = item
        schedule = self._schedule_id(item.service, item.practitioner, item.room)
        resource = shown.slot_resource(
            self._config, item, schedule=schedule, ref=self._id(item.ref)
        )
        return {**resource, "meta": {"versionId": f"free-{item.free}"}}

    # --- bookings

    def _book(self, body: Resource, key: WriteKey) -> Appointment:
        asked = parsed_appointment(self._config, {**body, "id": "new"})
        if asked.slot is None or asked.service is None:
            raise InvalidData("slot", "Chưa chọn khung giờ.")
        slot = self._ref(asked.slot)
        made = self._his.book_appointment(
            self._ref(asked.patient), slot, self._ref(asked.service), key=key
        )
        with self._lock:
            self._bookings.setdefault(slot, set()).add(made.ref)
        return made

    def _change_booking(
        self, ref: Ref, stored: Resource, body: Resource, version: str, key: WriteKey
    ) -> None:
        before = parsed_appointment(self._config, stored)
        after = parsed_appointment(self._config, body)
        if after.status is AppointmentStatus.CANCELLED is not before.status:
            reason = text_of(object_of(body.get("cancelationReason")).get("text"))
            self._his.change_appointment(
                ref, AppointmentAction.CANCEL, version=version, key=key, reason=reason
            )
        elif after.slot != before.slot and after.slot is not None:
            slot = self._ref(after.slot)
            self._his.change_appointment(
                ref, AppointmentAction.RESCHEDULE, version=version, key=key, new_slot=slot
            )
            with self._lock:
                self._bookings.setdefault(slot, set()).add(ref)
        else:
            return  # arrivals are marked by the Encounter
        self._remember("Appointment", ref, "secondary", key)

    def _appointments(self, params: Params) -> list[Resource]:
        statuses = set(_values(params, "status"))
        slots = {self._ref(value.rpartition("/")[2]) for value in _values(params, "slot")}
        found: dict[str, Appointment] = {}
        for value in _values(params, "identifier"):
            found.update(self._appointments_named(value))
        for value in _values(params, "patient"):
            start, end = self._span(params, "date")
            page = self._his.find_appointments(
                self._ref(value.rpartition("/")[2]),
                start,
                end,
                statuses=frozenset(AppointmentStatus),
                limit=_MAX,
            )
            found.update({item.ref: item for item in page.items})
        if slots and not _values(params, "patient"):
            with self._lock:
                refs = [ref for slot in slots for ref in self._bookings.get(slot, ())]
            found.update({ref: self._get_appointment(Ref(ref)) for ref in refs})
        return [
            self._appointment(found[ref])
            for ref in sorted(found)
            if (not statuses or found[ref].status.value in statuses)
            and (not slots or found[ref].slot in slots)
        ]

    def _appointments_named(self, token: str) -> dict[str, Appointment]:
        system, _, value = token.rpartition("|")
        if system == self._config.system("request_key"):
            made = self._his.find_by_key(WriteKey(value))
            if isinstance(made, Appointment):
                self._remember("Appointment", made.ref, "secondary", value)
                return {made.ref: made}
            return {}
        if system not in self._config.readable("appointment"):
            return {}
        query = PatientQuery(
            identifiers=(Identifier(kind=IdentifierKind.APPOINTMENT, value=value),)
        )
        found: dict[str, Appointment] = {}
        for match in self._his.find_patients(query, limit=_MAX).items:
            for item in self._all_appointments(match.ref):
                if item.code == value:
                    found[item.ref] = item
        return found

    def _find_appointment(self, ref: Ref) -> Resource:
        return self._appointment(self._get_appointment(ref))

    def _get_appointment(self, ref: Ref) -> Appointment:
        owner = self._owners.get(("Appointment", ref))
        if owner is not None:
            for item in self._all_appointments(owner):
                if item.ref == ref:
                    return item
        raise NotFound("no such appointment")

    def _all_appointments(self, patient: Ref) -> Sequence[Appointment]:
        now = self._clock()
        year = timedelta(days=366)
        return self._his.find_appointments(
            patient, now - year, now + year, statuses=frozenset(AppointmentStatus), limit=_MAX
        ).items

    def _appointment(self, item: Appointment) -> Resource:
        self._owners[("Appointment", item.ref)] = item.patient
        slot = None if item.slot is None else self._id(item.slot)
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
            with self._lock:
                self._slots.setdefault(item.slot, hour)
        resource = existing_appointment_resource(self._config, item, slot=slot)
        return self._with_keys(resource, item.ref)

    # --- visits

    def _check_in(self, body: Resource) -> Any:
        by_code = {item.code: item.ref for item in self._his.list_services(limit=_MAX).items}
        return check_in_of(self._config, body, by_code)

    def _visits(self, params: Params) -> list[Resource]:
        statuses = set(_values(params, "status"))
        start, _ = self._span(params, "date", earliest=_EPOCH)
        found: dict[str, Visit] = {}
        for value in _values(params, "identifier"):
            system, _, key = value.rpartition("|")
            if system == self._config.system("request_key"):
                made = self._his.find_by_key(WriteKey(key))
                if isinstance(made, Visit):
                    self._remember("Encounter", made.ref, "official", key)
                    found[made.ref] = made
        for value in _values(params, "patient"):
            since = start.astimezone(VIETNAM).date()
            page = self._his.list_visits(self._ref(value.rpartition("/")[2]), since, limit=_MAX)
            found.update({item.ref: item for item in page.items})
        return [
            self._visit(found[ref])
            for ref in sorted(found)
            if not statuses or found[ref].status.value in statuses
        ]

    def _find_visit(self, ref: Ref) -> Resource:
        owner = self._owners.get(("Encounter", ref))
        if owner is not None:
            for item in self._his.list_visits(owner, _LONG_AGO, limit=_MAX).items:
                if item.ref == ref:
                    return self._visit(item)
        raise NotFound("no such visit")

    def _visit(self, item: Visit) -> Resource:
        self._owners[("Encounter", item.ref)] = item.patient
        services = self._his.list_services(limit=_MAX).items
        service = next(one for one in services if one.ref == item.service)
        resource = visit_resource(self._config, item, service)
        line = self._his.queue_status(item.ref)
        parts: list[Resource] = [{"url": "updated", "valueInstant": moment_text(line.updated_at)}]
        if line.ahead is not None:
            parts.append({"url": "ahead", "valueInteger": line.ahead})
        if line.serving is not None:
            parts.append({"url": "serving", "valueString": line.serving})
        resource["extension"].append(
            {"url": self._config.extensions.own + "queue", "extension": parts}
        )
        return self._with_keys(resource, item.ref)

    # --- orders and results

    def _orders(self, params: Params) -> list[Resource]:
        since, _ = self._span(params, "authored", earliest=_EPOCH)
        return [
            order_resource(self._config, item)
            for patient in self._patients_in(params)
            for item in self._his.list_orders(patient, since, limit=_MAX).items
        ]

    def _reports(self, params: Params) -> list[Resource]:
        since, _ = self._span(params, "issued", earliest=_EPOCH)
        return [
            self._report(item)
            for patient in self._patients_in(params)
            for item in self._his.list_reports(patient, since, limit=_MAX).items
        ]

    def _find_report(self, ref: Ref) -> Resource:
        owner = self._owners.get(("DiagnosticReport", ref))
        if owner is not None:
            for item in self._his.list_reports(owner, _EPOCH, limit=_MAX).items:
                if item.ref == ref:
                    return self._report(item)
        raise NotFound("no such report")

    def _report(self, item: Report) -> Resource:
        self._owners[("DiagnosticReport", item.ref)] = item.patient
        results: list[Resource] = []
        attachments: list[Resource] = []
        for part in item.parts:
            content = self._his.read_report_part(item.ref, part.name, patient=item.patient)
            if part.kind is PartKind.VALUES:
                results += [
                    observation_resource(value, ref=f"obs{number}", patient=item.patient)
                    for number, value in enumerate(content.values, 1)
                ]
            else:
                data = base64.b64encode(content.body).decode()
                attachments.append({"contentType": part.media_type, "data": data})
        return report_resource(self._config, item, results=results, attachments=attachments)

    # --- money

    def _invoices(self, params: Params) -> list[Resource]:
        patients = [self._ref(value.rpartition("/")[2]) for value in _values(params, "subject")]
        return [
            self._invoice(item, patient)
            for patient in patients
            for item in self._his.read_account(patient).invoices
        ]

    def _find_invoice(self, ref: Ref) -> Resource:
        owner = self._owners.get(("Invoice", ref))
        if owner is not None:
            for item in self._his.read_account(owner).invoices:
                if item.ref == ref:
                    return self._invoice(item, owner)
        raise NotFound("no such invoice")

    def _invoice(self, item: Invoice, patient: Ref) -> Resource:
        self._owners[("Invoice", item.ref)] = patient
        return invoice_resource(self._config, item, patient=patient)

    def _accounts(self, params: Params) -> list[Resource]:
        found = []
        for patient in self._patients_in(params):
            whole = self._his.read_account(patient)
            found.append(account_resource(self._config, whole, ref=f"acc-{patient}"))
            for visit in self._his.list_visits(patient, _LONG_AGO, limit=_MAX).items:
                part = self._his.read_account(patient, visit.ref)
                found.append(account_resource(self._config, part, ref=f"acc-{visit.ref}"))
        return found

    def _posting(self, body: Resource) -> PaymentPosting:
        own = self._config.extensions.own

        def told(name: str) -> Resource:
            return object_of(extension(body, own + name))

        transaction = object_of(object_of(body.get("payment")).get("identifier"))
        visit = reference_to("Encounter", told("visit").get("valueReference"))
        bill = reference_to("Invoice", body.get("request"))
        return PaymentPosting(
            patient=self._ref(_patient_in(told("patient").get("valueReference"))),
            visit=visit and self._ref(visit),
            invoice=bill and self._ref(bill),
            amount_vnd=vnd_of(body.get("amount")),
            method=PaymentMethod(text_of(told("method").get("valueCode"))),
            provider=text_of(told("provider").get("valueString")),
            provider_reference=text_of(transaction.get("value")),
            paid_at=moment_of(told("paid-at").get("valueInstant")),
        )

    def _payments(self, params: Params) -> list[Resource]:
        found: dict[str, PaymentReceipt] = {}
        for value in _values(params, "identifier"):
            key = value.rpartition("|")[2]
            made = self._his.find_by_key(WriteKey(key))
            if isinstance(made, PaymentReceipt):
                self._remember("PaymentNotice", made.ref, "official", key)
                found[made.ref] = made
        for value in _values(params, "request"):
            bill = value.rpartition("/")[2]
            with self._lock:
                refs = sorted(self._bills.get(bill, ()))
                found.update({ref: self._receipts[ref] for ref in refs})
        return [self._payment(found[ref]) for ref in sorted(found)]

    def _payment(self, item: PaymentReceipt) -> Resource:
        with self._lock:
            self._receipts[item.ref] = item
            if item.invoice is not None:
                self._bills.setdefault(item.invoice, set()).add(item.ref)
        return self._with_keys(receipt_resource(self._config, item), item.ref)

    def _einvoices(self, params: Params) -> list[Resource]:
        found = []
        for value in _values(params, "related"):
            item = self._his.einvoice(self._ref(value.rpartition("/")[2]))
            if item is not None:
                found.append(einvoice_resource(self._config, item))
        return found

    # --- papers, codes, changes

    def _papers(self, kind: str) -> Callable[[Params], list[Resource]]:
        def find(params: Params) -> list[Resource]:
            found = []
            for value in _values(params, "identifier"):
                key = value.rpartition("|")[2]
                made = self._his.find_by_key(WriteKey(key))
                if isinstance(made, Receipt) and (kind, made.ref) in self._kept_papers:
                    found.append(self._paper(kind, made))
            return found

        return find

    def _paper(self, kind: str, made: Receipt) -> Resource:
        kept = self._kept_papers[kind, made.ref]
        return {**kept, "id": made.ref, "meta": {"versionId": made.version or "1"}}

    def _consent(self, body: Resource) -> ConsentRecord:
        own = self._config.extensions.own
        data = object_of(body.get("sourceAttachment")).get("data")
        is_patient = object_of(extension(body, own + "signer-is-patient"))
        relation = object_of(extension(body, own + "signer-relation"))
        return ConsentRecord(
            patient=self._ref(_patient_in(body.get("patient"))),
            document=text_of(object_of(body.get("policyRule")).get("text")),
            signer_is_patient=is_patient.get("valueBoolean") is not False,
            signer_relation=text_of(relation.get("valueString")),
            evidence=text_of(object_of(extension(body, own + "evidence")).get("valueString")),
            document_pdf=base64.b64decode(data) if isinstance(data, str) else b"",
            given_at=moment_of(body.get("dateTime")),
        )

    def _expanded(self, body: Resource) -> Resource:
        url = next(
            (
                text_of(parameter.get("valueUri"))
                for parameter in objects(body.get("parameter"))
                if parameter.get("name") == "url"
            ),
            "",
        )
        name = url.rpartition(":")[2]
        return value_set_resource(self._config, url, self._his.list_codes(name, limit=_MAX).items)

    def _next_changes(self, cursor: str | None) -> str | None:
        """Remembers the latest change of each record; where the gateway tells of none, none."""
        if Feature.CHANGES not in self._his.capabilities().features:
            return None
        while True:
            page = self._his.changes(cursor, limit=_MAX)
            for change in page.changes:
                for kind in _KINDS_OF[change.kind]:
                    self._last_changes[kind, change.ref] = change
            cursor = page.cursor
            if page.complete:
                return cursor

    def _touched(self, kind: str, params: Params) -> list[Resource]:
        since = min(
            (moment_of(v[2:]) for n, v in params if n == "_lastUpdated" and v[:2] == "ge"),
            default=_EPOCH,
        )
        with self._changes_lock:
            self._cursor = self._next_changes(self._cursor)
            changes = [c for (k, _), c in self._last_changes.items() if k == kind and c.at >= since]
        found = []
        for change in sorted(changes, key=lambda change: (change.at, change.ref)):
            if change.kind is ChangeKind.VISIT and not self._is(kind, change):
                continue
            resource: Resource = {
                "resourceType": kind,
                "id": self._id(change.ref),
                "meta": {"versionId": change.at.isoformat(), "lastUpdated": change.at.isoformat()},
            }
            if change.patient is not None and kind != "Patient":
                resource["subject"] = reference("Patient", change.patient)
            if kind == "DocumentReference":
                resource["context"] = {"related": [reference("Invoice", "-")]}
            found.append(resource)
        return found

    def _is(self, kind: str, change: Change) -> bool:
        """Visits and bookings are one kind of change: which of the two this one was."""
        if change.patient is None:
            return kind == "Encounter"
        visits = self._his.list_visits(change.patient, _LONG_AGO, limit=_MAX).items
        return (change.ref in {item.ref for item in visits}) == (kind == "Encounter")

    # --- inside

    def _patients_in(self, params: Params) -> list[Ref]:
        return [self._ref(value.rpartition("/")[2]) for value in _values(params, "patient")]

    def _written(self, made: Written) -> Resource:
        if isinstance(made, Patient):
            return self._patient(made)
        if isinstance(made, Appointment):
            return self._appointment(made)
        if isinstance(made, Visit):
            return self._visit(made)
        if isinstance(made, PaymentReceipt):
            return self._payment(made)
        raise NotSupported("of another kind")

    def _key_in(self, body: Resource, *, use: str) -> WriteKey:
        """The key of this very write. Without one a HIS makes its own."""
        system = self._config.system("request_key")
        keys = [
            text_of(entry.get("value"))
            for entry in _identifiers_of(body)
            if entry.get("system") == system and entry.get("use", use) == use
        ]
        if keys:
            return WriteKey(keys[-1])
        digest = hashlib.sha256(repr((body, self._clock())).encode()).hexdigest()
        return WriteKey(f"emulated-{digest[:40]}")

    def _remember(self, kind: str, ref: str, use: str, key: str) -> None:
        entry = {"use": use, "system": self._config.system("request_key"), "value": key}
        with self._lock:
            known = self._keys.setdefault((kind, ref), [])
            if not any(item["value"] == key for item in known):
                known.append(entry)

    def _with_keys(self, resource: Resource, ref: str) -> Resource:
        system = self._config.system("request_key")
        others = [i for i in objects(resource.get("identifier")) if i.get("system") != system]
        with self._lock:
            keys = list(self._keys.get((resource["resourceType"], ref), ()))
        resource["identifier"] = [*others, *keys]
        return resource

    def _span(
        self, params: Params, name: str, *, earliest: datetime | None = None
    ) -> tuple[datetime, datetime]:
        start = earliest or self._clock() - timedelta(days=1)
        end = self._clock() + _AHEAD
        for value in (value for key, value in params if key == name):
            if value.startswith("ge"):
                start = moment_of(value[2:])
            elif value.startswith("lt"):
                end = moment_of(value[2:])
        return start, end

    def _today(self) -> date:
        return self._clock().astimezone(VIETNAM).date()

    def _id(self, ref: str) -> str:
        """References of the gateway as FHIR ids: letters, digits, dots and dashes only."""
        text = "".join(
            letter if re.match(r"[A-Za-z0-9\-]", letter) else f".{ord(letter):02x}"
            for letter in ref
        )
        if len(text) > 64:
            text = hashlib.sha256(ref.encode()).hexdigest()
        with self._lock:
            self._refs[text] = ref
        return text

    def _ref(self, untrusted_id: str) -> Ref:
        with self._lock:
            known = self._refs.get(untrusted_id)
        if known is not None:
            return Ref(known)
        return Ref(re.sub(r"\.([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), untrusted_id))

    def _bundle(self, found: list[Resource], included: Sequence[Resource] = ()) -> Answer:
        entries = [
            {"resource": resource, "search": {"mode": mode}}
            for mode, resources in (("match", found), ("include", included))
            for resource in resources
        ]
        bundle = {
            "resourceType": "Bundle",
            "type": "searchset",
            "total": len(found),
            "entry": entries,
        }
        if not entries:
            del bundle["entry"]
        return Answer(status=200, resource=bundle)

    def _statement(self) -> Resource:
        return {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "software": {"name": "tiepdon emulate his-fhir"},
        }


def _identifiers_of(body: Resource) -> list[Resource]:
    value = body.get("identifier")
    return [value] if isinstance(value, dict) else list(objects(value))


def _patient_in(value: object) -> str:
    patient = reference_to("Patient", value)
    if patient is None:
        raise InvalidData("patient", "Chưa rõ người bệnh.")
    return patient


def _history(body: Resource) -> HistoryAnswers:
    return HistoryAnswers(
        questionnaire=text_of(body.get("questionnaire")).removeprefix(QUESTIONNAIRES),
        answers=answers_of(body),
        language=text_of(body.get("language")) or "vi",
        answered_at=moment_of(body.get("authored")),
    )


def _values(params: Params, name: str) -> list[str]:
    return [part for key, value in params if key == name for part in value.split(",") if part]


def _found(resource: Resource) -> Answer:
    version = text_of(object_of(resource.get("meta")).get("versionId"))
    headers = {"ETag": f'W/"{version}"'} if version else {}
    return Answer(status=200, resource=resource, headers=headers)
