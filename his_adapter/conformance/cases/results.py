"""C18, C19, C23: released results, corrections, pictures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from his_adapter.conformance.case import NotPrepared, case, expect
from his_adapter.conformance.cases.catalogue import NOBODY
from his_adapter.conformance.lab import Lab, code_of
from his_adapter.models import (
    MAX_PART_BYTES,
    Feature,
    PartKind,
    Patient,
    Ref,
    Report,
    ReportStatus,
)

_LONG_AGO = timedelta(days=3650)
_PICTURES = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff"}


@case("C18", "Chỉ thấy kết quả đã duyệt của đúng người bệnh")
def released_only(lab: Lab) -> None:
    """Only released reports visible; preliminary, entered-in-error, another patient's never"""
    lab.needs(Feature.LIST_REPORTS, Feature.READ_REPORT_PART, Feature.CREATE_PATIENT)
    patient, reports = _reports(lab, lab.settings.results_patient, "results_patient")
    hidden = lab.prepared(lab.settings.hidden_reports, "hidden_reports")
    seen = {report.ref for report in reports}
    expect(
        not seen & set(hidden),
        "Kết quả chưa duyệt hoặc đã huỷ vẫn hiện ra.",
        "a report that is not released is listed",
    )
    expect(
        all(report.patient == patient.ref for report in reports),
        "Danh sách có kết quả của người bệnh khác.",
        "a report of another patient is listed",
    )
    for ref in hidden:
        for part in ("values", "pdf"):
            code = code_of(
                partial(lab.gateway.read_report_part, Ref(ref), part, patient=patient.ref)
            )
            expect(
                code == "not-found",
                "Đọc được kết quả chưa duyệt.",
                f"a part of a report that is not released gave {code}",
            )
    stranger = lab.register()
    with_parts = next((report for report in reports if report.parts), None)
    if with_parts is None:
        raise NotPrepared("Kết quả thử chưa có nội dung.", "no report has a part to read")
    code = code_of(
        lambda: lab.gateway.read_report_part(
            with_parts.ref, with_parts.parts[0].name, patient=stranger.ref
        )
    )
    expect(
        code == "not-found",
        "Đọc được kết quả dưới tên người bệnh khác.",
        f"another patient's report gave {code}",
    )
    expect(
        bool(
            lab.gateway.read_report_part(
                with_parts.ref, with_parts.parts[0].name, patient=patient.ref
            ).media_type
        ),
        "Không đọc được kết quả đã duyệt.",
        "a released report cannot be read",
    )


@case("C19", "Kết quả đính chính thay kết quả cũ, với phiên bản mới")
def corrected(lab: Lab) -> None:
    """Corrected report replaces the old one with a new version"""
    lab.needs(Feature.LIST_REPORTS)
    prepared = lab.prepared(lab.settings.corrected_report, "corrected_report")
    _, reports = _reports(lab, lab.settings.results_patient, "results_patient")
    found = [report for report in reports if report.ref == prepared.ref]
    expect(
        len(found) == 1,
        f"Kết quả đính chính hiện {len(found)} lần.",
        f"the corrected report is listed {len(found)} times",
    )
    expect(
        found[0].status is not ReportStatus.FINAL and found[0].version != prepared.old_version,
        "Kết quả đính chính vẫn mang trạng thái hoặc phiên bản cũ.",
        "the corrected report keeps its old status or version",
    )


@case("C23", "Ảnh chẩn đoán: đúng người bệnh, PNG hoặc JPEG, có giới hạn dung lượng")
def pictures(lab: Lab) -> None:
    """images: right patient only, PNG/JPEG, size cap, unknown accession → NotFound"""
    lab.needs(Feature.LIST_REPORTS, Feature.READ_REPORT_PART, Feature.CREATE_PATIENT)
    patient, reports = _reports(lab, lab.settings.imaging_patient, "imaging_patient")
    images = [
        (report, part) for report in reports for part in report.parts if part.kind is PartKind.IMAGE
    ]
    if not images:
        raise NotPrepared(
            "Người bệnh thử chưa có ảnh chẩn đoán.", "the imaging patient has no picture"
        )
    report, part = images[0]
    content = lab.gateway.read_report_part(report.ref, part.name, patient=patient.ref)
    start = _PICTURES.get(content.media_type)
    expect(
        start is not None and content.body.startswith(start),
        "Ảnh không phải PNG hoặc JPEG thật.",
        "a picture is not the PNG or JPEG it says it is",
    )
    expect(
        0 < len(content.body) <= MAX_PART_BYTES,
        "Ảnh vượt quá dung lượng cho phép.",
        "a picture is larger than allowed",
    )
    stranger = lab.register()
    for whose, ref, asked in (
        ("another patient's", report.ref, stranger.ref),
        ("unknown", NOBODY, patient.ref),
    ):
        code = code_of(partial(lab.gateway.read_report_part, ref, part.name, patient=asked))
        expect(
            code == "not-found",
            "Ảnh của người khác, hoặc không có thật, mà không báo là không tìm thấy.",
            f"a picture that is {whose} gave {code}",
        )


def _reports(lab: Lab, number: str | None, name: str) -> tuple[Patient, tuple[Report, ...]]:
    patient = lab.known_patient(lab.prepared(number, name))
    since = datetime.now(UTC) - _LONG_AGO
    return patient, lab.gateway.list_reports(patient.ref, since, limit=lab.limit()).items
