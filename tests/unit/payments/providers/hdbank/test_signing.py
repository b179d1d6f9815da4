"""Against the document's own example, and the bank's side that was written apart."""

from __future__ import annotations

import base64
import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.errors import BadSignature, MalformedCallback
from payments.providers.hdbank.emulated_signing import Unreadable, unwrap, wrap
from payments.providers.hdbank.signing import check, pack, sign, unpack

SECRET = b"demo-hdbank-secret"
EXAMPLE = {
    "merchantId": "79032",
    "invoiceIds": ["BN-0011", "BN-0012"],
    "transactionTime": 20230929103111,
    "page": 1,
}
PACKED = (
    "eyJtZXJjaGFudElkIjoiNzkwMzIiLCJpbnZvaWNlSWRzIjpbIkJOLTAwMTEiLCJCTi0wMDEyIl0sInRyYW5zYWN0aW"
    "9uVGltZSI6MjAyMzA5MjkxMDMxMTEsInBhZ2UiOjF9"
)
"""As the document prints it in section 4.3.2, without the line break of its page."""


def test_data_is_that_of_the_document() -> None:
    assert pack(EXAMPLE) == PACKED
    assert unpack(PACKED) == EXAMPLE


def test_letters_stay_as_they_are() -> None:
    assert base64.b64decode(pack({"a": "Mô tả"})).decode() == '{"a":"Mô tả"}'


@pytest.mark.parametrize("form", ["hex", "base64"])
def test_both_sides_agree(form: Literal["hex", "base64"]) -> None:
    ours = sign(PACKED, SECRET, form)
    assert (PACKED, ours) == wrap(EXAMPLE, SECRET.decode(), hexadecimal=form == "hex")
    assert unwrap(PACKED, ours, SECRET.decode(), hexadecimal=form == "hex") == EXAMPLE
    check(PACKED, ours, SECRET, form)
    with pytest.raises(BadSignature):
        check(PACKED + "A", ours, SECRET, form)
    with pytest.raises(Unreadable):
        unwrap(PACKED, "x", SECRET.decode(), hexadecimal=form == "hex")


def test_digits_in_either_case() -> None:
    check(PACKED, sign(PACKED, SECRET, "hex").upper(), SECRET, "hex")


@given(st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda b: base64.b64encode(b))))
def test_what_is_no_data(data: str | bytes) -> None:
    text = data if isinstance(data, str) else data.decode()
    try:
        assert isinstance(unpack(text), dict)
    except MalformedCallback:
        return


@pytest.mark.parametrize("content", ["NaN", '{"a":NaN}', "[]", '"x"', '{"a":1e999999999999}'])
def test_numbers_and_shapes_that_are_none(content: str) -> None:
    data = base64.b64encode(content.encode()).decode()
    try:
        read = unpack(data)
    except MalformedCallback:
        return
    assert json.dumps(list(read)) == '["a"]'
