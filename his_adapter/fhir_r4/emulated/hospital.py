"""The verbs of FHIR on top of any HisGateway: what a HIS with a FHIR door does behind it.

For the emulator only. Requests of our own adapter are understood, and what it may try besides;
anything else is answered as FHIR says, with an OperationOutcome.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from his_adapter.errors import BrokenReply, HisError, NotFound, VersionConflict
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.emulated.answers import (
    Answer,
    Refused,
    answer_for,
    answer_of,
    bundle_of,
    outcome,
    statement,
)
from his_adapter.fhir_r4.emulated.bookings import Bookings
from his_adapter.fhir_r4.emulated.careless import Careless
from his_adapter.fhir_r4.emulated.catalogue import Catalogue
from his_adapter.fhir_r4.emulated.changes import Changes
from his_adapter.fhir_r4.emulated.hours import Hours
from his_adapter.fhir_r4.emulated.money import Money
from his_adapter.fhir_r4.emulated.papers import Papers
from his_adapter.fhir_r4.emulated.people import People
from his_adapter.fhir_r4.emulated.records import Records
from his_adapter.fhir_r4.emulated.store import Params, Store
from his_adapter.fhir_r4.emulated.visits import Visits
from his_adapter.fhir_r4.mapping.reading import Resource, object_of, objects, text_of
from his_adapter.models import Ref, WriteKey
from his_adapter.ports import HisGateway


class EmulatedHospital:
    """Each part answers for its kinds of record; here is which verb of which kind goes where."""

    def __init__(
        self, his: HisGateway, config: FhirConfig, *, clock: Callable[[], datetime]
    ) -> None:
        self.careless = Careless()
        self._store = Store(his, config, clock=clock)
        self._people = People(self._store)
        self._catalogue = Catalogue(self._store)
        self._hours = Hours(self._store)
        self._bookings = Bookings(self._store, self._hours)
        self._visits = Visits(self._store)
        self._records = Records(self._store)
        self._money = Money(self._store)
        self._papers = Papers(self._store)
        self._changes = Changes(self._store)

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

    def _route(
        self,
        method: str,
        parts: list[str],
        params: Params,
        body: Resource,
        headers: Mapping[str, str],
    ) -> Answer:
        if parts == ["metadata"]:
            return Answer(status=200, resource=statement())
        if method == "POST" and parts == ["Patient", "$match"]:
            return bundle_of(self._people.matches(body))
        if method == "POST" and parts == ["ValueSet", "$expand"]:
            return Answer(status=200, resource=self._papers.expand(body))
        if method == "POST" and parts == [""]:
            return self._transaction(body)
        kind = parts[0]
        if (method, len(parts)) == ("GET", 1) or (method == "POST" and parts[1:] == ["_search"]):
            return self._search(kind, params)
        if (method, len(parts)) == ("GET", 2):
            return answer_of(self._read(kind, parts[1]))
        if (method, len(parts)) == ("POST", 1):
            return self._create(kind, body, headers.get("If-None-Exist"))
        if (method, len(parts)) == ("PUT", 2):
            match = re.fullmatch(r'W/"([^"]+)"', headers.get("If-Match", ""))
            return answer_of(self._update(kind, parts[1], body, match and match[1]))
        if method == "DELETE":
            raise Refused(outcome(405, "not-supported"))
        raise Refused(outcome(404, "not-found"))

    def _read(self, kind: str, wanted: str) -> Resource:
        readers: dict[str, Callable[[Ref], Resource]] = {
            "Patient": self._people.read,
            "Appointment": self._bookings.read,
            "Encounter": self._visits.read,
            "Slot": self._hours.read,
            "DiagnosticReport": self._records.read_report,
            "Invoice": self._money.read_invoice,
        }
        if kind in readers:
            resource = readers[kind](self._store.ref_for(wanted))
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
            return bundle_of(self._changes.list_touched(kind, params))
        found, included = self._list(kind, params), []
        if kind == "PractitionerRole" and ("_include", "PractitionerRole:practitioner") in params:
            included = self._list("Practitioner", [])
        return bundle_of(found, included)

    def _list(self, kind: str, params: Params) -> list[Resource]:
        by_kind: dict[str, Callable[[Params], list[Resource]]] = {
            "Patient": self._people.search,
            "Organization": lambda _: self._catalogue.departments(),
            "Location": lambda _: self._catalogue.rooms(),
            "HealthcareService": lambda _: self._catalogue.services(),
            "Practitioner": lambda _: self._catalogue.practitioners(),
            "PractitionerRole": lambda _: self._catalogue.roles(),
            "ChargeItemDefinition": lambda _: [],
            "Schedule": self._hours.schedules,
            "Slot": self._hours.search,
            "Appointment": self._bookings.search,
            "Encounter": self._visits.search,
            "ServiceRequest": self._records.orders,
            "DiagnosticReport": self._records.reports,
            "Observation": lambda _: [],
            "Invoice": self._money.invoices,
            "Account": self._money.accounts,
            "PaymentNotice": self._money.payments,
            "DocumentReference": self._money.einvoices,
            "QuestionnaireResponse": self._papers.search("QuestionnaireResponse"),
            "Consent": self._papers.search("Consent"),
        }
        if kind not in by_kind:
            raise Refused(outcome(404, "not-supported"))
        return by_kind[kind](params)

    def _create(self, kind: str, body: Resource, condition: str | None) -> Answer:
        key = self._store.key_in(body, use="official")
        if condition is not None and not self.careless.lose_conditional_create:
            known = self._list(kind, [("identifier", condition.removeprefix("identifier="))])
            if len(known) > 1:
                raise Refused(outcome(412, "multiple-matches"))
            if known:
                return answer_of(known[0])
        makers: dict[str, Callable[[Resource, WriteKey], Resource]] = {
            "Patient": self._people.create,
            "Appointment": self._bookings.create,
            "Encounter": self._visits.create,
            "PaymentNotice": self._money.post,
            "QuestionnaireResponse": self._papers.submit_history,
            "Consent": self._papers.record_consent,
        }
        if kind not in makers:
            raise Refused(outcome(405, "not-supported"))
        return Answer(status=201, resource=makers[kind](body, key))

    def _update(self, kind: str, wanted: str, body: Resource, version: str | None) -> Resource:
        stored = self._read(kind, wanted)
        latest = text_of(object_of(stored.get("meta")).get("versionId"))
        if version is None or self.careless.ignore_if_match:
            version = latest
        elif version != latest:
            raise VersionConflict("stale")
        ref = self._store.ref_for(wanted)
        key = self._store.key_in(body, use="secondary")
        changers: dict[str, Callable[[Ref, Resource, Resource, str, WriteKey], Resource]] = {
            "Patient": self._people.update,
            "Appointment": self._bookings.update,
            "Encounter": self._visits.update,
        }
        if kind not in changers:
            raise Refused(outcome(405, "not-supported"))
        return changers[kind](ref, stored, body, version, key)

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
        stored = self._hours.read(self._store.ref_for(text_of(slots[0][1].get("id"))))
        match = re.fullmatch(r'W/"([^"]+)"', text_of(slots[0][0].get("ifMatch")))
        latest = stored["meta"]["versionId"]
        if match is not None and match[1] != latest and not self.careless.ignore_if_match:
            raise VersionConflict("stale")
        condition = text_of(bookings[0][0].get("ifNoneExist")) or None
        made = self._create("Appointment", bookings[0][1], condition)
        answers = [
            {
                "response": {"status": "200"},
                "resource": self._hours.read(self._store.ref_for(stored["id"])),
            },
            {"response": {"status": str(made.status)}, "resource": made.resource},
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}
        return Answer(status=200, resource=bundle)
