"""A HIS that looks neither at versions nor at dates nor at what is left, and an adapter that
believes it. Right in everything else, so that the kit must name these faults and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from his_adapter.builtin.catalogue import STARTER_FILE, load_catalogue
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.builtin.store import Store
from his_adapter.errors import VersionConflict
from his_adapter.models import Page, Patient, PatientChanges, Ref, Slot, WriteKey
from his_adapter.ports import DEFAULT_LIMIT, HisGateway


class CarelessGateway(BuiltinGateway):
    def update_patient(
        self, ref: Ref, changes: PatientChanges, *, version: str, key: WriteKey
    ) -> Patient:
        """Whoever writes last wins."""
        known = self.find_by_key(key)
        if isinstance(known, Patient):
            return known
        while True:
            latest = self.read_patient(ref).version
            try:
                return super().update_patient(ref, changes, version=latest, key=key)
            except VersionConflict:
                continue

    def find_slots(
        self,
        service: Ref,
        practitioner: Ref | None,
        start: datetime,
        end: datetime,
        *,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Slot]:
        """Whatever hours are asked for, all of a fortnight come."""
        now = datetime.now(UTC)
        return super().find_slots(service, practitioner, now, now + timedelta(days=14), limit=limit)

    def _bookable(self, ref: Ref) -> Slot:
        """A full hour takes one more."""
        return replace(super()._bookable(ref), capacity=1000)


def open_careless(settings: Mapping[str, Any]) -> HisGateway:
    return CarelessGateway(
        Store(Path(settings["file"])),
        load_catalogue(STARTER_FILE),
        clock=lambda: datetime.now(UTC),
        name="careless",
    )
