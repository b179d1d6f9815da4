from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.config import Config
from backend.errors import EnrolmentRefused
from backend.services.enrol_kiosk import enrol_kiosk
from backend.services.recognise_caller import Callers
from backend.services.take_report import take_report
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


def test_a_kiosk_is_invited_listed_and_revoked(url: str) -> None:
    code = run("kiosks", "add", "Sảnh A", "--db", url).stdout.strip()
    (line,) = run("kiosks", "list", "--db", url).stdout.splitlines()
    invited = json.loads(line)
    assert (invited["name"], invited["id"]) == ("Sảnh A", None)
    assert code not in line

    database = open_database(Config(database_url=url))
    enrolled = enrol_kiosk(database, untrusted_code=code, name="x", demo=False)
    assert Callers(database).find(enrolled.credential) is not None
    (line,) = run("kiosks", "list", "--db", url).stdout.splitlines()
    assert json.loads(line)["id"] == enrolled.kiosk_id

    assert run("kiosks", "revoke", "Sảnh A", "--db", url).exit_code == 0
    assert Callers(database).find(enrolled.credential) is None
    with pytest.raises(EnrolmentRefused):
        enrol_kiosk(database, untrusted_code=code, name="x", demo=False)
    database.close()


def test_revoking_nobody_is_not_done(url: str) -> None:
    result = run("kiosks", "revoke", "nobody", "--db", url)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "nobody" in result.stderr


def test_a_database_that_does_not_open_is_one_line(tmp_path: Path, url: str) -> None:
    result = run("kiosks", "list", "--db", f"sqlite:///{tmp_path}/missing/x.sqlite3")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert "Traceback" not in result.output


def test_wrong_use_is_2() -> None:
    assert run("kiosks", "add").exit_code == 2
    assert run("kiosks", "nonsense").exit_code == 2


def test_keys_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    assert run("keys", "new", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert run("keys", "new", str(file)).exit_code == 1
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["", "  ", "A\nB\x1b", "A" * 81])
def test_a_name_is_one_that_staff_can_read(name: str, url: str) -> None:
    result = run("kiosks", "add", name, "--db", url)
    assert (result.exit_code, result.stdout) == (2, "")


def test_an_address_of_no_database_is_wrong_use(url: str) -> None:
    result = run("kiosks", "list", "--db", "mysql://localhost/x")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "postgresql://" in result.stderr


def test_what_staff_are_told_of_a_new_profile_is_so() -> None:
    assert "within half a minute" in " ".join(run("kiosks", "profile", "--help").stdout.split())


def test_a_kiosk_is_replaced_paused_and_used_elsewhere(url: str) -> None:
    code = run("kiosks", "add", "Sảnh A", "--profile", "fees", "--db", url).stdout.strip()
    database = open_database(Config(database_url=url))
    old = enrol_kiosk(database, untrusted_code=code, name="x", demo=False)
    assert take_report(database, kiosk_id=old.kiosk_id).profile == "fees"
    assert run("kiosks", "profile", "Sảnh A", "laboratory", "--db", url).exit_code == 0
    assert run("kiosks", "pause", "Sảnh A", "--vi", "Nghỉ.", "--db", url).exit_code == 0
    orders = take_report(database, kiosk_id=old.kiosk_id)
    assert orders.profile == "laboratory"
    assert orders.out_of_service is not None
    assert orders.out_of_service["vi"] == "Nghỉ."
    assert run("kiosks", "pause", "Sảnh A", "--vi", "x" * 121, "--db", url).exit_code == 1
    assert run("kiosks", "resume", "Sảnh A", "--db", url).exit_code == 0
    assert "already" in run("kiosks", "resume", "Sảnh A", "--db", url).stderr
    code = run("kiosks", "replace", "Sảnh A", "--db", url).stdout.strip()
    new = enrol_kiosk(database, untrusted_code=code, name="x", demo=False)
    assert new.kiosk_id == old.kiosk_id
    assert Callers(database).find(old.credential) is None
    database.close()
    assert "0 kiosks" in run("kiosks", "replace", "Sảnh Z", "--db", url).stderr
