from __future__ import annotations

import json
import stat
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.bootstrap import set_up
from backend.config import Config
from backend.domain.incidents import IncidentKind
from backend.services.keep_incidents import IncidentWish, open_incident
from backend.services.resources import Resources
from tiepdon.cli import main
from tiepdon.options import open_set_up_resources

WORDS = "Máy ở sảnh bị mất"


@pytest.fixture
def url(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A hospital of the demo with one incident."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIEPDON_DEMO", "1")
    for name in ("TIEPDON_KEYS_FILE", "TIEPDON_DB", "TIEPDON_HIS"):
        monkeypatch.delenv(name, raising=False)
    with open_set_up_resources(database_url) as resources:
        set_up(resources.database, Config(database_url=database_url, demo=True))
        _open(resources)
    return database_url


def _open(resources: Resources) -> None:
    now = resources.database.clock()
    open_incident(
        resources,
        IncidentWish(
            kind=IncidentKind.LOST_MACHINE,
            noticed_at=now,
            span_from=now - timedelta(hours=8),
            span_to=now + timedelta(hours=1),
            about=WORDS,
        ),
        actor="staff:x",
    )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["incident", *arguments])


def test_made_and_opened(url: str, tmp_path: Path) -> None:
    (line,) = run("list", "--db", url).stdout.splitlines()
    assert [each["name"] for each in json.loads(line)["due"]] == ["first_notice", "report"]
    pack, opened = tmp_path / "pack.zip", tmp_path / "opened.jsonl"
    log = tmp_path / "server.log"
    log.write_text("{}\n", encoding="ascii")
    result = run("export", "1", str(pack), "--log", str(log), "--db", url)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["number"] == 1
    assert stat.S_IMODE(pack.stat().st_mode) == 0o600
    assert "logs/server.log" in zipfile.ZipFile(pack).namelist()
    result = run("open", str(pack), str(opened), "--db", url)
    assert result.exit_code == 0, result.output
    first = json.loads(opened.read_text(encoding="utf-8").splitlines()[0])
    assert first["about"] == WORDS
    assert stat.S_IMODE(opened.stat().st_mode) == 0o600


def test_nothing_is_overwritten_and_nothing_half_made_is_left(url: str, tmp_path: Path) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(b"mine")
    assert run("export", "1", str(pack), "--db", url).exit_code == 1
    assert pack.read_bytes() == b"mine"
    other = tmp_path / "other.jsonl"
    assert run("open", str(pack), str(other), "--db", url).exit_code == 1
    assert run("export", "7", str(other), "--db", url).exit_code == 1
    assert not other.exists()
