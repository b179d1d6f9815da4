"""Real servers for storms: gunicorn with several workers, killed and started again."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend.domain.ids import new_id
from tiepdon.demo.server import free_port

ROOT = Path(__file__).parents[2]
PATH = "/api/v1/visits"


class WebServer:
    """The application as `tiepdon serve` runs it, on a port that stays the same over restarts."""

    def __init__(self, database_url: str, folder: Path, *, workers: int = 3) -> None:
        self.port = free_port()
        self._command = [
            sys.executable, "-m", "gunicorn", "backend.app:create_app()",
            "--bind", f"127.0.0.1:{self.port}", "--workers", str(workers),
            "--worker-class", "backend.serve.StreamingWorker", "--threads", "8", "--log-level", "critical", "--preload",
        ]  # fmt: skip
        self._environ = os.environ | {
            "TIEPDON_DB": database_url,
            "TIEPDON_DEMO": "1",
            "TIEPDON_HIS": "builtin",
            "TIEPDON_HIS_SETTINGS": json.dumps({"file": str(folder / "register.sqlite3")}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, env=self._environ, start_new_session=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """kill -9 of the master and of every worker at once."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def kill_one_worker(self) -> None:
        if self._process is None:
            return
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        pids = children.read_text(encoding="ascii").split()
        if pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pids[0]), signal.SIGKILL)


@dataclass
class Storm:
    """Clients that press until they get an answer: the same key again after every failure."""

    port: int
    credential: str
    clients: int = 64
    patience_s: float = 25.0
    answers: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    answered: int = 0

    def run(
        self, bodies: Sequence[dict[str, object]], *, trouble: Callable[[Storm], None] | None = None
    ) -> None:
        """Sends every body once, as one intent with one key; `trouble` happens meanwhile."""
        lock = threading.Lock()
        todo: Iterator[tuple[str, dict[str, object]]] = iter([(new_id(), body) for body in bodies])

        def client() -> None:
            while True:
                with lock:
                    key, body = next(todo, ("", {}))
                if not key:
                    return
                reply = self.press(key, body)
                with lock:
                    if reply is None:
                        self.refused.append(key)
                    else:
                        self.answers.setdefault(key, []).append(reply)
                        self.answered += 1

        threads = [threading.Thread(target=client) for _ in range(self.clients)]
        for thread in threads:
            thread.start()
        if trouble is not None:
            trouble(self)
        for thread in threads:
            thread.join()

    def press(self, key: str, body: dict[str, object]) -> dict[str, object] | None:
        """The visit, however often it takes; None when it was not to be had."""
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline:
            try:
                status, reply = self.send(key, body)
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.05)
                continue
            if status in {200, 201}:
                return reply
            if status < 500:
                return None
            time.sleep(0.05)
        return None

    def send(self, key: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            connection.request(
                "POST",
                PATH,
                json.dumps(body),
                {
                    "Authorization": f"Bearer {self.credential}",
                    "Idempotency-Key": key,
                    "Content-Type": "application/json",
                },
            )
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def wait_for(self, answers: int) -> None:
        deadline = time.monotonic() + self.patience_s
        while self.answered < answers and time.monotonic() < deadline:
            time.sleep(0.01)
