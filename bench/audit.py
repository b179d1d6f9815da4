"""Searching the audit trail of a year: first pages, and pages from the middle, as the page asks."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from backend.bootstrap import set_up
from backend.config import Config
from backend.domain.audit_groups import GROUPS
from backend.services.search_audit import search_audit, walk_audit
from backend.storage.audit_search import AuditWish
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database, open_database
from bench import Row
from tests.postgres import PostgresServer

ROWS, QUICK_ROWS = 1_000_000, 50_000
TAKEN_OUT = 100_000
EVENTS = (
    "visit_started", "person_identified", "step_called", "step_moved", "outbox_sent",
    "ticket_print_reported", "person_read", "logged_in",
)  # fmt: skip
ACTORS = [f"staff:{index:032x}" for index in range(80)] + [
    f"kiosk:{index:032x}" for index in range(60)
]
TIMES = 20
START = datetime(2026, 1, 1, tzinfo=UTC)
GOAL_MS = 300.0


def run(*, quick: bool) -> list[Row]:
    rows = QUICK_ROWS if quick else ROWS
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        register = Path(folder) / "register.sqlite3"
        found += _measure("SQLite", f"sqlite:///{folder}/audit.sqlite3", register, rows)
        server = PostgresServer()
        server.start()
        try:
            server.execute("CREATE DATABASE bench_audit")
            found += _measure("PostgreSQL", server.url("bench_audit"), register, rows)
        finally:
            server.remove()
    return found


def _measure(kind: str, url: str, register: Path, rows: int) -> Iterator[Row]:
    config = Config(database_url=url, his_settings={"file": str(register)})
    database = open_database(config)
    try:
        set_up(database, config)
        _fill(database, rows)
        worst = [_time(name, kind, work) for name, work in _searches(database, rows)]
        yield from worst
        began = time.perf_counter()
        taken = sum(1 for _ in islice(walk_audit(database, AuditWish()), TAKEN_OUT))
        seconds = time.perf_counter() - began
        yield Row(
            name=f"audit: taken out, {kind}",
            value=taken / seconds,
            unit="rows/s",
            note=f"of {rows}",
        )
    finally:
        database.close()


def _fill(database: Database, rows: int) -> None:
    step = timedelta(days=365) / rows
    for first in range(0, rows, 5_000):
        values = [
            {
                "id": f"{index:032x}",
                "facility_id": database.facility_id,
                "at": START + step * index,
                "actor": ACTORS[index * 11 % len(ACTORS)],
                "event": "login_failed" if index % 5_000 == 0 else EVENTS[index % len(EVENTS)],
                "subject": f"visit:{index // 12:032x}",
                "detail": {"n": index},
                "origin": f"10.1.0.{index % 200}",
            }
            for index in range(first, min(first + 5_000, rows))
        ]
        with database.write() as unit:
            unit.connection.execute(insert(AuditEvent), values)
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
            link.exec_driver_sql("ANALYZE audit_event")


def _searches(database: Database, rows: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    day = START + timedelta(days=180)
    one = (ACTORS[3],)
    wishes = {
        "the newest": AuditWish(),
        "a day": AuditWish(since=day, until=day + timedelta(days=1)),
        "one person": AuditWish(actors=one),
        "twenty people": AuditWish(actors=tuple(ACTORS[:20])),
        "a common event": AuditWish(events=("visit_started",)),
        "a rare event": AuditWish(events=("login_failed",)),
        "reads of people": AuditWish(events=GROUPS["reads"]),
        "a rare event of one person": AuditWish(actors=one, events=("login_failed",)),
        "what one person never did": AuditWish(actors=one, events=("user_added",)),
        "one visit": AuditWish(subjects=(f"visit:{rows // 24:032x}",)),
        "nobody": AuditWish(actors=("staff:nobody",)),
    }
    middle = (day, "f" * 32)
    for name, wish in wishes.items():
        yield name, partial(search_audit, database, wish)
        if wish.since is None and wish.subjects is None:
            yield f"{name}, middle", partial(search_audit, database, wish, before=middle)


def _time(name: str, kind: str, work: Callable[[], Any]) -> Row:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return Row(
        name=f"audit: {name}, {kind}",
        value=max(taken),
        unit="ms",
        goal=GOAL_MS,
        note=f"median {statistics.median(taken):.1f}",
    )
