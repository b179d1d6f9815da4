from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from payments.fields import (
    clean,
    exact_moment,
    local_moment,
    parse_object,
    required,
    text_of,
    whole_vnd,
)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"a":' * 20_000, b'{"a":1}' + b" " * 64_000]
)
def test_anything_but_a_bounded_object_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        parse_object(body)


def test_texts_hold_nothing_a_database_refuses() -> None:
    content = parse_object(b'{"memo": "a\\u0000b\\ud800c\\n", "id": 7, "none": null}')
    assert text_of(content, "memo") == "a b c"
    assert text_of(content, "id") == "7"
    assert text_of(content, "none") == text_of(content, "missing") == ""
    assert text_of({"a": "x" * 10}, "a", most=3) == "xxx"
    assert clean("  ", 5) == ""


@pytest.mark.parametrize("value", ["", None, "x" * 9, [], {}, True, 1.5])
def test_what_things_are_known_by_is_never_empty_or_cut(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        required({"id": value}, "id", most=8)


@pytest.mark.parametrize("value", [350_000, "350000", 350_000.0])
def test_whole_dong(value: Any) -> None:
    assert whole_vnd(value) == 350_000


@pytest.mark.parametrize(
    "value",
    [0, -1, 1.5, True, "", "-5", "1e5", "٣", "350,000", 10**13, float("nan"), float("inf"), None],
)
def test_other_amounts_are_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        whole_vnd(value)


def test_clocks_of_vietnam() -> None:
    moment = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
    assert local_moment("2026-11-20 09:15:30") == moment
    assert local_moment("2026-11-20T02:15:30+00:00") == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "0001-01-01 00:00:00", "9999-12-31T23:59:59+00:00", "09:15:30"]
)
def test_moments_nobody_can_reckon_with_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        local_moment(text)
    with pytest.raises(ValueError):
        exact_moment("2026-11-20 09:15:30")
