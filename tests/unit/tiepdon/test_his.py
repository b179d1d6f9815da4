from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from his_adapter.testing import fill_demo_folder
from tests.contract.his_harness import MONDAY_MORNING
from tiepdon.cli import main


@pytest.fixture
def config(tmp_path: Path) -> Path:
    fill_demo_folder(tmp_path / "his", now=MONDAY_MORNING)
    file = tmp_path / "his.toml"
    file.write_text(
        f'adapter = "demo"\n[settings]\nfolder = "{tmp_path / "his"}"\n'
        '[certify]\nmarker_patient = "079085000000"\nmax_patients = 5000\n'
    )
    return file


def test_check_prints_json_lines(config: Path) -> None:
    result = CliRunner().invoke(main, ["his", "check", "--config", str(config)])
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {"health", "date_filter", "version_guard"} <= {line["check"] for line in lines}


def test_check_of_a_his_that_is_down_ends_with_1(config: Path) -> None:
    (config.parent / "his" / "faults.json").write_text('{"down": true}')
    result = CliRunner().invoke(main, ["his", "check", "--config", str(config)])
    assert result.exit_code == 1


def test_certify_writes_both_reports(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    arguments = ["his", "certify", "--config", str(config), "--out", str(out), "--case", "C09"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["passed"] == 1
    assert {file.name for file in out.iterdir()} == {"report.json", "report.html"}


def test_certify_refuses_what_may_be_real(config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text().replace("= 5000", "= 50"))
    arguments = ["his", "certify", "--config", str(config), "--out", str(tmp_path / "report")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "HIS thật" in result.stderr
    assert not (tmp_path / "report").exists()


def test_new_makes_a_folder(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["his", "new", "example", "--in", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "tiepdon-his-example" / "pyproject.toml").is_file()
