from __future__ import annotations

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from backend.app import create_app
from backend.services.resources import Resources
from tests.unit.backend.web.conftest import ApiCaller

PROBLEM_KEYS = {"type", "title", "status", "detail", "code", "message_key", "fields"}


def check(reply: Any, status: int, code: str) -> None:
    assert reply.status_code == status
    assert reply.content_type == "application/problem+json"
    body = json.loads(reply.get_data())
    assert body.keys() == PROBLEM_KEYS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:tiepdon:problem:{code}"


def test_what_is_not_there(kiosk: ApiCaller, client: FlaskClient) -> None:
    check(kiosk.get("/nothing"), 404, "address_not_found")
    check(client.get("/nothing"), 404, "address_not_found")
    check(client.post("/healthz"), 405, "method_not_allowed")
    check(kiosk.get("/help-calls/none"), 404, "help_call_not_found")


def test_a_body_is_measured_before_it_is_read(kiosk: ApiCaller) -> None:
    check(kiosk.post("/scans", {"payload_base64": "A" * 1_000_000}), 413, "body_too_large")


@pytest.mark.parametrize(
    ("data", "content_type", "status", "code"),
    [
        (b"a=1", "application/x-www-form-urlencoded", 415, "not_json"),
        (b"{", "application/json", 400, "bad_request"),
        (b"[" * 30_000, "application/json", 400, "bad_request"),
        (b'"text"', "application/json", 400, "bad_request"),
        (b"\xff\xfe", "application/json", 400, "bad_request"),
        (b"1" * 5000, "application/json", 400, "bad_request"),
        (b"{}", "application/json", 422, "validation_failed"),
    ],
)
def test_a_body_that_cannot_be_used(
    kiosk: ApiCaller, data: bytes, content_type: str, status: int, code: str
) -> None:
    reply = kiosk.client.post(
        "/api/v1/scans", headers=kiosk.headers, data=data, content_type=content_type
    )
    check(reply, status, code)


def test_a_change_is_read_as_strictly(staff: ApiCaller) -> None:
    for data, content_type, status, code in (
        (b"a=1", "application/x-www-form-urlencoded", 415, "not_json"),
        (b"{", "application/json", 400, "bad_request"),
        (b"[]", "application/json", 400, "bad_request"),
    ):
        reply = staff.client.put(
            "/api/v1/calling-words", headers=staff.headers, data=data, content_type=content_type
        )
        check(reply, status, code)


def test_an_invalid_request_names_places_and_no_values(kiosk: ApiCaller) -> None:
    reply = kiosk.post(
        "/kiosks/device-events",
        {"device": "secret-value", "state": "a\x00b", "secret-key": "x", "reason": 7},
    )
    check(reply, 422, "validation_failed")
    assert "secret" not in reply.get_data(as_text=True)
    assert reply.get_json()["fields"] == ["(unknown)", "device", "reason", "state"]


def test_a_body_in_chunks_is_measured_too(kiosk: ApiCaller) -> None:
    def send(length: int) -> TestResponse:
        return kiosk.client.post(
            "/api/v1/scans",
            headers=kiosk.headers,
            content_type="application/json",
            input_stream=io.BytesIO(b"{" + b" " * (length - 2) + b"}"),
            environ_overrides={"wsgi.input_terminated": True},
        )

    check(send(64 * 1024), 422, "validation_failed")
    check(send(64 * 1024 + 1), 413, "body_too_large")
    check(send(1_000_000), 413, "body_too_large")


def test_a_fault_shows_no_inside(
    resources: Resources, kiosk: ApiCaller, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    def fail() -> None:
        raise RuntimeError("079085000000 Nguyễn Văn Thử")

    monkeypatch.setattr(resources.catalogue, "get", fail)
    reply = kiosk.get("/kiosk")
    check(reply, 500, "internal")
    text_sent = reply.get_data(as_text=True)
    assert "079085" not in text_sent
    assert "Traceback" not in text_sent


def test_a_database_that_is_away_is_503(
    resources: Resources, kiosk: ApiCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kiosk.get("/kiosk").status_code == 200
    error = OperationalError("SELECT 1", {}, Exception("gone"))

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(resources.database.engine.pool, "connect", fail)
    check(kiosk.get("/help-calls"), 503, "storage_unavailable")
    check(kiosk.client.get("/readyz"), 503, "storage_unavailable")
    assert kiosk.client.get("/healthz").status_code == 200


def test_a_database_without_its_migrations_is_not_ready(
    resources: Resources, client: FlaskClient
) -> None:
    assert client.get("/readyz").status_code == 200
    with resources.database.write() as unit:
        unit.connection.execute(text("DELETE FROM alembic_version"))
    check(client.get("/readyz"), 503, "unavailable")


@pytest.mark.parametrize("path", ["/healthz", "/staff", "/t/x", "/api/v1/kiosk", "/docs"])
def test_every_reply_carries_the_headers_of_a_careful_server(
    client: FlaskClient, path: str
) -> None:
    headers = client.get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    script = policy.partition("script-src")[2].partition(";")[0]
    assert "unsafe" not in script


def test_the_app_carries_no_debug_doors(resources: Resources) -> None:
    app = create_app(resources)
    assert app.debug is False
    assert app.static_folder is None
