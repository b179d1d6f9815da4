from __future__ import annotations

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from devices.models import ReceiptDocument
from devices.printers.paper import draw
from devices.printers.receipts import render_receipt
from devices.printers.rendering import WIDTHS_PX, render
from tests.factories.receipts import VI, english_receipt_json, receipt, receipt_json
from tests.factories.tickets import ticket


def ink(image: Image.Image) -> np.ndarray:
    return ~np.asarray(image, dtype=bool)


def test_widths_are_those_of_the_paper() -> None:
    for width_px in WIDTHS_PX:
        picture = render_receipt(receipt(), width_px=width_px)
        assert (picture.mode, picture.width) == ("1", width_px)
    with pytest.raises(ValueError, match="600"):
        render_receipt(receipt(), width_px=600)


def test_each_document_gets_its_drawing() -> None:
    assert draw(receipt(), width_px=576) == render_receipt(receipt(), width_px=576)
    assert draw(ticket(), width_px=576) == render(ticket(), width_px=576)


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("qr", ["BM7K2P4QX", "https://hoadon.example/" + "x" * 270])
def test_the_code_reads_back_and_stays_on_the_paper(width_px: int, qr: str) -> None:
    picture = render_receipt(receipt(qr=qr), width_px=width_px)
    codes = zxingcpp.read_barcodes(np.asarray(picture.convert("L")))
    assert [code.text for code in codes] == [qr]


def test_no_code_no_picture_of_one() -> None:
    picture = render_receipt(receipt(qr=""), width_px=576)
    assert not zxingcpp.read_barcodes(np.asarray(picture.convert("L")))


def test_both_languages_are_on_the_paper() -> None:
    json = english_receipt_json()
    both = render_receipt(ReceiptDocument.from_json(json), width_px=576)
    alone = render_receipt(ReceiptDocument.from_json(json | {"vi": None}), width_px=576)
    assert both.height > alone.height


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("text", ["Ễ" * 3_000, "đường Nguyễn Ỷ Ỗ " * 200])
def test_the_longest_receipt_stays_on_the_paper(width_px: int, text: str) -> None:
    line = {"label": text, "value": text}
    words = {
        "title": text,
        "lines": [line] * 40,
        "total": line,
        "facts": [line] * 12,
        "notes": [text] * 8,
        "qr_label": text,
    }
    json = english_receipt_json(hospital=text, code=text, hotline=text, texts=words)
    json["vi"] = words | {"lines": [{"label": "v" + text, "value": text}] * 40}
    picture = render_receipt(ReceiptDocument.from_json(json), width_px=width_px)
    assert picture.height < 24_000, "the sheet was too short, something was cut off"
    margin = 8 if width_px == 384 else 16
    dots = ink(picture)
    assert not dots[:, : margin - 2].any()
    assert not dots[:, -(margin - 2) :].any()
    assert not dots[-4:].any()


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=200), st.text(max_size=30), st.sampled_from(WIDTHS_PX))
def test_any_text_draws(text: str, value: str, width_px: int) -> None:
    line = {"label": text, "value": value}
    words = VI | {"lines": [line], "total": line, "notes": [text], "qr_label": text}
    document = ReceiptDocument.from_json(receipt_json(code=f"A{value}", texts=words))
    picture = render_receipt(document, width_px=width_px)
    assert picture.width == width_px
    assert int(ink(picture).sum()) > 1000
