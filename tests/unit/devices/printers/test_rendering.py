from __future__ import annotations

import unicodedata
from typing import cast

import numpy as np
import pytest
import qrcode
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from devices.models import TicketDocument
from devices.printers.rendering import WIDTHS_PX, render
from devices.printers.typesetting import printable
from tests.factories.tickets import english_ticket_json, ticket, ticket_json

VIETNAMESE = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ"


def ink(image: Image.Image) -> np.ndarray:
    return ~np.asarray(image, dtype=bool)


def test_widths_are_those_of_the_paper() -> None:
    assert WIDTHS_PX == (576, 384)
    for width_px in WIDTHS_PX:
        picture = render(ticket(), width_px=width_px)
        assert picture.mode == "1"
        assert picture.width == width_px
    with pytest.raises(ValueError, match="600"):
        render(ticket(), width_px=600)


@pytest.mark.parametrize("number", ["A012", "U888", "H1024", "R001", "A1", "1024"])
def test_the_number_is_20_mm_high_on_80_mm_paper(number: str) -> None:
    picture = ink(render(ticket(number=number), width_px=576))
    # The number is the tallest run of inked rows with the black box of the room left out.
    rows = picture[:, :16].any(axis=1) | (picture.sum(axis=1) > 500)
    inked = picture.any(axis=1) & ~rows
    longest = run = 0
    for row in inked:
        run = run + 1 if row else 0
        longest = max(longest, run)
    assert longest >= 160


def test_a_long_number_stays_inside_the_paper() -> None:
    picture = ink(render(ticket(number="H123456789012345"), width_px=384))
    assert not picture[:, :8].any()
    assert not picture[:, -8:].any()


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("qr", ["7Kq2mXw9ZpTb4VnRfY3L", "https://kham.example/t/" + "x" * 60])
def test_the_code_reads_back_at_4_dots_a_module_or_more(width_px: int, qr: str) -> None:
    picture = render(ticket(qr=qr), width_px=width_px)
    codes = zxingcpp.read_barcodes(np.asarray(picture.convert("L")))
    assert [code.text for code in codes] == [qr]
    code = qrcode.QRCode(border=0, error_correction=qrcode.ERROR_CORRECT_M)
    code.add_data(qr)
    corners = codes[0].position
    side = corners.top_right.x - corners.top_left.x + 1
    assert side / len(code.get_matrix()) >= 3.9


def test_no_code_no_picture_of_one() -> None:
    picture = render(ticket(qr=""), width_px=576)
    assert not zxingcpp.read_barcodes(np.asarray(picture.convert("L")))


@pytest.mark.parametrize("letter", VIETNAMESE + VIETNAMESE.upper())
def test_every_vietnamese_letter_is_kept(letter: str) -> None:
    assert printable(unicodedata.normalize("NFD", letter)) == letter


def test_composed_and_decomposed_texts_give_the_same_ticket() -> None:
    composed = english_ticket_json()
    decomposed = {
        key: unicodedata.normalize("NFD", value) if isinstance(value, str) else value
        for key, value in composed.items()
    }
    pictures = [
        render(TicketDocument.from_json(json), width_px=576).tobytes()
        for json in (composed, decomposed)
    ]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize(
    ("hostile", "kept"),
    [
        ("a\x1b@\x10\x04\x01b", "a@b"),
        ("a\nb\t c\u00a0d", "a b c d"),
        ("\u202egnort\u202c", "gnort"),
        ("Phòng 😀 12", "Phòng 12"),
        ("a" + "\u0301" * 50, "á" + "\u0301" * 2),
        ("\u0645\u0631\u062d", ""),
        ("<b>&amp;", "<b>&amp;"),
        ("\ud800", ""),
        ("x" * 10_000, "x" * 399 + "…"),
    ],
)
def test_hostile_texts_are_made_safe(hostile: str, kept: str) -> None:
    assert printable(hostile) == kept


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("text", ["Ễ" * 10_000, "Ộ Ệ " * 2_500, "đường Nguyễn Ỷ Ỗ " * 600])
def test_texts_of_any_length_stay_on_the_paper(width_px: int, text: str) -> None:
    texts = dict.fromkeys(("hospital", "service", "department", "room", "landmark", "next"), text)
    notes = [text] * 8
    json = ticket_json(**texts, floor=text, hotline=text, notes=notes, lang="en")
    json["vi"] = texts | {"notes": notes}
    picture = render(TicketDocument.from_json(json), width_px=width_px)
    assert picture.height < 6000, "the sheet was too short, something was cut off"
    margins = 8 if width_px == 384 else 16
    dots = ink(picture)
    assert not dots[:, : margins - 2].any()
    assert not dots[:, -(margins - 2) :].any()
    assert not dots[-4:].any()


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=200), st.text(min_size=1, max_size=30), st.sampled_from(WIDTHS_PX))
def test_any_text_draws(text: str, number: str, width_px: int) -> None:
    document = ticket(
        number=f"A{number}", next=text, landmark=text, floor=text, notes=[text], hotline=text
    )
    picture = render(document, width_px=width_px)
    assert picture.width == width_px
    assert cast("int", ink(picture).sum()) > 1000


@pytest.mark.parametrize("width_px", WIDTHS_PX)
def test_tone_marks_are_whole_and_meet_no_other_line(width_px: int) -> None:
    """A room of two lines, the deepest letters over the highest: a white row between them."""
    room = "gọpỵựậ " * 2 + "ẴẪỄỖỜẮ"
    picture = render(ticket(room=room, number="1", floor="", landmark=""), width_px=width_px)
    light = np.array(picture, dtype=bool)
    # The black box is the longest run of ink in a column near the edge.
    edges = np.flatnonzero(np.diff(np.concatenate(([True], light[:, 26], [True])).astype(int)))
    top, bottom = max(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[1] - run[0])
    letters = light[top:bottom, 26:-26].any(axis=1)
    assert not letters[0]
    assert not letters[-1]
    assert np.count_nonzero(np.diff(letters.astype(int)) == 1) == 2


def test_time_is_that_of_vietnam() -> None:
    utc = render(ticket(issued_at="2026-11-23T01:15:00Z"), width_px=576)
    local = render(ticket(issued_at="2026-11-23T08:15:00+07:00"), width_px=576)
    wall = render(ticket(issued_at="2026-11-23 08:15"), width_px=576)
    assert utc.tobytes() == local.tobytes() == wall.tobytes()
