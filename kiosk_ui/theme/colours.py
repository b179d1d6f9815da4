"""Colours by what they are for. Contrasts are held by a test (WCAG 2.x 1.4.3 and 1.4.11)."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk_ui.presenters.views import Tone

Colour = tuple[float, float, float, float]


def rgb(code: str) -> Colour:
    """Colour of six hexadecimal digits."""
    return (int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255, 1.0)


PAPER = rgb("FAF7F1")
"""The ground of every screen, a warm white."""
SURFACE = rgb("FFFFFF")
INK = rgb("12211F")
INK_SOFT = rgb("4B5B58")
EDGE = rgb("7C8B87")
"""Outline of what can be touched: 3:1 at least against paper and surface."""
HAIRLINE = rgb("DDD6CA")
"""Lines that only order the page."""
TEAL = rgb("0B6E69")
TEAL_DARK = rgb("07504C")
TEAL_TINT = rgb("E0F0ED")
AMBER = rgb("8A5200")
AMBER_TINT = rgb("FFF0CC")
GREEN = rgb("1A7340")
GREEN_TINT = rgb("E1F3E6")
RED = rgb("B3201C")
RED_DARK = rgb("86130F")
RED_TINT = rgb("FCE7E4")
QUIET = rgb("EFEAE1")
"""Fill of what cannot be chosen now."""
QUIET_INK = rgb("5A655F")
SCRIM = (0.05, 0.12, 0.11, 0.62)


def luminance(colour: Colour) -> float:
    """Relative luminance of WCAG 2.x."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio of WCAG 2.x, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@dataclass(frozen=True, kw_only=True)
class Palette:
    """What one thing is painted with."""

    fill: Colour
    ink: Colour
    soft: Colour
    """Second line of text."""
    edge: Colour
    mark: Colour
    """The icon, and the strokes that say the tone."""
    mark_ground: Colour
    pressed: Colour


CARDS: dict[Tone, Palette] = {
    Tone.PLAIN: Palette(
        fill=SURFACE,
        ink=INK,
        soft=INK_SOFT,
        edge=EDGE,
        mark=TEAL,
        mark_ground=TEAL_TINT,
        pressed=TEAL_TINT,
    ),
    Tone.PRIMARY: Palette(
        fill=TEAL,
        ink=SURFACE,
        soft=SURFACE,
        edge=TEAL,
        mark=TEAL,
        mark_ground=SURFACE,
        pressed=TEAL_DARK,
    ),
    Tone.GOOD: Palette(
        fill=GREEN_TINT,
        ink=INK,
        soft=INK_SOFT,
        edge=GREEN,
        mark=SURFACE,
        mark_ground=GREEN,
        pressed=SURFACE,
    ),
    Tone.CAUTION: Palette(
        fill=AMBER_TINT,
        ink=INK,
        soft=INK_SOFT,
        edge=AMBER,
        mark=SURFACE,
        mark_ground=AMBER,
        pressed=SURFACE,
    ),
    Tone.DANGER: Palette(
        fill=RED,
        ink=SURFACE,
        soft=SURFACE,
        edge=RED,
        mark=RED,
        mark_ground=SURFACE,
        pressed=RED_DARK,
    ),
}
"""A thing that can be touched, by its tone."""

QUIET_CARD = Palette(
    fill=QUIET,
    ink=QUIET_INK,
    soft=QUIET_INK,
    edge=QUIET,
    mark=QUIET_INK,
    mark_ground=PAPER,
    pressed=QUIET,
)
"""A thing that cannot be chosen now."""

MARKS: dict[Tone, tuple[Colour, Colour]] = {
    Tone.PLAIN: (TEAL, TEAL_TINT),
    Tone.PRIMARY: (SURFACE, TEAL),
    Tone.GOOD: (SURFACE, GREEN),
    Tone.CAUTION: (AMBER, AMBER_TINT),
    Tone.DANGER: (SURFACE, RED),
}
"""(icon, its ground) of the large sign of a screen."""
