"""A real agent, a real server and the bytes a printer gets: one paper, also through kill -9."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from backend.services.enrol_kiosk import invite_kiosk
from backend.services.recognise_caller import Caller
from backend.services.remote_party import RemoteParty
from backend.services.request_print import list_agents
from backend.services.resources import Resources
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database, open_engine
from backend.storage.number_tables import PrintRequest
from devices.simulated.printer import SimulatedPrinter
from his_adapter.ports import HisGateway
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital, make_config
from tests.factories.reception import Receptionist
from tests.integration.servers import ROOT, WebServer

pytestmark = pytest.mark.slow
PATIENCE_S = 40.0


class Agent:
    """`tiepdon print-agent` as a process of its own, with a folder that outlives it."""

    def __init__(self, address: str, printer: str, folder: Path, code: str) -> None:
        self.folder = folder
        self._command = [
            sys.executable, "-m", "tiepdon", "print-agent", "--backend", address,
            "--enrol-code", code, "--printer", printer, "--name", "Quầy 1", "--data", str(folder),
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None


class Scene:
    def __init__(self, url: str, folder: Path, printer: SimulatedPrinter) -> None:
        self.database = Database(open_engine(url, pool_size=4), facility_id="main")
        hospital = Hospital(self.database).set_up()
        hospital.add_room("101")
        hospital.add_service("NOI", "101")
        self.resources = Resources(
            config=make_config(url),
            database=self.database,
            keys=hospital.keys,
            catalogue=CatalogueSource(self.database),
            his=cast("HisGateway", None),
            his_party=cast("RemoteParty", None),
            insurer_party=cast("RemoteParty", None),
        )
        self.desk = Desk(self.resources, hospital)
        self.lan = Receptionist(self.resources)
        self.web = WebServer(url, folder, workers=1)
        self.printer = printer
        code = invite_kiosk(self.database, name="Quầy 1", kind="agent")
        self.agent = Agent(f"http://127.0.0.1:{self.web.port}", printer.spec, folder / "a", code)

    def wait_for(self, what: Callable[[], Any]) -> Any:
        until = time.monotonic() + PATIENCE_S
        while not (found := what()):
            assert time.monotonic() < until, "nothing happened"
            time.sleep(0.05)
        return found

    def known_agent(self) -> Caller:
        agents = self.wait_for(
            lambda: [each for each in list_agents(self.database) if each.answers]
        )
        return Caller(role="agent", id=agents[0].id, name=agents[0].name)

    def state(self, request_id: str) -> str:
        with self.database.read() as connection:
            return str(
                connection.scalar(select(PrintRequest.state).where(PrintRequest.id == request_id))
            )

    def wait_for_state(self, request_id: str, *states: str) -> str:
        return str(self.wait_for(lambda: (s := self.state(request_id)) in states and s))


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> Iterator[Scene]:
    with SimulatedPrinter() as printer:
        scene = Scene(database_url, tmp_path, printer)
        scene.web.start()
        scene.agent.start()
        yield scene
        scene.agent.kill()
        scene.web.kill()
        scene.database.close()


def test_what_staff_ask_for_is_on_paper_once(scene: Scene) -> None:
    visit, agent = scene.desk.take(), scene.known_agent()
    request_id = scene.lan.print(visit.id, agent)
    assert scene.wait_for_state(request_id, "printed", "failed", "unknown") == "printed"
    assert len(scene.printer.tickets) == 1
    opened = scene.lan.see(visit.id)
    assert (opened.visit.print_state, opened.visit.number) == ("printed", visit.number)
    (known,) = list_agents(scene.database)
    assert known.printer == "ready"


def test_killed_in_the_middle_it_prints_nothing_twice(scene: Scene) -> None:
    """The process dies while the paper comes out; its successor asks the printer, not the paper."""
    visit, agent = scene.desk.take(), scene.known_agent()
    scene.printer.steer(speed_mm_s=40.0)
    request_id = scene.lan.print(visit.id, agent)
    scene.wait_for_state(request_id, "taken")
    scene.wait_for((scene.agent.folder / "print-journal").read_bytes)
    scene.agent.kill()
    scene.printer.steer(speed_mm_s=None)
    scene.agent.start()
    end = scene.wait_for_state(request_id, "printed", "unconfirmed", "unknown")
    time.sleep(2.5)  # a second paper would come now
    assert len(scene.printer.tickets) <= 1
    assert end != "printed" or len(scene.printer.tickets) == 1
    other = scene.lan.print(scene.desk.take().id, scene.known_agent())
    scene.wait_for_state(other, "printed", "unconfirmed", "unknown")


def test_killed_before_anything_was_sent_it_prints_then(scene: Scene) -> None:
    """Taken, and the journal knows nothing of it: no byte has left, so the paper is still due."""
    visit, agent = scene.desk.take(), scene.known_agent()
    scene.agent.kill()
    request_id = scene.lan.print(visit.id, agent)
    with scene.database.write() as unit:
        unit.connection.execute(PrintRequest.__table__.update().values(state="taken"))
    scene.agent.start()
    assert scene.wait_for_state(request_id, "printed", "unknown") == "printed"
    assert len(scene.printer.tickets) == 1


def test_with_an_empty_journal_nothing_is_printed_again(scene: Scene) -> None:
    """Somebody emptied the folder: what became of it is not known, and that is what is said."""
    visit, agent = scene.desk.take(), scene.known_agent()
    scene.agent.kill()
    for file in scene.agent.folder.glob("print-journal*"):
        file.unlink()
    request_id = scene.lan.print(visit.id, agent)
    with scene.database.write() as unit:
        unit.connection.execute(PrintRequest.__table__.update().values(state="taken"))
    scene.agent.start()
    assert scene.wait_for_state(request_id, "printed", "unknown") == "unknown"
    assert scene.printer.tickets == []


def test_a_server_that_comes_back_is_found_again(scene: Scene) -> None:
    visit, agent = scene.desk.take(), scene.known_agent()
    scene.web.kill()
    request_id = scene.lan.print(visit.id, agent)
    time.sleep(2)
    scene.web.start()
    assert scene.wait_for_state(request_id, "printed") == "printed"
    assert len(scene.printer.tickets) == 1
