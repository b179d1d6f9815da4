from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from devices.printers.rendering import render
from devices.simulated.printer_commands import CommandReader, Cut, Print
from tests.factories.tickets import ticket, ticket_json
from tiepdon.cli import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["ticket", *map(str, arguments)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "ticket.json"
    file.write_text(json.dumps(ticket_json(), ensure_ascii=False), encoding="utf-8")
    return file


@pytest.mark.parametrize("width_px", [576, 384])
def test_picture_and_bytes_show_the_same_ticket(file: Path, tmp_path: Path, width_px: int) -> None:
    png, escpos = tmp_path / "out.png", tmp_path / "out.bin"
    result = run(file, "--png", png, "--escpos", escpos, "--width", width_px)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    drawn = render(ticket(), width_px=width_px)
    assert Image.open(png).tobytes() == drawn.tobytes()
    commands = CommandReader().feed(escpos.read_bytes())
    dots = np.concatenate([command.dots for command in commands if isinstance(command, Print)])
    assert np.array_equal(dots, ~np.asarray(drawn, dtype=bool))
    assert any(isinstance(command, Cut) for command in commands) is (width_px == 576)


def test_either_output_alone(file: Path, tmp_path: Path) -> None:
    assert run(file, "--png", tmp_path / "out.png").exit_code == 0
    assert run(file, "--escpos", tmp_path / "out.bin").exit_code == 0
    assert (tmp_path / "out.bin").read_bytes().startswith(b"\x1b@")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"{}", "lang"),
        (json.dumps(ticket_json(wait_min=[9])).encode(), "wait_min"),
        (b"[" + b" " * 70_000 + b"]", "larger"),
    ],
)
def test_a_bad_file_is_named_and_nothing_is_written(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    result = run(file, "--png", tmp_path / "out.png")
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_files_that_cannot_be_read_or_written(file: Path, tmp_path: Path) -> None:
    missing = run(tmp_path / "none.json", "--png", tmp_path / "out.png")
    assert (missing.exit_code, "none.json" in missing.stderr) == (1, True)
    nowhere = run(file, "--png", tmp_path / "no" / "out.png")
    assert (nowhere.exit_code, "out.png" in nowhere.stderr) == (1, True)


def test_wrong_use(file: Path, tmp_path: Path) -> None:
    assert run(file).exit_code == 2
    assert run("--png", tmp_path / "out.png").exit_code == 2
    assert run(file, "--png", tmp_path / "out.png", "--width", "600").exit_code == 2
