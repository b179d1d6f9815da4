from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backend.bootstrap import set_up
from backend.config import load_config
from backend.storage.database import open_database
from his_adapter.bhxh.emulator import (
    ACCOUNT,
    EMPLOYEE_CCCD,
    EMPLOYEE_NAME,
    PASSWORD,
    BhxhEmulator,
)
from his_adapter.testing import fill_demo_folder
from payments.providers.vietqr_bank.emulator import SECRET, TOKEN, BankEmulator
from tests.factories.outbox import add_message, set_party
from tests.factories.voices import write_pack
from tiepdon.cli import main

NAMES = [
    "database", "his", "insurer", "payments", "outbox", "server", "printer", "scanner", "camera", "screen", "typeface", "voice",
    "clock",
]  # fmt: skip


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    for name in (
        "DISPLAY",
        "TIEPDON_DB",
        "TIEPDON_HIS",
        "TIEPDON_INSURER_CONFIG",
        "TIEPDON_PAYMENTS_CONFIG",
        "TIEPDON_DEMO",
        "TIEPDON_KEYS_FILE",
        "TIEPDON_DATA",
    ):
        monkeypatch.delenv(name, raising=False)
    return f"sqlite:///{tmp_path}/server.sqlite3"


def examine(*arguments: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    result = CliRunner().invoke(main, ["doctor", *arguments])
    findings = [json.loads(line) for line in result.stdout.splitlines()]
    assert [finding["check"] for finding in findings] == NAMES
    return result.exit_code, {each["check"]: each for each in findings}, result.stderr


def test_a_server_that_is_well(url: str) -> None:
    config = load_config({}, needs_keys=False, database_url=url)
    database = open_database(config)
    set_up(database, config)
    database.close()
    status, findings, messages = examine("--db", url)
    assert status == 0
    assert findings["database"]["ok"] is True
    assert findings["his"]["ok"] is True
    assert findings["printer"]["ok"] is None
    assert len(messages.splitlines()) == len(NAMES)


def test_dead_letters_are_found(url: str) -> None:
    config = load_config({}, needs_keys=False, database_url=url)
    database = open_database(config)
    set_up(database, config)
    add_message(database, state="dead", last_error="expired")
    set_party(database, breaker="open", opened_at=database.clock())
    database.close()
    status, findings, _ = examine("--db", url)
    assert status == 1
    assert "1 dead letters to his" in findings["outbox"]["cause"]
    assert "has not answered" in findings["outbox"]["cause"]


def test_a_wrong_password_at_the_his_is_named(url: str) -> None:
    config = load_config({}, needs_keys=False, database_url=url)
    database = open_database(config)
    set_up(database, config)
    set_party(database, breaker="open", opened_at=database.clock(), last_error="login")
    database.close()
    status, findings, _ = examine("--db", url)
    assert status == 1
    assert "his refuses the password of this system" in findings["outbox"]["cause"]


def test_every_failure_has_its_cause(url: str, tmp_path: Path) -> None:
    status, findings, _ = examine(
        "--db", f"sqlite:///{tmp_path}/missing/x.sqlite3",
        "--printer", "tcp://127.0.0.1:9", "--scanner", "bogus:1",
    )  # fmt: skip
    assert status == 1
    for name in ("database", "printer", "scanner", "screen"):
        assert findings[name]["ok"] is False
        assert findings[name]["cause"]


def test_a_database_that_was_never_migrated(url: str, tmp_path: Path) -> None:
    (tmp_path / "server.sqlite3").touch()
    _, findings, _ = examine("--db", url)
    assert "migrations" in findings["database"]["cause"]


def test_a_database_that_is_not_there_is_not_made(url: str, tmp_path: Path) -> None:
    _, findings, _ = examine("--db", url)
    assert "does not exist" in findings["database"]["cause"]
    assert not (tmp_path / "server.sqlite3").exists()


def test_a_kiosk_looks_at_its_server_and_not_at_the_database(url: str) -> None:
    status, findings, _ = examine("--backend", "http://127.0.0.1:9")
    assert status == 1
    assert findings["server"]["ok"] is False
    assert findings["database"]["ok"] is None
    assert findings["his"]["ok"] is None


def test_a_missing_typeface_is_loud(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEPDON_FONTS", str(tmp_path))
    _, findings, _ = examine("--db", url)
    assert findings["typeface"]["ok"] is False


def test_a_his_adapter_that_is_not_there(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_HIS", "nonsense")
    status, findings, _ = examine("--db", url)
    assert status == 1
    assert "nonsense" in findings["his"]["cause"]


def test_a_missing_voice_is_loud(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    _, findings, _ = examine("--db", url)
    assert findings["voice"]["ok"] is False
    assert "espeak-ng" in findings["voice"]["cause"]


def test_a_damaged_recording_is_named(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEPDON_DATA", str(tmp_path / "data"))
    write_pack(tmp_path / "data" / "voice" / "co-thanh", {"một": b"broken"})
    _, findings, _ = examine("--db", url)
    assert "Thử: 'một'" in findings["voice"]["cause"]


def test_a_wrong_mapping_of_the_his_is_told(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "his"
    fill_demo_folder(folder, now=datetime(2026, 1, 5, 2, tzinfo=UTC))
    file = tmp_path / "his.toml"
    file.write_text(
        f'adapter = "demo"\n[settings]\nfolder = "{folder}"\n'
        '[certify]\nmarker_patient = "079085000000"\n'
        '[certify.marker]\nfull_name = "Nguyễn Minh Hòa"\nbirth_date = "1985-09-05"\n'
        'gender = "female"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("TIEPDON_HIS_CONFIG", str(file))
    status, findings, _ = examine("--db", url)
    assert status == 1
    assert "bị đảo nam và nữ" in findings["his"]["cause"]


def test_the_insurer_lets_us_in_or_says_why_not(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password, file = tmp_path / "password", tmp_path / "bhxh.toml"
    password.write_text(PASSWORD)
    with BhxhEmulator() as emulator:
        file.write_text(
            f"""adapter = "bhxh"
            [settings]
            base_url = "{emulator.base_url}"
            account = "{ACCOUNT}"
            password_file = "{password}"
            facility_code = "99001"
            employee = {{ full_name = "{EMPLOYEE_NAME}", cccd = "{EMPLOYEE_CCCD}" }}
            """
        )
        monkeypatch.setenv("TIEPDON_INSURER_CONFIG", str(file))
        assert examine("--db", url)[1]["insurer"]["ok"] is True
        password.write_text("wrong")
        finding = examine("--db", url)[1]["insurer"]
    assert (finding["ok"], finding["cause"]) == (False, "degraded: login")


def test_banks_and_wallets_answer_or_it_says_which_does_not(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examine("--db", url)[1]["payments"]["ok"] is None
    secret, token, file = tmp_path / "secret", tmp_path / "token", tmp_path / "payments.toml"
    secret.write_text(SECRET)
    token.write_text(TOKEN)
    with BankEmulator() as bank:
        account = """
            kind = "vietqr_bank"
            [provider.settings]
            bin = "970418"
            account = "1200000000001"
            holder = "BENH VIEN DA KHOA MAU"
            """
        file.write_text(
            f"""[[provider]]
            name = "bank"
            {account}
            secret = {{ file = "{secret}" }}
            [provider.settings.feed]
            base_url = "{bank.base_url}/feed"
            token = {{ file = "{token}" }}
            [[provider]]
            name = "statements_only"
            {account}
            """
        )
        monkeypatch.setenv("TIEPDON_PAYMENTS_CONFIG", str(file))
        assert examine("--db", url)[1]["payments"]["ok"] is True
        token.write_text("wrong")
        finding = examine("--db", url)[1]["payments"]
        assert (finding["ok"], finding["cause"]) == (False, "bank: the feed refuses our token")
        secret.unlink()
        finding = examine("--db", url)[1]["payments"]
    assert finding["ok"] is False
    assert "secret" in finding["cause"]
