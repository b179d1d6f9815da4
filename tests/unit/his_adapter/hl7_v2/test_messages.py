from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapter.errors import BrokenReply
from his_adapter.hl7_v2.messages import Message, decode, escape, unescape

HEADER = r"MSH|^~\&|HIS|BV|KIOSK|BV|20261201070001+0700||ACK^A31^ACK|H1|P|2.5.1||||||UNICODE UTF-8"
texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("&^~\\|\r\n"), max_size=60
)


@given(texts)
def test_every_text_comes_back_in_nfc(text: str) -> None:
    assert unescape(escape(text)) == unicodedata.normalize("NFC", text)
    assert not set(escape(text)) & set("|^&~\r\n")


@given(
    st.lists(st.lists(st.lists(texts, min_size=1, max_size=3), min_size=1, max_size=3), max_size=3)
)
def test_fields_come_back_whole(field: list[list[list[str]]]) -> None:
    message = decode(f"{HEADER}\rZTD|x\r".encode())
    segment = message.first("ZTD")
    segment.fields[2] = field
    read = decode(message.encode()).first("ZTD")
    for rep, components in enumerate(field, start=1):
        for place, pieces in enumerate(components, start=1):
            for sub, text in enumerate(pieces, start=1):
                wanted = unicodedata.normalize("NFC", text)
                # `hl7` strips blanks at the end of a whole message only
                if text.strip() and wanted != '""':
                    assert read.get(2, place, sub, rep=rep).strip() == wanted.strip()


def test_header_fields_are_counted_as_the_standard_does() -> None:
    message = decode(f"{HEADER}\r".encode())
    assert (message.kind, message.control_id) == ("ACK^A31", "H1")
    assert message.first("MSH").get(18) == "UNICODE UTF-8"
    assert decode(message.encode()) == message


def test_a_place_names_a_field_or_a_component() -> None:
    message = Message()
    message.put("PV1-50", "khóa")
    message.put("PV1-19.5", "VN")
    message.put("", "nowhere")
    assert (message.at("PV1-50"), message.at("PV1-19.5"), message.at("PV1-19")) == (
        "khóa",
        "VN",
        "",
    )
    assert message.at("") == message.at("ZZZ-3") == ""


def test_an_explicit_nothing_is_nothing() -> None:
    assert decode(f'{HEADER}\rPID|1|""\r'.encode()).at("PID-2") == ""


def test_other_separators_are_read() -> None:
    read = decode(b"MSH#*!%$#HIS#BV#K#B#2026##ADT*A08#1#P#2.5.1\rPID#1##BN1*x*y*z*MR!2\r")
    assert read.first("PID").get(3, 5) == "MR"
    assert len(read.first("PID").repetitions(3)) == 2


def test_the_truncation_sign_of_a_later_version_is_read_over() -> None:
    read = decode((HEADER.replace("&|", "&#|", 1) + "\rPID|1||BN1^^^x&y^MR\r").encode())
    assert (read.control_id, read.first("PID").get(3, 4, 2)) == ("H1", "y")


def test_latin_1_is_read_when_it_says_so() -> None:
    text = HEADER.replace("UNICODE UTF-8", "8859/1") + "\rZTD|Hà\r"
    assert decode(text.encode("latin-1")).at("ZTD-1") == "Hà"


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"MSH",
        b"MSH|^~\\&",
        b"MSH|^^\\&|H\rPID|1\r",
        b"MSH|^~|H\rPID|1\r",
        b"MSHA^~\\&AH\rPID|1\r",
        b"<html>503</html>\r",
        b"\xff" * 100 + b"\r",
        HEADER.encode() + b"\rPID|1||BN00",  # half a message
        HEADER.encode() + b"\rPID|1||\xe0\xe0\r",  # Latin-1 that calls itself UTF-8
        HEADER.encode() + b"\r" + b"|" * 400_000 + b"\r",
        HEADER.encode() + b"\rTOOLONGNAME|1\r",
        HEADER.encode() + b"\r|||\r",
    ],
)
def test_what_is_no_message_is_refused(untrusted: bytes) -> None:
    try:
        message = decode(untrusted)
    except BrokenReply:
        return
    assert message.control_id == ""  # nothing that could be taken for an answer
