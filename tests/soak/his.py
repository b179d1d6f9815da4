"""A small HIS as a process of its own, and a bad line in front of it. It forgets nothing it said.

`python -m tests.soak.his PORT FILE SEED FAULTS CHANCE DELAY_S`. The journal says what was written
in which order; the soak reads it from the file afterwards.
"""

from __future__ import annotations

import itertools
import json
import random
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS patient (id INTEGER PRIMARY KEY, person TEXT);
CREATE TABLE IF NOT EXISTS visit (
    id INTEGER PRIMARY KEY, patient INTEGER, service TEXT, number TEXT, status TEXT);
CREATE TABLE IF NOT EXISTS written (key TEXT PRIMARY KEY, kind TEXT, record INTEGER);
CREATE TABLE IF NOT EXISTS journal (sequence INTEGER PRIMARY KEY, key TEXT, kind TEXT);
CREATE TABLE IF NOT EXISTS fault (kind TEXT PRIMARY KEY, count INTEGER);
"""
KINDS = ("before", "after", "delay", "twice", "busy", "throttled")
READS = {"find_patients", "find_by_key", "health"}


class Register:
    """One writer at a time; a write is on disk before it is answered. The same key writes once."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def call(self, method: str, body: dict[str, Any]) -> Any:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                return getattr(self, method)(**body)
            finally:
                self._db.execute("COMMIT")

    def count_fault(self, kind: str, *, at_most: int) -> bool:
        """False when enough was done already, also before a restart."""
        with self._lock:
            done = self._db.execute("SELECT coalesce(sum(count), 0) FROM fault").fetchone()[0]
            if done >= at_most:
                return False
            self._db.execute(
                "INSERT INTO fault VALUES (?, 1)"
                " ON CONFLICT (kind) DO UPDATE SET count = count + 1",
                (kind,),
            )
            return True

    def health(self) -> Any:
        return {}

    def find_patients(self, person: str) -> Any:
        rows = self._db.execute("SELECT id FROM patient WHERE person = ?", (person,))
        return [row[0] for row in rows]

    def find_by_key(self, key: str) -> Any:
        row = self._db.execute("SELECT kind, record FROM written WHERE key = ?", (key,)).fetchone()
        return row and {"kind": row[0], "id": row[1]}

    def create_patient(self, person: str, key: str) -> Any:
        return self._once(
            key, "patient", lambda: self._insert("patient (person) VALUES (?)", person)
        )

    def check_in(self, patient: int, service: str, number: str, key: str) -> Any:
        return self._once(
            key,
            "visit",
            lambda: self._insert(
                "visit (patient, service, number, status) VALUES (?, ?, ?, 'arrived')",
                patient, service, number,
            ),
        )  # fmt: skip

    def cancel_visit(self, visit: int, key: str) -> Any:
        def cancel() -> int:
            self._db.execute("UPDATE visit SET status = 'cancelled' WHERE id = ?", (visit,))
            return visit

        return self._once(key, "cancel", cancel)

    def _insert(self, what: str, *values: object) -> int:
        return int(self._db.execute(f"INSERT INTO {what}", values).lastrowid or 0)

    def _once(self, key: str, kind: str, write: Any) -> Any:
        if known := self.find_by_key(key):
            return known
        record = write()
        self._db.execute("INSERT INTO written VALUES (?, ?, ?)", (key, kind, record))
        self._db.execute("INSERT INTO journal (key, kind) VALUES (?, ?)", (key, kind))
        return {"kind": kind, "id": record}


class Line:
    """What goes wrong with each request, drawn from the seed."""

    def __init__(
        self, register: Register, *, seed: int, faults: int, chance: float, delay_s: float
    ) -> None:
        self._register = register
        self._seed = seed
        self._faults = faults
        self._chance = chance
        self._delay_s = delay_s
        self._count = itertools.count()

    def draw(self) -> str | None:
        chance = random.Random(f"{self._seed}:{next(self._count)}")
        if chance.random() >= self._chance:
            return None
        kind = chance.choice(KINDS)
        return kind if self._register.count_fault(kind, at_most=self._faults) else None

    def answer(self, method: str, body: dict[str, Any]) -> tuple[int, Any] | None:
        """None: the line is cut, and nobody knows what became of the request."""
        match self.draw():
            case "before":
                return None
            case "busy":
                return 503, {}
            case "throttled":
                return 429, {}
            case "delay":
                time.sleep(self._delay_s)
            case "twice":
                self._register.call(method, body)
            case "after":
                self._register.call(method, body)
                return None
        return 200, self._register.call(method, body)


def serve(port: int, line: Line) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = line.answer(self.path.strip("/"), body)
            if answer is None:
                self.close_connection = True
                self.connection.close()
                return
            status, reply = answer
            content = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A caller who went away; the others are served."""

        def shutdown_request(self, request: Any) -> None:
            if request.fileno() != -1:
                super().shutdown_request(request)

    Server(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    _, port, path, seed, faults, chance, delay_s = sys.argv
    serve(
        int(port),
        Line(
            Register(path), seed=int(seed), faults=int(faults), chance=float(chance),
            delay_s=float(delay_s),
        ),
    )  # fmt: skip
