"""Messages of an older version go on where they were, and come back as they can."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from backend.storage import migrate as module
from backend.storage.database import open_engine

STEP = next(
    step
    for step in ScriptDirectory.from_config(module._alembic()).walk_revisions()
    if step.path.endswith("_outbox_lanes.py")
)
BEFORE, AFTER = str(STEP.down_revision), STEP.revision
VISIT = (
    "INSERT INTO visit (id, facility_id, person_id, day, kind, lane, priority_declared, provisional,"
    " verified, known_to_his, use_insurance, papers, language, scan_id, changes, created_at, version)"
    " VALUES (:id, 'main', :person, '2026-11-23', 'new', 'N', false, false, true, true, true, '{}',"
    " 'vi', 's', 0, '2026-11-23 01:00:00', 0)"
)
PERSON = (
    "INSERT INTO person (id, facility_id, sealed, last_seen_at)"
    " VALUES ('p1', 'main', :sealed, '2026-11-23 01:00:00')"
)
MESSAGE = (
    "INSERT INTO outbox_message (id, facility_id, kind, visit_id, payload, state, attempts, next_at,"
    " created_at, settled_at) VALUES (:id, 'main', 'his.check_in', :visit, '{\"steps\": []}', :state,"
    " :attempts, '2026-11-23 01:00:00', '2026-11-23 01:00:00', :settled)"
)
SETTLED = "2026-11-23 01:00:05"
OLD = (
    ("m1", "v1", "pending", 0, None),
    ("m2", "v1", "pending", 2, None),
    ("m3", "v2", "sent", 1, SETTLED),
    ("m4", "v2", "dead", 1, SETTLED),
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database of the older version with its rows."""
    engine = open_engine(database_url, pool_size=2)
    _move(engine, BEFORE)
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(text(PERSON), {"sealed": b"x"})
        for visit, person in (("v1", "p1"), ("v2", None)):
            connection.execute(text(VISIT), {"id": visit, "person": person})
        for row in OLD:
            names = ("id", "visit", "state", "attempts", "settled")
            connection.execute(text(MESSAGE), dict(zip(names, row, strict=True)))
    yield engine
    engine.dispose()


def _move(engine: Engine, revision: str) -> None:
    config = module._alembic()
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        go = command.downgrade if revision == BEFORE else command.upgrade
        go(config, revision)


def read(engine: Engine, columns: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        rows = connection.execute(text(f"SELECT {columns} FROM outbox_message ORDER BY id"))
        return [tuple(row) for row in rows]


def test_messages_are_carried_over_and_back(engine: Engine) -> None:
    _move(engine, AFTER)
    found = read(engine, "id, party, lane, state, settled_at IS NULL, expires_at IS NOT NULL")
    assert [(*map(str, row[:4]), bool(row[4]), bool(row[5])) for row in found] == [
        ("m1", "his", "p1", "new", True, True),
        # It was tried before and may have arrived: looked up first.
        ("m2", "his", "p1", "unknown", True, True),
        ("m3", "his", "v2", "done", False, True),
        ("m4", "his", "v2", "dead", True, True),
    ]
    _move(engine, BEFORE)
    found = read(engine, "id, state, settled_at IS NULL")
    assert [(row[0], row[1], bool(row[2])) for row in found] == [
        ("m1", "pending", True),
        ("m2", "pending", True),
        ("m3", "sent", False),
        ("m4", "dead", False),
    ]
