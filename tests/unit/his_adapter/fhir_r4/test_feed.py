"""Following the HIS: nothing left out, little told twice, a fresh start when it was too long."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from his_adapter.fhir_r4.config import read_config
from his_adapter.fhir_r4.gateway import FhirGateway
from his_adapter.models import ChangeKind
from tests.unit.his_adapter.fhir_r4.hostile import HostileServer, Request, bundle, reply

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


class Hospital:
    """Answers searches by `_lastUpdated`, as many as it is asked for."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.now = NOW

    def touch(self, kind: str, ref: str, at: datetime, version: str = "1") -> None:
        stamp = at.isoformat()
        self.records.append(
            {
                "resourceType": kind,
                "id": ref,
                "meta": {"versionId": version, "lastUpdated": stamp},
                "subject": {"reference": "Patient/p1"},
            }
        )

    def __call__(self, request: Request) -> bytes:
        date = {"Date": f"{self.now:%a, %d %b %Y %H:%M:%S} GMT"}
        if "metadata" in request.line:
            statement = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
            return reply(statement, headers=date)
        kind = request.line.split("/")[2]
        form = parse_qs(request.body.decode())
        since = datetime.fromisoformat(form["_lastUpdated"][0].removeprefix("ge"))
        found = [
            record
            for record in self.records
            if record["resourceType"] == kind
            and datetime.fromisoformat(record["meta"]["lastUpdated"]) >= since
        ]
        found.sort(key=lambda record: record["meta"]["lastUpdated"])
        return reply(bundle(*found[: int(form["_count"][0])]), headers=date)


@pytest.fixture
def hospital() -> Hospital:
    return Hospital()


@pytest.fixture
def his(hospital: Hospital) -> Iterator[FhirGateway]:
    with HostileServer(hospital) as server:
        settings = {
            "base_url": server.base_url,
            "facility": {"code": "99001", "name_vi": "Bệnh viện Mẫu"},
        }
        gateway = FhirGateway(read_config(settings), clock=lambda: NOW)
        yield gateway
        gateway.close()


def follow(his: FhirGateway, cursor: str, limit: int) -> tuple[list[str], str]:
    told: list[str] = []
    for _ in range(2000):
        page = his.changes(cursor, limit=limit)
        assert not page.reset
        told += [change.ref for change in page.changes]
        cursor = page.cursor
        if page.complete:
            return told, cursor
    raise AssertionError("without end")


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_a_crowd_at_one_moment_is_told_whole_and_once(
    his: FhirGateway, hospital: Hospital, limit: int
) -> None:
    cursor = his.changes(None).cursor
    for number in range(40):
        hospital.touch("Patient", f"p{number}", NOW)
        hospital.touch("Encounter", f"e{number}", NOW + timedelta(seconds=number % 3))
    told, cursor = follow(his, cursor, limit)
    assert sorted(told) == sorted(r["id"] for r in hospital.records)
    assert follow(his, cursor, limit)[0] == []


def test_what_shows_late_is_told(his: FhirGateway, hospital: Hospital) -> None:
    cursor = his.changes(None).cursor
    hospital.touch("ServiceRequest", "o1", NOW + timedelta(seconds=8))
    told, cursor = follow(his, cursor, 50)
    hospital.touch("ServiceRequest", "o2", NOW + timedelta(seconds=1))  # stamped before, seen after
    assert (told, follow(his, cursor, 50)[0]) == (["o1"], ["o2"])


def test_each_version_is_told(his: FhirGateway, hospital: Hospital) -> None:
    cursor = his.changes(None).cursor
    hospital.touch("DiagnosticReport", "r1", NOW, "1")
    told, cursor = follow(his, cursor, 50)
    hospital.records.clear()
    hospital.touch("DiagnosticReport", "r1", NOW + timedelta(milliseconds=3), "2")
    page = his.changes(cursor)
    assert (told, [(c.kind, c.ref, c.patient) for c in page.changes]) == (
        ["r1"],
        [(ChangeKind.REPORT, "r1", "p1")],
    )


def test_the_clock_of_the_his_counts(his: FhirGateway, hospital: Hospital) -> None:
    hospital.now = NOW - timedelta(minutes=30)
    cursor = his.changes(None).cursor
    hospital.touch("Patient", "p1", hospital.now + timedelta(seconds=5))
    assert follow(his, cursor, 50)[0] == ["p1"]


def test_away_too_long_means_read_all_again(his: FhirGateway, hospital: Hospital) -> None:
    hospital.now = NOW - timedelta(days=8)
    old = his.changes(None).cursor
    hospital.now = NOW
    page = his.changes(old)
    assert page.reset
    assert not his.changes(page.cursor).reset


def test_a_cursor_made_by_somebody_else_is_refused(his: FhirGateway) -> None:
    def packed(document: object) -> str:
        return base64.urlsafe_b64encode(zlib.compress(json.dumps(document).encode())).decode()

    for document in (
        None,
        [],
        {"v": 2, "since": NOW.isoformat(), "told": []},
        {"v": 1, "since": "2026-01-05T02:00:00", "told": []},
        {"v": 1, "since": NOW.isoformat(), "told": [[1]]},
        {"v": 1, "since": NOW.isoformat(), "told": [[10**30, "x"]]},
        "x" * 2_000_000,
    ):
        assert his.changes(packed(document)).reset
