"""Ticket half of devices.models: what is taken for a ticket and what is not."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import BadTicket
from devices.models import MAX_TICKET_BYTES, TicketDocument
from tests.factories.tickets import english_ticket_json, ticket_json


def test_every_key_arrives() -> None:
    document = TicketDocument.from_json(json.dumps(ticket_json(notes=["chưa đồng bộ"])))
    assert document.hospital == "Trung tâm Y tế Huyện Mẫu"
    assert document.issued_at == datetime(2026, 11, 23, 1, 15, tzinfo=UTC)
    assert document.number == "A012"
    assert document.words.service == "Khám nội tổng quát"
    assert document.words.department == "Khoa Khám bệnh"
    assert document.words.room == "Phòng 12"
    assert document.words.landmark == "cạnh thang máy khu B"
    assert document.words.next.startswith("Ngồi chờ")
    assert document.words.notes == ("chưa đồng bộ",)
    assert document.floor == "2"
    assert document.wait_min == (20, 35)
    assert document.qr.endswith("7Kq2mXw9ZpTb4VnRfY3L")
    assert document.hotline == "0236 3 000 000"
    assert document.lang == "vi"
    assert document.vi is None


def test_another_language_brings_vietnamese_beside_it() -> None:
    document = TicketDocument.from_json(english_ticket_json())
    assert document.words.room == "Room 12"
    assert document.vi is not None
    assert document.vi.room == "Phòng 12"


def test_the_published_keys_alone_are_enough() -> None:
    published = {k: v for k, v in ticket_json().items() if k not in {"service", "department", "vi"}}
    assert TicketDocument.from_json(published).words.service == ""


def test_unknown_keys_and_null_texts_are_passed_over() -> None:
    document = TicketDocument.from_json(ticket_json(later="x", landmark=None, wait_min=None))
    assert document.words.landmark == ""
    assert document.wait_min is None


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"hospital": None}, "hospital"),
        ({"hospital": "  "}, "hospital"),
        ({"number": 12}, "number"),
        ({"number": ""}, "number"),
        ({"room": None}, "room"),
        ({"issued_at": "23/11/2026"}, "issued_at"),
        ({"wait_min": [20]}, "wait_min"),
        ({"wait_min": [35, 20]}, "wait_min"),
        ({"wait_min": [True, 5]}, "wait_min"),
        ({"wait_min": [0, 100_000]}, "wait_min"),
        ({"wait_min": "20-35"}, "wait_min"),
        ({"notes": "một"}, "notes"),
        ({"notes": [1]}, "notes"),
        ({"notes": ["a"] * 9}, "notes"),
        ({"qr": "ệ"}, "qr"),
        ({"qr": "a\nb"}, "qr"),
        ({"qr": "a" * 201}, "qr"),
        ({"lang": "fr"}, "lang"),
        ({"lang": ["vi"]}, "lang"),
        ({"vi": []}, "vi"),
        ({"vi": {"room": 1}}, "room"),
    ],
)
def test_a_wrong_value_is_named_by_its_key(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(BadTicket, match=f"^{key}: "):
        TicketDocument.from_json(ticket_json(**changes))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe{",
        b"[" * 60_000,
        b'{"a":"' + b"x" * MAX_TICKET_BYTES + b'"}',
    ],
)
def test_what_is_no_ticket_at_all_is_refused(text: bytes) -> None:
    with pytest.raises(BadTicket):
        TicketDocument.from_json(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(ticket_json())), _JSON)
def test_any_value_is_taken_or_refused_but_never_crashes(key: str, value: object) -> None:
    with contextlib.suppress(BadTicket):
        assert TicketDocument.from_json(ticket_json(**{key: value})).number
