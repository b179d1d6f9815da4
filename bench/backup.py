"""A backup of a large database while people take numbers, and its restore on an empty machine.

PostgreSQL with synchronous commit, `tiepdon backup` to two folders with the niceness of its unit,
registrations in open arrivals beside it. Then `tiepdon restore` into a second, empty PostgreSQL.
BENCH_BACKUP_GB sets the size (10); it takes four times that on the disk of the temporary folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from bench import Row
from bench.issue import PATH, SERIES, Bench, set_up
from bench.load import Outcome, send_all, serving
from tests.postgres import PostgresServer

RATE = 10
CHUNK_S = 15
TICKETS_A_STEP = 500_000
GIB = 1024**3


def size_of(url: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def fill(bench: Bench, wanted: int) -> int:
    """Visits of past days until the database is as large as wanted; how many there are."""
    tickets, step = 0, TICKETS_A_STEP if wanted > GIB else 50_000
    while size_of(bench.url) < wanted:
        bench.add_old_tickets(tickets + 1, tickets + step)
        tickets += step
        print(f"  {size_of(bench.url) / GIB:.1f} GB", file=sys.stderr)
    return tickets


class Load:
    """Open arrivals in pieces, as long as they are wanted."""

    def __init__(self, bench: Bench, port: int) -> None:
        self._bench, self._port = bench, port
        self._services = [f"S{letter}" for letter in SERIES]
        self.pieces: list[Outcome] = []

    def run(self, seconds: int = CHUNK_S) -> None:
        requests = self._bench.make_requests(RATE * seconds, self._services)
        self.pieces.append(send_all(self._port, PATH, *requests, rate=RATE))

    def take(self) -> Outcome:
        pieces, self.pieces = self.pieces, []
        return Outcome(
            took_s=[took for piece in pieces for took in piece.took_s],
            numbers=[number for piece in pieces for number in piece.numbers],
            failed=sum(piece.failed for piece in pieces),
            elapsed_s=sum(piece.elapsed_s for piece in pieces),
        )


def tiepdon(environ: dict[str, str], *arguments: object, nice: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["nice", "-n", str(nice), sys.executable, "-m", "tiepdon", *map(str, arguments)],
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        text=True,
    )


def answer_of(process: subprocess.Popen[str]) -> dict[str, object]:
    output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {output}")
    answer: dict[str, object] = json.loads(output)
    return answer


def run(*, quick: bool) -> list[Row]:
    wanted = int(float(os.environ.get("BENCH_BACKUP_GB") or (0.2 if quick else 10)) * GIB)
    server, empty = PostgresServer(durable=True), PostgresServer(durable=True)
    with tempfile.TemporaryDirectory(prefix="tiepdon-backup-") as folder:
        disks = [Path(folder, name) for name in ("one", "two")]
        for disk in disks:
            disk.mkdir()
        environ = {"TIEPDON_DEMO": "1", "TIEPDON_HIS": "builtin", "TIEPDON_DATA": folder}
        key = Path(folder, "backup.key")
        answered = subprocess.run(
            [sys.executable, "-m", "tiepdon", "keys", "new-backup", key], check=True
        )
        assert answered.returncode == 0
        environ["TIEPDON_BACKUP_KEY_FILE"] = str(key)
        try:
            server.start()
            bench = set_up(server)
            fill(bench, wanted)
            size = size_of(bench.url)
            with serving("backend.app:create_app()", bench.environ) as port:
                load = Load(bench, port)
                load.run(5)
                load.take()
                load.run()
                load.run()
                calm = load.take()
                began = time.monotonic()
                process = tiepdon(environ | {"TIEPDON_DB": bench.url}, "backup", *disks, nice=19)
                while process.poll() is None:
                    load.run(5 if quick else CHUNK_S)
                backup = answer_of(process)
                took_s = time.monotonic() - began
                beside = load.take()
            bench.hospital.database.close()
            server.remove()
            empty.start()
            empty.execute("CREATE DATABASE bench")
            began = time.monotonic()
            restored = answer_of(
                tiepdon(environ | {"TIEPDON_DB": empty.url("bench")}, "restore", disks[1])
            )
            restore_s = time.monotonic() - began
        finally:
            server.remove()
            empty.remove()
    gib = size / GIB
    return [
        Row(name="size of the database", value=gib, unit="GB", goal=wanted / GIB, bound="at least"),
        Row(
            name="backup to two folders, beside registrations",
            value=took_s / 60,
            unit="min",
            goal=6 * 60,
            note=f"{gib * 1024 / took_s:.0f} MB/s; at most six hours, as its unit allows",
        ),
        Row(
            name=f"sealed, of {gib:.1f} GB",
            value=float(str(backup["bytes"])) / GIB,
            unit="GB",
        ),
        Row(
            name=f"registrations beside it, of {RATE} a second",
            value=beside.rate,
            unit="/s",
            goal=0.95 * RATE,
            bound="at least",
        ),
        Row(
            name="  p95 beside it",
            value=beside.p95_ms,
            unit="ms",
            goal=1000,
            note=f"{calm.p95_ms:.0f} ms without",
        ),
        Row(name="  failed beside it", value=beside.failed, unit="", goal=0),
        Row(name="  numbers given twice", value=beside.duplicates, unit="", goal=0),
        Row(
            name="restore on an empty machine by one command, proved",
            value=restore_s / 60,
            unit="min",
            note=f"{'all rows there' if restored['ok'] else 'NOT RIGHT'}",
        ),
    ]
