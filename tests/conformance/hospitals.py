"""Invented hospitals with everything that the cases of the kit need to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from his_adapter.builtin.catalogue import STARTER_FILE, Catalogue, load_catalogue
from his_adapter.builtin.clinic import Clinic
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.builtin.reports import PartDraft
from his_adapter.builtin.store import Store
from his_adapter.demo.gateway import REGISTER_FILE
from his_adapter.demo.hospital import Hours, demo_catalogue
from his_adapter.demo.records import shadow_png
from his_adapter.models import (
    BirthDate,
    Charge,
    Gender,
    Identifier,
    IdentifierKind,
    PartKind,
    Patient,
    PatientDraft,
    ReportStatus,
    ResultValue,
    WriteKey,
)
from his_adapter.ports import HisGateway
from his_adapter.testing import fill_demo_folder

MARKER = "099050000001"
PATIENT_WITH_RESULTS = "099050000002"
PATIENT_WITH_MANY = "099050000003"
MANY = 120
DEBTORS = tuple(f"09905000001{number}" for number in range(6))

MARKER_FACTS = {
    "full_name": "Nguyễn Thị Đánh Dấu",
    "birth_date": "1950-02-28",
    "gender": "female",
    "address": "Số 12, Tổ 3, Phường Hoa Mẫu, Tỉnh Thử",
    "phone": "0900000000",
}
COVERAGE = {
    "valid": {
        "number": "DN4999990000001",
        "full_name": "Nguyễn Minh Hòa",
        "birth_date": "1985-09-05",
    },
    "expired": {
        "number": "DN4999990000014",
        "full_name": "Đinh Công Hạn",
        "birth_date": "1992-02-29",
    },
    "wrong_name": {
        "number": "DN4999990000018",
        "full_name": "Nguyễn Thị Thúy",
        "birth_date": "1981-11-11",
    },
    "silent": {
        "number": "DN4999990000008",
        "full_name": "Ngô Văn Tĩnh",
        "birth_date": "1980-07-08",
    },
}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """References as the HIS names them."""

    hidden_reports: tuple[str, ...]
    corrected_report: str
    corrected_from: str

    def certify(self, **more: Any) -> dict[str, Any]:
        return {
            "marker_patient": MARKER,
            "marker": MARKER_FACTS,
            "max_patients": 3000,
            "results_patient": PATIENT_WITH_RESULTS,
            "imaging_patient": PATIENT_WITH_RESULTS,
            "many_reports_patient": PATIENT_WITH_MANY,
            "hidden_reports": self.hidden_reports,
            "corrected_report": {"ref": self.corrected_report, "old_version": self.corrected_from},
            "unpaid_patients": DEBTORS,
        } | more


def prepared_demo(folder: Path) -> Prepared:
    fill_demo_folder(folder, now=datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
    return _prepared_register(Store(folder / REGISTER_FILE), demo_catalogue(Hours.ALWAYS))


def prepared_station(file: Path) -> Prepared:
    return _prepared_register(Store(file), load_catalogue(STARTER_FILE))


def _prepared_register(store: Store, catalogue: Catalogue) -> Prepared:
    clock = partial(datetime.now, UTC)
    clinic = Clinic(store, catalogue, clock=clock)
    return prepare(
        clinic,
        BuiltinGateway(store, catalogue, clock=clock),
        register=clinic.register_patient,
    )


def prepared_through(clinic: Clinic, his: HisGateway) -> Prepared:
    """People come in by the front door; `clinic` does what is done behind it."""

    def register(draft: PatientDraft) -> Patient:
        return his.create_patient(draft, key=WriteKey(f"prepare-{uuid4()}"))

    return prepare(clinic, his, register=register)


def prepare(
    clinic: Clinic, his: HisGateway, *, register: Callable[[PatientDraft], Patient]
) -> Prepared:
    register(_draft(MARKER, **MARKER_FACTS))
    person = register(_draft(PATIENT_WITH_RESULTS)).ref
    values = PartDraft(
        name="values",
        kind=PartKind.VALUES,
        values=(ResultValue(code="HGB", name_vi="Huyết sắc tố", value="118", unit="g/L"),),
    )
    picture = PartDraft(
        name="image-1", kind=PartKind.IMAGE, media_type="image/png", body=shadow_png()
    )
    for part in (values, picture):
        clinic.release_report(clinic.write_report(person, parts=(part,)))
    preliminary = clinic.write_report(person, parts=(values,))
    in_error = clinic.write_report(person, parts=(values,))
    clinic.release_report(in_error)
    clinic.withdraw_report(in_error)
    corrected = clinic.write_report(person, parts=(values,))
    clinic.release_report(corrected)
    listed = his.list_reports(person, datetime.now(UTC) - timedelta(days=1)).items
    (released,) = (report for report in listed if report.ref == corrected)
    assert released.status is ReportStatus.FINAL
    clinic.correct_report(corrected, (values,))
    busy = register(_draft(PATIENT_WITH_MANY)).ref
    for _ in range(MANY):
        clinic.release_report(clinic.write_report(busy, parts=(values,)))
    for number in DEBTORS:
        debtor = register(_draft(number)).ref
        clinic.charge(debtor, Charge(code="KB", name_vi="Khám bệnh", quantity=1, amount_vnd=45_000))
        clinic.issue_invoice(debtor)
    return Prepared(
        hidden_reports=(preliminary, in_error),
        corrected_report=corrected,
        corrected_from=released.version,
    )


def _draft(number: str, **facts: Any) -> PatientDraft:
    return PatientDraft(
        full_name=facts.get("full_name", f"Trần Văn Thử {number[-2:]}"),
        birth_date=BirthDate.from_iso(facts.get("birth_date", "1950-02-28")),
        gender=Gender(facts.get("gender", "male")),
        address=facts.get("address"),
        phone=facts.get("phone"),
        identifiers=(Identifier(kind=IdentifierKind.ID12, value=number),),
    )
