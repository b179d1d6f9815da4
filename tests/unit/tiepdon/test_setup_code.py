"""`tiepdon setup-code`, and the code `tiepdon serve` shows."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from tiepdon.cli import main

CODE = re.compile(r"\w{4}-\w{4}-\w{4}")


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    url = f"sqlite:///{folder / 'tiepdon.sqlite3'}"
    result = CliRunner().invoke(
        main,
        [*arguments, "--db", url],
        env={"TIEPDON_HIS_SETTINGS": f'{{"file": "{folder / "register.sqlite3"}"}}'},
    )
    return result.exit_code, result.stdout, result.stderr


def test_a_code_while_there_is_no_administrator(tmp_path: Path) -> None:
    status, code, words = run(tmp_path, "setup-code")
    assert status == 0
    assert CODE.fullmatch(code.strip())
    assert "/staff/setup" in words
    assert run(tmp_path, "setup-code")[1] != code
    assert run(tmp_path, "user", "add", "lan", "--role", "reception")[0] == 0
    assert run(tmp_path, "setup-code")[0] == 0
    assert run(tmp_path, "user", "add", "minh", "--role", "it")[0] == 0
    status, code, words = run(tmp_path, "setup-code")
    assert (status, code) == (1, "")
    assert "[set_up_over]" in words
