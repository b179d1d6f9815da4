"""Mail over TLS, with a password, to servers that are wrong, slow or somebody else."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend.alerts_file import MailChannel, Security
from backend.services.send_alerts import NotTold, send_message
from backend.services.write_alert_message import AlertMessage
from tests.factories.told import PASSWORD, MailServer

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
MESSAGE = AlertMessage(
    id="0193", answers=None, subject="[Tiếp đón] HIS: không trả lời", text="Chào\n", content={}
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a server called localhost, with its key; nobody but we vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - timedelta(hours=1))
        .not_valid_after(start + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path_factory.mktemp("mail") / "mail.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem


@pytest.fixture
def secure_server(certificate: Path) -> Iterator[MailServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = MailServer(tls=context, login=True).start()
    yield server
    server.stop()


def channel(port: int, security: Security = "none") -> MailChannel:
    return MailChannel(
        host="localhost" if security != "none" else "127.0.0.1",
        port=port,
        security=security,
        sender="tiepdon@hospital.vn",
        recipients=("it@hospital.vn",),
    )


def refusal(channel: MailChannel, **options: float) -> NotTold:
    with pytest.raises(NotTold) as refused:
        send_message(channel, MESSAGE, now=NOW, **options)
    return refused.value


def test_over_starttls_with_a_password(secure_server: MailServer, certificate: Path) -> None:
    known = replace(
        channel(secure_server.port, "starttls"),
        user="tiepdon",
        password=PASSWORD,
        ca_file=certificate,
    )
    assert send_message(known, MESSAGE, now=NOW) is None
    (mail,) = secure_server.mails
    assert mail["Subject"] == MESSAGE.subject
    assert mail["Message-ID"] == "<0193@hospital.vn>"
    assert mail.get_content().strip() == "Chào"
    wrong = refusal(replace(known, password="another"))
    assert (wrong.code, wrong.uncertain) == ("login_refused", False)


def test_a_server_nobody_vouches_for_gets_neither_mail_nor_password(
    secure_server: MailServer,
) -> None:
    strange = replace(channel(secure_server.port, "starttls"), user="tiepdon", password=PASSWORD)
    assert refusal(strange).code == "tls"
    assert secure_server.mails == []


def test_a_server_without_starttls_gets_no_password() -> None:
    server = MailServer().start()
    try:
        plain = replace(channel(server.port, "starttls"), user="tiepdon", password=PASSWORD)
        assert refusal(plain).code == "refused"
        assert server.mails == []
    finally:
        server.stop()


@contextmanager
def listening(answer: bytes, *, drip_s: float = 0.0) -> Iterator[int]:
    """Says `answer` to who connects, a byte at a time, and then nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    for byte in answer:
                        connection.sendall(bytes([byte]))
                        time.sleep(drip_s)
                    connection.recv(1024)
                    time.sleep(drip_s)
                except OSError:
                    pass

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def test_a_server_that_drips_does_not_hold_us_up() -> None:
    with listening(b"220-" + b"x" * 10_000, drip_s=0.05) as port:
        began_s = time.monotonic()
        assert refusal(channel(port), altogether_s=0.6).code in {"no_answer", "not_reached"}
        assert time.monotonic() - began_s < 5


def test_somebody_else_who_answers() -> None:
    with listening(b"SSH-2.0-OpenSSH\r\n") as port:
        refused = refusal(channel(port))
    assert refused.code in {"refused", "no_answer", "not_reached"}
    assert not refused.uncertain


def test_nobody_answers() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        refused = refusal(channel(probe.getsockname()[1]))
    assert (refused.code, refused.uncertain) == ("not_reached", False)
