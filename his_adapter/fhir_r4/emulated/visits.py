"""Visits, and their place in the line."""

from __future__ import annotations

from his_adapter.errors import NotFound
from his_adapter.fhir_r4.emulated.store import EPOCH, LONG_AGO, WHOLE, Params, Store, values
from his_adapter.fhir_r4.mapping.reading import (
    VIETNAM,
    Resource,
    extension,
    moment_text,
    object_of,
    text_of,
)
from his_adapter.fhir_r4.mapping.visits import check_in_of, visit_resource
from his_adapter.models import CheckIn, Ref, Visit, WriteKey


class Visits:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._owners: dict[str, Ref] = {}

    def search(self, params: Params) -> list[Resource]:
        statuses = set(values(params, "status"))
        start, _ = self._store.span(params, "date", earliest=EPOCH)
        found: dict[str, Visit] = {}
        for value in values(params, "identifier"):
            system, _, key = value.rpartition("|")
            if system == self._store.config.system("request_key"):
                made = self._store.his.find_by_key(WriteKey(key))
                if isinstance(made, Visit):
                    self._store.remember("Encounter", made.ref, "official", key)
                    found[made.ref] = made
        for value in values(params, "patient"):
            since = start.astimezone(VIETNAM).date()
            page = self._store.his.list_visits(
                self._store.ref_for(value.rpartition("/")[2]), since, limit=WHOLE
            )
            found.update({item.ref: item for item in page.items})
        return [
            self.show(found[ref])
            for ref in sorted(found)
            if not statuses or found[ref].status.value in statuses
        ]

    def read(self, ref: Ref) -> Resource:
        owner = self._owners.get(ref)
        if owner is not None:
            for item in self._store.his.list_visits(owner, LONG_AGO, limit=WHOLE).items:
                if item.ref == ref:
                    return self.show(item)
        raise NotFound("no such visit")

    def create(self, body: Resource, key: WriteKey) -> Resource:
        made = self._store.his.check_in(self._check_in(body), key=key)
        self._store.remember("Encounter", made.ref, "official", key)
        return self.show(made)

    def update(
        self, ref: Ref, stored: Resource, body: Resource, _version: str, key: WriteKey
    ) -> Resource:
        if body.get("status") == "cancelled" and stored.get("status") != "cancelled":
            told = object_of(extension(body, self._store.config.extensions.own + "cancel-reason"))
            reason = text_of(told.get("valueString"))
            self._store.his.cancel_visit(ref, reason=reason, key=key)
            self._store.remember("Encounter", ref, "secondary", key)
        return self.read(ref)

    def show(self, item: Visit) -> Resource:
        self._owners[item.ref] = item.patient
        services = self._store.his.list_services(limit=WHOLE).items
        service = next(one for one in services if one.ref == item.service)
        resource = visit_resource(self._store.config, item, service)
        line = self._store.his.queue_status(item.ref)
        parts: list[Resource] = [{"url": "updated", "valueInstant": moment_text(line.updated_at)}]
        if line.ahead is not None:
            parts.append({"url": "ahead", "valueInteger": line.ahead})
        if line.serving is not None:
            parts.append({"url": "serving", "valueString": line.serving})
        resource["extension"].append(
            {"url": self._store.config.extensions.own + "queue", "extension": parts}
        )
        return self._store.with_keys(resource, item.ref)

    def _check_in(self, body: Resource) -> CheckIn:
        by_code = {item.code: item.ref for item in self._store.his.list_services(limit=WHOLE).items}
        return check_in_of(self._store.config, body, by_code)
