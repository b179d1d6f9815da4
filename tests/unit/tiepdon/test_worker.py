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
from backend.services.verify_audit import verify_audit
from backend.storage.database import Database, open_database
from tests.factories.audit import sealed_rows, write_events
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


@pytest.mark.slow
def test_two_seal_the_audit_trail_and_one_is_killed(database_url: str, tmp_path: Path) -> None:
    heads = tmp_path / "heads.jsonl"
    environ = {
        "TIEPDON_DEMO": "1",
        "TIEPDON_DB": database_url,
        "TIEPDON_HIS_SETTINGS": json.dumps({"folder": str(tmp_path / "his")}),
        "TIEPDON_AUDIT_HEADS": str(heads),
        "TIEPDON_DATA": str(tmp_path / "data"),
    }
    config = load_config(environ)
    database = open_database(config)
    set_up(database, config)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TIEPDON_")}
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tiepdon", "worker", "--threads", "2"],
            env=clean | environ, cwd=tmp_path, stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        for turn in range(3):
            write_events(database, 40)
            wait_until_sealed(database, count=40 * (turn + 1))
            if turn == 0:
                workers[0].kill()
        with database.snapshot() as connection:
            verdict = verify_audit(connection, facility_id="main", now=database.clock())
        assert verdict.ok
        until = time.monotonic() + PATIENCE_S
        while not heads.exists():
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        database.close()


def wait_until_sealed(database: Database, *, count: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while sum(row.actor == "test" for row in sealed_rows(database)) < count:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_without_keys_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIEPDON_KEYS_FILE", "TIEPDON_DEMO"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(main, ["worker", "--db", f"sqlite:///{tmp_path}/x.sqlite3"])
    assert (result.exit_code, "[config]" in result.stderr) == (1, True)
