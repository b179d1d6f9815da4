from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from tiepdon.cli import main

BIDV = ["--bin", "970418", "--account", "1200000000001"]
T2 = "00020101021238570010A00000072701270006970418011312000000000010208QRIBFTTA530370454063500005802VN62140810VP26AB7K9M6304079F"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["vietqr", *arguments])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            BIDV,
            "00020101021138570010A00000072701270006970418011312000000000010208QRIBFTTA53037045802VN63048B23",
        ),
        ([*BIDV, "--amount", "350000", "--memo", "VP26AB7K9M"], T2),
    ],
)
def test_encode(arguments: list[str], text: str) -> None:
    result = run("encode", *arguments)
    assert (result.exit_code, result.stdout) == (0, text + "\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--bin", "970418"],
        ["--bin", "97041", "--account", "1"],
        ["--bin", "9704180", "--account", "1"],
        ["--bin", "BIDV", "--account", "1"],
        ["--bin", "970418", "--account", ""],
        ["--bin", "970418", "--account", "1" * 20],
        ["--bin", "970418", "--account", "1200-0001"],
        ["--bin", "970418", "--account", "số 1"],
        *(
            [*BIDV, "--amount", amount]
            for amount in (
                "0", "000", "-1", "-0", "+1", "1.5", "350000.", "350,000", "350.000", "350 000",
                "1e3", "1_000", "", " 1", "1\n", "１２３", "²", "12345678901234", "đ",
            )
        ),
        *([*BIDV, "--memo", memo] for memo in ("", "A" * 26, "viện phí", "a\nb", "\t", "***")),
        [*BIDV, "--colour", "red"],
        [*BIDV, "one more"],
    ],
)  # fmt: skip
def test_encode_refuses(arguments: list[str]) -> None:
    result = run("encode", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error" in result.stderr


def test_the_largest_that_is_encoded_is_decoded() -> None:
    largest = ["--bin", "970437", "--account", "Z" * 19, "--amount", "9" * 13, "--memo", "~" * 25]
    text = run("encode", *largest).stdout
    assert json.loads(run("decode", text).stdout) == {
        "valid": True,
        "error": None,
        "bin": "970437",
        "account": "Z" * 19,
        "service": "QRIBFTTA",
        "amount": 9_999_999_999_999,
        "memo": "~" * 25,
    }


@pytest.mark.parametrize("text", [T2, T2[:-4] + "079f", T2 + "\n", f"  {T2}\r\n"])
def test_decode(text: str) -> None:
    result = run("decode", text)
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 1
    assert json.loads(result.stdout) == {
        "valid": True,
        "error": None,
        "bin": "970418",
        "account": "1200000000001",
        "service": "QRIBFTTA",
        "amount": 350_000,
        "memo": "VP26AB7K9M",
    }


def test_what_a_qr_leaves_open_is_null() -> None:
    said = json.loads(run("decode", run("encode", *BIDV).stdout).stdout)
    assert (said["valid"], said["amount"], said["memo"]) == (True, None, None)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "bad-structure"),
        ("-5", "bad-structure"),
        ("--amount", "bad-structure"),
        (T2[:-1], "bad-structure"),
        (T2.replace("350000", "350001"), "wrong-crc"),
        (T2[:40] + "\n" + T2[40:], "bad-characters"),
        (T2.replace("VP26AB7K9M", "việnphí123"), "wrong-crc"),
        ("9" * 100_000, "too-long"),
        ("\udcff", "bad-characters"),
    ],
)
def test_decode_says_why_not(text: str, error: str) -> None:
    result = run("decode", text)
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "valid": False,
        "error": error,
        "bin": None,
        "account": None,
        "service": None,
        "amount": None,
        "memo": None,
    }


def test_wrong_use() -> None:
    assert run("decode").exit_code == 2
    assert run("decode", T2, T2).exit_code == 2


def test_help() -> None:
    for part in ("encode", "decode"):
        assert part in run("--help").stdout
        assert run(part, "--help").exit_code == 0
