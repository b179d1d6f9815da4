"""What changed since when."""

from __future__ import annotations

import threading

from his_adapter.fhir_r4.emulated.store import EPOCH, LONG_AGO, WHOLE, Params, Store
from his_adapter.fhir_r4.mapping.reading import Resource, moment_of, reference
from his_adapter.models import Change, ChangeKind, Feature

_KINDS_OF = {
    ChangeKind.PATIENT: ("Patient",),
    ChangeKind.HISTORY: ("QuestionnaireResponse",),
    ChangeKind.VISIT: ("Encounter", "Appointment"),
    ChangeKind.ORDER: ("ServiceRequest",),
    ChangeKind.REPORT: ("DiagnosticReport",),
    ChangeKind.EINVOICE: ("DocumentReference",),
    ChangeKind.PAYMENT: ("Invoice",),
}


class Changes:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._last_changes: dict[tuple[str, str], Change] = {}
        # The gateway tells of changes from now on; what was before needs no telling.
        self._cursor = self._follow(None)

    def list_touched(self, kind: str, params: Params) -> list[Resource]:
        since = min(
            (moment_of(v[2:]) for n, v in params if n == "_lastUpdated" and v[:2] == "ge"),
            default=EPOCH,
        )
        with self._lock:
            self._cursor = self._follow(self._cursor)
            changes = [c for (k, _), c in self._last_changes.items() if k == kind and c.at >= since]
        found = []
        for change in sorted(changes, key=lambda change: (change.at, change.ref)):
            if change.kind is ChangeKind.VISIT and not self._is(kind, change):
                continue
            resource: Resource = {
                "resourceType": kind,
                "id": self._store.id_for(change.ref),
                "meta": {"versionId": change.at.isoformat(), "lastUpdated": change.at.isoformat()},
            }
            if change.patient is not None and kind != "Patient":
                resource["subject"] = reference("Patient", change.patient)
            if kind == "DocumentReference":
                resource["context"] = {"related": [reference("Invoice", "-")]}
            found.append(resource)
        return found

    def _follow(self, cursor: str | None) -> str | None:
        """Remembers the latest change of each record; where the gateway tells of none, none."""
        if Feature.CHANGES not in self._store.his.capabilities().features:
            return None
        while True:
            page = self._store.his.changes(cursor, limit=WHOLE)
            for change in page.changes:
                for kind in _KINDS_OF[change.kind]:
                    self._last_changes[kind, change.ref] = change
            cursor = page.cursor
            if page.complete:
                return cursor

    def _is(self, kind: str, change: Change) -> bool:
        """Visits and bookings are one kind of change: which of the two this one was."""
        if change.patient is None:
            return kind == "Encounter"
        visits = self._store.his.list_visits(change.patient, LONG_AGO, limit=WHOLE).items
        return (change.ref in {item.ref for item in visits}) == (kind == "Encounter")
