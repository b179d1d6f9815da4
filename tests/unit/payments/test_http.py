from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from payments.errors import BrokenReply, OutcomeUnknown, ProviderMisconfigured, Unavailable
from payments.http import HttpClient, check_address

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@contextmanager
def peer(*parts: bytes, pause_s: float = 0.0) -> Iterator[str]:
    """Answers one connection with these parts, then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            for part in parts:
                try:
                    connection.sendall(part)
                except OSError:
                    return
                time.sleep(pause_s)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(timeout=5)


def ask(address: str, *, writes: bool, read_s: float = 1.0) -> bytes:
    client = HttpClient(address, read_s=read_s)
    try:
        return client.ask("GET", "/", writes=writes).untrusted_body
    finally:
        client.close()


def test_a_whole_reply() -> None:
    with peer(_HEAD % 2, b"{}") as address:
        assert ask(address, writes=True) == b"{}"


@pytest.mark.parametrize("parts", [(_HEAD % 9, b"{}"), (b"",), (b"\0\xff",)])
def test_a_reply_that_ends_in_the_middle(parts: tuple[bytes, ...]) -> None:
    with peer(*parts) as address, pytest.raises(OutcomeUnknown):
        ask(address, writes=True)
    with peer(*parts) as address, pytest.raises(Unavailable):
        ask(address, writes=False)


def test_a_peer_that_drips_does_not_hold_us() -> None:
    began = time.monotonic()
    with (
        peer(_HEAD % 99, *[b" "] * 40, pause_s=0.1) as address,
        pytest.raises(OutcomeUnknown),
    ):
        ask(address, writes=True, read_s=0.5)
    assert time.monotonic() - began < 6


def test_an_endless_reply_is_cut() -> None:
    with peer(_HEAD % 10_000_000, b" " * 1_500_000) as address, pytest.raises(BrokenReply):
        ask(address, writes=True)


def test_nobody_there_did_nothing() -> None:
    with pytest.raises(Unavailable):
        ask("http://127.0.0.1:9", writes=True)


@pytest.mark.parametrize(
    "address", ["http://bank.example", "ftp://bank.example", "https://", "https://a:b@bank.example"]
)
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(ProviderMisconfigured):
        check_address(address)


@pytest.mark.parametrize(
    ("status", "writes", "error"),
    [
        (500, True, OutcomeUnknown),
        (504, True, OutcomeUnknown),
        (500, False, Unavailable),
        (502, True, Unavailable),
        (503, True, Unavailable),
    ],
)
def test_a_server_that_fails(status: int, writes: bool, error: type[Exception]) -> None:
    head = b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}" % status
    with peer(head) as address, pytest.raises(error) as raised:
        ask(address, writes=writes)
    assert type(raised.value) is error
