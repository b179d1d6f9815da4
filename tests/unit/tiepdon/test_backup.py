"""Backup and restore by the commands people type, on both databases."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, func, select, text

from backend.storage import backup_folder
from backend.storage.audit_tables import AuditEvent
from backend.storage.backup_folder import BackupWriter
from backend.storage.crypto import write_new_keys
from backend.storage.database import Database, open_engine
from tests.factories.hospital import Hospital
from tests.factories.money import Till
from tests.postgres import PostgresServer
from tiepdon.cli import main

SECRET = "Nguyễn Thị Bí Mật"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("TIEPDON_"):
            monkeypatch.delenv(name)
    assert run("keys", "new-backup", "backup.key").exit_code == 0
    monkeypatch.setenv("TIEPDON_BACKUP_KEY_FILE", str(tmp_path / "backup.key"))
    monkeypatch.setenv("TIEPDON_HIS", "builtin")
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()


@pytest.fixture
def live(database_url: str) -> Iterator[Database]:
    """A database by the real clock, with three acts on record."""
    engine = open_engine(database_url, pool_size=4)
    database = Database(engine, facility_id="main")
    for number in range(3):
        add(database, f"act{number}")
    yield database
    database.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def answer(*arguments: str, exit_code: int = 0) -> dict[str, Any]:
    result = run(*arguments)
    assert result.exit_code == exit_code, (result.stderr, result.exception)
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def add(database: Database, name: str) -> None:
    with database.write() as unit:
        unit.connection.execute(
            text(
                "INSERT INTO audit_event (id, facility_id, at, actor, event, subject, detail)"
                " VALUES (:id, 'main', :at, 'command', 'tested', :subject, '{}')"
            ),
            {"id": name, "at": datetime.now(UTC), "subject": SECRET},
        )


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(AuditEvent)) or 0)


def wipe(database_url: str, server: PostgresServer) -> None:
    if database_url.startswith("sqlite"):
        for path in Path().glob("tiepdon.sqlite3*"):
            path.unlink()
        return
    name = database_url.split("/")[3].split("?", maxsplit=1)[0]
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    server.execute(f"CREATE DATABASE {name}")


def only(folder: str) -> Path:
    (found,) = Path(folder).glob("tiepdon-*")
    return found


def test_backup_wipe_restore_verify(
    live: Database,
    database_url: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_new_keys(Path("keys.json"))
    monkeypatch.setenv("TIEPDON_KEYS_FILE", "keys.json")
    made = answer("backup", "first", "second", "--db", database_url)
    assert made["ok"]
    assert made["not_in_it"] == ["keys.json"]
    for folder in ("first", "second"):
        for path in only(folder).iterdir():
            assert SECRET.encode() not in path.read_bytes()
            assert path.stat().st_mode & 0o077 == 0
    live.close()
    sqlite = database_url.startswith("sqlite")
    wipe(database_url, None if sqlite else request.getfixturevalue("postgres_server"))
    verdict = answer("restore", "first", "--db", database_url)
    assert (verdict["ok"], verdict["lost"], verdict["keys_match"]) == (True, {}, True)
    assert verdict["name"] == made["name"]
    again = Database(open_engine(database_url, pool_size=1), facility_id="main")
    assert count(again) == 3
    again.close()
    write_new_keys(Path("others.json"))
    monkeypatch.setenv("TIEPDON_KEYS_FILE", "others.json")
    assert answer("restore", "second", "--db", database_url, exit_code=1)["keys_match"] is False
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


def test_a_restore_over_newer_rows_is_asked_for(live: Database, database_url: str) -> None:
    made = answer("backup", "first", "--db", database_url)
    assert answer("restore", "first", "--db", database_url)["lost"] == {}  # nothing newer
    add(live, "today")
    refused = run("restore", "first", "--db", database_url)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "audit_event 1" in refused.stderr
    assert "[restore_refused]" in refused.stderr
    assert count(live) == 4
    verdict = answer("restore", "first", "--at", made["name"], "--yes", "--db", database_url)
    assert verdict["lost"] == {"audit_event": 1}
    assert count(live) == 3
    add(live, "goes on")  # connections that stood open all the while
    assert count(live) == 4


def test_changed_rows_are_newer_even_when_there_are_not_more(
    live: Database, database_url: str
) -> None:
    answer("backup", "first", "--db", database_url)
    with live.write() as unit:
        unit.connection.execute(delete(AuditEvent).where(AuditEvent.id == "act0"))
    add(live, "today")
    assert "audit_event 1" in run("restore", "first", "--db", database_url).stderr


def test_a_backup_is_proven_in_a_database_of_its_own(live: Database, database_url: str) -> None:
    answer("backup", "first", "--db", database_url)
    add(live, "today")
    verdict = answer("backup", "--check", "first", "--db", database_url)
    assert (verdict["ok"], verdict["lost"]) == (True, {})
    assert count(live) == 4
    if not database_url.startswith("sqlite"):
        with live.read() as connection:
            left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'tiepdon_check%'"
            assert connection.scalar(text(left)) == 0


@pytest.mark.slow
def test_money_comes_back_to_the_dong_and_wrong_books_are_said(
    live: Database, database_url: str
) -> None:
    hospital = Hospital(live).set_up()
    hospital.add_room("101")
    hospital.add_service("NOI", "101")
    till = Till(live)
    till.receive(150_000, payment_id=till.add_payment(150_000))
    held = till.hold(70_000)
    before = answer("payments", "verify", "--db", database_url)
    answer("backup", "first", "--db", database_url)
    till.receive(90_000)
    assert "credit 1" in run("restore", "first", "--db", database_url).stderr
    answer("restore", "first", "--yes", "--db", database_url)
    assert answer("payments", "verify", "--db", database_url) == before
    assert before["credits"] == 2
    with live.write() as unit:
        unit.connection.execute(
            text("UPDATE suspense_item SET amount_vnd = 1 WHERE id = :id"), {"id": held}
        )
    answer("backup", "second", "--db", database_url)
    verdict = answer("restore", "second", "--db", database_url, exit_code=1)
    assert (verdict["ok"], bool(verdict["faults"])) == (False, True)
    assert answer("backup", "--check", "second", "--db", database_url, exit_code=1)["faults"]


def test_what_cannot_be_read_is_not_overwritten(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/broken.sqlite3"
    assert run("settings", "show", "--db", url).exit_code == 0
    answer("backup", "first", "--db", url)
    Path("broken.sqlite3").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 100)
    assert "cannot be read: move" in run("restore", "first", "--yes", "--db", url).stderr
    assert run("backup", "first", "--db", url).exit_code == 1
    for path in tmp_path.glob("broken*"):
        path.unlink()
    assert answer("restore", "first", "--db", url)["ok"]


def test_a_writer_goes_on_and_the_copy_is_of_one_moment(live: Database, database_url: str) -> None:
    """Each transaction writes two rows: a copy with one of them would be of no moment."""
    written, stop = [0], threading.Event()

    def write() -> None:
        while not stop.is_set():
            with live.write() as unit:
                for half in "ab":
                    unit.connection.execute(
                        text(
                            "INSERT INTO audit_event (id, facility_id, at, actor, event, subject,"
                            " detail) VALUES (:id, 'main', :at, 'command', 'tested', 'x', '{}')"
                        ),
                        {"id": f"{written[0]}{half}", "at": datetime.now(UTC)},
                    )
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while written[0] < 20:
            time.sleep(0.005)
        before = written[0]
        answer("backup", "first", "--db", database_url)
        during = written[0] - before
        time.sleep(0.05)
    finally:
        stop.set()
        writer.join()
    assert during > 0
    verdict = answer("restore", "first", "--yes", "--db", database_url)
    rows = count(live) - 3
    assert verdict["ok"]
    assert rows % 2 == 0
    assert 2 * before <= rows <= 2 * (before + during + 1)


def damage_cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def damage_flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def damage_remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [damage_cut, damage_flip, damage_remove])
@pytest.mark.parametrize("file", ["database.sealed", "manifest.json"])
def test_a_damaged_backup_touches_nothing(
    live: Database, database_url: str, damage: Any, file: str
) -> None:
    answer("backup", "first", "--db", database_url)
    older = only("first").name
    shutil.copytree("first", "second", dirs_exist_ok=True)
    damage(only("second") / file)
    refused = run("restore", "second", "--yes", "--db", database_url)
    assert (refused.exit_code, "[backup_damaged]" in refused.stderr) == (1, True)
    assert count(live) == 3
    newer = answer("backup", "first", "--db", database_url)["name"]
    damage(Path("first") / newer / file)
    verdict = answer("restore", "first", "--db", database_url)
    assert verdict["name"] == older
    assert list(verdict["damaged"]) == [newer]
    assert run("restore", "first", "--at", newer, "--db", database_url).exit_code == 1
    assert answer("backup", "--check", "first", "--db", database_url, exit_code=1)["ok"] is False


def test_parts_of_two_backups_are_not_mixed(live: Database, database_url: str) -> None:
    answer("backup", "first", "--db", database_url)
    add(live, "later")
    answer("backup", "second", "--db", database_url)
    shutil.copy(only("first") / "database.sealed", only("second") / "database.sealed")
    assert "[backup_damaged]" in run("restore", "second", "--yes", "--db", database_url).stderr
    only("first").rename("first/tiepdon-20300101T000000.000000Z")
    assert "belongs to another" in run("restore", "first", "--db", database_url).stderr


def test_another_key_opens_nothing(
    live: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("backup", "first", "--db", database_url)
    run("keys", "new-backup", "other.key")
    monkeypatch.setenv("TIEPDON_BACKUP_KEY_FILE", "other.key")
    assert "[backup_damaged]" in run("restore", "first", "--yes", "--db", database_url).stderr
    # Nor does rotation of one key remove what another made.
    answer("backup", "first", "--keep", "1", "--db", database_url)
    answer("backup", "first", "--keep", "1", "--db", database_url)
    assert len(list(Path("first").glob("tiepdon-*"))) == 2
    monkeypatch.delenv("TIEPDON_BACKUP_KEY_FILE")
    assert "new-backup" in run("backup", "first", "--db", database_url).stderr
    assert count(live) == 3


def test_old_ones_are_rotated(live: Database, database_url: str) -> None:
    names = [answer("backup", "first", "--keep", "2", "--db", database_url)["name"] for _ in "123"]
    assert sorted(path.name for path in Path("first").glob("tiepdon-*")) == names[1:]
    assert count(live) == 3


def test_no_room_at_one_place_does_not_lose_the_other(
    live: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("backup", "first", "--db", database_url)
    old = only("first")
    monkeypatch.setattr(
        backup_folder, "free_bytes", lambda folder: 1000 if folder.name == "first" else 10**12
    )
    made = answer("backup", "first", "second", "--keep", "1", "--db", database_url, exit_code=1)
    assert "1000 are free" in made["targets"][0]["fault"]
    assert made["targets"][1]["fault"] is None
    assert only("first") == old
    assert only("second").name == made["name"]
    made = answer("backup", "first", "--db", database_url, exit_code=1)
    assert (made["bytes"], count(live)) == (0, 3)


def test_a_disk_that_fills_half_way(
    live: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("backup", "first", "--db", database_url)
    old = only("first")
    write = BackupWriter.write

    def fill_up(self: BackupWriter, part: str, piece: bytes) -> None:
        write(self, part, piece)
        if self.folder.name == "first" and self._file is not None:
            self._file.close()
            self._file = Path("/dev/full").open("wb")  # noqa: SIM115

    monkeypatch.setattr(BackupWriter, "write", fill_up)
    made = answer("backup", "first", "second", "--keep", "1", "--db", database_url, exit_code=1)
    assert made["targets"][0]["fault"] == "No space left on device"
    assert only("first") == old
    assert not list(Path("first").glob(".unfinished-*"))
    assert answer("restore", "second", "--db", database_url)["ok"]
    assert count(live) == 3


@pytest.mark.slow
def test_two_at_once_and_what_a_killed_one_left(live: Database, database_url: str) -> None:
    answer("backup", "first", "--db", database_url)
    old = only("first")
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from backend.storage.backup_folder import BackupWriter\n"
        "writer = BackupWriter(Path('first'), 'tiepdon-29990101T000000.000000Z')\n"
        "writer.begin(0)\n"
        "writer.write('database.sealed', b'x' * 100)\n"
        "print(writer.fault, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"None\n"
        made = answer("backup", "first", "second", "--db", database_url, exit_code=1)
        assert made["targets"][0]["fault"] == "another backup is being written there"
        assert made["targets"][1]["fault"] is None
        other.send_signal(signal.SIGKILL)
    assert list(Path("first").glob(".unfinished-*"))
    assert answer("restore", "first", "--db", database_url)["name"] == old.name
    assert answer("backup", "first", "--db", database_url)["ok"]
    assert not list(Path("first").glob(".unfinished-*"))
    assert count(live) == 3


@pytest.mark.slow
def test_a_backup_killed_half_way_leaves_the_old_one(live: Database, database_url: str) -> None:
    answer("backup", "first", "--db", database_url)
    old = only("first")
    script = (
        "import os, signal\n"
        "from backend.storage.backup_folder import BackupWriter\n"
        "BackupWriter.end_part = lambda self: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from tiepdon.cli import main\n"
        f"main(['backup', 'first', '--db', {database_url!r}])\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert only("first") == old
    assert list(Path("first").glob(".unfinished-*"))
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]  # nothing in clear
    assert answer("restore", "first", "--db", database_url)["name"] == old.name
    assert answer("backup", "first", "--keep", "1", "--db", database_url)["ok"]
    assert len(list(Path("first").iterdir())) == 2  # the new one and the lock
    assert count(live) == 3


@pytest.mark.slow
def test_a_restore_killed_half_way_leaves_the_database(live: Database, database_url: str) -> None:
    """Killed after the old tables were dropped or overwritten, before the commit."""
    answer("backup", "first", "--db", database_url)
    add(live, "today")
    script = (
        "import os, signal\n"
        "from backend.storage import database_copies as copies\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "copies._end = die\n"
        "def half(source, target):\n"
        "    source.backup(target, pages=40, progress=die)\n"
        "copies._copy_pages = half\n"
        "from tiepdon.cli import main\n"
        f"main(['restore', 'first', '--yes', '--db', {database_url!r}])\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    deadline = time.monotonic() + 20
    while True:  # the server has to notice that nobody is there any more
        with live.read() as connection:
            rows = connection.scalar(select(func.count()).select_from(AuditEvent))
        if rows == 4 or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert rows == 4
    assert answer("restore", "first", "--yes", "--db", database_url)["ok"]
    assert count(live) == 3
    assert not [path for path in Path().iterdir() if path.name.startswith(".")]


def test_the_register_of_patients_goes_along(
    live: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEPDON_HIS_SETTINGS", json.dumps({"file": "register.sqlite3"}))
    with closing(sqlite3.connect("register.sqlite3")) as register:
        register.execute("PRAGMA journal_mode=WAL").fetchall()
        register.execute("CREATE TABLE patient (name TEXT)")
        register.execute("INSERT INTO patient VALUES (?)", (SECRET,))
        register.commit()
    answer("backup", "first", "--db", database_url)
    with closing(sqlite3.connect("register.sqlite3")) as register:
        register.execute("INSERT INTO patient VALUES ('x')")
        register.commit()
    assert "register.patient 1" in run("restore", "first", "--db", database_url).stderr
    Path("register.sqlite3").unlink()
    assert answer("restore", "first", "--db", database_url)["ok"]
    with closing(sqlite3.connect("register.sqlite3")) as register:
        assert register.execute("SELECT name FROM patient").fetchall() == [(SECRET,)]
    monkeypatch.setenv("TIEPDON_HIS", "demo")
    assert "[restore_refused]" in run("restore", "first", "--db", database_url).stderr
    monkeypatch.setenv("TIEPDON_HIS", "builtin")
    assert answer("backup", "--check", "first", "--db", database_url)["ok"]
    assert count(live) == 3


def test_not_into_the_other_kind_nor_from_a_newer_version(
    live: Database, database_url: str, tmp_path: Path
) -> None:
    with live.write() as unit:
        unit.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    answer("backup", "first", "--db", database_url)
    assert "newer version" in run("restore", "first", "--yes", "--db", database_url).stderr
    other = (
        "postgresql://nobody@/none?host=/nowhere"
        if database_url.startswith("sqlite")
        else f"sqlite:///{tmp_path}/other.sqlite3"
    )
    assert "[restore_refused]" in run("restore", "first", "--db", other).stderr
    assert not (tmp_path / "other.sqlite3").exists()


def test_a_database_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    with closing(sqlite3.connect("else.sqlite3")) as other:
        other.execute("CREATE TABLE invoice (id)")
        other.execute("INSERT INTO invoice VALUES (1)")
        other.commit()
    reply = run("backup", "first", "--db", f"sqlite:///{tmp_path}/else.sqlite3")
    assert "no tables of this program" in reply.stderr
    assert run("backup", "first", "--db", f"sqlite:///{tmp_path}/none.sqlite3").exit_code == 1
    assert run("restore", "first", "--db", f"sqlite:///{tmp_path}/none.sqlite3").exit_code == 1
    assert not Path("none.sqlite3").exists()
    assert run("backup", "first", "second", "third").exit_code == 2


@pytest.mark.postgres
@pytest.mark.slow
def test_the_owner_of_the_database_needs_no_more_rights(postgres_server: PostgresServer) -> None:
    """As in the instructions: createuser tiepdon, createdb -O tiepdon."""
    postgres_server.execute("CREATE ROLE plain LOGIN")
    postgres_server.execute("CREATE DATABASE of_plain OWNER plain")
    url = postgres_server.url("of_plain").replace("postgres@", "plain@")
    try:
        assert run("settings", "show", "--db", url).exit_code == 0
        answer("backup", "first", "--db", url)
        reply = run("backup", "--check", "first", "--db", url)
        assert "no temporary database: permission denied" in reply.stderr
        assert answer("restore", "first", "--yes", "--db", url)["ok"]
        postgres_server.execute("DROP DATABASE of_plain WITH (FORCE)")
        postgres_server.execute("CREATE DATABASE of_plain OWNER plain")
        assert answer("restore", "first", "--db", url)["ok"]
        postgres_server.execute("ALTER ROLE plain CREATEDB")
        assert answer("backup", "--check", "first", "--db", url)["ok"]
    finally:
        postgres_server.execute("DROP DATABASE of_plain WITH (FORCE)")
        postgres_server.execute("DROP ROLE plain")


@pytest.mark.postgres
def test_without_the_tools_of_postgresql_it_says_so(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reply = run("backup", "first", "--db", postgres_server.url("template_tiepdon"))
    assert "pg_dump is not installed: apt-get install postgresql-client" in reply.stderr
    gone = "postgresql://nobody:secret@/none?host=/nowhere"
    reply = run("backup", "first", "--db", gone)
    assert "does not answer" in reply.stderr
    assert "secret" not in reply.stderr
