"""The builtin register behind the port: what a commune station uses instead of a HIS.

| Setting     | Meaning                                    | Default                   |
|-------------|--------------------------------------------|---------------------------|
| `file`      | the register, SQLite                       | tiepdon-register.sqlite3  |
| `catalogue` | JSON document with rooms, services, people | a commune health station  |

Nobody is asked about insurance here, so `check_coverage` is not supported: the desk checks cards.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, Protocol

from his_adapter.builtin import appointments, papers, patients, payments
from his_adapter.builtin.base import Clock
from his_adapter.builtin.booking_calls import BookingCalls
from his_adapter.builtin.catalogue import STARTER_FILE, Catalogue, load_catalogue
from his_adapter.builtin.catalogue_calls import CatalogueCalls
from his_adapter.builtin.checks import MAX_LIMIT, checked_key
from his_adapter.builtin.clinic import Clinic
from his_adapter.builtin.layout import MIGRATIONS
from his_adapter.builtin.line import Line
from his_adapter.builtin.people_calls import PeopleCalls
from his_adapter.builtin.record_calls import RecordCalls
from his_adapter.builtin.records import RecordKind
from his_adapter.builtin.store import Store
from his_adapter.builtin.visit_calls import VisitCalls
from his_adapter.builtin.writes import find_written
from his_adapter.errors import GatewayMisconfigured, HisError, NotSupported
from his_adapter.models import (
    Capabilities,
    Coverage,
    CoverageQuery,
    Feature,
    Health,
    HealthState,
    Patient,
    WriteKey,
    Written,
)
from his_adapter.partial import overridden_features
from his_adapter.ports import HisGateway

DEFAULT_FILE = "tiepdon-register.sqlite3"


class CoverageSource(Protocol):
    """Who is asked about insurance. The patient is there when the query names one of ours."""

    def check(
        self, query: CoverageQuery, patient: Patient | None, *, on: date, timeout_s: float
    ) -> Coverage: ...


class BuiltinGateway(PeopleCalls, CatalogueCalls, BookingCalls, VisitCalls, RecordCalls):
    """The port on a register file and a catalogue. Keeps no state besides the file.

    `keeps_line`: somebody finishes visits through `clinic`, so that the register can tell whose
    turn it is. A station without a HIS has its line in tiepdon, and nothing to ask here.
    `issues_einvoices`: a bill that is paid through the port has its electronic invoice at once.
    """

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        *,
        clock: Clock,
        line: Line | None = None,
        coverage: CoverageSource | None = None,
        name: str = "builtin",
        keeps_line: bool = False,
        issues_einvoices: bool = False,
    ) -> None:
        super().__init__(
            store,
            catalogue,
            clock=clock,
            line=line,
            keeps_line=keeps_line,
            issues_einvoices=issues_einvoices,
        )
        self._coverage = coverage
        self._name = name

    @property
    def clinic(self) -> Clinic:
        """The other side: what clinicians, laboratory and cashier of this place do."""
        return Clinic(self._store, self._catalogue, clock=self._clock)

    # --- the HIS itself

    def capabilities(self) -> Capabilities:
        absent = set() if self._coverage else {Feature.CHECK_COVERAGE}
        absent |= set() if self._keeps_line else {Feature.QUEUE_STATUS}
        version = package_version("tiepdon")
        return Capabilities(
            features=overridden_features(type(self)) - absent,
            facility=self._catalogue.facility,
            max_limit=MAX_LIMIT,
            adapter=self._name,
            adapter_version=version,
            his_version=f"register {len(MIGRATIONS)}",
        )

    def health(self) -> Health:
        started = time.monotonic()
        try:
            with self._store.reading() as db:
                db.execute("SELECT 1 FROM note LIMIT 1").fetchone()
            health = self._line.health()
        except HisError as error:
            return Health(state=HealthState.DOWN, cause=error.code)
        latency_ms = (time.monotonic() - started) * 1000 + (health.latency_ms or 0.0)
        return replace(health, latency_ms=latency_ms)

    def close(self) -> None:
        """Nothing is held open between calls."""

    def count_patients(self) -> int:
        """How many people the register holds; the conformance kit asks, to spare a real one."""
        with self._store.reading() as db:
            row = db.execute("SELECT count(*) FROM patient WHERE merged_into IS NULL").fetchone()
            return int(row[0])

    # --- coverage

    def check_coverage(self, query: CoverageQuery, *, on: date, timeout_s: float) -> Coverage:
        if self._coverage is None:
            raise NotSupported("no insurance is asked here")
        patient = None if query.patient is None else self.read_patient(query.patient)
        return self._coverage.check(query, patient, on=on, timeout_s=timeout_s)

    # --- after a lost answer

    def find_by_key(self, key: WriteKey) -> Written | None:
        with self._line.reading(), self._store.reading() as db:
            written = find_written(db, checked_key(key))
            if written is None:
                return None
            kind, record_id = written
            read = self._readers().get(kind)
            return None if read is None else read(db, record_id)

    def _readers(self) -> Mapping[RecordKind, Callable[[sqlite3.Connection, int], Written]]:
        return {
            RecordKind.PATIENT: patients.read_kept_patient,
            RecordKind.APPOINTMENT: appointments.read_appointment,
            RecordKind.VISIT: self._read_visit,
            RecordKind.HISTORY: papers.read_history_receipt,
            RecordKind.CONSENT: papers.read_consent_receipt,
            RecordKind.PAYMENT: payments.read_receipt,
        }


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Raises GatewayMisconfigured for unknown settings or files that cannot be used."""
    if unknown := sorted(settings.keys() - {"file", "catalogue"}):
        raise GatewayMisconfigured(f"unknown setting {unknown[0]}")
    catalogue = load_catalogue(Path(settings.get("catalogue") or STARTER_FILE))
    store = Store(Path(settings.get("file") or DEFAULT_FILE))
    return BuiltinGateway(store, catalogue, clock=lambda: datetime.now(UTC))
