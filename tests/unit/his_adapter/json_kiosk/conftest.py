from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from his_adapter.demo.gateway import open_demo
from his_adapter.json_kiosk.config import read_settings
from his_adapter.json_kiosk.contract import Extension
from his_adapter.json_kiosk.emulator import PUBLISHED_ONLY, JsonKioskEmulator
from his_adapter.json_kiosk.gateway import JsonKioskGateway
from his_adapter.ports import HisGateway
from his_adapter.testing import fill_demo_folder
from tests.contract.test_json_kiosk import make_settings

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


@dataclass
class Vendor:
    """An emulator, the hospital behind it, and whatever gateways a test opens to it."""

    emulator: JsonKioskEmulator
    hospital: HisGateway
    folder: Path
    opened: list[JsonKioskGateway] = field(default_factory=list)

    def open(self, **changes: Any) -> JsonKioskGateway:
        settings = make_settings(self.emulator.base_url, self.folder, **changes)
        gateway = JsonKioskGateway(read_settings(settings), clock=lambda: NOW)
        self.opened.append(gateway)
        return gateway


def open_vendor(folder: Path, extensions: frozenset[Extension]) -> Iterator[Vendor]:
    fill_demo_folder(folder / "his", now=NOW)
    hospital = open_demo(folder / "his", clock=lambda: NOW)
    with JsonKioskEmulator(hospital, clock=lambda: NOW, extensions=extensions) as emulator:
        vendor = Vendor(emulator, hospital, folder)
        yield vendor
        for gateway in vendor.opened:
            gateway.close()


@pytest.fixture
def published(tmp_path: Path) -> Iterator[Vendor]:
    """A vendor that has the published calls and nothing else."""
    yield from open_vendor(tmp_path, PUBLISHED_ONLY)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Vendor]:
    yield from open_vendor(tmp_path, frozenset(Extension))


@dataclass
class HostileServer:
    """Answers every request with the same bytes, whatever they are."""

    status: int = 200
    content_type: str = "application/json"
    content: bytes = b""
    cut_after: int | None = None
    """Closes the connection after so many bytes of the body."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def hostile() -> Iterator[HostileServer]:
    server = HostileServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.requests.append((self.command, self.path.partition("?")[0]))
            self.send_response(server.status)
            self.send_header("Content-Type", server.content_type)
            self.send_header("Content-Length", str(len(server.content)))
            self.end_headers()
            try:
                self.wfile.write(server.content[: server.cut_after])
            except OSError:
                return  # the client has seen enough

        do_POST = do_PUT = do_GET  # noqa: N815  # the names are http.server's

        def log_message(self, *_: Any) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    yield server
    http.shutdown()
    http.server_close()
    thread.join()
