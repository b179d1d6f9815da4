from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from his_adapter.builtin.store import MIGRATIONS, Store
from his_adapter.errors import BrokenReply, GatewayMisconfigured, Unavailable


def test_only_its_owner_reads_the_register(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "register.sqlite3"
    Store(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_opening_twice_migrates_once(tmp_path: Path) -> None:
    file = tmp_path / "register.sqlite3"
    with Store(file).writing() as db:
        db.execute("INSERT INTO note VALUES ('a', 'b')")
    with Store(file).reading() as db:
        assert db.execute("SELECT value FROM note WHERE name = 'a'").fetchone()[0] == "b"


def test_a_register_of_a_newer_version_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "register.sqlite3"
    Store(file)
    with closing(sqlite3.connect(file)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(GatewayMisconfigured):
        Store(file)


def test_a_file_of_another_kind_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "register.sqlite3"
    file.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(GatewayMisconfigured):
        Store(file)


def test_a_path_that_cannot_be_a_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(GatewayMisconfigured):
        Store(tmp_path)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "register.sqlite3")

    def fail() -> None:
        with store.writing() as db:
            db.execute("INSERT INTO note VALUES ('a', 'b')")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.reading() as db:
        assert (
            db.execute("SELECT count(*) FROM note WHERE name <> 'change_feed'").fetchone()[0] == 0
        )


def test_a_locked_register_is_unavailable(tmp_path: Path) -> None:
    store = Store(tmp_path / "register.sqlite3", busy_timeout_s=0.05)
    with store.writing(), pytest.raises(Unavailable) as caught, store.writing():
        pass
    assert caught.value.retryable


def write_on_a_full_disk(db: sqlite3.Connection, rows: list[tuple[str, str]]) -> None:
    db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    db.executemany("INSERT INTO note VALUES (?, ?)", rows)


def test_a_full_disk_is_unavailable_and_nothing_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path / "register.sqlite3")
    rows = [(str(number), "x" * 1000) for number in range(1000)]
    with pytest.raises(Unavailable), store.writing() as db:
        write_on_a_full_disk(db, rows)
    with store.reading() as db:
        assert (
            db.execute("SELECT count(*) FROM note WHERE name <> 'change_feed'").fetchone()[0] == 0
        )


def test_a_register_damaged_later_is_a_broken_reply(tmp_path: Path) -> None:
    file = tmp_path / "register.sqlite3"
    store = Store(file)
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.write_bytes(b"garbage!" * 10_000)
    with pytest.raises(BrokenReply), store.reading() as db:
        db.execute("SELECT * FROM note").fetchall()
