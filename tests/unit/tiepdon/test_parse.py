from __future__ import annotations

import json
import time

import pytest
from click.testing import CliRunner

from tests.factories import identity_payloads as payloads
from tests.unit.backend.domain.identity.vectors import VECTORS
from tiepdon.commands.parse import command

IDENTITY_KEYS = {
    "id_number", "old_id_number", "full_name", "birth_date", "birth_precision", "gender",
    "address", "issued_on", "cancelled_ids", "parents", "bhyt_number", "bhxh_number",
    "facility_code", "valid_from", "valid_to", "five_year_from", "benefit_level",
}  # fmt: skip
CLOCK = ["--today", "2025-06-15"]


def answers(lines: bytes, *options: str) -> list[dict[str, object]]:
    result = CliRunner().invoke(command, [*CLOCK, *options], input=lines)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout_bytes.decode().splitlines()]


def escape(payload: str) -> bytes:
    plain = payload.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")
    plain = plain.replace("\0", "\\0")
    return "".join(
        letter if letter.isascii() else f"\\u{ord(letter):04x}" for letter in plain
    ).encode()


def test_every_vector_through_the_command() -> None:
    found = answers(b"\n".join(escape(vector.payload) for vector in VECTORS), "--escaped")

    assert [(a["kind"], a["error"]) for a in found] == [(v.kind, v.error) for v in VECTORS]
    for answer, vector in zip(found, VECTORS, strict=True):
        assert set(answer) == {"kind", "error", "warnings", "identity"}
        assert answer["warnings"] == sorted(vector.warnings)
        if vector.facts is None:
            assert answer["identity"] is None
            continue
        identity = answer["identity"]
        assert isinstance(identity, dict)
        assert set(identity) <= IDENTITY_KEYS
        published = {key: value for key, value in vector.facts.items() if key in IDENTITY_KEYS}
        assert published == {k: v for k, v in identity.items() if k != "birth_precision"}


def test_shape_of_one_answer() -> None:
    (answer,) = answers(payloads.cccd2021(old_id_number="020000000", birth_date="091985"))

    assert answer == {
        "kind": "cccd2021",
        "error": None,
        "warnings": [],
        "identity": {
            "id_number": "079085000000",
            "old_id_number": "020000000",
            "full_name": "Nguyễn Văn Thử",
            "birth_date": "1985-09",
            "birth_precision": "month",
            "gender": "male",
            "address": "Linh Đông, Thủ Đức, TP. Hồ Chí Minh",
            "issued_on": "2021-08-12",
        },
    }


def test_every_line_is_answered_in_order() -> None:
    lines = [
        b"",
        b"\xff\xfe",
        b"9" * 1_000_000,
        payloads.bhyt() + b"\r",
        b"x" * 4097,
        b"7900000000",
    ]
    found = answers(b"\n".join(lines) + b"\n")

    assert [answer["error"] for answer in found] == [
        "E_EMPTY",
        "E_CHARSET_GARBLED",
        "E_TOO_LONG",
        None,
        "E_TOO_LONG",
        None,
    ]


@pytest.mark.parametrize("lines", [b"", b"7900000000", b"7900000000\n", b"9" * 2_000_000])
def test_the_last_line_needs_no_end(lines: bytes) -> None:
    assert len(answers(lines)) == (1 if lines else 0)


def test_lenient() -> None:
    payload = payloads.cccd2021().rsplit(b"|", 1)[0]

    assert answers(payload)[0]["error"] == "E_FIELD_COUNT"
    assert answers(payload, "--lenient")[0]["warnings"] == ["W_ISSUE_DATE_MISSING"]


def test_without_escaped_a_backslash_is_a_backslash() -> None:
    assert answers(rb"07908500\u0030000")[0]["error"] == "E_UNKNOWN_QR"
    assert answers(rb"07908500\u0030000", "--escaped")[0]["kind"] == "id12"
    assert answers(rb"\\u0030", "--escaped")[0]["error"] == "E_UNKNOWN_QR"
    assert answers(rb"\ud83d", "--escaped")[0]["error"] == "E_CHARSET_GARBLED"


def test_wrong_use() -> None:
    assert CliRunner().invoke(command, ["--today", "15/06/2025"], input=b"").exit_code == 2


def test_thousands_of_lines_a_second() -> None:
    lines = b"\n".join([payloads.cccd2021(), payloads.bhyt(), payloads.mrz_card()] * 1000)
    lines = lines.replace(b"\r", b"")
    started = time.process_time()

    assert len(answers(lines)) == 3000
    assert time.process_time() - started < 6
