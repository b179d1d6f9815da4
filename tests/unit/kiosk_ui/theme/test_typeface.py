from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from kiosk_ui.theme import typeface
from kiosk_ui.theme.metrics import CAP_FLOOR_MM, LARGE_CAP_FLOOR_MM, Panel
from kiosk_ui.theme.typeface import (
    BODY,
    LABEL,
    SMALL,
    TITLE,
    Style,
    TypefaceMissingError,
    Weight,
    get_font_file,
    measure_px,
    set_text,
)

PANEL = Panel(width_px=1080, height_px=1920, width_mm=268.0)
LARGE = Panel(width_px=1080, height_px=1920, width_mm=268.0, large_text=True)
SENTENCE = "Mời đưa căn cước, thẻ bảo hiểm y tế hoặc mã VNeID trên điện thoại vào khung."


@pytest.mark.parametrize("style", [TITLE, LABEL, BODY, SMALL])
@pytest.mark.parametrize(
    ("panel", "floor_mm"), [(PANEL, CAP_FLOOR_MM), (LARGE, LARGE_CAP_FLOOR_MM)]
)
def test_capitals_never_fall_under_the_floor(style: Style, panel: Panel, floor_mm: float) -> None:
    for scale in (1.0, 0.5, 0.1):
        text = set_text("Đăng ký", style=style, panel=panel, width_px=800, scale=scale)
        assert panel.mm(text.cap_px) >= floor_mm


@pytest.mark.parametrize("width_px", [260, 400, 640, 1000])
def test_lines_fit_the_width_and_lose_no_word(width_px: int) -> None:
    text = set_text(SENTENCE, style=BODY, panel=PANEL, width_px=width_px)
    assert " ".join(text.lines) == SENTENCE
    assert all(measure_px(line, text.weight, text.size_px) <= width_px for line in text.lines)
    assert text.height_px == text.pitch_px * len(text.lines)


def test_the_last_line_is_no_stub() -> None:
    words = "Thông tin bạn chọn vẫn còn nguyên ở đây"
    width = measure_px(
        words, BODY.weight, set_text("a", style=BODY, panel=PANEL, width_px=99).size_px
    )
    text = set_text(words, style=BODY, panel=PANEL, width_px=width - 4)
    assert len(text.lines) == 2
    first, last = (measure_px(line, text.weight, text.size_px) for line in text.lines)
    assert last > 0.4 * first


def test_a_word_too_wide_shrinks_and_then_breaks() -> None:
    shrunk = set_text("Nghiêng", style=TITLE, panel=PANEL, width_px=150)
    assert shrunk.lines == ("Nghiêng",)
    assert shrunk.width_px <= 150
    hostile = set_text("Ẫ" * 400, style=TITLE, panel=PANEL, width_px=300)
    assert "".join(hostile.lines) == "Ẫ" * 400
    assert hostile.width_px <= 300


def test_decomposed_letters_are_composed() -> None:
    text = set_text(unicodedata.normalize("NFD", "Nguyễn"), style=BODY, panel=PANEL, width_px=500)
    assert text.lines == ("Nguyễn",)


def test_without_the_typeface_nothing_is_drawn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIEPDON_FONTS", str(tmp_path))
    with pytest.raises(TypefaceMissingError, match="make setup"):
        get_font_file(Weight.BOLD)


def test_the_share_of_capitals_is_that_of_the_typeface() -> None:
    from PIL import ImageFont

    font = ImageFont.truetype(get_font_file(Weight.SEMIBOLD), 1000)
    top, bottom = font.getbbox("H")[1], font.getbbox("H")[3]
    assert (bottom - top) / 1000 == pytest.approx(typeface.CAP_HEIGHT, abs=0.01)
