"""A HIS that answers what a test tells it to, as fast or as badly as told."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from typing import Any

from his_adapter.errors import Unavailable
from his_adapter.models import (
    Appointment,
    AppointmentStatus,
    BirthDate,
    Coverage,
    CoverageOutcome,
    CoverageQuery,
    Gender,
    Identifier,
    IdentifierKind,
    MatchGrade,
    Page,
    Patient,
    PatientMatch,
    PatientQuery,
    Ref,
)


class ScriptedHis:
    """`patients` are found by their identifiers. `down` fails reads; `silent` holds coverage back
    until `speak` is called.
    """

    def __init__(self) -> None:
        self.patients: list[Patient] = []
        self.appointments: list[Appointment] = []
        self.outcome = CoverageOutcome.OK
        self.registered_here: bool | None = True
        self.down = False
        self.coverage_fails = False
        self.coverage_questions = 0
        self._may_speak = threading.Event()
        self._may_speak.set()

    def silence(self) -> None:
        self._may_speak.clear()

    def speak(self) -> None:
        self._may_speak.set()

    def add_patient(self, ref: str = "BN-1", **changes: Any) -> Patient:
        values: dict[str, Any] = {
            "full_name": "Nguyễn Văn Thử",
            "birth_date": BirthDate(year=1985, month=9, day=5),
            "gender": Gender.MALE,
            "identifiers": (
                Identifier(kind=IdentifierKind.ID12, value="079085000000"),
                Identifier(kind=IdentifierKind.MRN, value="BN000001"),
            ),
        }
        patient = Patient(ref=Ref(ref), version="1", **(values | changes))
        self.patients.append(patient)
        return patient

    def add_appointment(
        self, patient: Patient, start: datetime, *, service: str | None, code: str = "LH000001"
    ) -> Appointment:
        appointment = Appointment(
            ref=Ref(f"LH-{len(self.appointments) + 1}"),
            version="1",
            patient=patient.ref,
            status=AppointmentStatus.BOOKED,
            code=code,
            service=Ref(service) if service else None,
            practitioner=None,
            room=None,
            slot=None,
            start=start,
            end=start,
            facility_code="79999" if service else "79001",
            facility_name="Trung tâm Y tế Bình An" if service else "Bệnh viện Mẫu",
        )
        self.appointments.append(appointment)
        return appointment

    # --- the port, as far as the edge uses it

    def find_patients(self, query: PatientQuery, *, limit: int = 50) -> Page[PatientMatch]:
        self._fail_if_down()
        wanted = {(item.kind, item.value) for item in query.identifiers}
        matches = [
            PatientMatch(
                ref=patient.ref, grade=MatchGrade.CERTAIN, masked_name="N.V. THỬ", birth_year=1985
            )
            for patient in self.patients
            if wanted & {(item.kind, item.value) for item in patient.identifiers}
        ]
        return Page(items=tuple(matches[:limit]), complete=True)

    def read_patient(self, ref: Ref) -> Patient:
        self._fail_if_down()
        return next(patient for patient in self.patients if patient.ref == ref)

    def find_appointments(
        self, patient: Ref, start: datetime, end: datetime, *, limit: int = 50
    ) -> Page[Appointment]:
        self._fail_if_down()
        found = [
            each
            for each in self.appointments
            if each.patient == patient and start <= each.start < end
        ]
        return Page(items=tuple(found[:limit]), complete=True)

    def check_coverage(self, query: CoverageQuery, *, on: date, timeout_s: float) -> Coverage:
        self.coverage_questions += 1
        if not self._may_speak.wait(timeout_s) or self.coverage_fails:
            raise Unavailable("no answer")
        return Coverage(
            outcome=self.outcome,
            code="000",
            valid_to=date(on.year, 12, 31),
            registered_here=self.registered_here,
            checked_at=datetime.now(UTC),
        )

    def close(self) -> None:
        self.speak()

    def _fail_if_down(self) -> None:
        if self.down:
            raise Unavailable("down")
