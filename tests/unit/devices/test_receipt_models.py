"""Receipt half of devices.models: what is taken for a receipt and what is not."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import BadTicket
from devices.models import ReceiptDocument
from tests.factories.receipts import VI, english_receipt_json, receipt, receipt_json


def test_every_key_arrives() -> None:
    document = ReceiptDocument.from_json(json.dumps(receipt_json()))
    assert document.code == "BM7K2P4QX"
    assert document.words.total.value == "77.000 đ"
    assert [line.label for line in document.words.lines] == ["Khám nội tổng quát", "Xét nghiệm máu"]
    assert document.words.facts[2].value == "A012"
    assert document.words.notes == ("Phiếu này không phải hóa đơn.",)
    assert document.qr.startswith("https://hoadon.example/")
    assert document.vi is None


def test_another_language_brings_vietnamese_beside_it() -> None:
    document = ReceiptDocument.from_json(english_receipt_json())
    assert document.words.title == "PAYMENT RECEIPT"
    assert document.vi is not None
    assert document.vi.title == "PHIẾU THU TIỀN"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"hospital": None}, "hospital"),
        ({"code": 7}, "code"),
        ({"issued_at": "yesterday"}, "issued_at"),
        ({"lang": "fr"}, "lang"),
        ({"texts": None}, "texts"),
        ({"texts": VI | {"title": ""}}, "title"),
        ({"texts": VI | {"total": "77.000"}}, "total"),
        ({"texts": VI | {"lines": "x"}}, "lines"),
        ({"texts": VI | {"lines": [{"label": "x", "value": "y"}] * 41}}, "lines"),
        ({"texts": VI | {"facts": [{"label": 1, "value": "y"}]}}, "label"),
        ({"texts": VI | {"notes": ["x"] * 9}}, "notes"),
        ({"vi": "x"}, "vi"),
        ({"qr": "x" * 301}, "qr"),
        ({"qr": "é"}, "qr"),
    ],
)
def test_what_is_no_receipt_is_refused_by_the_name_of_its_key(
    changes: dict[str, Any], key: str
) -> None:
    with pytest.raises(BadTicket, match=key):
        receipt(**changes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(key=st.sampled_from(sorted(receipt_json())), value=json_values)
def test_any_other_value_is_a_receipt_or_refused(key: str, value: object) -> None:
    with contextlib.suppress(BadTicket):
        assert receipt(**{key: value}).hospital
