"""Patients."""

from __future__ import annotations

from typing import Any

from his_adapter.fhir_r4.emulated.store import WHOLE, Params, Store, values
from his_adapter.fhir_r4.mapping.patients import SYSTEM_NAMES, draft_of, patient_resource
from his_adapter.fhir_r4.mapping.reading import Resource, object_of, objects
from his_adapter.models import (
    BirthDate,
    Identifier,
    Patient,
    PatientChanges,
    PatientQuery,
    Ref,
    WriteKey,
)


class People:
    def __init__(self, store: Store) -> None:
        self._store = store

    def search(self, params: Params) -> list[Resource]:
        found: dict[str, Patient] = {}
        for value in values(params, "identifier"):
            system, _, number = value.rpartition("|")
            if system == self._store.config.system("request_key"):
                made = self._store.his.find_by_key(WriteKey(number))
                if isinstance(made, Patient):
                    self._store.remember("Patient", made.ref, "official", number)
                    found[made.ref] = made
                continue
            for kind, name in SYSTEM_NAMES.items():
                if system in self._store.config.readable(name):
                    query = PatientQuery(identifiers=(Identifier(kind=kind, value=number),))
                    for match in self._store.his.find_patients(query, limit=WHOLE).items:
                        found[match.ref] = self._store.his.read_patient(match.ref)
        return [self.show(found[ref]) for ref in sorted(found)]

    def matches(self, body: Resource) -> list[Resource]:
        asked = next(
            (
                object_of(parameter.get("resource"))
                for parameter in objects(body.get("parameter"))
                if parameter.get("name") == "resource"
            ),
            {},
        )
        draft = draft_of(self._store.config, asked)
        query = PatientQuery(full_name=draft.full_name, birth_date=draft.birth_date)
        matches = self._store.his.find_patients(query, limit=WHOLE).items
        return [self.show(self._store.his.read_patient(match.ref)) for match in matches]

    def read(self, ref: Ref) -> Resource:
        return self.show(self._store.his.read_patient(ref))

    def create(self, body: Resource, key: WriteKey) -> Resource:
        made = self._store.his.create_patient(draft_of(self._store.config, body), key=key)
        self._store.remember("Patient", made.ref, "official", key)
        return self.show(made)

    def update(
        self, ref: Ref, stored: Resource, body: Resource, version: str, key: WriteKey
    ) -> Resource:
        changes = self._changes(stored, body)
        changed = self._store.his.update_patient(ref, changes, version=version, key=key)
        self._store.remember("Patient", ref, "secondary", key)
        return self.show(changed)

    def show(self, item: Patient) -> Resource:
        resource = patient_resource(self._store.config, item, key="-")
        resource["id"] = self._store.id_for(item.ref)
        resource["meta"] = {"versionId": item.version}
        return self._store.with_keys(resource, item.ref)

    def _changes(self, stored: Resource, body: Resource) -> PatientChanges:
        before, after = draft_of(self._store.config, stored), draft_of(self._store.config, body)

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
