"""One consistent copy of a running database, and the way back.

SQLite by its online backup in both directions: writers go on, and what is overwritten changes in
one transaction. PostgreSQL by pg_dump in one snapshot, and back by pg_restore and psql in one
transaction: whatever dies half-way, the database is as it was.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from backend.errors import BackupFailed

PIECE_BYTES = 1024 * 1024
BUSY_S = 15.0
TEMPORARY = "tiepdon_check_"
SQLITE_BUSY = (5, 6)  # SQLITE_BUSY, SQLITE_LOCKED
EMPTY_SCHEMA = """
BEGIN;
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE 'DROP TABLE public.' || name || ' CASCADE';
  END LOOP;
  FOR name IN SELECT p.oid::regprocedure::text FROM pg_proc p
      WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
    EXECUTE 'DROP ROUTINE ' || name || ' CASCADE';
  END LOOP;
END $$;
"""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One moment of a database. `pieces` can be read once, while the copy is open."""

    kind: str
    migration: str | None
    rows: dict[str, int]
    pieces: Iterator[bytes]


def is_sqlite(url: str) -> bool:
    return url.startswith("sqlite")


def path_of(url: str) -> Path:
    return Path(make_url(url).database or "")


def open_copy(url: str) -> AbstractContextManager[Copy]:
    """One moment of the database, for a `with`. Raises BackupFailed."""
    return copy_sqlite(path_of(url)) if is_sqlite(url) else _copy_postgres(url)


def size_of(url: str) -> int:
    """Bytes a copy takes at most, before it is made. Raises BackupFailed."""
    if is_sqlite(url):
        return sqlite_size(path_of(url))
    try:
        with _connect(url) as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    except psycopg.Error as error:
        raise BackupFailed("the database does not answer") from error
    return int(row[0]) if row else 0


def sqlite_size(path: Path) -> int:
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


@contextmanager
def copy_sqlite(path: Path) -> Iterator[Copy]:
    """The copy lies beside the original without a name: nothing in clear outlives this process."""
    if not path.is_file():
        raise BackupFailed(f"{path} does not exist")
    if shutil.disk_usage(path.parent).free < sqlite_size(path):
        raise BackupFailed(f"no room beside {path} for the copy of one moment")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "rb") as file:
            with (
                closing(_open_sqlite(path)) as source,
                closing(sqlite3.connect(name, isolation_level=None)) as target,
            ):
                target.execute("PRAGMA journal_mode=OFF").fetchall()
                Path(name).unlink()
                source.execute("BEGIN")
                rows = _count_sqlite(source)
                migration = _migration(source, rows)
                _copy_pages(source, target)
            yield Copy(kind="sqlite", migration=migration, rows=rows, pieces=_pieces(file))
    except sqlite3.Error as error:
        raise BackupFailed(f"{path.name} cannot be copied: {error}") from error
    finally:
        Path(name).unlink(missing_ok=True)


def restore_sqlite(source_path: Path, path: Path) -> None:
    """Puts the content of one file in the place of another's, in one transaction.

    Raises BackupFailed, and then the target is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    try:
        with (
            closing(_open_sqlite(source_path)) as source,
            closing(sqlite3.connect(path, isolation_level=None, timeout=1)) as target,
        ):
            target.execute("PRAGMA synchronous=FULL")
            _copy_pages(source, target)
            target.execute("PRAGMA journal_mode=WAL").fetchall()
    except sqlite3.Error as error:
        raise BackupFailed(f"{path.name} cannot be written: {error}") from error


def check_sqlite(path: Path) -> dict[str, int]:
    """Rows of each table of a file that SQLite itself finds whole. Raises BackupFailed."""
    try:
        with closing(_open_sqlite(path)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise BackupFailed("SQLite does not find the database whole")
            return _count_sqlite(connection)
    except sqlite3.Error as error:
        raise BackupFailed(f"not a database: {error}") from error


def _open_sqlite(path: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(path.resolve()))}?mode=rw"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=1)


def _copy_pages(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    until_s = time.monotonic() + BUSY_S

    def watch(status: int, _remaining: int, _total: int) -> None:
        # Python tries for ever while somebody else holds a lock.
        if status in SQLITE_BUSY and time.monotonic() > until_s:
            raise BackupFailed("the database is in use: stop the service first")

    source.backup(target, pages=-1, progress=watch, sleep=0.1)


def _count_sqlite(connection: sqlite3.Connection) -> dict[str, int]:
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    # Names come from the database itself, quoted.
    return {
        name: int(connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608
        for (name,) in names
    }


def _migration(connection: sqlite3.Connection, rows: dict[str, int]) -> str | None:
    if not rows.get("alembic_version"):
        return None
    return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@contextmanager
def _copy_postgres(url: str) -> Iterator[Copy]:
    program = _find_program("pg_dump")
    try:
        with _connect(url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()
            rows = _count_postgres(connection)
            migration = None
            if rows.get("alembic_version"):
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
                migration = str(row[0]) if row else None
            command = [
                program, "--format=custom", "--no-owner", "--no-privileges", "--no-password",
                f"--snapshot={snapshot[0] if snapshot else ''}", f"--dbname={_clean(url)}",
            ]  # fmt: skip
            yield Copy(
                kind="postgresql",
                migration=migration,
                rows=rows,
                pieces=_run_dump(command, _environment(url)),
            )
    except psycopg.Error as error:
        raise BackupFailed("the database does not answer") from error


def _run_dump(command: list[str], environment: dict[str, str]) -> Iterator[bytes]:
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, env=environment
        ) as process,
    ):
        try:
            if process.stdout is not None:
                yield from _pieces(process.stdout)
            if process.wait() != 0:
                raise BackupFailed(f"pg_dump: {_first_line(complaints)}")
        finally:
            if process.poll() is None:
                process.kill()


def restore_postgres(pieces: Iterable[bytes], url: str) -> None:
    """Empties the database and fills it from a dump, in one transaction.

    Raises BackupFailed, and then the database is as it was. COMMIT is sent only when all has
    arrived: without it psql ends at the end of its input and the server undoes everything.
    """
    environment = _environment(url) | {"PGOPTIONS": f"-c lock_timeout={int(BUSY_S * 1000)}"}
    reader = [_find_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-"]
    writer = [
        _find_program("psql"), "--no-psqlrc", "--quiet", "--no-password", "--output=/dev/null",
        "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse", f"--dbname={_clean(url)}",
    ]  # fmt: skip
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(reader, stdin=pipe, stdout=pipe, stderr=complaints) as restore,
        subprocess.Popen(writer, stdin=pipe, stderr=complaints, env=environment) as psql,
    ):
        try:
            _pump(pieces, restore, psql)
            if restore.wait() != 0 or not _end(psql) or psql.wait() != 0:
                raise BackupFailed(f"nothing was restored: {_first_line(complaints)}")
        finally:
            for process in (psql, restore):
                if process.poll() is None:
                    process.kill()


def _pump(
    pieces: Iterable[bytes], restore: subprocess.Popen[bytes], psql: subprocess.Popen[bytes]
) -> None:
    into, out_of, script = restore.stdin, restore.stdout, psql.stdin
    if into is None or out_of is None or script is None:
        raise AssertionError("unreachable")

    def carry() -> None:
        try:
            script.write(EMPTY_SCHEMA.encode())
            for piece in _pieces(out_of):
                script.write(piece)
        except (BrokenPipeError, ValueError):
            restore.kill()  # psql gave up: there is nobody to restore for

    carrier = threading.Thread(target=carry, daemon=True)
    carrier.start()
    try:
        for piece in pieces:
            into.write(piece)
        into.close()
    except BrokenPipeError:
        pass  # why stands on its standard error
    except BaseException:  # an interrupt too: half a restore must never reach its COMMIT
        psql.kill()
        restore.kill()
        raise
    finally:
        # However long psql is busy, with an index say: what comes next is written after all of this.
        # It ends with psql, whose end breaks the pipe.
        carrier.join()


def _end(psql: subprocess.Popen[bytes]) -> bool:
    try:
        if psql.stdin is not None:
            psql.stdin.write(b"\nCOMMIT;\n")
            psql.stdin.close()
    except BrokenPipeError:
        return False
    return True


def count_rows(url: str) -> dict[str, int]:
    """Rows of each table; empty when there is no database yet. Raises BackupFailed."""
    if is_sqlite(url):
        path = path_of(url)
        return check_sqlite(path) if path.is_file() and path.stat().st_size else {}
    try:
        with _connect(url) as connection:
            return _count_postgres(connection)
    except psycopg.Error as error:
        raise BackupFailed(f"the database does not answer: {_short(error)}") from error


@contextmanager
def temporary_postgres(url: str) -> Iterator[str]:
    """The address of an empty database on the same server, gone afterwards.

    What one that was killed left goes too. Raises BackupFailed when this user may not make one.
    """
    name = f"{TEMPORARY}{os.getpid()}_{time.time_ns()}"
    try:
        with _connect(url, autocommit=True) as connection:
            _drop_left_over(connection)
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
            )
    except psycopg.Error as error:
        raise BackupFailed(f"no temporary database: {_short(error)}") from error
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        with _connect(url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def _drop_left_over(connection: psycopg.Connection) -> None:
    """Whole copies of the database, of processes that are gone; one in use stays."""
    names = connection.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (TEMPORARY,)
    ).fetchall()
    for (name,) in names:
        process = name.removeprefix(TEMPORARY).partition("_")[0]
        if not process.isdecimal() or _is_running(int(process)):
            continue
        with suppress(psycopg.errors.ObjectInUse, psycopg.errors.InsufficientPrivilege):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _count_postgres(connection: psycopg.Connection) -> dict[str, int]:
    names = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    ).fetchall()
    rows = {}
    for (name,) in names:
        query = sql.SQL("SELECT count(*) FROM public.{}").format(sql.Identifier(name))
        row = connection.execute(query).fetchone()
        rows[name] = int(row[0]) if row else 0
    return rows


def _connect(url: str, *, autocommit: bool = False) -> psycopg.Connection:
    password = make_url(url).password
    return psycopg.connect(
        _clean(url),
        password=password,
        autocommit=autocommit,
        connect_timeout=5,
        options="-c idle_in_transaction_session_timeout=0 -c statement_timeout=0",
    )


def _clean(url: str) -> str:
    """Without the password: others on this machine see the arguments of a program."""
    address = make_url(url)._replace(password=None, drivername="postgresql")
    return address.render_as_string(hide_password=False)


def _environment(url: str) -> dict[str, str]:
    password = make_url(url).password
    return dict(os.environ) | ({"PGPASSWORD": password} if password else {})


def _find_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise BackupFailed(f"{name} is not installed: apt-get install postgresql-client")
    return path


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def _first_line(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(500).decode("utf-8", "replace").strip().split("\n")[0] or "no reason given"


def _short(error: psycopg.Error) -> str:
    return str(error).strip().split("\n")[0]
