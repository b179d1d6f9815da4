"""`tiepdon worker` as a process: sends what is due, ends in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.bootstrap import set_up
from backend.config import load_config
from backend.storage.database import open_database
from tests.factories.outbox import add_message, get_row
from tiepdon.cli import main

PATIENCE_S = 40.0


@pytest.mark.slow
def test_it_sends_what_is_due_and_ends_on_sigterm(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/server.sqlite3"
    settings = json.dumps({"folder": str(tmp_path / "his")})
    environ = {"TIEPDON_DEMO": "1", "TIEPDON_DB": url, "TIEPDON_HIS_SETTINGS": settings}
    config = load_config(environ)
    database = open_database(config)
    set_up(database, config)
    message_id = add_message(database, kind="test.unheard_of")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TIEPDON_")}
    worker = subprocess.Popen(
        [sys.executable, "-m", "tiepdon", "worker", "--threads", "2"],
        env=clean | environ, cwd=tmp_path, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE_S
        while get_row(database, message_id).state in {"new", "sending"}:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert get_row(database, message_id).state == "rejected"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE_S) == 0
    finally:
        worker.kill()
        worker.wait()
        database.close()


def test_without_keys_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIEPDON_KEYS_FILE", "TIEPDON_DEMO"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(main, ["worker", "--db", f"sqlite:///{tmp_path}/x.sqlite3"])
    assert (result.exit_code, "[config]" in result.stderr) == (1, True)
