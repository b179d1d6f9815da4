"""What every part of the emulated hospital has in hand, and how it reads requests."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

from his_adapter.errors import InvalidData
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping.reading import Resource, moment_of, objects, reference_to, text_of
from his_adapter.models import Ref, WriteKey
from his_adapter.ports import HisGateway

Params = Sequence[tuple[str, str]]
LONG_AGO = date(2000, 1, 1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=60)
WHOLE = 1000
"""A list that is read whole ends here."""


class Store:
    """Remembers, besides what the gateway holds, the identifiers that clients sent."""

    def __init__(
        self, his: HisGateway, config: FhirConfig, *, clock: Callable[[], datetime]
    ) -> None:
        self.his = his
        self.config = config
        self.clock = clock
        self._lock = threading.Lock()
        self._keys: dict[tuple[str, str], list[Resource]] = {}
        self._refs: dict[str, str] = {}

    def key_in(self, body: Resource, *, use: str) -> WriteKey:
        """The key of this very write. Without one a HIS makes its own."""
        system = self.config.system("request_key")
        keys = [
            text_of(entry.get("value"))
            for entry in identifiers_of(body)
            if entry.get("system") == system and entry.get("use", use) == use
        ]
        if keys:
            return WriteKey(keys[-1])
        digest = hashlib.sha256(repr((body, self.clock())).encode()).hexdigest()
        return WriteKey(f"emulated-{digest[:40]}")

    def remember(self, kind: str, ref: str, use: str, key: str) -> None:
        entry = {"use": use, "system": self.config.system("request_key"), "value": key}
        with self._lock:
            known = self._keys.setdefault((kind, ref), [])
            if not any(item["value"] == key for item in known):
                known.append(entry)

    def with_keys(self, resource: Resource, ref: str) -> Resource:
        system = self.config.system("request_key")
        others = [i for i in objects(resource.get("identifier")) if i.get("system") != system]
        with self._lock:
            keys = list(self._keys.get((resource["resourceType"], ref), ()))
        resource["identifier"] = [*others, *keys]
        return resource

    def id_for(self, ref: str) -> str:
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

    def ref_for(self, untrusted_id: str) -> Ref:
        with self._lock:
            known = self._refs.get(untrusted_id)
        if known is not None:
            return Ref(known)
        return Ref(re.sub(r"\.([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), untrusted_id))

    def patients_in(self, params: Params) -> list[Ref]:
        return [self.ref_for(value.rpartition("/")[2]) for value in values(params, "patient")]

    def span(
        self, params: Params, name: str, *, earliest: datetime | None = None
    ) -> tuple[datetime, datetime]:
        start = earliest or self.clock() - timedelta(days=1)
        end = self.clock() + AHEAD
        for value in (value for key, value in params if key == name):
            if value.startswith("ge"):
                start = moment_of(value[2:])
            elif value.startswith("lt"):
                end = moment_of(value[2:])
        return start, end


def values(params: Params, name: str) -> list[str]:
    return [part for key, value in params if key == name for part in value.split(",") if part]


def identifiers_of(body: Resource) -> list[Resource]:
    value = body.get("identifier")
    return [value] if isinstance(value, dict) else list(objects(value))


def patient_in(value: object) -> str:
    patient = reference_to("Patient", value)
    if patient is None:
        raise InvalidData("patient", "Chưa rõ người bệnh.")
    return patient
