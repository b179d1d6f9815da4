"""The file of the register: SQLite in WAL mode, for several threads and processes at once.

A connection lives for one call: nothing is shared between threads or across a fork. The file is
readable by its owner only, because it holds the register in clear.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from his_adapter.builtin.layout import MIGRATIONS
from his_adapter.errors import BrokenReply, GatewayMisconfigured, Unavailable
from his_adapter.events import HisEvent

_log = logging.getLogger(__name__)


class Store:
    """Opens the file, bringing it to the present layout.

    Raises GatewayMisconfigured when the path cannot hold a register, or holds one of a newer
    version. `busy_timeout_s` is how long a write waits for another one.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = 5.0) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise GatewayMisconfigured("the register file cannot be opened") from error
        self._migrate()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A consistent view. Raises Unavailable or BrokenReply."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one writer at a time. Raises Unavailable (nothing written)."""
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._connect()) as db:
                db.execute(begin)
                try:
                    yield db
                    db.execute("COMMIT")
                finally:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise Unavailable(f"register: {error.sqlite_errorname}", retry_after_s=1) from error
        except sqlite3.DatabaseError as error:
            raise BrokenReply(f"register: {type(error).__name__}") from error

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=self._busy_timeout_s, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = FULL")  # a visit that was confirmed survives a power cut
        db.execute("PRAGMA foreign_keys = ON")
        return db

    def _migrate(self) -> None:
        try:
            with closing(self._connect()) as db:
                db.execute("PRAGMA journal_mode = WAL")
            with self.writing() as db:
                version = db.execute("PRAGMA user_version").fetchone()[0]
                if version > len(MIGRATIONS):
                    raise GatewayMisconfigured("the register was written by a newer version")
                for script in MIGRATIONS[version:]:
                    for statement in _statements(script):
                        db.execute(statement)
                db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        except (sqlite3.Error, BrokenReply) as error:
            raise GatewayMisconfigured("the file is not a register") from error
        if version < len(MIGRATIONS):
            _log.info(HisEvent.REGISTER_MIGRATED, extra={"from_version": version})


def _statements(script: str) -> Iterator[str]:
    """`executescript` would commit before it starts, so statements run one by one."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
