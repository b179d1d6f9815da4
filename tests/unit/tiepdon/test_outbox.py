from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.config import Config
from backend.storage.database import Database, open_database
from tests.factories.outbox import add_message, get_row
from tiepdon.cli import main


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    for name in ("TIEPDON_KEYS_FILE", "TIEPDON_DEMO", "TIEPDON_DB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TIEPDON_HIS", "builtin")
    url = f"sqlite:///{tmp_path}/server.sqlite3"
    assert run("list", "--db", url).exit_code == 0
    return url


@pytest.fixture
def database(url: str) -> Database:
    return open_database(Config(database_url=url))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["outbox", *arguments])


def test_listed_replayed_discarded(url: str, database: Database) -> None:
    first = add_message(database, state="dead", last_error="expired")
    second = add_message(database, state="rejected", last_error="invalid")
    add_message(database, state="done", settled_at=database.clock())
    lines = [json.loads(line) for line in run("list", "--json", "--db", url).stdout.splitlines()]
    assert [line["id"] for line in lines] == [first, second]
    assert lines[0]["last_error"] == "expired"
    plain = run("list", "--state", "rejected", "--db", url).stdout.splitlines()
    assert len(plain) == 1
    assert plain[0].startswith(second)
    assert run("replay", first, "--db", url).exit_code == 0
    assert get_row(database, first).state == "new"
    assert run("discard", second, "--reason", "entered by hand", "--db", url).exit_code == 0
    assert get_row(database, second).state == "discarded"
    add_message(database, state="dead")
    assert "1 will be sent again" in run("replay", "--all-dead", "--db", url).stderr
    database.close()


def test_refusals_are_one_line(url: str, database: Database) -> None:
    message_id = add_message(database)
    reply = run("replay", message_id, "--db", url)
    assert (reply.exit_code, "[not_a_dead_letter]" in reply.stderr) == (1, True)
    assert "[message_not_found]" in run("replay", "0" * 32, "--db", url).stderr
    assert "[reason_missing]" in run("discard", message_id, "--reason", " ", "--db", url).stderr
    assert run("replay", "--db", url).exit_code == 2
    assert run("replay", message_id, "--all-dead", "--db", url).exit_code == 2
    assert run("discard", message_id, "--db", url).exit_code == 2
    assert run("list", "--state", "lost", "--db", url).exit_code == 2
    database.close()
