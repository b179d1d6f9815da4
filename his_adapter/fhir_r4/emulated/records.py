"""Orders, and the reports of what was found."""

from __future__ import annotations

import base64

from his_adapter.errors import NotFound
from his_adapter.fhir_r4.emulated.store import EPOCH, WHOLE, Params, Store
from his_adapter.fhir_r4.mapping.reading import Resource
from his_adapter.fhir_r4.mapping.records import (
    observation_resource,
    order_resource,
    report_resource,
)
from his_adapter.models import PartKind, Ref, Report


class Records:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._owners: dict[str, Ref] = {}

    def orders(self, params: Params) -> list[Resource]:
        since, _ = self._store.span(params, "authored", earliest=EPOCH)
        return [
            order_resource(self._store.config, item)
            for patient in self._store.patients_in(params)
            for item in self._store.his.list_orders(patient, since, limit=WHOLE).items
        ]

    def reports(self, params: Params) -> list[Resource]:
        since, _ = self._store.span(params, "issued", earliest=EPOCH)
        return [
            self._show(item)
            for patient in self._store.patients_in(params)
            for item in self._store.his.list_reports(patient, since, limit=WHOLE).items
        ]

    def read_report(self, ref: Ref) -> Resource:
        owner = self._owners.get(ref)
        if owner is not None:
            for item in self._store.his.list_reports(owner, EPOCH, limit=WHOLE).items:
                if item.ref == ref:
                    return self._show(item)
        raise NotFound("no such report")

    def _show(self, item: Report) -> Resource:
        self._owners[item.ref] = item.patient
        results: list[Resource] = []
        attachments: list[Resource] = []
        for part in item.parts:
            content = self._store.his.read_report_part(item.ref, part.name, patient=item.patient)
            if part.kind is PartKind.VALUES:
                results += [
                    observation_resource(value, ref=f"obs{number}", patient=item.patient)
                    for number, value in enumerate(content.values, 1)
                ]
            else:
                data = base64.b64encode(content.body).decode()
                attachments.append({"contentType": part.media_type, "data": data})
        return report_resource(self._store.config, item, results=results, attachments=attachments)
