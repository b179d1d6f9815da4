"""What the FHIR client costs over a bare `requests` call: same server, same session settings, same run.

The server is a thread of this process that answers from memory, so that both sides pay the same for
it; what differs is checking, parsing, bounding and mapping.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from bench import Row
from his_adapter.fhir_r4.client import FhirClient
from his_adapter.fhir_r4.config import read_config
from his_adapter.fhir_r4.mapping.patients import patient, patient_resource
from his_adapter.models import BirthDate, Identifier, IdentifierKind, PatientDraft

BOUND_MS = 3.0
FACILITY = {"code": "99001", "name_vi": "Bệnh viện Mẫu"}


class Canned(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    answers: dict[str, bytes] = {}

    def do_GET(self) -> None:
        body = self.answers["one"]
        self.send_response(200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = self.answers["many"]
        self.send_response(200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


def run(*, quick: bool = False) -> list[Row]:
    rounds = 100 if quick else 1000
    config = read_config({"base_url": "http://127.0.0.1:1/fhir", "facility": FACILITY})
    draft = PatientDraft(
        full_name="Nguyễn Thị Thử Nghiệm",
        birth_date=BirthDate(year=1990, month=5, day=17),
        identifiers=(Identifier(kind=IdentifierKind.ID12, value="001190000001"),),
        phone="0900000001",
        address="12 Đường Ví Dụ, Phường Mẫu, Thành phố Giả Định",
    )
    person = {**patient_resource(config, draft, key="bench-0001"), "id": "p1"}
    people = [{"resource": {**person, "id": f"p{n}"}} for n in range(20)]
    Canned.answers = {
        "one": json.dumps(person).encode(),
        "many": json.dumps(
            {"resourceType": "Bundle", "type": "searchset", "entry": people}
        ).encode(),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/fhir"
    client = FhirClient(read_config({"base_url": url, "facility": FACILITY}))
    bare = requests.Session()
    bare.trust_env = False
    params = [("identifier", "s|001190000001"), ("_count", "51")]
    calls: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "read a patient": (
            lambda: patient(config, client.read("Patient", "p1")),
            lambda: bare.get(f"{url}/Patient/p1", timeout=5).content,
        ),
        "search, 20 patients": (
            lambda: [
                patient(config, item)
                for item in client.search("Patient", params[:1], limit=50).matches
            ],
            lambda: bare.post(f"{url}/Patient/_search", data=params, timeout=5).content,
        ),
    }
    rows = []
    for name, (ours, theirs) in calls.items():
        ours_ms, bare_ms = _side_by_side(ours, theirs, rounds)
        rows += [
            Row(
                name=f"{name}: over a bare call, median",
                value=ours_ms - bare_ms,
                unit="ms",
                goal=BOUND_MS,
                bound="at most",
                note=f"{ours_ms:.2f} ms and {bare_ms:.2f} ms",
            ),
            Row(name=f"{name}: times a bare call", value=ours_ms / bare_ms, unit="×"),
        ]
    client.close()
    bare.close()
    server.shutdown()
    server.server_close()
    return rows


def _side_by_side(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> tuple[float, float]:
    """Medians in ms, in turns, so that what disturbs the machine disturbs both."""
    spans: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 10):
        for call, taken in zip((ours, theirs), spans, strict=True):
            started = time.perf_counter()
            call()
            if turn >= 10:
                taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(spans[0]), statistics.median(spans[1])
