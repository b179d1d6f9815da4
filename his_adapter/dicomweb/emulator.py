"""A small archive on loopback that answers as Orthanc 1.10 with its DICOMweb plugin does.

For tests; everything in it is invented. Like the real one it refuses a percent sign for the comma
of a viewport and a list of fields in one parameter, gives `[]` for nothing found, and cannot tell
what is released. A real Orthanc listens on every address, so it is no part of the tests.
"""

from __future__ import annotations

import base64
import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from his_adapter.demo.records import shadow_png
from his_adapter.errors import GatewayMisconfigured

_STUDY_KEYS = {
    "PatientID": "00100020",
    "AccessionNumber": "00080050",
    "StudyInstanceUID": "0020000D",
}
_ALWAYS = (
    "00080020",
    "00080030",
    "00080050",
    "00080061",
    "00100020",
    "0020000D",
    "00201206",
    "00201208",
)
_PATH = re.compile(
    r"/dicom-web/studies(?:/([0-9.]+)/series(?:/([0-9.]+)/instances(?:/([0-9.]+)/rendered)?)?)?"
)


@dataclass(kw_only=True)
class StoredSeries:
    uid: str
    number: int
    modality: str = "CR"
    instances: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class StoredStudy:
    uid: str
    patient_id: str
    accession: str
    date: str
    time: str = "083000"
    title: str = ""
    series: list[StoredSeries] = field(default_factory=list)

    def dataset(self, extra: set[str]) -> dict[str, Any]:
        values: dict[str, Any] = {
            "00080020": self.date,
            "00080030": self.time,
            "00080050": self.accession,
            "00080061": sorted({item.modality for item in self.series}),
            "00081030": self.title,
            "00100020": self.patient_id,
            "0020000D": self.uid,
            "00201206": len(self.series),
            "00201208": sum(len(item.instances) for item in self.series),
        }
        shown = {tag: values[tag] for tag in (*_ALWAYS, *extra) if tag in values}
        return {tag: _element(value) for tag, value in shown.items() if value not in ("", [])}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What is answered instead, to every question or to those whose path ends so."""

    status: int = 200
    content_type: str = "application/dicom+json"
    body: bytes = b""
    only: str = ""


class DicomwebEmulator:
    """`with DicomwebEmulator(studies) as archive:` … `archive.base_url`."""

    def __init__(
        self, studies: list[StoredStudy], *, login: tuple[str, str] = ("kiosk", "invented")
    ) -> None:
        if os.environ.get("TIEPDON_ENV") == "production":
            raise GatewayMisconfigured("the emulated archive refuses to run in production")
        self.studies = studies
        self.trouble: Trouble | None = None
        self.overlooks_conditions = False
        """Gives every study, whatever was asked for."""
        self.asked: list[str] = []
        self._login = "Basic " + base64.b64encode(":".join(login).encode()).decode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/dicom-web"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, target: str, login: str) -> tuple[int, str, bytes]:
        """Status, media type and body."""
        self.asked.append(target)
        parts = urlsplit(target)
        if login != self._login:
            return 401, "text/plain", b""
        if self.trouble is not None and parts.path.endswith(self.trouble.only):
            return self.trouble.status, self.trouble.content_type, self.trouble.body
        match = _PATH.fullmatch(parts.path)
        if match is None:
            return 404, "application/json", b'{"Message":"Unknown resource"}'
        study_uid, series_uid, instance_uid = match.groups()
        query = parse_qsl(parts.query)
        if study_uid is None:
            return self._found(query)
        series = [item for study in self.studies if study.uid == study_uid for item in study.series]
        if series_uid is None:
            return _json([_series_dataset(item) for item in series])
        instances = [uid for item in series if item.uid == series_uid for uid in item.instances]
        if instance_uid is None:
            return _json([_instance_dataset(uid, n) for n, uid in enumerate(instances, start=1)])
        if instance_uid not in instances:
            return 404, "application/json", b'{"Message":"Unknown resource"}'
        viewport = parts.query.partition("viewport=")[2]
        if viewport and re.fullmatch(r"[0-9]+,[0-9]+", viewport) is None:
            return 400, "application/json", b'{"Message":"Parameter out of range"}'
        return 200, "image/png", shadow_png()

    def _found(self, query: list[tuple[str, str]]) -> tuple[int, str, bytes]:
        if any("," in value for name, value in query if name == "includefield"):
            return 400, "application/json", b'{"Message":"Unknown DICOM tag"}'
        extra = {value for name, value in query if name == "includefield"}
        asked = dict(query)
        found = [
            study.dataset(extra)
            for study in self.studies
            if self.overlooks_conditions or _fits(study, asked)
        ]
        return _json(found[: int(asked.get("limit", "1000"))])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        emulator = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, kind, body = emulator.answer(
                    self.path, self.headers.get("Authorization", "")
                )
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Paths hold patient numbers."""

        return Handler


def _fits(study: StoredStudy, asked: dict[str, str]) -> bool:
    dataset = study.dataset(set())
    for name, tag in _STUDY_KEYS.items():
        if name in asked and dataset.get(tag, {}).get("Value") != [asked[name]]:
            return False
    start, _, end = asked.get("StudyDate", "-").partition("-")
    return (not start or study.date >= start) and (not end or study.date <= end)


def _series_dataset(series: StoredSeries) -> dict[str, Any]:
    values = {"00080060": series.modality, "0020000E": series.uid, "00200011": series.number}
    return {tag: _element(value) for tag, value in values.items()}


def _instance_dataset(uid: str, number: int) -> dict[str, Any]:
    return {"00080018": _element(uid), "00200013": _element(number)}


def _element(value: Any) -> dict[str, Any]:
    values: Iterator[Any] | list[Any] = value if isinstance(value, list) else [value]
    return {"vr": "IS" if isinstance(value, int) else "LO", "Value": list(values)}


def _json(document: object) -> tuple[int, str, bytes]:
    return 200, "application/dicom+json", json.dumps(document).encode()
