from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.errors import BadSignature
from payments.untrusted_json import MAX_CALLBACK_BYTES, is_whole, read_object, time_of_ms


def test_an_object() -> None:
    assert read_object('{"a": [1, "ệ"]}'.encode()) == {"a": [1, "ệ"]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\\ud800"}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"a":"' + b"x" * MAX_CALLBACK_BYTES + b'"}',
    ],
)
def test_what_nobody_signs(body: bytes) -> None:
    with pytest.raises(BadSignature):
        read_object(body)


@given(body=st.binary(max_size=300))
def test_any_bytes(body: bytes) -> None:
    try:
        assert isinstance(read_object(body), dict)
    except BadSignature:
        return


def test_whole_numbers() -> None:
    assert is_whole(0)
    assert is_whole(-(2**62))
    for other in (True, 1.0, "1", None, 2**63):
        assert not is_whole(other)


def test_times() -> None:
    assert time_of_ms(1795140930000) == datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
    for other in (None, "1795140930000", 2**62, -(2**62), True):
        with pytest.raises(ValueError):
            time_of_ms(other)
