"""The typeface of tickets: Be Vietnam Pro (OFL-1.1), installed at set-up, never committed."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from devices.errors import FontMissing


class Weight(StrEnum):
    """Part of the file name of each weight."""

    REGULAR = "400Regular"
    MEDIUM = "500Medium"
    SEMI_BOLD = "600SemiBold"
    BOLD = "700Bold"
    EXTRA_BOLD = "800ExtraBold"


def get_font_file(weight: Weight) -> Path:
    """The TrueType file of a weight: in TIEPDON_FONTS, else where set-up puts it.

    Raises FontMissing.
    """
    folder = os.environ.get("TIEPDON_FONTS") or Path(sys.prefix) / "share/tiepdon/fonts"
    file = Path(folder) / f"BeVietnamPro_{weight}.ttf"
    if not file.is_file():
        raise FontMissing(f"no {file.name} in the folder of typefaces: run the set-up")
    return file


@lru_cache(maxsize=64)
def get_font(weight: Weight, size_px: int) -> ImageFont.FreeTypeFont:
    """The typeface at a size, kept for the next call. Raises FontMissing."""
    # Basic layout: composed Vietnamese letters need no shaping, and it is twice as fast.
    return ImageFont.truetype(get_font_file(weight), size_px, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def has_glyph(character: str) -> bool:
    """Whether the typeface can draw a character (all weights hold the same set)."""
    font = get_font(Weight.REGULAR, 24)
    return character.isspace() or bytes(font.getmask(character)) != _missing_glyph()


@lru_cache(maxsize=1)
def _missing_glyph() -> bytes:
    return bytes(get_font(Weight.REGULAR, 24).getmask("\uffff"))
