from __future__ import annotations

import contextlib
import json
import logging
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from kiosk_ui.errors import (
    ConfigRefused,
    CredentialRefused,
    GatewayError,
    ReplyUnreadable,
    ServerAway,
    ServerRefused,
)
from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.fake import SETTINGS, FakeGateway
from kiosk_ui.gateway.fleet_models import CommandResult, KioskReport
from kiosk_ui.gateway.http import HttpGateway, Times, checked_url
from kiosk_ui.gateway.models import HelpCallRequest, ScanRequest, TypedIdentity, VisitRequest
from tests.unit.kiosk_ui.gateway.server import Answer, Script, scripted_server

VISIT = FakeGateway().visit().model_dump(mode="json")
ENROLLED = Answer(status=201, body={"token": "t" * 40, "kiosk_id": "k1"})


@pytest.fixture
def server() -> Iterator[Script]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def stored(server: Script, tmp_path: Path) -> CredentialFile:
    credential = CredentialFile(tmp_path / "credential.json", server.url)
    credential.save("stored-token")
    return credential


@pytest.fixture
def gateway(server: Script, stored: CredentialFile) -> HttpGateway:
    return HttpGateway(server.url, credential=stored)


# --- addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["https://h.example", "http://127.0.0.1:8000/", "http://localhost", "http://[::1]:80"]
)
def test_addresses_that_are_safe(url: str) -> None:
    assert checked_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://hospital.example",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "file:///etc/passwd",
        "https://",
        "https://user@h.example",
        "https://h.example/?a=b",
        "http://[::1",
        "https://h.example:port",
        "",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ConfigRefused):
        checked_url(url)


# --- what is sent ---------------------------------------------------------------------------------------


def test_a_write_carries_credential_key_and_body(server: Script, gateway: HttpGateway) -> None:
    server.on("/api/v1/visits", Answer(status=201, body=VISIT))
    reply = gateway.start_visit(VisitRequest(scan_id="s1", service_id="x1"), key="key-00001")
    assert reply.number == "A001"
    [heard] = server.heard
    assert heard.headers["Authorization"] == "Bearer stored-token"
    assert heard.headers["Idempotency-Key"] == "key-00001"
    sent = json.loads(heard.body)
    assert (sent["scan_id"], sent["service_id"]) == ("s1", "x1")
    assert "doctor_id" not in sent


def test_nothing_of_a_person_is_in_an_address(server: Script, gateway: HttpGateway) -> None:
    server.on("/api/v1/scans", Answer(status=422, body={"status": 422, "code": "E_UNKNOWN"}))
    typed = TypedIdentity(number="079085000000", birth_date="1985-04-12")
    with pytest.raises(ServerRefused):
        gateway.scan(ScanRequest(typed=typed, source="typed"))
    assert server.heard[0].path == "/api/v1/scans"


def test_a_query_is_escaped(server: Script, gateway: HttpGateway) -> None:
    server.on("/api/v1/doctors", Answer(body={"items": [], "complete": True}))
    gateway.list_doctors("a&b=c d")
    assert server.heard[0].path == "/api/v1/doctors?service_id=a%26b%3Dc+d"


# --- answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=409, body={"status": 409, "code": "service_full"}), ServerRefused),
        (Answer(status=429, body={"status": 429, "code": "rate_limited"}), ServerRefused),
        (Answer(status=401, body={"status": 401, "code": "login_required"}), CredentialRefused),
        (Answer(status=500, body={"status": 500, "code": "internal"}), ServerAway),
        (Answer(status=503, body="not even an object"), ServerAway),
        (Answer(status=404, body="not even an object"), ReplyUnreadable),
        (Answer(status=200, body=["wrong shape"]), ReplyUnreadable),
        (Answer(status=200, body={**VISIT, "number": 7}), ReplyUnreadable),
        (Answer(status=200, body={**VISIT, "number": "A" * 5_000}), ReplyUnreadable),
        (Answer(status=302, headers={"Location": "/elsewhere"}), ReplyUnreadable),
    ],
)
def test_every_answer_is_a_value_or_one_of_our_errors(
    server: Script, gateway: HttpGateway, answer: Answer, error: type[GatewayError]
) -> None:
    server.on("/api/v1/visits", answer)
    with pytest.raises(error):
        gateway.start_visit(VisitRequest(scan_id="s1", service_id="x1"), key="key-00001")


def test_a_refusal_tells_its_code_only(server: Script, gateway: HttpGateway) -> None:
    problem = {
        "status": 409,
        "code": "service_full",
        "title": "title",
        "detail": "Nguyễn Văn Thử",
        "message_key": "service.full",
    }
    server.on("/api/v1/kiosk", Answer(status=409, body=problem))
    with pytest.raises(ServerRefused) as caught:
        gateway.get_settings()
    assert (caught.value.problem_code, caught.value.message_key) == ("service_full", "service.full")
    assert "Thử" not in repr(caught.value)


def test_values_of_a_reply_are_in_no_error_and_no_repr(
    server: Script, gateway: HttpGateway, caplog: pytest.LogCaptureFixture
) -> None:
    server.on("/api/v1/visits", Answer(body={**VISIT, "steps": "Nguyễn Văn Thử"}))
    with caplog.at_level(logging.DEBUG), pytest.raises(ReplyUnreadable) as caught:
        gateway.start_visit(VisitRequest(scan_id="s1", service_id="x1"), key="key-00001")
    shown = f"{caught.value!r} {caught.value.__cause__} {caplog.text}"
    assert "Thử" not in shown
    assert repr(FakeGateway().reply()) == "<ScanReply>"


def hang(seconds: float) -> Answer:
    def write(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)

    return Answer(write=write)


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(200):
            handler.wfile.write(b" " * 100)
            time.sleep(0.05)


def cut(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.connection.shutdown(socket.SHUT_RDWR)


def flood(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "9000000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(90):
            handler.wfile.write(b" " * 100_000)


def garbage(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x00\x01\x02\r\n\r\n")


@pytest.mark.parametrize("write", [drip, cut, flood, garbage])
def test_a_server_gone_mad_is_a_server_away(
    server: Script, stored: CredentialFile, write: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    gateway = HttpGateway(server.url, credential=stored, times=Times(connect_s=0.2, read_s=0.3))
    server.on("/api/v1/kiosk", Answer(write=write))
    begun = time.monotonic()
    with pytest.raises(ServerAway):
        gateway.get_settings()
    assert time.monotonic() - begun < 5


def test_a_silent_server_is_noticed_by_the_check_in_time(
    server: Script, gateway: HttpGateway
) -> None:
    server.on("/readyz", hang(6))
    begun = time.monotonic()
    with pytest.raises(ServerAway):
        gateway.check()
    assert time.monotonic() - begun < 5


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    gateway = HttpGateway(url, credential=CredentialFile(tmp_path / "c", url), enrol_code="CODE")
    for call in (gateway.check, gateway.get_settings):
        with pytest.raises(ServerAway):
            call()


def test_not_ready_is_away(server: Script, gateway: HttpGateway) -> None:
    server.on("/readyz", Answer(status=503, body={}), Answer(status=200, body={}))
    with pytest.raises(ServerAway):
        gateway.check()
    gateway.check()


# --- the credential ------------------------------------------------------------------------------------------


def settings_answer() -> Answer:
    return Answer(body=SETTINGS.model_dump(mode="json"))


def test_a_kiosk_without_a_credential_enrols_once(server: Script, tmp_path: Path) -> None:
    server.on("/api/v1/kiosks/enrol", ENROLLED)
    server.on("/api/v1/kiosk", settings_answer())
    credential = CredentialFile(tmp_path / "deep" / "credential.json", server.url)
    gateway = HttpGateway(server.url, credential=credential, enrol_code="CODE", name="K1")
    threads = [threading.Thread(target=gateway.get_settings) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    enrolments = [heard for heard in server.heard if heard.path.endswith("/enrol")]
    assert [json.loads(heard.body) for heard in enrolments] == [{"code": "CODE", "name": "K1"}]
    assert credential.find() == "t" * 40
    assert stat.S_IMODE(credential.path.stat().st_mode) == 0o600


def test_a_refused_code_is_not_tried_again(server: Script, tmp_path: Path) -> None:
    server.on(
        "/api/v1/kiosks/enrol",
        Answer(status=403, body={"status": 403, "code": "enrolment_refused"}),
    )
    credential = CredentialFile(tmp_path / "credential.json", server.url)
    gateway = HttpGateway(server.url, credential=credential, enrol_code="OLD")
    for _ in range(3):
        with pytest.raises(CredentialRefused):
            gateway.get_settings()
    assert len(server.heard) == 1
    assert credential.find() is None


def test_a_revoked_credential_is_replaced_when_there_is_a_code(
    server: Script, stored: CredentialFile
) -> None:
    refused = Answer(status=401, body={"status": 401, "code": "login_required"})
    server.on("/api/v1/kiosk", refused, settings_answer())
    server.on("/api/v1/kiosks/enrol", ENROLLED)
    gateway = HttpGateway(server.url, credential=stored, enrol_code="CODE")
    assert gateway.get_settings().kiosk_id == "kiosk-1"
    assert stored.find() == "t" * 40


def test_the_credential_of_another_server_is_not_sent(
    server: Script, stored: CredentialFile
) -> None:
    other = CredentialFile(stored.path, "https://elsewhere.example")
    assert other.find() is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"server": "x"}', "\x00"])
def test_a_damaged_credential_file_is_no_credential(tmp_path: Path, content: str) -> None:
    path = tmp_path / "credential.json"
    path.write_text(content)
    assert CredentialFile(path, "x").find() is None


def test_a_disk_that_takes_no_credential_does_not_stop_the_kiosk(
    server: Script, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    server.on("/api/v1/kiosks/enrol", ENROLLED)
    server.on("/api/v1/kiosk", settings_answer())
    credential = CredentialFile(tmp_path / "file" / "credential.json", server.url)
    gateway = HttpGateway(server.url, credential=credential, enrol_code="CODE")
    assert gateway.get_settings().kiosk_id == "kiosk-1"


def test_help_is_posted_and_asked_after(server: Script, gateway: HttpGateway) -> None:
    call = {"id": "h1", "kind": "help", "state": "waiting", "acknowledged_at": None}
    server.on("/api/v1/help-calls", Answer(status=201, body=call))
    server.on("/api/v1/help-calls/h1", Answer(body={**call, "state": "acknowledged"}))
    made = gateway.call_for_help(HelpCallRequest(kind="help", screen="scan"), key="key-00001")
    assert gateway.get_help_call(made.id).state == "acknowledged"


REPORT = KioskReport(
    version="1",
    started_at=datetime(2026, 11, 23, 1, 0, tzinfo=UTC),
    clock=datetime(2026, 11, 23, 2, 0, tzinfo=UTC),
    machine="0123456789abcdef0123456789abcdef",
)


def test_a_beat_carries_its_report_and_what_is_unknown_is_left_out(
    server: Script, gateway: HttpGateway
) -> None:
    server.on("/api/v1/kiosks/heartbeat", Answer(body={"profile": "fees", "commands": []}))
    gateway.beat(REPORT)
    gateway.beat()
    whole, bare = server.heard[-2:]
    told = json.loads(whole.body)
    assert told["machine"] == REPORT.machine
    assert "temperature_c" not in told
    assert bare.body == b""


def test_orders_are_read_and_answered(server: Script, gateway: HttpGateway) -> None:
    order = {"id": "c/1", "kind": "restart", "expires_at": "2026-11-23T02:00:00Z"}
    server.on(
        "/api/v1/kiosks/heartbeat",
        Answer(body={"profile": "fees", "out_of_service": None, "commands": [order]}),
    )
    orders = gateway.beat()
    assert (orders.profile, orders.out_of_service) == ("fees", None)
    [command] = orders.commands
    server.on("/api/v1/kiosk/commands/c%2F1/result", Answer(status=204))
    gateway.tell_command(command.id, CommandResult(state="refused", reason="visit_open"))
    assert json.loads(server.heard[-1].body) == {"state": "refused", "reason": "visit_open"}


def test_what_only_a_newer_server_orders_is_read_with_the_rest(
    server: Script, gateway: HttpGateway
) -> None:
    words = {"vi": "Máy đang bảo trì.", "en": "Under repair."}
    order = {"id": "c1", "kind": "dance", "expires_at": "2026-11-23T02:00:00Z"}
    server.on(
        "/api/v1/kiosks/heartbeat",
        Answer(body={"profile": "roof", "out_of_service": words, "commands": [order]}),
    )
    orders = gateway.beat()
    assert orders.profile == "roof"
    assert orders.out_of_service is not None
    assert [command.kind for command in orders.commands] == ["dance"]


def test_a_server_too_old_for_orders_answers_a_beat_with_nothing(
    server: Script, gateway: HttpGateway
) -> None:
    server.on("/api/v1/kiosks/heartbeat", Answer(status=204))
    orders = gateway.beat()
    assert (orders.out_of_service, orders.commands) == (None, [])


def test_only_401_means_that_the_kiosk_is_not_enrolled(
    server: Script, gateway: HttpGateway
) -> None:
    server.on("/api/v1/kiosk", Answer(status=403, body={"status": 403, "code": "not_allowed"}))
    with pytest.raises(ServerRefused):
        gateway.get_settings()
    server.on("/api/v1/kiosk", Answer(status=401, body={"status": 401, "code": "unauthorized"}))
    with pytest.raises(CredentialRefused):
        gateway.get_settings()


def test_a_server_that_knows_no_orders_refuses_them(gateway: HttpGateway) -> None:
    with pytest.raises(ServerRefused):
        gateway.beat()
