"""A PostgreSQL with the example views of sql_views, by today's clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import uuid4

import psycopg

from tests.contract.test_sql_views import FOLDER, SEED, OtherClinic
from tests.postgres import PostgresServer

TODAY = """
CREATE OR REPLACE FUNCTION his.clock() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now()';
INSERT INTO his.slot SELECT 'later-' || to_char(s, 'YYYYMMDDHH24MI'), 'exam', '101', NULL, s,
    s + interval '15 minutes', 3
    FROM generate_series(date_trunc('hour', now() + interval '4 days'), now() + interval '7 days',
        '15 minutes') s;
"""


@contextmanager
def example_database(server: PostgresServer | None) -> Iterator[tuple[str, str]]:
    """Its address for its owner, and the account that may only read and call."""
    if server is None:
        own = PostgresServer()
        try:
            own.start()
            with example_database(own) as database:
                yield database
        finally:
            own.remove()
        return
    name = f"certify_{uuid4().hex}"
    server.execute(f"CREATE DATABASE {name}")
    server.execute(f"CREATE ROLE {name} LOGIN")
    with psycopg.connect(server.url(name)) as connection:
        connection.execute((FOLDER / "example_postgresql.sql").read_bytes())
        connection.execute((SEED + TODAY).encode())
        connection.execute(
            f"GRANT USAGE ON SCHEMA tiepdon TO {name};"
            f"GRANT SELECT ON ALL TABLES IN SCHEMA tiepdon TO {name}".encode()
        )
    try:
        yield server.url(name), name
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.execute(f"DROP ROLE {name}")


class ExampleClinic(OtherClinic):
    """Over one connection: there is much to prepare."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._connection = psycopg.connect(url, autocommit=True)

    def close(self) -> None:
        self._connection.close()

    def _one(self, statement: LiteralString, values: tuple[object, ...]) -> Any:
        row = self._connection.execute(statement, values).fetchone()
        assert row is not None
        return row[0]

    def _run(self, statement: LiteralString, values: tuple[object, ...]) -> None:
        self._connection.execute(statement, values)
