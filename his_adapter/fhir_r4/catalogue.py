"""What the hospital offers, read whole and kept for some minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date
from typing import TypeVar, cast

from his_adapter.errors import NotFound
from his_adapter.fhir_r4.client import Params, is_id
from his_adapter.fhir_r4.hospital import Hospital
from his_adapter.fhir_r4.mapping import catalogue as mapping
from his_adapter.fhir_r4.mapping.reading import Resource, codes_of, id_of, objects, reference_to
from his_adapter.models import (
    ClosedDay,
    Department,
    OpeningSession,
    Practitioner,
    Ref,
    Room,
    Service,
    ServiceFilter,
)

Value = TypeVar("Value")


class Catalogue:
    """Lists in the order of the port. Reading them again at the same moment gives the same."""

    def __init__(
        self, hospital: Hospital, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._hospital = hospital
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, object]] = {}

    def departments(self) -> list[Department]:
        config = self._hospital.config
        found = [
            resource
            for resource in self._all("Organization", [("active", "true"), ("type", "dept")])
            if _is_department(resource)
        ]
        found.sort(key=lambda item: mapping.order_of(config, item))
        return [mapping.department(resource) for resource in found]

    def rooms(self) -> list[Room]:
        config = self._hospital.config
        found = [mapping.room(config, item) for item in self._places() if mapping.is_room(item)]
        return sorted(found, key=lambda item: (item.code, item.ref))

    def services(self, wanted: ServiceFilter | None = None) -> list[Service]:
        wanted = wanted or ServiceFilter()
        return [
            item
            for item in self._kept_for("services", self._read_services)
            if wanted.kind in {None, item.kind} and wanted.department in {None, item.department}
        ]

    def get_service(self, ref: Ref) -> Service:
        """Raises NotFound; a service that is new in the HIS is looked for once."""
        for fresh in (False, True):
            if fresh:
                if not is_id(ref):
                    break
                self._forget("services")
            for item in self.services():
                if item.ref == ref:
                    return item
        raise NotFound("no such service")

    def service_refs_by_code(self) -> dict[str, Ref]:
        return {item.code: item.ref for item in self.services()}

    def practitioners(self, service: Ref | None = None) -> list[Practitioner]:
        return [
            item
            for item in self._kept_for("practitioners", self._read_practitioners)
            if service is None or service in {post.service for post in item.posts}
        ]

    def sessions(self) -> list[OpeningSession]:
        config = self._hospital.config
        found = [
            session
            for place in self._places()
            if mapping.is_room(place)
            for session in mapping.sessions(config, place)
        ]
        return sorted(found, key=lambda item: item.ref)

    def closed_days(self, start: date, end: date) -> list[ClosedDay]:
        config = self._hospital.config
        found = {
            (day.day, day.room): day
            for place in self._places()
            for day in mapping.closed_days(config, place)
            if start <= day.day < end
        }
        return sorted(found.values(), key=lambda item: (item.day, item.room or ""))

    def schedules(self, service: Ref) -> list[Resource]:
        """Schedules of a service, by reference."""
        found = self._all("Schedule", [("actor", f"HealthcareService/{service}")])
        return [
            item
            for item in found
            if item.get("active") is not False and mapping.schedule_actors(item)[0] == service
        ]

    # --- inside

    def _places(self) -> list[Resource]:
        return self._all("Location", [("status", "active")])

    def _read_services(self) -> list[Service]:
        config = self._hospital.config
        prices = mapping.price_list(
            tuple(self._all("ChargeItemDefinition", [("status", "active")]))
            if config.price_lists
            else ()
        )
        found = [
            mapping.service(config, item, prices)
            for item in self._all("HealthcareService", [("active", "true")])
            if item.get("active") is not False
        ]
        return sorted(found, key=lambda item: (item.code, item.ref))

    def _read_practitioners(self) -> list[Practitioner]:
        config = self._hospital.config
        result = self._hospital.search(
            "PractitionerRole",
            [("active", "true"), ("_include", "PractitionerRole:practitioner")],
        )
        roles: dict[Ref, list[Resource]] = {}
        for role in sorted(result.matches, key=id_of):
            person = reference_to("Practitioner", role.get("practitioner"))
            if person is not None and role.get("active") is not False:
                roles.setdefault(person, []).append(role)
        people = {
            id_of(item): item
            for item in result.included
            if item.get("resourceType") == "Practitioner"
        }
        for ref in roles.keys() - people.keys():  # a server that does not include
            people[ref] = self._hospital.client.read("Practitioner", ref)
        return [
            mapping.practitioner(config, people[ref], roles[ref])
            for ref in sorted(roles)
            if people[ref].get("active") is not False
        ]

    def _all(self, kind: str, params: Params) -> list[Resource]:
        def read() -> list[Resource]:
            return sorted(self._hospital.search(kind, params).matches, key=id_of)

        return self._kept_for(f"{kind}?{params}", read)

    def _kept_for(self, name: str, read: Callable[[], Value]) -> Value:
        now = self._monotonic()
        with self._lock:
            kept = self._kept.get(name)
            if kept is not None and now - kept[0] < self._hospital.config.catalogue_keeps_s:
                return cast("Value", kept[1])
        value = read()
        with self._lock:
            self._kept[name] = (now, value)
        return value

    def _forget(self, *names: str) -> None:
        """Also what these lists were made from."""
        kinds = {"services": "HealthcareService"}
        with self._lock:
            for name in list(self._kept):
                if name in names or name.partition("?")[0] in {kinds.get(n) for n in names}:
                    del self._kept[name]


def _is_department(resource: Resource) -> bool:
    codes = {code for item in objects(resource.get("type")) for _, code in codes_of(item)}
    return resource.get("active") is not False and (not codes or "dept" in codes)
