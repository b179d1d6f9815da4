"""Be Vietnam Pro, sized by the height of its capitals, and the breaking of lines."""

from __future__ import annotations

import math
import os
import sys
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from kivy.core.text import Label as CoreLabel

from kiosk_ui.theme.metrics import Panel

CAP_HEIGHT = 0.74
"""Height of a capital as a share of the type size, measured on the H."""
DESCENT = 0.27
"""Below the baseline, as a share of the type size."""
STUB_SHARE = 0.45
"""A last line shorter than this share of the longest is a stub."""
SMALLEST_SHARE = 0.5
"""A text nobody foresaw shrinks to this share at most: small is better than cut off."""


class Weight(StrEnum):
    """Weights in use, named as the files of the typeface are."""

    REGULAR = "400Regular"
    MEDIUM = "500Medium"
    SEMIBOLD = "600SemiBold"
    BOLD = "700Bold"
    EXTRABOLD = "800ExtraBold"


class TypefaceMissingError(RuntimeError):
    """The typeface was not installed at set-up; nothing else has the same letters."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """A role of text: capital height in normal and in large mode, weight, line pitch in ems."""

    cap_mm: float
    large_cap_mm: float
    weight: Weight
    pitch: float = 1.32

    def get_cap_mm(self, panel: Panel) -> float:
        return self.large_cap_mm if panel.large_text else self.cap_mm


NUMBER = Style(cap_mm=44, large_cap_mm=44, weight=Weight.EXTRABOLD, pitch=1.0)
TITLE = Style(cap_mm=9.6, large_cap_mm=11.0, weight=Weight.BOLD, pitch=1.24)
AMOUNT = Style(cap_mm=14.0, large_cap_mm=15.0, weight=Weight.EXTRABOLD, pitch=1.12)
PLACE = Style(cap_mm=9.0, large_cap_mm=10.0, weight=Weight.BOLD, pitch=1.24)
ANSWER = Style(cap_mm=8.0, large_cap_mm=9.4, weight=Weight.SEMIBOLD, pitch=1.24)
LABEL = Style(cap_mm=6.8, large_cap_mm=8.4, weight=Weight.SEMIBOLD, pitch=1.26)
BODY = Style(cap_mm=6.1, large_cap_mm=7.5, weight=Weight.REGULAR)
READING = Style(cap_mm=6.8, large_cap_mm=8.0, weight=Weight.REGULAR, pitch=1.36)
DETAIL = Style(cap_mm=5.4, large_cap_mm=7.3, weight=Weight.REGULAR, pitch=1.28)
VALUE = Style(cap_mm=6.8, large_cap_mm=8.0, weight=Weight.SEMIBOLD, pitch=1.26)
SMALL = Style(cap_mm=4.9, large_cap_mm=7.3, weight=Weight.MEDIUM, pitch=1.28)
SMALL_BOLD = Style(cap_mm=5.2, large_cap_mm=7.3, weight=Weight.SEMIBOLD, pitch=1.24)
CALL = Style(cap_mm=6.4, large_cap_mm=7.3, weight=Weight.SEMIBOLD, pitch=1.24)
DIGIT = Style(cap_mm=11.0, large_cap_mm=12.0, weight=Weight.SEMIBOLD, pitch=1.1)
ENTRY = Style(cap_mm=12.0, large_cap_mm=12.0, weight=Weight.BOLD, pitch=1.1)


def get_font_file(weight: Weight) -> str:
    """Path of a weight's file. Raises TypefaceMissingError."""
    folder = os.environ.get("TIEPDON_FONTS") or str(Path(sys.prefix) / "share/tiepdon/fonts")
    file = Path(folder) / f"BeVietnamPro_{weight}.ttf"
    if not file.is_file():
        raise TypefaceMissingError(f"{file.name} is not in {folder}: run make setup")
    return str(file)


@cache
def _ruler(weight: Weight, size_px: int) -> CoreLabel:
    return CoreLabel(font_name=get_font_file(weight), font_size=size_px)


def measure_px(text: str, weight: Weight, size_px: int) -> int:
    """Advance width of one line."""
    return int(_ruler(weight, size_px).get_extents(text)[0])


@dataclass(frozen=True, kw_only=True)
class SetText:
    """A text broken into lines at a size."""

    lines: tuple[str, ...]
    size_px: int
    weight: Weight
    pitch_px: int
    width_px: int

    @property
    def cap_px(self) -> float:
        """Height of its capitals."""
        return self.size_px * CAP_HEIGHT

    @property
    def height_px(self) -> int:
        """From the top of the first line's box to the bottom of the last one's."""
        return self.pitch_px * len(self.lines)


def _break_at(text: str, weight: Weight, size_px: int, width_px: float) -> list[str] | None:
    """Lines no wider than asked, breaking at spaces only; None when one word is too wide."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if measure_px(longer, weight, size_px) <= width_px:
                line = longer
            elif measure_px(word, weight, size_px) > width_px:
                return None
            else:
                lines.append(line)
                line = word
        lines.append(line)
    return lines


def _balance(lines: list[str], text: str, weight: Weight, size_px: int, width_px: int) -> list[str]:
    """The same number of lines, more even when the last one would be a stub."""
    widths = [measure_px(line, weight, size_px) for line in lines]
    if widths[-1] >= STUB_SHARE * max(widths):
        return lines
    low, high = 0.4 * width_px, float(width_px)
    best = lines
    while high - low > 0.02 * width_px:
        middle = (low + high) / 2
        narrower = _break_at(text, weight, size_px, middle)
        if narrower is not None and len(narrower) <= len(lines):
            best, high = narrower, middle
        else:
            low = middle
    return best


def set_text(
    text: str,
    *,
    style: Style,
    panel: Panel,
    width_px: int,
    scale: float = 1.0,
    floor_share: float = 1.0,
    max_lines: int | None = None,
) -> SetText:
    """Breaks a text to a width at the style's size times `scale`, never under the panel's floor
    (times `floor_share`, under 1 only on a screen that is overfull at the floor).

    A word too wide for the width, or more lines than `max_lines`, shrinks the text: first to the
    floor, and below it only when the floor does not do either.
    """
    text = unicodedata.normalize("NFC", text)
    floor_px = _size_px(panel.cap_floor_mm * floor_share, panel)
    wanted_px = max(floor_px, math.floor(_size_px(style.get_cap_mm(panel), panel) * scale))
    size_px = wanted_px
    while True:
        lines = _break_at(text, style.weight, size_px, width_px)
        if lines is not None and (max_lines is None or len(lines) <= max_lines):
            break
        if size_px <= floor_px * SMALLEST_SHARE:
            lines = _break_anywhere(text, style.weight, size_px, width_px)
            break
        size_px -= max(1, size_px // 24)
    lines = _balance(lines, text, style.weight, size_px, width_px)
    return SetText(
        lines=tuple(lines),
        size_px=size_px,
        weight=style.weight,
        pitch_px=round(size_px * style.pitch),
        width_px=max(measure_px(line, style.weight, size_px) for line in lines),
    )


def _size_px(cap_mm: float, panel: Panel) -> int:
    """Type size with capitals at least this high."""
    return math.ceil(cap_mm * panel.px_per_mm / CAP_HEIGHT)


def _break_anywhere(text: str, weight: Weight, size_px: int, width_px: int) -> list[str]:
    """For what has no spaces at all, such as a hostile name."""
    lines = [""]
    for letter in text:
        if lines[-1] and measure_px(lines[-1] + letter, weight, size_px) > width_px:
            lines.append("")
        lines[-1] += letter
    return lines
