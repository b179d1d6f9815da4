"""Lines of text and codes as dots, for whatever goes on paper. Pure.

Paper of thermal printers: 203 dpi, 8 dots to the millimetre; 576 dots on an 80 mm roll, 384 on a
58 mm one.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import qrcode
from PIL import Image, ImageDraw

from devices.fonts import Weight, get_font, has_glyph

WHITE, BLACK = 255, 0
# Grey edges of letters become ink below this level; a little bold, as thermal dots spread little.
_INK_BELOW = 150
_QUIET_MODULES = 4
_MAX_CHARS = 400
_MAX_MARKS_PER_LETTER = 2


@dataclass(frozen=True, kw_only=True)
class Style:
    """One kind of text; the size is in dots."""

    weight: Weight
    size_px: int
    max_lines: int


def printable(untrusted: str, *, max_chars: int = _MAX_CHARS) -> str:
    """One line that the typeface can draw: composed (NFC), without control, direction or
    unknown characters, whitespace collapsed, and cut at `max_chars` with an ellipsis.
    """
    # Cut before normalising: what is thrown away anyway should cost no time.
    composed = unicodedata.normalize("NFC", untrusted[: 8 * max_chars])
    kept: list[str] = []
    marks = 0
    for character in composed:
        if character.isspace():
            kept.append(" ")
            continue
        category = unicodedata.category(character)
        marks = marks + 1 if category == "Mn" else 0
        if category[0] == "C" or marks > _MAX_MARKS_PER_LETTER or not has_glyph(character):
            continue
        kept.append(character)
    text = " ".join("".join(kept).split())
    if len(text) > max_chars or len(untrusted) > 8 * max_chars:
        text = text[: max_chars - 1].rstrip() + "…"
    return text


def to_ink(grey: Image.Image) -> Image.Image:
    """Black and white, in mode "1"."""
    return grey.point([BLACK] * _INK_BELOW + [WHITE] * (256 - _INK_BELOW), mode="1")


@lru_cache(maxsize=64)
def ink_span(weight: Weight, size_px: int) -> tuple[int, int]:
    """From the top of the highest tone mark to the lowest descender, from the ascent down.

    The typeface's own line height has no room for two marks on a capital.
    """
    _, top, _, bottom = get_font(weight, size_px).getbbox("ẴẪỄỖỜẮgọpỵựậ", anchor="la")
    return int(top), int(bottom)


def line_px(style: Style) -> int:
    """The distance of lines in which no mark meets the line above."""
    top, bottom = ink_span(style.weight, style.size_px)
    return bottom - top + 2


@lru_cache(maxsize=8192)
def _word_px(weight: Weight, size_px: int, word: str) -> float:
    """Measuring is half of the work of drawing, and tickets repeat their words."""
    return get_font(weight, size_px).getlength(word)


def line_width_px(words: Sequence[str], style: Style) -> float:
    space = _word_px(style.weight, style.size_px, " ")
    return sum(_word_px(style.weight, style.size_px, word) + space for word in words) - space


@lru_cache(maxsize=256)
def line_mask(text: str, style: Style) -> Image.Image:
    """A line of text as white on black. Kept: from ticket to ticket most of them are the same."""
    font = get_font(style.weight, style.size_px)
    top, _ = ink_span(style.weight, style.size_px)
    mask = Image.new("L", (math.ceil(font.getlength(text)) + 1, line_px(style)), 0)
    ImageDraw.Draw(mask).text((0, -top), text, font=font, fill=255, anchor="la")
    return mask


def joined(texts: Sequence[str], style: Style, room_px: int) -> list[str]:
    """Short texts on one line with dots between them, or each by itself when they are not."""
    kept = [text for text in texts if text]
    line = " · ".join(kept)
    return [line] if line and line_width_px(line.split(), style) <= room_px else kept


def wrapped(text: str, style: Style, room_px: int) -> list[str]:
    """Lines no wider than `room_px`, broken at spaces, inside a word only when it must be.

    More than the style allows ends in an ellipsis.
    """
    lines: list[list[str]] = []
    for word in _broken(text.split(), style, room_px):
        if lines and line_width_px([*lines[-1], word], style) <= room_px:
            lines[-1].append(word)
        elif len(lines) == style.max_lines:
            lines[-1] = _with_ellipsis(lines[-1], style, room_px)
            break
        else:
            lines.append([word])
    return [" ".join(line) for line in lines]


def _with_ellipsis(line: Sequence[str], style: Style, room_px: int) -> list[str]:
    text = " ".join(line)
    while line_width_px((text + "…").split(), style) > room_px:
        text = text[:-1].rstrip()
    return [text + "…"]


def roomiest(text: str, large: Style, small: Style, room_px: int) -> Style:
    """The large style when the text fits in it whole, with no word broken."""
    lines = wrapped(text, large, room_px)
    return large if " ".join(lines) == text else small


def balanced(text: str, style: Style, room_px: int) -> list[str]:
    """Like wrapped, with lines of about equal length: centred text leaves no lonely word."""
    lines = wrapped(text, style, room_px)
    if len(lines) < 2 or lines[-1].endswith("…"):
        return lines
    widest_px = max(line_width_px([word], style) for word in " ".join(lines).split())
    for narrow_px in range(room_px, max(room_px // 2, int(widest_px)), -room_px // 24):
        narrowed = wrapped(text, style, narrow_px)
        if len(narrowed) > len(lines) or narrowed[-1].endswith("…"):
            break
        lines = narrowed
    return lines


def _broken(words: Sequence[str], style: Style, room_px: int) -> list[str]:
    """The words, those wider than a line cut into pieces that are not."""
    pieces: list[str] = []
    for word in words:
        rest = word
        while (width := line_width_px([rest], style)) > room_px:
            fit = max(1, int(len(rest) * room_px / width))
            while fit > 1 and line_width_px([rest[:fit]], style) > room_px:
                fit -= 1
            pieces.append(rest[:fit])
            rest = rest[fit:]
        pieces.append(rest)
    return pieces


def qr_picture(content: str, room_px: int) -> Image.Image | None:
    """The code with its quiet zone at 4 to 6 dots a module; None when there is nothing to say.

    Four dots (0.5 mm) is the least that phones and our own cameras read with ease: a long
    content makes the picture larger than `room_px` rather than finer.
    """
    if not content:
        return None
    code = qrcode.QRCode(border=_QUIET_MODULES, error_correction=qrcode.ERROR_CORRECT_M)
    code.add_data(content)
    code.make(fit=True)
    modules = code.get_matrix()
    side = len(modules)
    dots = max(4, min(6, room_px // side))
    picture = Image.new("L", (side, side), WHITE)
    picture.putdata([BLACK if dark else WHITE for row in modules for dark in row])
    return picture.resize((side * dots, side * dots), Image.Resampling.NEAREST)
