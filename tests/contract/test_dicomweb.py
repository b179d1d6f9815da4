"""Pictures of an archive: what the port promises about results, against an emulated Orthanc."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from his_adapter.dicomweb.emulator import DicomwebEmulator, StoredSeries, StoredStudy, Trouble
from his_adapter.dicomweb.gateway import open_gateway
from his_adapter.errors import (
    BrokenReply,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    InvalidData,
    LoginFailed,
    NotFound,
    NotSupported,
    Throttled,
    Unavailable,
)
from his_adapter.events import HisEvent
from his_adapter.models import (
    Feature,
    HealthState,
    PartKind,
    Ref,
    ReportKind,
    ReportStatus,
)
from his_adapter.ports import HisGateway

PATIENT = Ref("BN00000001")
SINCE = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)


def studies() -> list[StoredStudy]:
    return [
        StoredStudy(
            uid="1.2.1",
            patient_id="BN00000001",
            accession="HA26010500001",
            date="20260105",
            title="X-quang ngu\u031b\u0323c",
            series=[
                StoredSeries(uid="1.2.1.2", number=2, instances=["1.2.1.2.1"]),
                StoredSeries(uid="1.2.1.1", number=1, instances=["1.9.1", "1.9.2", "1.9.3"]),
                StoredSeries(uid="1.2.1.3", number=3, modality="SR", instances=["1.9.4"]),
            ],
        ),
        StoredStudy(
            uid="1.2.2",
            patient_id="BN00000001",
            accession="HA26010500002",
            date="20260106",
            series=[StoredSeries(uid="1.2.2.1", number=1, modality="CT", instances=["1.9.5"])],
        ),
        StoredStudy(uid="1.2.3", patient_id="BN00000002", accession="HA3", date="20260106"),
        StoredStudy(uid="1.2.4", patient_id="BN000000011", accession="HA4", date="20260106"),
    ]


@pytest.fixture
def archive() -> Iterator[DicomwebEmulator]:
    with DicomwebEmulator(studies()) as running:
        yield running


def settings(archive: DicomwebEmulator, folder: Path, password: str = "invented") -> dict[str, Any]:
    secret = folder / "password"
    secret.write_text(f"{password}\n")
    return {
        "base_url": archive.base_url,
        "username": "kiosk",
        "password_file": str(secret),
        "read_timeout_s": 1,
    }


@pytest.fixture
def his(archive: DicomwebEmulator, tmp_path: Path) -> Iterator[HisGateway]:
    gateway = open_gateway(settings(archive, tmp_path))
    yield gateway
    gateway.close()


def test_it_declares_results_and_nothing_else(his: HisGateway) -> None:
    assert his.capabilities().features == {Feature.LIST_REPORTS, Feature.READ_REPORT_PART}
    assert his.health().state is HealthState.OK
    with pytest.raises(NotSupported):
        his.read_patient(PATIENT)


def test_studies_of_a_patient_the_latest_first(his: HisGateway) -> None:
    page = his.list_reports(PATIENT, SINCE)
    assert page.complete
    latest, first = page.items
    assert (latest.ref, latest.title_vi) == ("1.2.2", "Cắt lớp vi tính")
    assert (first.ref, first.patient, first.order, first.status) == (
        "1.2.1",
        PATIENT,
        "HA26010500001",
        ReportStatus.FINAL,
    )
    assert first.title_vi == "X-quang ngực"
    assert first.issued_at == datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
    assert [(part.name, part.kind) for part in first.parts] == [
        ("image-1", PartKind.IMAGE),
        ("image-2", PartKind.IMAGE),
    ]


def test_since_kinds_and_limits(his: HisGateway) -> None:
    assert len(his.list_reports(PATIENT, SINCE + timedelta(hours=2)).items) == 1
    assert his.list_reports(PATIENT, SINCE, kinds=frozenset({ReportKind.LABORATORY})).items == ()
    page = his.list_reports(PATIENT, SINCE, limit=1)
    assert (len(page.items), page.complete) == (1, False)
    assert his.list_reports(Ref("BN99999999"), SINCE).items == ()
    with pytest.raises(InvalidData):
        his.list_reports(PATIENT, datetime(2026, 1, 5))


def test_the_middle_picture_of_a_series(his: HisGateway, archive: DicomwebEmulator) -> None:
    for ref in (Ref("1.2.1"), Ref("accession:HA26010500001")):
        picture = his.read_report_part(ref, "image-1", patient=PATIENT)
        assert picture.media_type == "image/png"
        assert picture.body.startswith(b"\x89PNG")
        assert "/series/1.2.1.1/instances/1.9.2/rendered" in archive.asked[-1]


@pytest.mark.parametrize(
    ("ref", "part", "patient"),
    [
        ("1.2.1", "image-1", "BN00000002"),
        ("1.2.3", "image-1", "BN00000001"),
        ("1.2.99", "image-1", "BN00000001"),
        ("accession:UNKNOWN", "image-1", "BN00000001"),
        ("accession:HA3", "image-1", "BN00000001"),
        ("accession:*", "image-1", "BN00000001"),
        ("1.2.1", "image-1", "*"),
        ("1.2.1", "image-1", "BN0000000?"),
        ("1.2.1", "image-1", "é"),
        ("1.2.1", "image-3", "BN00000001"),
        ("1.2.1", "image-0", "BN00000001"),
        ("1.2.1", "pdf", "BN00000001"),
        ("1.2.1/../1.2.3", "image-1", "BN00000001"),
        ("", "image-1", "BN00000001"),
    ],
)
def test_what_is_not_this_patients_is_not_found(
    his: HisGateway, ref: str, part: str, patient: str
) -> None:
    with pytest.raises(NotFound):
        his.read_report_part(Ref(ref), part, patient=Ref(patient))


def test_an_archive_that_overlooks_conditions(his: HisGateway, archive: DicomwebEmulator) -> None:
    archive.overlooks_conditions = True
    with pytest.raises(BrokenReply):
        his.list_reports(PATIENT, SINCE)
    with pytest.raises(NotFound):
        his.read_report_part(Ref("1.2.3"), "image-1", patient=PATIENT)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Trouble(content_type="text/html", body=b"<html>Xin loi</html>"), BrokenReply),
        (Trouble(body=b'[{"0020000D": {"Value": ["1.2'), BrokenReply),
        (Trouble(body=b"[" * 100_000), BrokenReply),
        (Trouble(body=b"x" * 10_000_001), BrokenReply),
        (Trouble(body=b'{"a": 1}'), BrokenReply),
        (Trouble(body=b"[1]"), BrokenReply),
        (Trouble(body=b"\xff\xfe"), BrokenReply),
        (
            Trouble(body=json.dumps([{"00100020": "BN00000001", "00080020": 5}]).encode()),
            BrokenReply,
        ),
        (Trouble(status=302), BrokenReply),
        (Trouble(status=400), BrokenReply),
        (Trouble(status=403), Forbidden),
        (Trouble(status=429), Throttled),
        (Trouble(status=503), Unavailable),
    ],
)
def test_bad_answers(
    his: HisGateway, archive: DicomwebEmulator, trouble: Trouble, error: type[HisError]
) -> None:
    archive.trouble = trouble
    with pytest.raises(error) as caught:
        his.list_reports(PATIENT, SINCE)
    assert PATIENT not in str(caught.value)


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(content_type="image/svg+xml", body=b"<svg/>", only="/rendered"),
        Trouble(content_type="image/png", body=b"GIF89a", only="/rendered"),
        Trouble(content_type="image/jpeg", body=b"\xff\xd8\xff" + b"x" * 10**7, only="/rendered"),
        Trouble(content_type="multipart/related", body=b"--x", only="/rendered"),
    ],
)
def test_pictures_that_are_none(
    his: HisGateway, archive: DicomwebEmulator, trouble: Trouble
) -> None:
    archive.trouble = trouble
    with pytest.raises(BrokenReply):
        his.read_report_part(Ref("1.2.1"), "image-1", patient=PATIENT)


def test_no_content_is_an_empty_list(his: HisGateway, archive: DicomwebEmulator) -> None:
    archive.trouble = Trouble(status=204)
    assert his.list_reports(PATIENT, SINCE).items == ()


def test_a_wrong_password(archive: DicomwebEmulator, tmp_path: Path) -> None:
    gateway = open_gateway(settings(archive, tmp_path, password="other"))
    with pytest.raises(LoginFailed):
        gateway.list_reports(PATIENT, SINCE)
    assert gateway.health().state is HealthState.DOWN
    gateway.close()


def test_an_archive_that_is_gone_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with DicomwebEmulator(studies()) as archive:
        gateway = open_gateway(settings(archive, tmp_path))
        gateway.list_reports(PATIENT, SINCE)
    gateway.close()  # the kept connections go with the archive
    for _ in range(2):
        with pytest.raises(Unavailable):
            gateway.list_reports(PATIENT, SINCE)
    told = [record for record in caplog.records if record.name.startswith("his_adapter")]
    assert [record.msg for record in told] == [HisEvent.HIS_LOST]
    assert PATIENT not in caplog.text
    gateway.close()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"base_url": "http://pacs.benhvien.example/dicom-web"}, "https"),
        ({"base_url": "https://u:p@pacs.example/dicom-web"}, "without password"),
        ({"password_file": None}, "go together"),
        ({"token_file": "/nowhere"}, "either"),
        ({"password_file": "/nowhere/at/all"}, "cannot be read"),
        ({"ca_file": "/nowhere/at/all"}, "ca_file"),
        ({"timezone": "Asia/Nowhere"}, "timezone"),
        ({"colour": 1}, "colour"),
    ],
)
def test_settings_are_checked(
    archive: DicomwebEmulator, tmp_path: Path, change: dict[str, Any], place: str
) -> None:
    with pytest.raises(GatewayMisconfigured, match=place):
        open_gateway({**settings(archive, tmp_path), **change})


def test_no_archive_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(GatewayMisconfigured):
        DicomwebEmulator([])
