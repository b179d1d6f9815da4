"""Settings from a terminal: out as a file, shown, taken, taken back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tiepdon.cli import main


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TIEPDON_DEMO", "1")
    monkeypatch.setenv("TIEPDON_HIS_SETTINGS", json.dumps({"folder": str(tmp_path / "his")}))
    return f"sqlite:///{tmp_path}/tiepdon.sqlite3"


def run(url: str, *arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["settings", *arguments, "--db", url], input=answer)


def test_a_file_goes_out_is_changed_comes_in_and_goes_back(url: str, tmp_path: Path) -> None:
    file = tmp_path / "cai-dat.json"
    assert run(url, "export", str(file)).exit_code == 0
    before = file.read_text(encoding="utf-8")
    assert run(url, "export", "-").stdout == before
    assert run(url, "import", str(file)).stdout == "Nothing to change.\n"
    file.write_text(before.replace('"late_min": 15', '"late_min": 20'), encoding="utf-8-sig")

    shown = run(url, "import", str(file), "--preview")
    assert shown.stdout.startswith("settings.late_min: 15 → 20\n")
    assert run(url, "import", str(file), answer="n\n").exit_code == 1
    assert run(url, "export", "-").stdout == before

    assert run(url, "import", str(file), answer="y\n").exit_code == 0
    assert '"late_min": 20' in run(url, "export", "-").stdout
    assert "20 → 15" in run(url, "undo", "--preview").stdout
    assert run(url, "undo", "--yes").exit_code == 0
    assert run(url, "export", "-").stdout == before


def test_a_refusal_names_every_place_and_changes_nothing(url: str, tmp_path: Path) -> None:
    file = tmp_path / "cai-dat.json"
    run(url, "export", str(file))
    before = file.read_text(encoding="utf-8")
    wrong = before.replace('"late_min": 15', '"late_min": "x"').replace('"rank": 2', '"rank": -2')
    file.write_text(wrong, encoding="utf-8")
    result = run(url, "import", str(file), "--yes")
    assert result.exit_code == 1
    assert "\nsettings.late_min: Takes a whole number" in result.stderr
    assert "\npriority_groups.from_80.rank: Takes a whole number" in result.stderr
    assert run(url, "export", "-").stdout == before


def test_what_cannot_be_read_written_or_undone_is_one_sentence(url: str, tmp_path: Path) -> None:
    file = tmp_path / "bytes"
    file.write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in run(url, "import", str(file)).stderr
    assert "cannot be written" in run(url, "export", str(tmp_path / "no" / "file")).stderr
    assert "undo_over" in run(url, "undo").stderr
