"""Writes of the port: one statement each, then what the HIS stored is read back through its view."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from his_adapter.builtin.checks import (
    MAX_REASON,
    checked_key,
    checked_moment,
    checked_ref,
    checked_text,
)
from his_adapter.builtin.patients import checked_draft
from his_adapter.errors import BrokenReply, InvalidData
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    CheckIn,
    ConsentRecord,
    Feature,
    Gender,
    HistoryAnswers,
    IdentifierKind,
    Patient,
    PatientChanges,
    PatientDraft,
    PaymentPosting,
    PaymentReceipt,
    Receipt,
    Ref,
    Visit,
    WriteKey,
    Written,
)
from his_adapter.sql_views import mapping
from his_adapter.sql_views.base import checked, named, only
from his_adapter.sql_views.columns import Columns
from his_adapter.sql_views.database import Write
from his_adapter.sql_views.record_calls import RecordCalls

Item = TypeVar("Item")
_SOMEBODY = "A"  # stands for a name that is not changed; never sent
_NUMBERS = tuple(
    kind for kind in IdentifierKind if kind not in {IdentifierKind.MRN, IdentifierKind.APPOINTMENT}
)


class WriteCalls(RecordCalls):
    # --- people

    def create_patient(self, draft: PatientDraft, *, key: WriteKey) -> Patient:
        values = self._person(checked_draft(draft))
        return self._patient_write(Feature.CREATE_PATIENT, key, values, ("create", draft))

    def update_patient(
        self, ref: Ref, changes: PatientChanges, *, version: str, key: WriteKey
    ) -> Patient:
        person = checked_draft(
            PatientDraft(
                full_name=changes.full_name or _SOMEBODY,
                birth_date=changes.birth_date,
                gender=changes.gender or Gender.UNKNOWN,
                identifiers=changes.new_identifiers,
                phone=changes.phone,
                address=changes.address,
                guardian=changes.guardian,
            )
        )
        values = self._person(person) | {"ref": checked(ref), "version": checked_ref(version)}
        if changes.full_name is None:
            values["full_name"] = None
        content = ("update", ref, changes, version)
        return self._patient_write(Feature.UPDATE_PATIENT, key, values, content)

    def merge_patients(self, keep: Ref, drop: Ref, *, key: WriteKey) -> Patient:
        values: dict[str, object] = {"keep": checked(keep), "drop": checked(drop)}
        return self._patient_write(Feature.MERGE_PATIENTS, key, values, ("merge", keep, drop))

    def submit_history(self, patient: Ref, history: HistoryAnswers, *, key: WriteKey) -> Receipt:
        values: dict[str, object] = {
            "patient": checked(patient),
            "questionnaire": checked_ref(history.questionnaire),
            "answers": json.dumps(history.answers, ensure_ascii=False),
            "language": checked_ref(history.language),
            "answered_at": checked_moment("answered_at", history.answered_at),
        }
        return self._write(
            Feature.SUBMIT_HISTORY, key, values, _receipt, content=(patient, history)
        )

    def record_consent(self, consent: ConsentRecord, *, key: WriteKey) -> Receipt:
        values: dict[str, object] = {
            "patient": checked(consent.patient),
            "document": checked_ref(consent.document),
            "signer_is_patient": consent.signer_is_patient,
            "signer_relation": checked_text(
                "signer_relation", consent.signer_relation, max_chars=MAX_REASON
            ),
            "evidence": checked_ref(consent.evidence),
            "document_pdf": consent.document_pdf,
            "given_at": checked_moment("given_at", consent.given_at),
        }
        return self._write(Feature.RECORD_CONSENT, key, values, _receipt, content=(consent,))

    # --- bookings

    def book_appointment(
        self, patient: Ref, slot: Ref, service: Ref, *, key: WriteKey
    ) -> Appointment:
        values: dict[str, object] = {
            "patient": checked(patient),
            "slot": checked(slot),
            "service": checked(service),
        }
        content = (patient, slot, service)
        return self._read_back(Feature.BOOK_APPOINTMENT, key, values, content, self._appointment)

    def change_appointment(
        self,
        ref: Ref,
        action: AppointmentAction,
        *,
        version: str,
        key: WriteKey,
        reason: str = "",
        new_slot: Ref | None = None,
    ) -> Appointment:
        if action is AppointmentAction.RESCHEDULE and new_slot is None:
            raise InvalidData("new_slot", "Chưa chọn khung giờ mới.")
        values: dict[str, object] = {
            "ref": checked(ref),
            "action": action.value,
            "version": checked_ref(version),
            "reason": checked_text("reason", reason, max_chars=MAX_REASON),
            "new_slot": new_slot and checked(new_slot),
        }
        content = (ref, action, version, reason, new_slot)
        return self._read_back(Feature.CHANGE_APPOINTMENT, key, values, content, self._appointment)

    # --- visits

    def check_in(self, request: CheckIn, *, key: WriteKey) -> Visit:
        coverage = request.coverage
        values: dict[str, object] = {
            "patient": checked(request.patient),
            "appointment": request.appointment and checked(request.appointment),
            "service": request.service and checked(request.service),
            "practitioner": request.practitioner and checked(request.practitioner),
            "room": request.room and checked(request.room),
            "visit_kind": checked_ref(request.visit_kind),
            "reason": checked_text("reason", request.reason or "", max_chars=MAX_REASON),
            "number": request.number and checked_ref(request.number),
            "provisional": request.provisional,
            "coverage_code": coverage and coverage.code,
            "card_number": coverage and coverage.card_number,
            "arrived_at": request.arrived_at and checked_moment("arrived_at", request.arrived_at),
        }
        return self._read_back(Feature.CHECK_IN, key, values, (request,), self._visit)

    def cancel_visit(self, ref: Ref, *, reason: str, key: WriteKey) -> Visit:
        values: dict[str, object] = {
            "ref": checked(ref),
            "reason": checked_text("reason", reason, max_chars=MAX_REASON),
        }
        return self._read_back(Feature.CANCEL_VISIT, key, values, (ref, reason), self._visit)

    # --- money

    def post_payment(self, payment: PaymentPosting, *, key: WriteKey) -> PaymentReceipt:
        if payment.amount_vnd < 1:
            raise InvalidData("amount_vnd", "Số tiền không hợp lệ.")
        values: dict[str, object] = {
            "patient": checked(payment.patient),
            "visit": payment.visit and checked(payment.visit),
            "invoice": payment.invoice and checked(payment.invoice),
            "amount_vnd": payment.amount_vnd,
            "method": payment.method.value,
            "provider": checked_ref(payment.provider),
            "provider_reference": checked_text(
                "provider_reference", payment.provider_reference, max_chars=MAX_REASON
            ),
            "paid_at": checked_moment("paid_at", payment.paid_at),
        }
        return self._read_back(
            Feature.POST_PAYMENT, key, values, (payment,), mapping.payment_receipt
        )

    # --- after a lost answer

    def find_by_key(self, key: WriteKey) -> Written | None:
        """The view `written` gives the kind of the write (the name of the feature) and its ref."""
        self._need(Feature.FIND_BY_KEY)
        row = self._find("written", key=checked_key(key))
        if row is None:
            return None
        feature, ref = row.choice("kind", Feature), row.ref("ref")
        if feature in {Feature.SUBMIT_HISTORY, Feature.RECORD_CONSENT}:
            return Receipt(ref=ref)
        readers: dict[Feature, tuple[str, Callable[[Columns], Written]]] = {
            Feature.CREATE_PATIENT: ("patient", self._patient),
            Feature.UPDATE_PATIENT: ("patient", self._patient),
            Feature.MERGE_PATIENTS: ("patient", self._patient),
            Feature.BOOK_APPOINTMENT: ("appointment", self._appointment),
            Feature.CHANGE_APPOINTMENT: ("appointment", self._appointment),
            Feature.CHECK_IN: ("visit", self._visit),
            Feature.CANCEL_VISIT: ("visit", self._visit),
            Feature.POST_PAYMENT: ("payment", mapping.payment_receipt),
        }
        if feature not in readers:
            raise BrokenReply("view written: column kind is not as agreed")
        view, shape = readers[feature]
        return shape(named(self._one(view, ref=ref), ref))

    # --- inside

    def _person(self, person: PatientDraft) -> dict[str, object]:
        codes = {ours: theirs for theirs, ours in self._config.genders.items()}
        numbers: dict[str, object] = {kind.value: None for kind in _NUMBERS}
        for item in person.identifiers:
            numbers[item.kind.value] = item.value
        return {
            "full_name": person.full_name,
            "birth_date": person.birth_date and person.birth_date.isoformat(),
            "gender": codes.get(person.gender),
            "phone": person.phone,
            "address": person.address,
            "guardian": person.guardian,
            **numbers,
        }

    def _patient_write(
        self,
        feature: Feature,
        key: WriteKey,
        values: dict[str, object],
        content: tuple[object, ...],
    ) -> Patient:
        return self._read_back(feature, key, values, content, self._patient)

    def _read_back(
        self,
        feature: Feature,
        key: WriteKey,
        values: dict[str, object],
        content: tuple[object, ...],
        shape: Callable[[Columns], Item],
    ) -> Item:
        view = _VIEW_OF[feature]

        def read(write: Write, ref: Ref) -> Item:
            row = only(view, write.rows(view, limit=2, ref=ref))
            if row is None:
                raise BrokenReply(f"{feature} left nothing to read back")
            return shape(named(row, ref))

        return self._write(feature, key, values, read, content=content)

    def _appointment(self, row: Columns) -> Appointment:
        return mapping.appointment(row)

    def _visit(self, row: Columns) -> Visit:
        return mapping.visit(row)


_VIEW_OF = {
    Feature.CREATE_PATIENT: "patient",
    Feature.UPDATE_PATIENT: "patient",
    Feature.MERGE_PATIENTS: "patient",
    Feature.BOOK_APPOINTMENT: "appointment",
    Feature.CHANGE_APPOINTMENT: "appointment",
    Feature.CHECK_IN: "visit",
    Feature.CANCEL_VISIT: "visit",
    Feature.POST_PAYMENT: "payment",
}


def _receipt(_: Write, ref: Ref) -> Receipt:
    return Receipt(ref=ref)
