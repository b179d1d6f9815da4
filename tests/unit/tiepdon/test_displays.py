from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.config import Config
from backend.services.manage_displays import find_display
from backend.storage.database import open_database
from tiepdon.cli import main


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, and the demo hospital behind it."""
    monkeypatch.chdir(tmp_path)
    for name in ("TIEPDON_KEYS_FILE", "TIEPDON_DEMO", "TIEPDON_DB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TIEPDON_HIS", "demo")
    return f"sqlite:///{tmp_path}/server.sqlite3"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["displays", *arguments])


def test_a_display_is_added_listed_and_revoked(url: str) -> None:
    added = run(
        "add", "Sảnh A", "--room", "101", "--room", "102", "--zone", "A", "--speaks", "--db", url
    )
    assert added.exit_code == 0, added.output
    path = added.stdout.strip()
    assert path.startswith("/d/")
    key = path.removeprefix("/d/")
    (line,) = run("list", "--db", url).stdout.splitlines()
    listed = json.loads(line)
    assert (listed["name"], listed["rooms"], listed["speaks"]) == ("Sảnh A", ["101", "102"], True)
    assert key not in line

    database = open_database(Config(database_url=url))
    with database.read() as connection:
        assert find_display(connection, key, facility_id=database.facility_id) is not None
    assert run("revoke", "Sảnh A", "--db", url).exit_code == 0
    with database.read() as connection:
        assert find_display(connection, key, facility_id=database.facility_id) is None
    database.close()
    assert run("list", "--db", url).stdout == ""
    assert len(run("list", "--revoked", "--db", url).stdout.splitlines()) == 1


def test_refusals_are_one_line(url: str) -> None:
    assert run("add", "A", "--room", "101", "--speaks", "--db", url).exit_code == 0
    second = run("add", "B", "--room", "101", "--speaks", "--db", url)
    assert (second.exit_code, second.stdout) == (1, "")
    assert "[zone_has_voice]" in second.stderr
    assert "[display_exists]" in run("add", "A", "--room", "101", "--db", url).stderr
    assert "[display_not_found]" in run("revoke", "nobody", "--db", url).stderr


@pytest.mark.parametrize(
    "options", [["--room", "nowhere"], [], ["--room", "101", "--kind", "x"], ["--zone", "a" * 61]]
)
def test_wrong_use_is_2(url: str, options: list[str]) -> None:
    rooms = [] if "--room" in options or not options else ["--room", "101"]
    assert run("add", "A", *options, *rooms, "--db", url).exit_code == 2
