"""A whole check-in, and nothing of the person in what the server wrote to its log."""

from __future__ import annotations

import json
import logging

import pytest

from backend.domain.ids import new_token
from backend.logging import JsonLines, set_up_logging
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import cccd2021
from tests.unit.backend.web.conftest import ApiCaller

SECRETS = ("Nguyễn", "Thử", "079085", "000000", "1985", "0900", "LH0000", "BN0000", "credential")


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def test_no_name_number_or_payload_is_logged(
    kiosk: ApiCaller,
    staff: ApiCaller,
    hospital: Hospital,
    his: ScriptedHis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = Lines()
    loggers = [logging.getLogger(name) for name in ("", "tiepdon")]
    for logger in loggers:
        logger.addHandler(lines)
        monkeypatch.setattr(logger, "level", logging.DEBUG)
    try:
        his.add_patient()
        behalf = {"relation": "child", "phone": "0900 000 000"}
        scan = kiosk.scan(cccd2021(), on_behalf=behalf).json
        body = {"scan_id": scan["scan_id"], "service_id": hospital.services["NOI"]}
        visit = kiosk.post("/visits", body).json
        job = {"job_id": "job-1", "state": "failed", "reason": "paper_end"}
        assert kiosk.post(f"/visits/{visit['id']}/print-state", job).status_code == 200
        kiosk.scan(visit["ticket"]["qr"].encode())
        kiosk.type_number("079085000000", "1985-09-05")
        kiosk.scan(cccd2021()[:30])
        kiosk.post("/help-calls", {"kind": "help", "screen": "scan", "visit_id": visit["id"]})
        kiosk.client.get(f"/t/{visit['ticket']['qr']}")
        his.down = True
        kiosk.scan(cccd2021())

        def break_down(*_: object) -> None:
            raise RuntimeError("could not read 079085000000|Nguyễn Văn Thử")

        monkeypatch.setattr("backend.services.identify_patient.facts_of_card", break_down)
        assert kiosk.scan(cccd2021()).status_code == 500
    finally:
        for logger in loggers:
            logger.removeHandler(lines)
    text = "\n".join(lines.lines)
    assert "request_failed" in text
    assert all(json.loads(line)["event"] for line in lines.lines)
    assert not [secret for secret in SECRETS if secret in text]
    assert visit["ticket"]["qr"] not in text


def test_a_fault_is_logged_with_the_place_and_without_its_text(
    kiosk: ApiCaller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging()
    try:

        def break_down(*_: object) -> None:
            raise RuntimeError("079085000000")

        monkeypatch.setattr(
            "backend.services.identify_patient.parse", lambda *_, **__: break_down()
        )
        kiosk.scan(b"x")
    finally:
        logging.getLogger("tiepdon").handlers = []
        logging.getLogger("tiepdon").propagate = True
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert line["event"] == "request_failed"
    assert line["level"] == "error"
    assert line["error"] == "RuntimeError"
    assert line["route"] == "/api/v1/scans"
    assert "break_down" in line["where"]
    assert "079085" not in str(line)


def test_a_token_in_an_address_is_not_logged(
    kiosk: ApiCaller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("backend.web.phone_page.load_phone", break_down)
    token = new_token()
    kiosk.client.get(f"/t/{token}")
    assert token not in caplog.text
