"""What lies between a dump and the database it goes into; backups as a whole: test_backup.py."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backend.storage.database_copies import _pump, temporary_postgres
from tests.postgres import PostgresServer

pytestmark = pytest.mark.timeout(60)


@pytest.mark.postgres
def test_what_a_killed_check_left_goes_with_the_next_one(postgres_server: PostgresServer) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left, used, own = (
        f"tiepdon_check_{process}"
        for process in (f"{gone.pid}_1", f"{gone.pid}_2", f"{os.getpid()}_1")
    )
    for name in (left, used, own):
        postgres_server.execute(f"CREATE DATABASE {name}")
    with (
        psycopg.connect(postgres_server.url(used)),
        temporary_postgres(postgres_server.url("postgres")),
    ):
        names = _databases(postgres_server)
    assert left not in names
    assert {used, own} <= names, "somebody works there"
    for name in (used, own):
        postgres_server.execute(f"DROP DATABASE {name}")


def _databases(server: PostgresServer) -> set[str]:
    with psycopg.connect(server.url("postgres")) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_nothing_is_said_after_a_dump_before_all_of_it_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """psql works on an index for minutes while pg_restore ended long ago."""
    monkeypatch.setattr("backend.storage.database_copies.BUSY_S", 0.1)
    dump = b"x" * 100_000  # more than waits in a pipe
    arrived = tmp_path / "arrived"
    pipe = subprocess.PIPE
    threads = threading.active_count()
    with (
        subprocess.Popen(["head", "-c", str(len(dump))], stdin=pipe, stdout=pipe) as restore,
        subprocess.Popen(["sh", "-c", f"sleep 1; cat >{arrived}"], stdin=pipe) as psql,
    ):

        def pieces() -> Iterator[bytes]:
            yield dump
            restore.wait()

        _pump(pieces(), restore, psql)
        assert threading.active_count() == threads
        assert psql.stdin is not None
        psql.stdin.close()
    assert arrived.read_bytes().endswith(dump)
