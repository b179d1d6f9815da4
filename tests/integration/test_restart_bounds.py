"""How long nobody is served: from the start, and after kill -9, as the unit has it started again."""

from __future__ import annotations

import http.client
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.storage.database import open_engine
from backend.storage.migrate import migrate
from tests.postgres import PostgresServer
from tests.units import UNITS, Supervisor, Unit
from tiepdon.demo.server import free_port

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(120)]

START_S, RESTART_S = 3.0, 5.0
"""On a calm machine; `python -m bench start` holds the figures against them."""
BUSY = 4
"""Times as long on one that has other work: a bound of the clock is no test there."""
TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The shortest of some tries, each until the server says that it is ready."""

    start_s: float
    killed_s: float
    """Its first process ended by kill -9."""
    cut_s: float
    """All of its processes."""
    pause_s: float
    """Of these the unit waits before it starts again."""


def wait_until_ready(port: int, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
        finally:
            connection.close()
    raise AssertionError("not ready")


@pytest.fixture
def url(place: tuple[str, PostgresServer | None]) -> str:
    """A server that was set up before: the first start of all makes the tables."""
    engine = open_engine(place[0], pool_size=1)
    migrate(engine)
    engine.dispose()
    return place[0]


def measure(url: str, folder: Path) -> Taken:
    """Under a supervisor that keeps the rules of the unit."""
    port = free_port()
    unit = Unit(UNITS / "tiepdon-server.service")
    assert "--port 8080" in unit.one("ExecStart")
    unit._values["ExecStart"][0] = unit.one("ExecStart").replace("8080", str(port))
    environ = {"TIEPDON_DB": url, "TIEPDON_DEMO": "1", "TIEPDON_HIS": "builtin"}
    environ["TIEPDON_DATA"] = str(folder)
    started_s, killed_s, cut_s = [], [], []
    # The first try fills the caches of the disk, as the start of the machine would have.
    for _ in range(TRIES):
        place = folder / str(len(started_s))
        place.mkdir()
        supervisor = Supervisor(
            unit, program=[sys.executable, "-m", "tiepdon"], environ=environ, folder=place
        )
        began = time.monotonic()
        supervisor.start()
        try:
            wait_until_ready(port)
            started_s.append(time.monotonic() - began)
            supervisor.wait_for_notice(1)
            for taken_s, whole in ((killed_s, False), (cut_s, True)):
                assert supervisor.process is not None
                pid, starts = supervisor.process.pid, supervisor.starts
                began = time.monotonic()
                (os.killpg if whole else os.kill)(pid, signal.SIGKILL)
                while supervisor.starts == starts:
                    time.sleep(0.005)
                wait_until_ready(port)
                taken_s.append(time.monotonic() - began)
                supervisor.wait_for_notice(1)
        finally:
            supervisor.stop()
    return Taken(
        start_s=min(started_s),
        killed_s=min(killed_s),
        cut_s=min(cut_s),
        pause_s=supervisor.restart_s,
    )


def test_it_is_served_again_without_anybody(url: str, tmp_path: Path) -> None:
    taken = measure(url, tmp_path)
    assert taken.start_s <= START_S * BUSY
    assert taken.pause_s < taken.killed_s <= RESTART_S * BUSY
    assert taken.pause_s < taken.cut_s <= RESTART_S * BUSY
