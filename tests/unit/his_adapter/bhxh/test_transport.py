from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from his_adapter.bhxh.transport import NoReply, NotSent, Transport
from his_adapter.errors import BrokenReply, GatewayMisconfigured


@contextmanager
def peer(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Somebody who answers one call in their own way."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                try:
                    answer(connection)
                except OSError:
                    return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join(timeout=5)


def post(host: str, timeout_s: float = 0.5, scheme: str = "http") -> object:
    transport = Transport(f"{scheme}://{host}", connect_timeout_s=0.3)
    return transport.post("/x", b"{}", query={"token": "secret"}, headers={}, timeout_s=timeout_s)


def drip(connection: socket.socket) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 900:
        connection.send(bytes([letter]))
        time.sleep(0.05)


def garbage(connection: socket.socket) -> None:
    connection.sendall(b"\x0b\x1c secret Nguyen \r\n\r\n")


def half(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nhalf")


@pytest.mark.parametrize("answer", [drip, garbage, half, lambda _: None])
def test_no_whole_answer(answer: Callable[[socket.socket], None]) -> None:
    started_at = time.monotonic()
    with peer(answer) as host, pytest.raises(NoReply) as raised:
        post(host)
    assert time.monotonic() - started_at < 3
    assert raised.value.__cause__ is None
    assert "secret" not in str(raised.value)


def test_too_much() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000)

    with peer(flood) as host, pytest.raises(BrokenReply):
        post(host, timeout_s=5)


def test_nobody_and_no_time() -> None:
    with pytest.raises(NotSent):
        post("127.0.0.1:1")
    with pytest.raises(NotSent):
        post("127.0.0.1:1", timeout_s=0)


def test_no_tls_where_tls_is_due() -> None:
    with peer(garbage) as host, pytest.raises(NotSent):
        post(host, scheme="https")


def test_a_certificate_file_that_cannot_be_used() -> None:
    with pytest.raises(GatewayMisconfigured):
        Transport("https://example.vn", connect_timeout_s=1, ca_file=Path("/nonexistent"))


def test_a_certificate_nobody_vouches_for_is_never_skipped(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate.public_bytes(encoding))
    secret.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, secret)

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                try:
                    with tls.wrap_socket(connection, server_side=True) as secure:
                        secure.recv(65536)
                        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        address = f"https://127.0.0.1:{server.getsockname()[1]}"
        stranger = Transport(address, connect_timeout_s=2)
        with pytest.raises(GatewayMisconfigured):
            stranger.post("/x", b"{}", headers={}, timeout_s=5)
        known = Transport(address, connect_timeout_s=2, ca_file=chain)
        assert known.post("/x", b"{}", headers={}, timeout_s=30).body == b"{}"
        thread.join(timeout=5)
