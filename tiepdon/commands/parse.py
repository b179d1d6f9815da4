"""`tiepdon parse`: payloads on standard input, what they say as JSON on standard output."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO
from zoneinfo import ZoneInfo

import click

from backend.domain.identity import Identity, ParseResult, parse
from backend.domain.identity.text import MAX_BYTES

_VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
# An escaped byte takes six characters at most: what is cut off here is too long either way.
_MAX_LINE_BYTES = 6 * (MAX_BYTES + 1)
_ESCAPE = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|([rn0\\]))")
_ESCAPED = {b"r": b"\r", b"n": b"\n", b"0": b"\0", b"\\": b"\\"}


@click.command()
@click.option("--escaped", is_flag=True, help=r"Lines hold \uXXXX, \r, \n, \0 and \\ escapes.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day to judge dates by; default: today in Vietnam.",
)
@click.option("--lenient", is_flag=True, help="Accept cards without issue date.")
def command(*, escaped: bool, today: datetime | None, lenient: bool) -> None:
    """Read payloads of cards and papers: one per line in, one JSON line each out.

    A refused payload is an answer too; the exit status is 0 when every line was answered.
    """
    day = (today or datetime.now(_VIETNAM)).date()
    output = sys.stdout.buffer
    for line in _lines(sys.stdin.buffer):
        payload = _ESCAPE.sub(_unescape, line) if escaped else line
        answer = as_json(parse(payload, today=day, lenient=lenient))
        output.write(json.dumps(answer, ensure_ascii=False).encode("utf-8") + b"\n")
        output.flush()  # a program at the other end may wait for each answer


def as_json(result: ParseResult) -> dict[str, object]:
    """The published shape: dates in ISO form, what is unknown left out."""
    return {
        "kind": result.kind,
        "error": result.error,
        "warnings": sorted(result.warnings),
        "identity": None if result.identity is None else _identity_json(result.identity),
    }


def _identity_json(identity: Identity) -> dict[str, object]:
    birth_date = identity.birth_date
    values = {
        "id_number": identity.id_number,
        "old_id_number": identity.old_id_number,
        "full_name": identity.full_name,
        "birth_date": birth_date and birth_date.isoformat(),
        "birth_precision": birth_date and birth_date.precision,
        "gender": identity.gender,
        "address": identity.address,
        "issued_on": identity.issued_on and identity.issued_on.isoformat(),
        "cancelled_ids": identity.cancelled_ids,
        "parents": identity.parents,
        "bhyt_number": identity.bhyt_number,
        "bhxh_number": identity.bhxh_number,
        "facility_code": identity.facility_code,
        "valid_from": identity.valid_from and identity.valid_from.isoformat(),
        "valid_to": identity.valid_to and identity.valid_to.isoformat(),
        "five_year_from": identity.five_year_from and identity.five_year_from.isoformat(),
        "benefit_level": identity.benefit_level,
    }
    return {key: value for key, value in values.items() if value}


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Each line without its end; of an endless one only the start, in bounded memory."""
    while line := stream.readline(_MAX_LINE_BYTES):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(_MAX_LINE_BYTES)
        yield line.removesuffix(b"\n")


def _unescape(match: re.Match[bytes]) -> bytes:
    if match[1] is None:
        return _ESCAPED[match[2]]
    # A lone half of a surrogate pair becomes invalid UTF-8, and is answered as such.
    return chr(int(match[1], 16)).encode("utf-8", errors="surrogatepass")
