"""A kiosk at work, lent to a lesson, and at work again: the same machine, the same data folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.fake import SETTINGS, FakeGateway
from kiosk_ui.gateway.models import PrintStateRequest
from kiosk_ui.gateway.offline_numbers import OfflineNumberJournal
from kiosk_ui.gateway.print_reports import PrintReportJournal
from tests.unit.kiosk_ui.gateway.server import Answer, Heard, Script, scripted_server

pytestmark = [pytest.mark.gui, pytest.mark.slow, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
PRINT_STATE = "/api/v1/visits/visit-1/print-state"
HAND_IN = "/api/v1/kiosks/offline-numbers"
ENROL = "/api/v1/kiosks/enrol"
REAL_TOKEN, LESSON_TOKEN = "r" * 40, "l" * 40


@pytest.fixture
def servers() -> Iterator[tuple[Script, Script]]:
    with ExitStack() as stack:
        real, lesson = (stack.enter_context(scripted_server()) for _ in range(2))
        for server in (real, lesson):
            practice = SETTINGS.model_copy(update={"practice": server is lesson})
            server.on("/readyz", Answer(body={}))
            server.on("/api/v1/kiosk", Answer(body=practice.model_dump(mode="json")))
            server.on(
                "/api/v1/kiosks/heartbeat",
                Answer(body={"profile": "reception", "out_of_service": None, "commands": []}),
            )
            server.on("/api/v1/kiosks/device-events", Answer(status=204))
            server.on("/api/v1/kiosks/offline-grant", Answer(body={"grant": None}))
            # As a server answers what it does not know: dropped by the kiosk, lost for the other.
            refusal = {"status": 404, "code": "visit_not_found"}
            server.on(PRINT_STATE, Answer(status=404, body=refusal))
            server.on(HAND_IN, Answer(status=404, body=refusal))
        lesson.on(ENROL, Answer(status=201, body={"token": LESSON_TOKEN, "kiosk_id": "k-lesson"}))
        yield real, lesson


@pytest.fixture
def data(tmp_path: Path, servers: tuple[Script, Script]) -> Path:
    """As a release from before lessons left it, in the middle of an outage of its server."""
    data = tmp_path / "data"
    CredentialFile(data / "credential.json", servers[0].url).save(REAL_TOKEN)
    away = FakeGateway()
    journal = OfflineNumberJournal(data / "offline-numbers", away, now=lambda: datetime.now(UTC))
    journal.fetch_grant("Asia/Ho_Chi_Minh")
    journal.take(priority=False, language="vi")
    journal.close()
    away.down = True
    PrintReportJournal(data / "print-reports", away).report(
        "visit-1", PrintStateRequest(job_id="job-1", state="printed", elapsed_ms=300)
    )
    return data


class Kiosk:
    def __init__(self, server: Script, data: Path, *more: str) -> None:
        (data.parent / "cards").mkdir(exist_ok=True)
        environ = {k: each for k, each in os.environ.items() if not k.startswith("TIEPDON_")}
        self._server = server
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "tiepdon", "kiosk", "--backend", server.url,
                "--scanner", f"dir:{data.parent / 'cards'}", "--printer",
                f"file:{data.parent / 'paper'}", "--window", "540x960", "--data", str(data), *more,
            ],
            cwd=ROOT,
            env=environ | {"SDL_VIDEODRIVER": "offscreen"},
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def wait_for(self, condition: Callable[[], bool]) -> None:
        end_s = time.monotonic() + 90
        while not condition():
            assert self._process.poll() is None
            assert time.monotonic() < end_s
            time.sleep(0.1)

    def work(self) -> None:
        """Until it has told twice how it is; by then it has sent whatever it keeps."""
        self.wait_for(lambda: len(heard_at(self._server, "/api/v1/kiosks/heartbeat")) >= 2)

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) == 0


def heard_at(server: Script, path: str) -> list[Heard]:
    return [heard for heard in list(server.heard) if heard.path == path]


def tokens(server: Script) -> set[str]:
    found = {heard.headers.get("Authorization", "") for heard in list(server.heard)}
    return {each.removeprefix("Bearer ") for each in found if each}


def test_credential_reports_and_numbers_are_there_after_a_lesson(
    servers: tuple[Script, Script], data: Path
) -> None:
    real, lesson = servers
    before = {file.name: file.read_bytes() for file in data.iterdir() if file.is_file()}

    taught = Kiosk(lesson, data, "--enrol-code", "DEMO-KIOSK")
    taught.work()
    taught.end()
    assert tokens(lesson) == {LESSON_TOKEN}, "the hospital's credential is not shown to a lesson"
    assert heard_at(lesson, PRINT_STATE) == []
    assert heard_at(lesson, HAND_IN) == []
    for name, content in before.items():
        assert (data / name).read_bytes() == content, name

    real.on(PRINT_STATE, Answer(status=204))
    key = json.loads((data / "offline-numbers").read_text().splitlines()[3])["taken"]["key"]
    real.on(HAND_IN, Answer(body={"safe": [key]}))
    at_work = Kiosk(real, data)
    at_work.wait_for(lambda: bool(heard_at(real, PRINT_STATE) and heard_at(real, HAND_IN)))
    at_work.end()
    assert tokens(real) == {REAL_TOKEN}
    assert heard_at(real, ENROL) == []
    assert json.loads(heard_at(real, PRINT_STATE)[0].body)["job_id"] == "job-1"
    assert [each["key"] for each in json.loads(heard_at(real, HAND_IN)[0].body)["numbers"]] == [key]

    # The next lesson knows it, without a code.
    again = Kiosk(lesson, data)
    begun = len(lesson.heard)
    again.wait_for(lambda: any("heartbeat" in heard.path for heard in lesson.heard[begun:]))
    again.end()
    assert len(heard_at(lesson, ENROL)) == 1
