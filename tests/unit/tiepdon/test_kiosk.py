from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from tiepdon.commands.kiosk import command


@pytest.mark.parametrize(
    "wrong",
    [
        ["--backend", "http://hospital.example"],
        ["--window", "large"],
        ["--width-mm", "3"],
        ["--scanner", "nonsense:0"],
        ["--scanner", "camera"],
        ["--printer", "nonsense:1"],
    ],
)
def test_settings_that_can_never_work_are_wrong_use(tmp_path: Path, wrong: list[str]) -> None:
    given = ["--backend", "http://127.0.0.1:9", "--scanner", "dir:.", "--data", str(tmp_path)]
    result = CliRunner().invoke(command, [*given, *wrong])
    assert result.exit_code == 2
    assert "Error:" in result.output


def test_production_has_no_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    given = ["--backend", "http://127.0.0.1:9", "--scanner", "dir:.", "--data", str(tmp_path)]
    result = CliRunner().invoke(command, [*given, "--window", "540x960"])
    assert result.exit_code == 2
