from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from backend.config import Config
from backend.domain.roles import StaffRole
from backend.events import Event
from backend.services.recognise_caller import Callers
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import open_database
from tiepdon.cli import main


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, and a register of its own behind it."""
    monkeypatch.chdir(tmp_path)
    for name in ("TIEPDON_KEYS_FILE", "TIEPDON_DEMO", "TIEPDON_HIS", "TIEPDON_DB"):
        monkeypatch.delenv(name, raising=False)
    return f"sqlite:///{tmp_path}/server.sqlite3"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def listed(url: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in run("user", "list", "--db", url).stdout.splitlines()]


def test_an_account_is_made_with_a_one_time_password(url: str) -> None:
    result = run("user", "add", "Lê Lan", "--role", "reception", "--role", "head", "--db", url)
    assert result.exit_code == 0
    password = result.stdout.strip()
    assert len(password) == 19
    assert "\n" not in password
    assert password not in result.stderr
    (user,) = listed(url)
    assert (user["name"], user["display_name"]) == ("lê lan", "Lê Lan")
    assert user["roles"] == ["head", "reception"]
    assert user["must_change_password"] is True
    assert user["last_login_at"] is user["disabled_at"] is None
    assert password not in json.dumps(user)


def test_a_name_is_given_once_however_it_is_written(url: str) -> None:
    assert run("user", "add", "lan", "--role", "it", "--db", url).exit_code == 0
    result = run("user", "add", " LAN ", "--role", "it", "--db", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "[user_exists]" in result.stderr


def test_a_token_is_shown_once_and_ends_with_the_account(url: str) -> None:
    run("user", "add", "lan", "--role", "reception", "--db", url)
    token = run("user", "token", "lan", "--db", url).stdout.strip()
    database = open_database(Config(database_url=url))
    caller = Callers(database).find(token)
    assert caller is not None
    assert (caller.role, caller.name, caller.roles) == ("staff", "lan", {StaffRole.RECEPTION})
    assert run("user", "disable", "lan", "--db", url).exit_code == 0
    assert Callers(database).find(token) is None
    assert run("user", "unlock", "lan", "--db", url).exit_code == 0
    assert Callers(database).find(token) is None
    again = run("user", "token", "lan", "--db", url).stdout.strip()
    assert run("user", "token", "lan", "--revoke", "--db", url).stderr == "1 revoked\n"
    assert Callers(database).find(again) is None
    database.close()


def test_roles_are_replaced(url: str) -> None:
    run("user", "add", "lan", "--role", "reception", "--db", url)
    assert run("user", "roles", "lan", "--role", "quality", "--db", url).exit_code == 0
    assert listed(url)[0]["roles"] == ["quality"]


def test_a_new_password_is_handed_out(url: str) -> None:
    first = run("user", "add", "lan", "--role", "reception", "--db", url).stdout
    second = run("user", "reset-password", "lan", "--db", url).stdout
    assert len(second.strip()) == 19
    assert first != second


@pytest.mark.parametrize("action", ["disable", "unlock", "reset-password", "token"])
def test_nobody_is_not_done(action: str, url: str) -> None:
    result = run("user", action, "nobody", "--db", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "[user_not_found]" in result.stderr


def test_an_unknown_room_is_said(url: str) -> None:
    result = run("user", "add", "lan", "--role", "head", "--room", "999", "--db", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "999" in result.stderr
    assert listed(url) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["", "--role", "head"],
        ["A\nB\x1b", "--role", "head"],
        ["A" * 81, "--role", "head"],
        ["lan"],
        ["lan", "--role", "nonsense"],
        ["lan", "--role", "head", "--display-name", "\x1b"],
    ],
)
def test_wrong_use_is_2(arguments: list[str], url: str) -> None:
    result = run("user", "add", *arguments, "--db", url)
    assert (result.exit_code, result.stdout) == (2, "")


def test_rights_are_looked_through_as_a_table(url: str, tmp_path: Path) -> None:
    run("user", "add", "Lê Lan", "--role", "reception", "--db", url)
    run("user", "add", "may", "--role", "it", "--db", url)
    run("user", "token", "may", "--db", url)
    run("user", "disable", "may", "--db", url)
    text = run("user", "review", "-", "--db", url).stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    by_name = {row["tài khoản"]: row for row in rows}
    assert by_name["lê lan"]["quyền"] == "reception"
    assert by_name["lê lan"]["trạng thái"] == "đang dùng"
    assert (by_name["may"]["quản trị"], by_name["may"]["trạng thái"]) == ("có", "đã khóa")
    path = tmp_path / "quyen.csv"
    assert run("user", "review", str(path), "--db", url).exit_code == 0
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    database = open_database(Config(database_url=url))
    with database.read() as connection:
        query = select(AuditEvent.origin).where(AuditEvent.event == Event.RIGHTS_REVIEWED)
        origins = list(connection.scalars(query))
    database.close()
    assert len(origins) == 2
    assert all(str(origin).startswith("host:") for origin in origins)
