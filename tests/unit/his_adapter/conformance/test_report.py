from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from his_adapter.conformance.case import CASES, Reason, Status
from his_adapter.conformance.kit import CaseResult, Outcome
from his_adapter.conformance.recording import PortCall
from his_adapter.conformance.report import SignatureInvalid, check_signature, write_reports
from his_adapter.models import Capabilities, Facility, Feature


def outcome() -> Outcome:
    facility = Facility(code="99001", name_vi="Thử", name_en="Test", hotline="")
    failed = CaseResult(
        case=CASES["C08"],
        status=Status.FAILED,
        reason=Reason(vi="HIS nhận <b>bản cũ</b>.", en="took an old version"),
        seconds=0.1,
        notes=("a note",),
        calls=(PortCall(method="read_patient", duration_ms=1.5, outcome="ok", key=None),),
    )
    return Outcome(
        capabilities=Capabilities(
            features=frozenset({Feature.CHECK_IN}),
            facility=facility,
            max_limit=500,
            adapter="some",
            adapter_version="1",
            his_version="2",
        ),
        results=(failed,),
        level=None,
        speed=60,
        started_at=datetime(2026, 1, 5, tzinfo=UTC),
        seconds=1,
        has_wire=True,
        counted="count_patients() told 3",
        kit_version="0.1.0",
    )


def test_the_page_tells_the_cause_in_both_languages_and_stands_alone(tmp_path: Path) -> None:
    write_reports(outcome(), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for words in ("Chưa đạt mức nào", "No level reached", "took an old version", "60"):
        assert words in page
    assert "&lt;b&gt;bản cũ" in page
    assert "src=" not in page
    assert "http" not in page
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (report["cases"][0]["status"], report["full_clock"]) == ("failed", False)


def test_a_signature_fits_its_report_only(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "vendor.pem", tmp_path / "vendor.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    write_reports(outcome(), tmp_path, signing_key=private)
    check_signature(tmp_path, public)
    file = tmp_path / "report.json"
    file.write_text(file.read_text(encoding="utf-8").replace("failed", "passed"), encoding="utf-8")
    with pytest.raises(SignatureInvalid):
        check_signature(tmp_path, public)
