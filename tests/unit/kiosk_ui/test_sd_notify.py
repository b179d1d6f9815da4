from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk_ui.sd_notify import ServiceNotifier


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.settimeout(5)
        yield wire


def test_states_arrive_at_the_supervisor(listener: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": str(listener.getsockname()), "WATCHDOG_USEC": "20000000"}
    notifier = ServiceNotifier.of(environ)
    assert notifier.watchdog_s == 20.0
    notifier.ready()
    notifier.alive()
    notifier.stopping()
    assert [listener.recv(64) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_socket_is_one_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind("\0tiepdon-test-notify")
        wire.settimeout(5)
        ServiceNotifier.of({"NOTIFY_SOCKET": "@tiepdon-test-notify"}).ready()
        assert wire.recv(64) == b"READY=1"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "1000"},
        {"NOTIFY_SOCKET": "/nobody/listens"},
        {"NOTIFY_SOCKET": "/nobody/listens", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "/nobody/listens", "WATCHDOG_USEC": "0"},
    ],
)
def test_without_a_supervisor_nothing_happens(environ: dict[str, str]) -> None:
    notifier = ServiceNotifier.of(environ)
    assert notifier.watchdog_s is None
    notifier.ready()
    notifier.alive()


def test_a_supervisor_that_does_not_read_holds_nobody_up(listener: socket.socket) -> None:
    notifier = ServiceNotifier(address=str(listener.getsockname()), watchdog_s=1)
    begun_s = time.perf_counter()
    for _ in range(2_000):
        notifier.alive()
    assert time.perf_counter() - begun_s < 2
