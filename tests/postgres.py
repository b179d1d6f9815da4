"""A PostgreSQL of our own for tests and benchmarks: started here, gone afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


class PostgresServer:
    """Runs as an unprivileged user (PostgreSQL refuses root) in a folder of its own.

    Listens on a Unix socket only. `durable=False` skips fsync: good for tests that never cut the
    power, wrong for benchmarks.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._binaries = self._find_binaries()
        self._user = "postgres" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="tiepdon-postgres-"))
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        if self._user:
            shutil.chown(self._folder, self._user, self._user)
        self._run(
            "initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip

    @staticmethod
    def _find_binaries() -> Path:
        if not BINARIES:
            raise FileNotFoundError("PostgreSQL server binaries: make setup installs them")
        return BINARIES[0]

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def start(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "max_connections": "120",
            "shared_buffers": "128MB",
            "max_wal_size": "256MB",
            # In its folder, gone with it; elsewhere a killed server leaves this behind for good.
            "dynamic_shared_memory_type": "mmap",
            "fsync": "on" if self._durable else "off",
            "synchronous_commit": "on",
        }
        if not self._durable:
            settings["full_page_writes"] = "off"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *options],
                user=self._user,
                group=self._user,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def kill(self) -> None:
        """Immediate shutdown: every server process dies as in kill -9, recovery runs at start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._binaries / program, *arguments],
            user=self._user,
            group=self._user,
            cwd=self._folder,
            check=True,
            capture_output=True,
        )
