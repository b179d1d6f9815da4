from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.domain.notice import NOTICE_VERSION
from backend.storage.crypto import write_new_keys
from tiepdon.cli import main


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, a register of its own behind it, and keys."""
    monkeypatch.chdir(tmp_path)
    for name in ("TIEPDON_DEMO", "TIEPDON_HIS", "TIEPDON_DB"):
        monkeypatch.delenv(name, raising=False)
    write_new_keys(tmp_path / "keys.json")
    monkeypatch.setenv("TIEPDON_KEYS_FILE", str(tmp_path / "keys.json"))
    return f"sqlite:///{tmp_path}/server.sqlite3"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["partners", *arguments])


def test_a_partner_is_added_listed_and_revoked(url: str) -> None:
    added = run("add", "Ngân hàng Mẫu", "--shows-notice", "--db", url)
    told = json.loads(added.stdout)
    assert set(told) == {"merchant_id", "secret"}
    assert run("add", "Ngân hàng Mẫu", "--db", url).exit_code == 1
    listed = run("list", "--db", url).stdout
    (known,) = [json.loads(line) for line in listed.splitlines()]
    assert (known["merchant_id"], known["reads_cards"], known["notice_version"]) == (
        told["merchant_id"],
        False,
        NOTICE_VERSION,
    )
    assert told["secret"] not in listed
    assert run("revoke", "Ngân hàng Mẫu", "--db", url).exit_code == 0
    assert json.loads(run("list", "--db", url).stdout)["revoked_at"]
    assert run("revoke", "Ngân hàng Mẫu", "--db", url).exit_code == 1


def test_secrets_need_keys(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIEPDON_KEYS_FILE")
    assert run("add", "Ngân hàng Mẫu", "--db", url).exit_code == 1
