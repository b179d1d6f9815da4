"""Fixtures for all tests. Whatever needs a database runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import pytest
from argon2 import PasswordHasher

from backend.services import hash_password
from backend.storage.database import Database, open_engine
from backend.storage.migrate import migrate
from tests.postgres import PostgresServer

MEMORY = Path("/dev/shm")
PLENTY_BYTES = 4 * 1024**3

_numbers = itertools.count()

# A busy machine makes single examples slow; that says nothing about the code.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Temporary files in memory where there is plenty of it: a disk makes every commit wait.

    Nothing here cuts the power, and what was killed keeps its files in memory as well.
    """
    if config.option.basetemp or os.environ.get("TMPDIR") or not os.access(MEMORY, os.W_OK):
        return
    if shutil.disk_usage(MEMORY).free >= PLENTY_BYTES:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that need the machine alone are looked for in one folder: reading all takes long."""
    strays = [
        item.nodeid
        for item in items
        if item.get_closest_marker("alone") and "integration" not in item.path.parts
    ]
    if strays:
        raise pytest.UsageError(f"marked alone, and not in tests/integration: {strays[0]}")


class SettableClock:
    """A clock that stands still until it is moved. Starts on a Monday at 08:00 in Vietnam."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture(scope="session", autouse=True)
def light_hashes() -> Iterator[PasswordHasher]:
    """Passwords of tests are worth no work. Gives what hashes them in a hospital."""
    full = hash_password._hasher
    with pytest.MonkeyPatch.context() as patch:
        light = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(hash_password, "_hasher", light)
        yield full


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        server.execute("CREATE DATABASE template_tiepdon")
        engine = open_engine(server.url("template_tiepdon"), pool_size=1)
        migrate(engine)
        engine.dispose()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    engine = open_engine(f"sqlite:///{path}", pool_size=1)
    migrate(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated, empty database of each kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "tiepdon.sqlite3"
        shutil.copy(template, path)
        yield f"sqlite:///{path}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"test_{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE template_tiepdon")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str, clock: SettableClock) -> Iterator[Database]:
    engine = open_engine(database_url, pool_size=8)
    database = Database(engine, facility_id="main", clock=clock)
    yield database
    database.close()
