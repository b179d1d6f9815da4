"""The hospital's database: short read-only reads, one statement per write, foreign errors mapped.

On PostgreSQL each read runs in a READ ONLY transaction under a statement time-out, whatever its
text is; on SQLite with `query_only`. For other databases the check of the text remains, and what
the account may do: it should have SELECT on the views and EXECUTE on the procedures, no more.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, text
from sqlalchemy.pool import ConnectionPoolEntry

from his_adapter.errors import (
    BrokenReply,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    LoginFailed,
    OutcomeUnknown,
    Unavailable,
)
from his_adapter.events import HisEvent
from his_adapter.models import WriteKey
from his_adapter.sql_views.columns import Columns
from his_adapter.sql_views.config import SqlViewsConfig

_log = logging.getLogger(__name__)

# PostgreSQL: given up, locked, deadlocked, not serialisable; each of them rolls all back.
_ROLLED_BACK = frozenset({"57014", "55P03", "40P01", "40001", "53300", "53400"})
# PostgreSQL tells a refused login in words only: there is no state before there is a session.
_NO_LOGIN = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry"
    r"|is not permitted to log in|FATAL:\s+role .* does not exist"
)
_STEPS_BETWEEN_LOOKS = 10_000


class Database:
    def __init__(self, config: SqlViewsConfig, statements: Mapping[str, str]) -> None:
        self._config = config
        self._statements = {name: text(statement) for name, statement in statements.items()}
        self._read_engine = _engine(config, timeout_s=config.read_timeout_s, read_only=True)
        self._write_engine = _engine(config, timeout_s=config.write_timeout_s, read_only=False)
        self._lock = Lock()
        self._lost = False
        self._closed = False
        for engine in (self._read_engine, self._write_engine):
            event.listen(engine, "checkin", self._take_back)

    def rows(self, name: str, *, limit: int, **values: object) -> list[Columns]:
        """At most `limit` rows. Raises Unavailable, BrokenReply, Forbidden, LoginFailed."""
        with self._mapped(None), self._read_engine.begin() as db:
            return self._fetch(db, name, limit, values)

    def ping(self) -> float:
        """Milliseconds for the smallest question."""
        started = time.monotonic()
        with self._mapped(None), self._read_engine.begin() as db:
            db.execute(text("SELECT 1"))
        return (time.monotonic() - started) * 1000

    @contextmanager
    def writing(self, key: WriteKey) -> Iterator[Write]:
        """One transaction. When its end is not known for sure: OutcomeUnknown."""
        write = Write(self, key)
        with self._mapped(write), self._write_engine.connect() as db:
            write.open(db)
            yield write
            db.commit()

    def close(self) -> None:
        """One that a late answer still has in hand is closed when it comes back."""
        self._closed = True
        self._read_engine.dispose()
        self._write_engine.dispose()

    def _take_back(self, _connection: Any, entry: ConnectionPoolEntry) -> None:
        # Its pool is given up: nobody else would ever close it.
        if self._closed:
            entry.close()

    def _fetch(
        self, db: Connection, name: str, limit: int, values: Mapping[str, object]
    ) -> list[Columns]:
        statement = self._statements[name]
        wanted = statement.compile().params.keys()
        given = {"limit": limit, **values}
        result = db.execute(statement, {key: given[key] for key in wanted})
        return [
            Columns(name, dict(row), self._config.zone)
            for row in result.mappings().fetchmany(limit)
        ]

    @contextmanager
    def _mapped(self, write: Write | None) -> Iterator[None]:
        try:
            yield
        except exc.TimeoutError as error:
            raise Unavailable("no connection was free in time") from error
        except exc.DBAPIError as error:
            raise self._mapped_error(error, write) from error
        except (exc.SQLAlchemyError, UnicodeError) as error:
            raise BrokenReply(f"database: {type(error).__name__}") from error
        self._tell(lost=False)

    def _mapped_error(self, error: exc.DBAPIError, write: Write | None) -> HisError:
        state = getattr(error.orig, "sqlstate", None) or ""
        broken_off = error.connection_invalidated or state[:2] in {"08", "57"}
        if state[:2] == "28" or _NO_LOGIN.search(str(error.orig)):
            return LoginFailed("the database does not let us in")
        if state == "42501":
            return Forbidden("the account may not do that")
        if state in _ROLLED_BACK or (not state and _is_busy(error)):
            return Unavailable(f"database: {state or 'busy'}", retry_after_s=1)
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            return BrokenReply("database: the statement does not fit")  # no such table or column
        never_connected = error.statement is None
        if broken_off or never_connected or isinstance(error, exc.OperationalError):
            self._tell(lost=True)
            if write is not None and write.sent:
                return OutcomeUnknown("the connection was lost", key=write.key)
            return Unavailable("the database does not answer", retry_after_s=1)
        return BrokenReply(f"database: {state or type(error.orig).__name__}")

    def _tell(self, *, lost: bool) -> None:
        with self._lock:
            changed, self._lost = lost is not self._lost, lost
        if changed:
            _log.warning(
                HisEvent.HIS_LOST if lost else HisEvent.HIS_RETURNED,
                extra={"adapter": "sql_views"},
            )


class Write:
    """One transaction of a write; `sent` from the moment its end can be in doubt."""

    def __init__(self, database: Database, key: WriteKey) -> None:
        self._database = database
        self._db: Connection | None = None
        self.key = key
        self.sent = False

    def open(self, db: Connection) -> None:
        self._db = db

    def rows(self, name: str, *, limit: int, **values: object) -> list[Columns]:
        if self._db is None:
            raise Unavailable("no connection")
        return self._database._fetch(self._db, name, limit, values)  # noqa: SLF001 - its own part

    def call(self, name: str, **values: object) -> list[Columns]:
        self.sent = True
        return self.rows(name, limit=2, key=self.key, **values)


def _is_busy(error: exc.DBAPIError) -> bool:
    """SQLite says so in words; PostgreSQL has a state for it."""
    return any(word in str(error.orig) for word in ("locked", "interrupted"))


def _engine(config: SqlViewsConfig, *, timeout_s: float, read_only: bool) -> Engine:
    url = config.address()
    options: dict[str, Any] = {}
    arguments = dict(config.connect_args)
    kind = url.get_backend_name()
    if kind == "postgresql":
        arguments |= {
            "connect_timeout": max(1, round(config.connect_timeout_s)),
            "options": f"-c statement_timeout={round(timeout_s * 1000)}",
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": round(timeout_s * 1000),
            "prepare_threshold": None,  # a pool between us and the database may not keep them
            "client_encoding": "UTF8",
        }
        options["execution_options"] = {"postgresql_readonly": read_only}
    elif kind == "sqlite":
        arguments["timeout"] = timeout_s
    try:
        engine = create_engine(
            url,
            connect_args=arguments,
            pool_size=config.pool_size,
            max_overflow=0,
            pool_timeout=config.connect_timeout_s,
            pool_pre_ping=True,
            pool_recycle=1800,
            hide_parameters=True,
            **options,
        )
    except (exc.SQLAlchemyError, ImportError, TypeError) as error:
        raise GatewayMisconfigured(f"no driver for {kind}") from error
    if kind == "sqlite":
        _limit_sqlite(engine, timeout_s=timeout_s, read_only=read_only)
    return engine


def _limit_sqlite(engine: Engine, *, timeout_s: float, read_only: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN, below
        if read_only:
            connection.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def _begun(db: Connection) -> None:
        deadline = time.monotonic() + timeout_s
        driver: Any = db.connection.driver_connection
        driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
        db.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
