from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[str, PostgresServer | None]]:
    """A database whose server can be killed; durable, as in a hospital."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'storm.sqlite3'}", None
        return
    server = PostgresServer(durable=True)
    try:
        server.start()
        server.execute("CREATE DATABASE storm")
        yield server.url("storm"), server
    finally:
        server.remove()
