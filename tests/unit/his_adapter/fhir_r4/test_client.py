"""The wire with a server that is broken, hostile, slow or gone."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import ECKey

from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    InvalidData,
    LoginFailed,
    MultipleMatches,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    Throttled,
    Unavailable,
    VersionConflict,
)
from his_adapter.fhir_r4.client import FhirClient
from his_adapter.fhir_r4.config import read_config
from tests.unit.his_adapter.fhir_r4.hostile import (
    HostileServer,
    Request,
    Respond,
    bundle,
    outcome,
    reply,
)

PATIENT = {"resourceType": "Patient", "id": "p1", "meta": {"versionId": "3"}}
FACILITY = {"code": "99001", "name_vi": "Bệnh viện Mẫu"}


@contextmanager
def connected(respond: Respond, **settings: Any) -> Iterator[tuple[FhirClient, HostileServer]]:
    with HostileServer(respond) as server:
        config = {"base_url": server.base_url, "facility": FACILITY, **settings}
        client = FhirClient(read_config(config))
        yield client, server
        client.close()


BROKEN = {
    "HTML with status 200": reply(b"<html>login</html>", content_type="text/html"),
    "truncated JSON": reply(b'{"resourceType":"Patient","id":"p1"'),
    "not JSON": reply(b"\x00\xff\xfe garbage"),
    "no content type": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "wrong content type": reply(PATIENT, content_type="application/xml"),
    "a list": reply(b"[]"),
    "a number": reply(b"1"),
    "not a number": reply(b'{"resourceType":"Patient","id":NaN}'),
    "too deep": reply(b"[" * 200_000),
    "too large": reply(b'{"x":"' + b"a" * 10_000_001 + b'"}'),
    "another record": reply({**PATIENT, "id": "p2"}),
    "another kind": reply({**PATIENT, "resourceType": "Person"}),
    "a redirect": reply(b"", status=302, headers={"Location": "https://elsewhere.example.vn/"}),
    "a teapot": reply(b"", status=418),
    "a packed giant": reply(
        gzip.compress(b'{"x":"' + b"a" * 50_000_000 + b'"}'),
        headers={"Content-Encoding": "gzip"},
    ),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_reply_that_breaks_the_contract_is_a_broken_reply(answer: bytes) -> None:
    with connected(lambda _: answer) as (client, _), pytest.raises(BrokenReply) as caught:
        client.read("Patient", "p1")
    assert "login" not in str(caught.value)


@pytest.mark.parametrize("length", [0, 40])
def test_a_reply_that_ends_too_early(length: int) -> None:
    whole = reply(PATIENT)

    def half(request: Request) -> None:
        request.send(whole[:length] if not length else whole[: whole.index(b"{") + 5])

    with connected(half) as (client, _), pytest.raises((Unavailable, BrokenReply)):
        client.read("Patient", "p1")


def test_a_write_that_is_not_answered_has_an_unknown_outcome() -> None:
    with connected(lambda _: None) as (client, server), pytest.raises(OutcomeUnknown) as caught:
        client.create({"resourceType": "Patient"}, key="key-0000001")
    assert caught.value.key == "key-0000001"
    assert len(server.requests) == 1  # never sent a second time


def test_a_read_on_a_connection_that_was_closed_meanwhile_is_tried_once_more() -> None:
    answers = iter([None, reply(PATIENT)])
    with connected(lambda _: next(answers)) as (client, _):
        assert client.read("Patient", "p1") == PATIENT


def test_nobody_listens() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{busy.getsockname()[1]}/fhir"
        client = FhirClient(read_config({"base_url": url, "facility": FACILITY}))
        for call in (
            lambda: client.read("Patient", "p1"),
            lambda: client.create({"resourceType": "Patient"}, key="key-0000001"),
        ):
            with pytest.raises(Unavailable):  # nothing was sent: safe to try again
                call()
        client.close()


def test_one_drop_at_a_time_does_not_hold_us_up() -> None:
    def drip(request: Request) -> None:
        request.send(reply(PATIENT)[:-40])
        for _ in range(40):
            time.sleep(0.1)
            request.send(b" ")

    started = time.monotonic()
    with connected(drip, read_timeout_s=0.5) as (client, _), pytest.raises(Unavailable):
        client.read("Patient", "p1")
    assert time.monotonic() - started < 3


def test_silence_ends_in_time() -> None:
    def sleep(_: Request) -> None:
        time.sleep(2)

    settings = {"read_timeout_s": 0.2, "write_timeout_s": 0.2}
    with connected(sleep, **settings) as (client, _):
        with pytest.raises(Unavailable):
            client.read("Patient", "p1")
        with pytest.raises(OutcomeUnknown):
            client.update(dict(PATIENT), version="3", key="key-0000001")


@pytest.mark.parametrize(
    ("status", "code", "for_read", "for_write"),
    [
        (400, "invalid", InvalidData, InvalidData),
        (422, "business-rule", InvalidData, InvalidData),
        (422, "duplicate", Duplicate, Duplicate),
        (401, "login", LoginFailed, LoginFailed),
        (403, "forbidden", Forbidden, Forbidden),
        (404, "not-found", NotFound, NotFound),
        (410, "deleted", NotFound, NotFound),
        (405, "not-supported", NotSupported, NotSupported),
        (501, "not-supported", NotSupported, NotSupported),
        (409, "conflict", VersionConflict, VersionConflict),
        (412, "conflict", VersionConflict, VersionConflict),
        (412, "multiple-matches", MultipleMatches, MultipleMatches),
        (429, "throttled", Throttled, Throttled),
        (503, "transient", Unavailable, Unavailable),
        (500, "exception", Unavailable, OutcomeUnknown),
        (502, "transient", Unavailable, OutcomeUnknown),
        (504, "timeout", Unavailable, OutcomeUnknown),
    ],
)
def test_statuses_become_errors_without_the_words_of_the_server(
    status: int, code: str, for_read: type[HisError], for_write: type[HisError]
) -> None:
    told = outcome(code, "Nguyễn Văn An 001085000001")
    with connected(lambda _: reply(told, status=status)) as (client, _):
        with pytest.raises(for_read) as read:
            client.read("Patient", "p1")
        with pytest.raises(for_write) as written:
            client.create({"resourceType": "Patient"}, key="key-0000001")
    for caught in (read, written):
        assert "An" not in str(caught.value)
        assert "001085" not in f"{caught.value!r} {vars(caught.value)}"


def test_an_error_page_in_html_is_told_by_its_status() -> None:
    page = reply(b"<h1>503</h1>", status=503, content_type="text/html")
    with connected(lambda _: page) as (client, _), pytest.raises(Unavailable):
        client.read("Patient", "p1")


def test_retry_after_is_passed_on() -> None:
    slow = reply(b"", status=429, headers={"Retry-After": "7"})
    with connected(lambda _: slow) as (client, _), pytest.raises(Throttled) as caught:
        client.read("Patient", "p1")
    assert caught.value.retry_after_s == 7


# --- login


def test_an_expired_token_is_renewed_once_in_the_middle_of_a_write(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("old-token")

    def respond(request: Request) -> bytes:
        if request.headers["Authorization"] == "Bearer old-token":
            file.write_text("new-token")
            return reply(outcome("login"), status=401)
        return reply(PATIENT, status=201)

    auth = {"kind": "token", "token_file": str(file)}
    with connected(respond, auth=auth) as (client, server):
        assert client.create({"resourceType": "Patient"}, key="key-0000001").is_new
    assert [r.headers["Authorization"] for r in server.requests] == [
        "Bearer old-token",
        "Bearer new-token",
    ]


def test_a_token_that_never_works_is_tried_twice_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret-token")
    auth = {"kind": "token", "token_file": str(file)}
    refused = reply(outcome("login"), status=401)
    with connected(lambda _: refused, auth=auth) as (client, server):
        with pytest.raises(LoginFailed) as caught:
            client.read("Patient", "p1")
        assert "secret-token" not in str(caught.value)
        assert len(server.requests) == 2


def test_client_credentials_are_exchanged_and_kept(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    tokens = iter(["t1", "t2"])

    def respond(request: Request) -> bytes:
        if "/token" in request.line:
            assert b"client_secret=hush" in request.body
            token = {"access_token": next(tokens), "expires_in": 3600}
            return reply(token, content_type="application/json")
        if request.headers["Authorization"] == "Bearer t1" and "Patient/p1" not in request.line:
            return reply(outcome("login"), status=401)
        return reply(PATIENT)

    with HostileServer(respond) as server:
        auth = {
            "kind": "client_credentials",
            "token_url": f"{server.base_url}/token",
            "client_id": "kiosk",
            "client_secret_file": str(tmp_path / "secret"),
        }
        client = FhirClient(
            read_config({"base_url": server.base_url, "facility": FACILITY, "auth": auth})
        )
        client.read("Patient", "p1")
        client.read("Patient", "p1")
        client.update(dict(PATIENT, id="p2"), version="1", key="key-0000001")
        client.close()
    asked = ["/token" in request.line for request in server.requests]
    assert asked == [True, False, False, False, True, False]


def test_a_signed_statement_is_exchanged_for_a_token(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-384")
    (tmp_path / "key.pem").write_bytes(key.as_pem(private=True))
    statements: list[str] = []

    def respond(request: Request) -> bytes:
        if "/token" in request.line:
            statements.extend(parse_qs(request.body.decode())["client_assertion"])
            return reply({"access_token": "t1"}, content_type="application/json")
        return reply(PATIENT)

    with HostileServer(respond) as server:
        auth = {
            "kind": "backend_services",
            "token_url": f"{server.base_url}/token",
            "client_id": "kiosk",
            "private_key_file": str(tmp_path / "key.pem"),
            "key_id": "2026",
        }
        client = FhirClient(
            read_config({"base_url": server.base_url, "facility": FACILITY, "auth": auth})
        )
        client.read("Patient", "p1")
        client.close()
        claims = jwt.decode(statements[0], key, algorithms=["ES384"]).claims
        assert (claims["iss"], claims["sub"], claims["aud"]) == (
            "kiosk",
            "kiosk",
            f"{server.base_url}/token",
        )


# --- searching


def test_numbers_stay_out_of_addresses() -> None:
    with connected(lambda _: reply(bundle(PATIENT))) as (client, server):
        client.search("Patient", [("identifier", "s|001085000001")], limit=5)
    assert server.requests[0].line == "POST /fhir/Patient/_search HTTP/1.1"
    assert b"001085000001" in server.requests[0].body


def test_pages_are_followed_to_the_limit_and_no_further() -> None:
    def page(request: Request) -> bytes:
        number = int(request.line.split("page=")[1].split()[0]) if "page=" in request.line else 0
        people = [{**PATIENT, "id": f"p{number}-{n}"} for n in range(2)]
        following = [{"relation": "next", "url": f"/fhir/Patient?page={number + 1}"}]
        return reply(bundle(*people, link=following))

    with connected(page, max_pages=3) as (client, server):
        found = client.search("Patient", [], limit=3)
        assert ([r["id"] for r in found.matches], found.complete) == (
            ["p0-0", "p0-1", "p1-0"],
            False,
        )
        assert len(server.requests) == 2
        endless = client.search("Patient", [], limit=1000)
        assert (len(endless.matches), endless.complete) == (6, False)


@pytest.mark.parametrize(
    ("most", "shown", "complete"), [(9, 5, True), (3, 3, False), (2, 2, False)]
)
def test_a_server_without_links_is_asked_for_all_at_once(
    most: int, shown: int, complete: bool
) -> None:
    """It tells how many there are, and shows as many as were asked for, or its own most."""

    def page(request: Request) -> bytes:
        count = int(dict(parse_qsl(request.body.decode()))["_count"])
        people = [{**PATIENT, "id": f"p{n}"} for n in range(5)]
        return reply({**bundle(*people[: min(count, most)]), "total": 5})

    with connected(page, page_size=3) as (client, server):
        found = client.search("Patient", [], limit=10)
        assert (len(found.matches), found.complete) == (shown, complete)
        assert len(server.requests) <= 2


def test_a_record_on_two_pages_counts_once() -> None:
    answers = iter(
        [
            reply(bundle(PATIENT, link=[{"relation": "next", "url": "?page=2"}])),
            reply(bundle(PATIENT)),
        ]
    )
    with connected(lambda _: next(answers)) as (client, _):
        found = client.search("Patient", [], limit=5)
    assert (len(found.matches), found.complete) == (1, True)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example.vn/fhir/Patient?page=2",
        "//elsewhere.example.vn/fhir?page=2",
        "/other/Patient?page=2",
        "/fhirx/Patient?page=2",
        "../admin",
        "file:///etc/passwd",
        "/fhir/../admin",
    ],
)
def test_links_to_elsewhere_are_not_followed(url: str) -> None:
    answer = reply(bundle(PATIENT, link=[{"relation": "next", "url": url}]))
    with connected(lambda _: answer) as (client, server):
        with pytest.raises(BrokenReply):
            client.search("Patient", [], limit=5)
        assert len(server.requests) == 1


def test_a_transaction_answered_in_part_is_broken() -> None:
    answer = reply({"resourceType": "Bundle", "type": "transaction-response", "entry": []})
    with connected(lambda _: answer) as (client, _), pytest.raises(BrokenReply):
        client.transaction([{"request": {}}], key="key-0000001")


# --- TLS, settings, log


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_an_untrusted_certificate_is_fatal(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                raw, _ = listener.accept()
                try:
                    context.wrap_socket(raw, server_side=True).close()
                except (OSError, ssl.SSLError):
                    raw.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/fhir"
        client = FhirClient(read_config({"base_url": url, "facility": FACILITY}))
        with pytest.raises(GatewayMisconfigured):
            client.read("Patient", "p1")
        with pytest.raises(GatewayMisconfigured):
            client.create({"resourceType": "Patient"}, key="key-0000001")
        client.close()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"base_url": "http://his.example.vn/fhir"},
        {"base_url": "https://user:pass@his.example.vn/fhir"},
        {"base_url": "https://his.example.vn/fhir?x=1"},
        {"base_url": "https://his.example.vn/fhir", "verify": False},
        {"base_url": "https://his.example.vn/fhir", "auth": {"kind": "basic", "password": "x"}},
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(GatewayMisconfigured) as caught:
        read_config({"facility": FACILITY, **settings})
    assert "pass" not in str(caught.value).replace("password", "")


def test_going_and_coming_back_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([None, None, None, None, reply(PATIENT), reply(PATIENT)])
    with caplog.at_level(logging.WARNING), connected(lambda _: next(answers)) as (client, _):
        for _ in range(2):
            with pytest.raises(Unavailable):
                client.read("Patient", "p1")
        for _ in range(2):
            client.read("Patient", "p1")
    ours = [record.message for record in caplog.records if record.name.startswith("his_adapter")]
    assert ours == ["his_lost", "his_returned"]
