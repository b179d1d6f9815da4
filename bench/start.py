"""How long nobody is served: from the start, and after kill -9, by the rules of the unit."""

from __future__ import annotations

import tempfile
from pathlib import Path

from backend.storage.database import open_engine
from backend.storage.migrate import migrate
from bench import Row
from tests.integration.test_restart_bounds import RESTART_S, START_S, measure
from tests.postgres import PostgresServer


def run(*, quick: bool) -> list[Row]:
    rows = []
    for name in ("SQLite",) if quick else ("SQLite", "PostgreSQL"):
        with tempfile.TemporaryDirectory() as folder:
            rows += _rows(name, Path(folder))
    return rows


def _rows(name: str, folder: Path) -> list[Row]:
    if name == "SQLite":
        return _measure(name, f"sqlite:///{folder / 'start.sqlite3'}", folder)
    server = PostgresServer(durable=True)
    try:
        server.start()
        server.execute("CREATE DATABASE start")
        return _measure(name, server.url("start"), folder)
    finally:
        server.remove()


def _measure(name: str, url: str, folder: Path) -> list[Row]:
    engine = open_engine(url, pool_size=1)
    migrate(engine)
    engine.dispose()
    taken = measure(url, folder)
    pause = f"of which {taken.pause_s:g} s the unit waits"
    return [
        Row(name=f"{name}: start of the server to ready", value=taken.start_s, unit="s", goal=START_S),
        Row(name="  kill -9 of its parent to serving", value=taken.killed_s, unit="s", goal=RESTART_S,
            note=pause),
        Row(name="  kill -9 of all to serving", value=taken.cut_s, unit="s", goal=RESTART_S,
            note=pause),
    ]  # fmt: skip
