from __future__ import annotations

import pytest
from click.testing import CliRunner

from tiepdon.cli import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["105"], "một trăm linh năm"),
        (["105", "--south"], "một trăm lẻ năm"),
        (["--south", "24"], "hai mươi bốn"),
        (["007"], "bảy"),
        (["0"], "không"),
        (["1000000000"], "một tỷ"),
    ],
)
def test_the_words(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(main, ["read-number", *arguments])
    assert (result.exit_code, result.stdout) == (0, words + "\n")


@pytest.mark.parametrize(
    "arguments", [[], ["-5"], ["A7"], ["1.5"], ["1", "2"], ["1000000000000"], [""], ["1", "--west"]]
)
def test_wrong_use(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, ["read-number", *arguments])
    assert result.exit_code == 2
    assert result.stdout == ""
