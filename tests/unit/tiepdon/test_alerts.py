from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.domain.alerts import AlertKind
from backend.services.raise_alert import clear_alert, raise_alert
from backend.storage.database import Database, open_engine
from tests.factories.told import MailServer, Webhook
from tiepdon.cli import main

CONFIG = """
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
from = "tiepdon@hospital.vn"
to = ["it@hospital.vn"]
[[webhook]]
name = "zalo"
url = "{url}"
secret_file = "{secret}"
"""


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TIEPDON_DEMO", "1")
    settings = {"folder": str(tmp_path / "his")}
    monkeypatch.setenv("TIEPDON_HIS_SETTINGS", json.dumps(settings))
    url = f"sqlite:///{tmp_path / 'tiepdon.sqlite3'}"
    monkeypatch.setenv("TIEPDON_DB", url)
    return url


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    webhook = Webhook().start()
    yield webhook
    webhook.stop()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["alerts", *arguments])


def test_what_is_wrong_and_what_was(url: str) -> None:
    assert run("list").output == ""
    database = Database(open_engine(url, pool_size=1), facility_id="main")
    with database.write() as unit:
        raise_alert(unit, AlertKind.DISK_LOW, subject="disk:data")
        raise_alert(unit, AlertKind.PARTY_AWAY, subject="party:his")
    with database.write() as unit:
        clear_alert(unit, AlertKind.PARTY_AWAY, subject="party:his")
    database.close()
    listed = run("list")
    assert "Đĩa dữ liệu: đĩa sắp đầy. Chuyển nhật ký" in listed.output
    assert "HIS" not in listed.output
    (line,) = run("list", "--past", "--json").output.splitlines()
    assert json.loads(line)["kind"] == "party_away"


def test_a_trial_over_every_channel(
    url: str,
    tmp_path: Path,
    mail_server: MailServer,
    webhook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = run("test")
    assert refused.exit_code == 1
    assert "TIEPDON_ALERTS_CONFIG" in refused.output
    secret, config = tmp_path / "secret", tmp_path / "alerts.toml"
    secret.write_text("a-secret-of-at-least-24-chars", encoding="utf-8")
    text = CONFIG.format(port=mail_server.port, url=webhook.url, secret=secret)
    config.write_text(text, encoding="utf-8")
    monkeypatch.setenv("TIEPDON_ALERTS_CONFIG", str(config))
    told = run("test")
    assert told.exit_code == 0
    assert [json.loads(line)["ok"] for line in told.output.splitlines()] == [True, True]
    (mail,) = mail_server.mails
    assert "thư thử, không có gì hỏng" in mail["Subject"]
    assert json.loads(webhook.heard[0].body)["trial"] is True
    mail_server.stop()
    half = run("test")
    assert half.exit_code == 1
    assert json.loads(half.output.splitlines()[0]) == {
        "channel": "mail", "ok": False, "error": "not_reached",
    }  # fmt: skip
    assert json.loads(half.output.splitlines()[1])["ok"] is True
