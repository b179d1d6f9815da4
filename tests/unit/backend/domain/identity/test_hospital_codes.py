from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity.codes import Kind
from backend.domain.identity.hospital_codes import (
    TICKET_TOKEN_PATTERN,
    HospitalCode,
    find_hospital_code,
    new_ticket_token,
    ticket_code,
)

BASES = [None, "https://hospital.example", "http://127.0.0.1:8080/", "https://h.example/sub/path"]


@given(st.binary(min_size=15, max_size=15))
def test_every_token_has_the_published_shape(entropy: bytes) -> None:
    token = new_ticket_token(lambda count: entropy[:count])

    assert re.fullmatch(TICKET_TOKEN_PATTERN, token)
    for base in BASES:
        assert find_hospital_code(ticket_code(token, public_base=base)) == (Kind.TICKET, token)


def test_tokens_keep_all_their_randomness() -> None:
    entropy = iter(range(256))
    tokens = {new_ticket_token(lambda _: bytes([0] * 14 + [next(entropy)])) for _ in range(256)}

    assert len(tokens) == 256


@pytest.mark.parametrize(
    "text",
    [
        "tk0123456789abcdefghjkmnp",  # one short
        "tk0123456789abcdefghjkmnpqr",  # one long
        "tk0123456789abcdefghjkmnpi",  # no letter of the alphabet
        "https://h.example/tk0123456789abcdefghjkmnpq",
        "https://h.example/t/tk0123456789abcdefghjkmnpq?next=evil",
        "javascript://h/t/tk0123456789abcdefghjkmnpq",
        "",
    ],
)
def test_not_a_ticket(text: str) -> None:
    assert find_hospital_code(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BN00012345", (Kind.MRN, "BN00012345")),
        ("LH0000000001", (Kind.APPOINTMENT, "LH0000000001")),
        ("HK000001", (Kind.APPOINTMENT, "HK000001")),
        ("BN4797900000000", None),  # a BHYT number of group BN
        ("BN 12345678", None),
    ],
)
def test_default_codes(text: str, found: tuple[Kind, str] | None) -> None:
    assert find_hospital_code(text) == found


def test_a_group_names_the_reference() -> None:
    code = HospitalCode(kind=Kind.MRN, pattern=r"PID=([0-9]+);.*")

    assert find_hospital_code("PID=42;X", [code]) == (Kind.MRN, "42")
    assert find_hospital_code("PID=42;" + "X" * 64, [code]) is None
