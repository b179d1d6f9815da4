"""One database behind one object: SQLite on a single machine, PostgreSQL in a hospital.

Promises on both: what was committed survives kill -9 and a power cut; a write transaction takes
its place in line at once (SQLite: BEGIN IMMEDIATE) and waits a bounded time; when the database
is away, locked, read-only or full the caller sees StorageUnavailable and nothing was written;
after the database is back the next call works without a restart. Closed is closed: no connection
outlives it, not even one that another thread has in hand at that moment.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from backend.config import Config
from backend.errors import StorageUnavailable
from backend.storage.unit_of_work import UnitOfWork

Result = TypeVar("Result")
Clock = Callable[[], datetime]

BUSY_TIMEOUT_S = 5.0
STATEMENT_TIMEOUT_S = 10
POOL_TIMEOUT_S = 5.0
GONE_AFTER_S = 10
"""A database machine that acknowledges nothing for so long is gone."""
CLOSING_S = 2.0
"""How long closing waits for transactions under way; each is a few milliseconds."""
TRIES = 3
RUN_AGAIN_AFTER_S = 0.05
"""Who lost a deadlock lets the winner through: at once again, the two may meet in the same way."""
# PostgreSQL: serialization failure, deadlock. The whole transaction may simply be run again.
RUN_AGAIN_STATES = frozenset({"40001", "40P01"})


def system_clock() -> datetime:
    return datetime.now(UTC)


def open_engine(url: str, *, pool_size: int, busy_timeout_s: float = BUSY_TIMEOUT_S) -> Engine:
    if url.startswith("sqlite"):
        return _open_sqlite(url, pool_size=pool_size, busy_timeout_s=busy_timeout_s)
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=POOL_TIMEOUT_S,
        pool_use_lifo=True,
        connect_args={
            "connect_timeout": 5,
            # A database machine that lost its power says nothing: without these a request would
            # wait for the kernel's quarter of an hour instead of going to the standby.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": GONE_AFTER_S * 1000,
            "options": (
                f"-c statement_timeout={STATEMENT_TIMEOUT_S * 1000}"
                " -c synchronous_commit=on -c TimeZone=UTC"
                " -c idle_in_transaction_session_timeout=60000"
            ),
        },
    )


def _open_sqlite(url: str, *, pool_size: int, busy_timeout_s: float) -> Engine:
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={"check_same_thread": False, "timeout": busy_timeout_s},
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # Transactions are begun below, not by the driver's guess.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        # NORMAL would lose the last commits in a power cut: people hold those numbers in hand.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later could not take the lock any more.
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def may_run_again(error: DBAPIError) -> bool:
    """True when the transaction was undone for a reason that has nothing to do with its data."""
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state in RUN_AGAIN_STATES


class Database:
    """Reads and writes for one facility. `clock` returns aware UTC."""

    def __init__(self, engine: Engine, *, facility_id: str, clock: Clock = system_clock) -> None:
        self.engine = engine
        self.facility_id = facility_id
        self.clock = clock
        self._closed = False
        # Each statement sees what was committed before it either way (READ COMMITTED); without a
        # transaction around them a read costs two messages less. SQLite keeps one view of all.
        one_by_one = engine.dialect.name == "postgresql"
        self._reading = (
            engine.execution_options(isolation_level="AUTOCOMMIT") if one_by_one else engine
        )
        event.listen(engine, "checkin", self._take_back)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with. Raises StorageUnavailable."""
        self._refuse_when_closed()
        try:
            with self._reading.connect() as connection:
                yield connection
        except (OperationalError, PoolTimeout) as error:
            raise StorageUnavailable from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StorageUnavailable from error
            raise

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection to read with that sees one moment throughout. Raises StorageUnavailable."""
        self._refuse_when_closed()
        is_postgres = self.engine.dialect.name == "postgresql"
        options = {"isolation_level": "REPEATABLE READ"} if is_postgres else {}
        try:
            with self.engine.connect().execution_options(**options) as connection:
                yield connection
        except (OperationalError, PoolTimeout) as error:
            raise StorageUnavailable from error

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """One transaction: committed at the end of the block, undone by any exception.

        Raises StorageUnavailable when it could not be written. If that happens while the commit
        is on its way the outcome is unknown, which is why every write carries a key.
        """
        try:
            with self._begin() as unit:
                yield unit
        except IntegrityError:
            raise
        except (DBAPIError, PoolTimeout) as error:
            raise StorageUnavailable from error

    def transact(self, work: Callable[[UnitOfWork], Result]) -> Result:
        """Like `write`, and runs `work` again after a deadlock or a lost connection.

        Not after a commit that may have happened: `work` must be safe to run only once.
        """
        for left in reversed(range(TRIES)):
            done = False
            try:
                with self._begin() as unit:
                    result = work(unit)
                    unit.flush()
                    done = True
            except IntegrityError:
                raise
            except (DBAPIError, PoolTimeout) as error:
                again = isinstance(error, DBAPIError) and may_run_again(error) and not done
                if not (again and left):
                    raise StorageUnavailable from error
                time.sleep(RUN_AGAIN_AFTER_S)
            else:
                return result
        raise AssertionError("unreachable")

    @contextmanager
    def _begin(self) -> Iterator[UnitOfWork]:
        self._refuse_when_closed()
        # `preserve_rowcount`: how many rows an INSERT … ON CONFLICT wrote tells who won a race.
        options = {"write": True, "preserve_rowcount": True}
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            unit = UnitOfWork(
                connection, facility_id=self.facility_id, now=self.clock(), clock=self.clock
            )
            yield unit
            unit.flush()

    def close(self, *, within_s: float = CLOSING_S) -> None:
        """Ends every connection; whoever reads or writes afterwards sees StorageUnavailable.

        Waits `within_s` for those in use. One that comes back later still is closed on its return.
        """
        self._closed = True
        pool = self.engine.pool
        until_s = time.monotonic() + within_s
        while isinstance(pool, QueuePool) and pool.checkedout() > 0 and time.monotonic() < until_s:
            time.sleep(0.005)
        self.engine.dispose()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise StorageUnavailable

    def _take_back(self, _connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        # The pool it belongs to is given up: nobody else would ever close it.
        if self._closed:
            entry.close()


def open_database(config: Config, *, clock: Clock = system_clock) -> Database:
    """Opens nothing yet: the first read or write connects."""
    engine = open_engine(config.database_url, pool_size=config.threads)
    return Database(engine, facility_id=config.facility_id, clock=clock)
