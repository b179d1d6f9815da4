"""Calls of the port about people."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from his_adapter.builtin import patients
from his_adapter.builtin.base import RegisterBase, page
from his_adapter.builtin.change_log import note_change
from his_adapter.builtin.records import RecordKind
from his_adapter.models import (
    ChangeKind,
    Page,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientMatch,
    PatientQuery,
    Ref,
    WriteKey,
)
from his_adapter.ports import DEFAULT_LIMIT


class PeopleCalls(RegisterBase):
    def find_patients(
        self, query: PatientQuery, *, limit: int = DEFAULT_LIMIT
    ) -> Page[PatientMatch]:
        with self._line.reading(), self._store.reading() as db:
            return page(patients.find_patients(db, query), limit)

    def read_patient(self, ref: Ref) -> Patient:
        with self._line.reading(), self._store.reading() as db:
            return patients.read_patient(db, patients.patient_id_of(db, ref))

    def create_patient(self, draft: PatientDraft, *, key: WriteKey) -> Patient:
        checked = patients.checked_draft(draft)

        def write(db: sqlite3.Connection) -> int:
            return patients.insert_patient(db, checked)

        return self._patient(key, ("create", draft), write)

    def update_patient(
        self, ref: Ref, changes: PatientChanges, *, version: str, key: WriteKey
    ) -> Patient:
        def write(db: sqlite3.Connection) -> int:
            patient_id = patients.patient_id_of(db, ref)
            return patients.update_patient(db, patient_id, changes, version=version)

        return self._patient(key, ("update", ref, changes, version), write)

    def merge_patients(self, keep: Ref, drop: Ref, *, key: WriteKey) -> Patient:
        """Two records of one person become `keep`; references to `drop` lead there. For staff.

        Raises NotFound, or InvalidData when both have an open visit for the same service.
        """

        def write(db: sqlite3.Connection) -> int:
            keep_id, drop_id = (patients.patient_id_of(db, ref) for ref in (keep, drop))
            patients.merge_patients(db, keep_id, drop_id)
            note_change(db, ChangeKind.PATIENT, drop, keep_id, self._clock())
            return keep_id

        return self._patient(key, ("merge", keep, drop), write)

    def _patient(
        self, key: WriteKey, content: tuple[object, ...], write: Callable[[sqlite3.Connection], int]
    ) -> Patient:
        return self._write(key, content, RecordKind.PATIENT, write, patients.read_patient)
