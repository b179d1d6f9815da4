from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

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
    from pathlib import Path

    with pytest.raises(GatewayMisconfigured):
        Transport("https://example.vn", connect_timeout_s=1, ca_file=Path("/nonexistent"))
