from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from payments.models import Money
from payments.statements.writing import write_statement
from tests.unit.payments.statements.factories import ACCOUNT, credit_line, debit_line
from tiepdon.cli import main


@pytest.fixture
def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A demo hospital with one account; its files."""
    settings = tmp_path / "payments.toml"
    settings.write_text(
        '[[provider]]\nname = "bank"\nkind = "sandbox"\n'
        f'[provider.settings]\naccount = "{ACCOUNT}"\n'
    )
    monkeypatch.setenv("TIEPDON_DEMO", "1")
    monkeypatch.setenv("TIEPDON_DB", f"sqlite:///{tmp_path / 'db.sqlite3'}")
    monkeypatch.setenv("TIEPDON_PAYMENTS_CONFIG", str(settings))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["payments", "reconcile", *arguments])


@pytest.mark.parametrize(("layout", "xlsx"), [("bidv", False), ("hdbank", True)])
def test_a_statement_of_the_bank(hospital: Path, layout: str, xlsx: bool) -> None:
    file = hospital / "statement"
    lines = [credit_line(350_000), debit_line(50_000)]
    file.write_bytes(
        write_statement(lines, layout=layout, account=ACCOUNT, opening=Money(0), xlsx=xlsx)
    )
    first, second = (run("--provider", "bank", "--file", str(file)) for _ in range(2))

    assert first.exit_code == second.exit_code == 1
    said = json.loads(first.stdout)
    assert said["ok"] is False
    assert said["came"] == {"count": 1, "amount_vnd": 350_000}
    assert said["left"] == {"count": 1, "amount_vnd": 50_000}
    assert said["difference_vnd"] == 350_000
    assert said["differences"] == [
        {
            "kind": "money_without_intent",
            "row": 8,
            "transaction_id": "FT26047000000001",
            "code": None,
            "expected_vnd": 0,
            "found_vnd": 350_000,
            "detail": None,
        }
    ]
    assert "NGUYEN" not in first.stdout
    assert json.loads(second.stdout) == said | {"repeated": True}


def test_nothing_to_tell(hospital: Path) -> None:
    file = hospital / "statement.csv"
    file.write_bytes(
        write_statement([debit_line()], layout="bidv", account=ACCOUNT, opening=Money(0))
    )
    report = hospital / "report.xlsx"
    result = run("--provider", "bank", "--file", str(file), "--report", str(report))
    assert result.exit_code == 0, result.output
    assert report.read_bytes().startswith(b"PK")
    assert json.loads(result.stdout)["ok"] is True


@pytest.mark.parametrize(
    ("content", "more", "error"),
    [
        (b"hello", (), "statement-headings"),
        (b"\xd0\xcf\x11\xe0", (), "statement-not-a-table"),
        (b"Ng\xc3\xa0y;Ti\xe1\xbb\x81n v\xc3\xa0o;N\xe1\xbb\x99i dung\n", (), "statement-days"),
    ],
)
def test_a_file_that_cannot_be_used(
    hospital: Path, content: bytes, more: tuple[str, ...], error: str
) -> None:
    file = hospital / "statement.csv"
    file.write_bytes(content)
    result = run("--provider", "bank", "--file", str(file), *more)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"ok": False, "error": error}


def test_a_provider_nobody_set_up(hospital: Path) -> None:
    file = hospital / "statement.csv"
    file.write_bytes(write_statement([], layout="bidv", account=ACCOUNT, opening=Money(0)))
    result = run("--provider", "wallet", "--file", str(file), "--account", ACCOUNT)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == "statement-provider"


def test_a_day_of_the_providers_own_list(hospital: Path) -> None:
    result = run("--provider", "bank", "--day", "2026-02-16")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["came"] == {"count": 0, "amount_vnd": 0}
    assert run("--provider", "wallet", "--day", "2026-02-16").exit_code == 1


def test_wrong_use(hospital: Path) -> None:
    file = hospital / "statement.csv"
    file.write_bytes(b"")
    assert run("--provider", "b", "--file", str(file), "--report", "x.pdf").exit_code == 2
    assert run("--provider", "bank").exit_code == 2
    both = ["--provider", "bank", "--file", str(file), "--day", "2026-02-16"]
    assert run(*both).exit_code == 2
    assert run("--provider", "bank", "--file", "nowhere.csv").exit_code == 2
    assert run("--file", str(hospital)).exit_code == 2
