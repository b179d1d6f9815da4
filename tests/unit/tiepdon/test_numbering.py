from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tiepdon.cli import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TIEPDON_DEMO", "1")
    monkeypatch.setenv("TIEPDON_HIS_SETTINGS", json.dumps({"folder": str(tmp_path / "his")}))
    return f"sqlite:///{tmp_path}/tiepdon.sqlite3"


def test_the_choice_stands_and_comes_back(url: str) -> None:
    result = run("numbering", "his", "--letter", "Z", "--wait", "1.5", "--db", url)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "numbering": "his",
        "letter_beside_his": "Z",
        "wait_s": 1.5,
    }
    assert json.loads(run("numbering", "own", "--db", url).stdout)["numbering"] == "own"


def test_a_letter_that_could_give_one_number_twice_is_refused(url: str) -> None:
    assert run("numbering", "his", "--letter", "a1", "--db", url).exit_code == 1
    assert run("numbering", "his", "--wait", "9", "--db", url).exit_code == 2
