"""Load on a real server: gunicorn as in a hospital, and clients in processes of their own."""

from __future__ import annotations

import contextlib
import http.client
import json
import multiprocessing
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.domain.ids import new_id

WORKERS, THREADS = 2, 16
CLIENTS, CLIENT_PROCESSES = 32, 2
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Answers of one run: seconds each took, counted from when it should have been sent."""

    took_s: list[float]
    numbers: list[str]
    failed: int
    elapsed_s: float

    @property
    def rate(self) -> float:
        return len(self.took_s) / self.elapsed_s

    @property
    def p95_ms(self) -> float:
        return statistics.quantiles(self.took_s, n=100)[94] * 1000

    @property
    def duplicates(self) -> int:
        return len(self.numbers) - len(set(self.numbers))


# --- clients -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Load:
    """Requests of one client process. `interval_s` None = closed loop: the next after the answer."""

    port: int
    path: str
    credential: str
    bodies: list[bytes]
    clients: int
    interval_s: float | None
    start_at: float


def _send(connection: http.client.HTTPConnection, load: Load, body: bytes) -> str:
    """The number in the answer. Raises ConnectionError for anything but a ticket."""
    connection.request(
        "POST",
        load.path,
        body,
        {
            "Authorization": f"Bearer {load.credential}",
            "Idempotency-Key": new_id(),
            "Content-Type": "application/json",
        },
    )
    response = connection.getresponse()
    text = response.read()
    if response.status != 201:
        raise ConnectionError(f"{response.status} {text[:200]!r}")
    return str(json.loads(text)["number"])


def _work(load: Load, results: multiprocessing.Queue[Outcome]) -> None:
    took_s: list[float] = []
    numbers: list[str] = []
    failures: list[str] = []
    bodies = iter(enumerate(load.bodies))
    lock = threading.Lock()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", load.port, timeout=30)
        while True:
            with lock:
                index, body = next(bodies, (0, b""))
            if not body:
                return
            due = time.monotonic()
            if load.interval_s is not None:
                due = load.start_at + index * load.interval_s
                time.sleep(max(0.0, due - time.monotonic()))
            try:
                number = _send(connection, load, body)
            except (OSError, http.client.HTTPException) as error:
                failures.append(str(error))
                connection.close()
                continue
            took_s.append(time.monotonic() - due)
            numbers.append(number)

    time.sleep(max(0.0, load.start_at - time.monotonic()))
    threads = [threading.Thread(target=client) for _ in range(load.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        print(f"  {len(failures)} failed, the first: {failures[0]}", file=sys.stderr)
    elapsed_s = time.monotonic() - load.start_at
    results.put(Outcome(took_s=took_s, numbers=numbers, failed=len(failures), elapsed_s=elapsed_s))


def send_all(
    port: int, path: str, credential: str, bodies: list[bytes], *, rate: float | None
) -> Outcome:
    """All bodies from CLIENT_PROCESSES processes; `rate` per second together, or closed loop."""
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[Outcome] = context.Queue()
    start_at = time.monotonic() + 0.3
    processes = [
        context.Process(
            target=_work,
            args=(
                Load(
                    port=port,
                    path=path,
                    credential=credential,
                    bodies=bodies[part::CLIENT_PROCESSES],
                    clients=CLIENTS // CLIENT_PROCESSES,
                    interval_s=None if rate is None else CLIENT_PROCESSES / rate,
                    start_at=start_at + (0 if rate is None else part / rate),
                ),
                results,
            ),
        )
        for part in range(CLIENT_PROCESSES)
    ]
    for process in processes:
        process.start()
    outcomes = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return Outcome(
        took_s=[took for outcome in outcomes for took in outcome.took_s],
        numbers=[number for outcome in outcomes for number in outcome.numbers],
        failed=sum(outcome.failed for outcome in outcomes),
        elapsed_s=max(outcome.elapsed_s for outcome in outcomes),
    )


# --- servers -------------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(application: str, environ: dict[str, str]) -> Iterator[int]:
    """Gunicorn as `tiepdon serve` runs it; gives the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}",
            "--workers", str(WORKERS), "--worker-class", "backend.serve.StreamingWorker", "--threads", str(THREADS),
            "--keep-alive", "30", "--log-level", "error", "--preload",
        ],
        cwd=ROOT,
        env=os.environ | environ,
        start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                break
        yield port
    finally:
        # Calls that hang at a slow HIS would hold up an end in good order.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


# --- consoles ------------------------------------------------------------------------------------


@dataclass
class Caller:
    """The consoles: each press finishes who is in the room and calls the next."""

    port: int
    credential: str
    rooms: Sequence[str]
    rate: float
    """Calls a second, all rooms together."""
    pressed: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Of each call: the room and when its button was pressed."""
    took_s: list[float] = field(default_factory=list)
    failed: int = 0
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What each room's page shows; hand it to the next round."""

    def run(self, calls: int) -> None:
        lock = threading.Lock()
        numbers = iter(range(calls))
        start_at = time.monotonic() + 0.3

        def work(room: str) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            if room not in self.seen:
                self.seen[room] = self._read(connection, room)
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    connection.close()
                    return
                time.sleep(max(0.0, start_at + number / self.rate - time.monotonic()))
                self.seen[room] = self._press(connection, room, self.seen[room], lock)

        threads = [threading.Thread(target=work, args=(room,)) for room in self.rooms]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _read(self, connection: http.client.HTTPConnection, room: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.credential}"}
        connection.request("GET", f"/api/v1/rooms/{room}", headers=headers)
        reply = connection.getresponse()
        body: dict[str, Any] = json.loads(reply.read())
        if reply.status != 200:
            raise ConnectionError(f"{reply.status} {body}")
        return body

    def _press(
        self,
        connection: http.client.HTTPConnection,
        room: str,
        seen: dict[str, Any],
        lock: threading.Lock,
    ) -> dict[str, Any]:
        finish = [
            {"step_id": step["step_id"], "version": step["version"]} for step in seen["current"]
        ]
        began = time.monotonic()
        connection.request(
            "POST",
            f"/api/v1/rooms/{room}/next",
            json.dumps({"finish": finish, "after_call": seen["last_call"]}),
            {
                "Authorization": f"Bearer {self.credential}",
                "Idempotency-Key": new_id(),
                "Content-Type": "application/json",
            },
        )
        reply = connection.getresponse()
        body: dict[str, Any] = json.loads(reply.read())
        with lock:
            if reply.status != 200:
                self.failed += 1
                if self.failed == 1:
                    print(f"  refused: {reply.status} {body.get('detail')}", file=sys.stderr)
                return seen
            self.took_s.append(time.monotonic() - began)
            self.pressed[body["last_call"]] = (room, began)
        return body
