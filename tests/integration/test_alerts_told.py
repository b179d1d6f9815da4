"""A real worker that is killed while somebody is being told: told once, under one key."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend.domain.alerts import AlertKind
from backend.services.raise_alert import clear_alert, raise_alert
from tests.factories.told import Webhook
from tiepdon.demo.hall import open_records
from tiepdon.demo.server import DemoServer

CONFIG = """
[[webhook]]
name = "zalo"
url = "{url}"
secret_file = "{secret}"
"""
pytestmark = pytest.mark.slow


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    webhook = Webhook().start()
    yield webhook
    webhook.answering.set()
    webhook.stop()


def wait_for(condition: Callable[[], object], *, within_s: float = 40) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def find_worker(server_pid: int) -> int | None:
    """The child that runs the jobs."""
    tasks = Path(f"/proc/{server_pid}/task").glob("*/children")  # a thread started it
    for pid in [int(each) for task in tasks for each in task.read_text(encoding="ascii").split()]:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except FileNotFoundError:
            continue
        if b"run_jobs" in command:
            return pid
    return None


def test_a_worker_killed_while_it_waits_for_the_answer(tmp_path: Path, webhook: Webhook) -> None:
    secret, config = tmp_path / "secret", tmp_path / "alerts.toml"
    secret.write_text("a-secret-of-at-least-24-chars", encoding="utf-8")
    config.write_text(CONFIG.format(url=webhook.url, secret=secret), encoding="utf-8")
    environment = {"TIEPDON_ALERTS_CONFIG": str(config), "TIEPDON_SPEED": "20"}
    with DemoServer(tmp_path, environment=environment) as server:
        webhook.answering.clear()
        with open_records(server.database_url) as database, database.write() as unit:
            raise_alert(unit, AlertKind.PAPER_OUT, subject="kiosk:1")
        wait_for(lambda: webhook.heard)
        pid = find_worker(server.pid)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        webhook.answering.set()
        wait_for(lambda: len(webhook.heard) == 2)
        with open_records(server.database_url) as database, database.write() as unit:
            clear_alert(unit, AlertKind.PAPER_OUT, subject="kiosk:1")
        wait_for(lambda: len(webhook.heard) == 3)
        time.sleep(3)
    first, again, over = webhook.heard
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"]
    assert first.body == again.body
    assert json.loads(over.body)["alerts"][0]["phases"] == ["cleared"]
    assert len(webhook.heard) == 3
