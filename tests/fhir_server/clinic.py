"""What clinicians, laboratory and cashier do in the invented hospital: plain FHIR writes.

The calls are those of the builtin register's `Clinic`, as far as the contract uses them.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from his_adapter.builtin.reports import PartDraft
from his_adapter.models import Charge, PartKind, Ref, ResultValue
from tiepdon.demo.fhir_server.process import FhirServer

SERVICES = "https://his.example.vn/sid/dich-vu"


class Stored:
    """A record by its reference."""

    def __init__(self, ref: str) -> None:
        self.ref = Ref(ref)


class FhirClinic:
    def __init__(self, server: FhirServer, now: datetime) -> None:
        self._server = server
        self._now = now.isoformat()
        self._unbilled: list[Charge] = []

    # --- orders

    def place_order(
        self,
        patient: Ref,
        *,
        service: Ref,
        name_vi: str = "Xét nghiệm",
        preparation_vi: str = "",
        visit: Ref | None = None,
    ) -> Stored:
        code = self._server.get(f"HealthcareService/{service}")["identifier"][0]["value"]
        order: dict[str, Any] = {
            "resourceType": "ServiceRequest",
            "id": str(uuid4()),
            "status": "active",
            "intent": "order",
            "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "108252007"}]}],
            "code": {"coding": [{"system": SERVICES, "code": code}], "text": name_vi},
            "subject": {"reference": f"Patient/{patient}"},
            "authoredOn": self._now,
        }
        if preparation_vi:
            order["patientInstruction"] = preparation_vi
        if visit is not None:
            order["encounter"] = {"reference": f"Encounter/{visit}"}
        self._server.put(order)
        return Stored(order["id"])

    def cancel_order(self, order: Ref) -> None:
        self._change("ServiceRequest", order, status="revoked")

    # --- results

    def write_report(
        self, patient: Ref, *, order: Ref | None = None, parts: Sequence[PartDraft] = ()
    ) -> Ref:
        report: dict[str, Any] = {
            "resourceType": "DiagnosticReport",
            "id": str(uuid4()),
            "status": "preliminary",
            "category": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v2-0074",
                            "code": "LAB",
                        }
                    ]
                }
            ],
            "code": {"text": "Tổng phân tích tế bào máu"},
            "subject": {"reference": f"Patient/{patient}"},
            "issued": self._now,
            **self._content(patient, parts),
        }
        if order is not None:
            report["basedOn"] = [{"reference": f"ServiceRequest/{order}"}]
        self._server.put({name: value for name, value in report.items() if value != []})
        return Ref(report["id"])

    def release_report(self, report: Ref) -> None:
        self._change("DiagnosticReport", report, status="final")

    def correct_report(self, report: Ref, parts: Sequence[PartDraft]) -> None:
        stored = self._server.get(f"DiagnosticReport/{report}")
        patient = Ref(stored["subject"]["reference"].removeprefix("Patient/"))
        self._change(
            "DiagnosticReport", report, status="corrected", **self._content(patient, parts)
        )

    def withdraw_report(self, report: Ref) -> None:
        self._change("DiagnosticReport", report, status="entered-in-error")

    # --- money

    def charge(self, patient: Ref, charge: Charge) -> None:
        self._unbilled.append(charge)

    def issue_invoice(self, patient: Ref) -> None:
        lines = [
            {
                "sequence": number,
                "chargeItemCodeableConcept": {"text": charge.name_vi},
                "priceComponent": [
                    {"type": "base", "amount": _vnd(charge.amount_vnd)},
                    {
                        "type": "deduction",
                        "code": {"text": "BHYT chi trả"},
                        "amount": _vnd(-charge.insurance_vnd),
                    },
                ],
            }
            for number, charge in enumerate(self._unbilled, 1)
        ]
        total_vnd = sum(item.amount_vnd - item.insurance_vnd for item in self._unbilled)
        self._unbilled = []
        self._server.put(
            {
                "resourceType": "Invoice",
                "id": str(uuid4()),
                "identifier": [{"system": "https://his.example.vn/sid/pt", "value": "PT26010001"}],
                "status": "issued",
                "subject": {"reference": f"Patient/{patient}"},
                "date": self._now,
                "lineItem": lines,
                "totalNet": _vnd(total_vnd),
            }
        )

    def issue_einvoice(self, invoice: Ref) -> None:
        self._server.put(
            {
                "resourceType": "DocumentReference",
                "id": str(uuid4()),
                "masterIdentifier": {"value": "1C26TTD-0000001"},
                "status": "current",
                "date": self._now,
                "content": [{"attachment": {"url": "https://hoadon.example.vn/tra-cuu?ma=A1"}}],
                "context": {"related": [{"reference": f"Invoice/{invoice}"}]},
            }
        )

    # --- inside

    def _content(self, patient: Ref, parts: Sequence[PartDraft]) -> dict[str, Any]:
        """Values as Observations of their own, documents as Binaries of their own."""
        results: list[dict[str, Any]] = []
        forms: list[dict[str, Any]] = []
        for part in parts:
            if part.kind is PartKind.VALUES:
                for value in part.values:
                    observation = _observation(patient, value)
                    self._server.put(observation)
                    results.append({"reference": f"Observation/{observation['id']}"})
            else:
                binary = {
                    "resourceType": "Binary",
                    "id": str(uuid4()),
                    "contentType": part.media_type,
                    "data": base64.b64encode(part.body).decode(),
                }
                self._server.put(binary)
                forms.append({"contentType": part.media_type, "url": f"Binary/{binary['id']}"})
        return {"result": results, "presentedForm": forms}

    def _change(self, kind: str, ref: Ref, **fields: Any) -> None:
        changed = {**self._server.get(f"{kind}/{ref}"), **fields}
        self._server.put({name: value for name, value in changed.items() if value != []})


def _observation(patient: Ref, value: ResultValue) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": str(uuid4()),
        "status": "final",
        "code": {"coding": [{"code": value.code}], "text": value.name_vi},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": int(value.value), "unit": value.unit},
        "interpretation": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/"
                        "v3-ObservationInterpretation",
                        "code": value.flag,
                    }
                ]
            }
        ],
    }


def _vnd(amount: int) -> dict[str, Any]:
    return {"value": amount, "currency": "VND"}
