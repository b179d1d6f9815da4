"""`tiepdon kiosk` as a process: an ordered restart, with a supervisor and without; what it sends."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.fake import SETTINGS
from tests.unit.kiosk_ui.gateway.server import Answer, Script, scripted_server

pytestmark = [pytest.mark.gui, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
ORDER = {"id": "r1", "kind": "restart", "expires_at": "2099-01-01T00:00:00Z"}
HEARTBEAT = "/api/v1/kiosks/heartbeat"
RESULT = "/api/v1/kiosk/commands/r1/result"


@pytest.fixture
def server() -> Iterator[Script]:
    with scripted_server() as script:
        script.on("/readyz", Answer(body={}))
        script.on("/api/v1/kiosk", Answer(body=SETTINGS.model_dump(mode="json")))
        script.on(
            HEARTBEAT,
            Answer(body={"profile": "reception", "out_of_service": None, "commands": [ORDER]}),
        )
        for path in ("/api/v1/kiosks/device-events", RESULT):
            script.on(path, Answer(status=204))
        yield script


def start(server: Script, data_dir: Path, *more: str, **environ: str) -> subprocess.Popen[bytes]:
    data_dir.mkdir(exist_ok=True)
    CredentialFile(data_dir / "credential.json", server.url).save("t" * 40)
    (data_dir / "cards").mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "tiepdon",
        "kiosk",
        *("--backend", server.url),
        *("--scanner", f"dir:{data_dir / 'cards'}"),
        *("--window", "540x960"),
        *("--data", str(data_dir)),
        *more,
    ]
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in {"INVOCATION_ID", "NOTIFY_SOCKET", "TIEPDON_ENV"}
    }
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean | {"SDL_VIDEODRIVER": "offscreen"} | environ,
        stderr=subprocess.DEVNULL,
    )


def wait_for(condition: Callable[[], bool], timeout_s: float) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"not within {timeout_s} s"
        time.sleep(0.1)


def results(server: Script) -> list[dict[str, str]]:
    return [json.loads(heard.body) for heard in server.heard if heard.path == RESULT]


def starts(server: Script) -> set[str]:
    """Every process says when it began."""
    beats = [heard for heard in server.heard if heard.path.endswith("/heartbeat")]
    return {json.loads(heard.body)["started_at"] for heard in beats}


def test_without_a_supervisor_it_begins_itself_anew_once(server: Script, tmp_path: Path) -> None:
    kiosk = start(server, tmp_path / "data")
    try:
        wait_for(lambda: results(server) == [{"state": "done"}], 60)
        assert kiosk.poll() is None, "the same process went on as another program"
        wait_for(lambda: len(starts(server)) == 2, 20)
    finally:
        kiosk.send_signal(signal.SIGTERM)
        assert kiosk.wait(20) == 0
    log = (tmp_path / "data" / "log" / "kiosk.log").read_text(encoding="utf-8")
    assert log.count("kiosk_restarts") == 1


def test_under_a_supervisor_it_ends_and_leaves_the_rest_to_it(
    server: Script, tmp_path: Path
) -> None:
    first = start(server, tmp_path / "data", NOTIFY_SOCKET=str(tmp_path / "notify"))
    assert first.wait(60) == 75
    assert results(server) == []
    second = start(server, tmp_path / "data", NOTIFY_SOCKET=str(tmp_path / "notify"))
    try:
        wait_for(lambda: results(server)[:1] == [{"state": "done"}], 60)
        assert second.poll() is None
    finally:
        second.terminate()
        second.wait(20)


def test_picture_log_and_test_page_of_the_real_thing(server: Script, tmp_path: Path) -> None:
    kinds = ("take_picture", "send_logs", "test_print")
    commands = [{"id": kind, "kind": kind, "expires_at": ORDER["expires_at"]} for kind in kinds]
    path = "/api/v1/kiosk/commands/{}/result".format
    server.on(
        HEARTBEAT,
        Answer(body={"profile": "fees", "out_of_service": None, "commands": commands}),
    )
    for kind in kinds:
        server.on(path(kind), Answer(status=204))
    kiosk = start(server, tmp_path / "data", "--printer", f"file:{tmp_path / 'paper'}")
    try:
        wait_for(lambda: {path(kind) for kind in kinds} <= {h.path for h in server.heard}, 60)
    finally:
        kiosk.terminate()
        kiosk.wait(20)
    told = {heard.path: json.loads(heard.body) for heard in server.heard if heard.body}
    picture, log, page = (told[path(kind)] for kind in kinds)
    glass = Image.open(io.BytesIO(base64.b64decode(picture["attachment_base64"])))
    assert glass.size == (540, 960)
    assert len(glass.convert("RGB").getcolors(100_000) or []) > 20, "something is on it"
    lines = gzip.decompress(base64.b64decode(log["attachment_base64"])).decode()
    assert "server_returned" in lines
    assert page["state"] == "done"
    assert (tmp_path / "paper").stat().st_size > 5_000


def listening_inodes() -> set[str]:
    """Sockets of this machine that wait for callers."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found.add(fields[9])
    return found


def test_nothing_can_call_it_and_a_killed_one_begins_with_a_clean_screen(
    server: Script, tmp_path: Path
) -> None:
    """ESC-12: no port is open. ESC-09: what was before a crash is not there after it."""
    server.on(
        HEARTBEAT,
        Answer(body={"profile": "reception", "out_of_service": None, "commands": []}),
    )
    for begins in (1, 2):
        kiosk = start(server, tmp_path / "data")
        try:
            wait_for(lambda begins=begins: len(starts(server)) == begins, 60)
            links = Path(f"/proc/{kiosk.pid}/fd").iterdir()
            held = {str(link.readlink()) for link in links}
            assert not {f"socket:[{inode}]" for inode in listening_inodes()} & held
        finally:
            kiosk.kill()
            kiosk.wait(20)
    beats = [json.loads(h.body) for h in server.heard if h.path.endswith("/heartbeat")]
    assert {beat["machine"] for beat in beats} == {beats[0]["machine"]}
    assert beats[-1]["visits"] == 0
