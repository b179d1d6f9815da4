from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from backend.errors import StorageUnavailable
from backend.storage.database import Database, open_engine
from backend.storage.metadata import METADATA
from backend.storage.migrate import is_at_head, migrate
from tests.postgres import PostgresServer


def test_migrations_and_tables_say_the_same(database: Database) -> None:
    with database.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)
    assert differences == []


def test_a_fresh_database_is_not_at_head_until_migrated(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'fresh.sqlite3'}", pool_size=1)
    assert not is_at_head(engine)
    migrate(engine)
    migrate(engine)
    assert is_at_head(engine)
    engine.dispose()


def race(url: str) -> None:
    failures: list[Exception] = []

    def start() -> None:
        engine = open_engine(url, pool_size=1)
        try:
            migrate(engine)
            assert is_at_head(engine)
        except Exception as error:
            failures.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_four_processes_starting_at_once_migrate_once_on_sqlite(tmp_path: Path) -> None:
    race(f"sqlite:///{tmp_path / 'race.sqlite3'}")


@pytest.mark.postgres
def test_four_processes_starting_at_once_migrate_once_on_postgres(
    postgres_server: PostgresServer,
) -> None:
    postgres_server.execute("CREATE DATABASE race TEMPLATE template0")
    race(postgres_server.url("race"))


def test_a_database_that_is_away_is_said_so(tmp_path: Path) -> None:
    engine = open_engine(f"postgresql://nobody@/x?host={tmp_path}", pool_size=1)
    with pytest.raises(StorageUnavailable):
        is_at_head(engine)
    with pytest.raises(StorageUnavailable):
        migrate(engine)
