"""Every icon as strokes on a grid of 24 by 24, y downwards, drawn crisp at any size."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from kiosk_ui.presenters.views import Icon

Point = tuple[float, float]
Path = tuple[Point, ...]

GRID = 24.0
STROKE = 1.9
OVERSAMPLING = 4


def _arc(x: float, y: float, radius: float, start: float = 0.0, end: float = 360.0) -> Path:
    """Part of a circle; degrees run clockwise from three o'clock."""
    steps = max(8, round(abs(end - start) / 6))
    return tuple(
        (x + radius * math.cos(angle), y + radius * math.sin(angle))
        for angle in (math.radians(start + (end - start) * i / steps) for i in range(steps + 1))
    )


def _box(x: float, y: float, width: float, height: float, radius: float = 2.0) -> Path:
    right, bottom = x + width, y + height
    return (
        *_arc(right - radius, y + radius, radius, -90, 0),
        *_arc(right - radius, bottom - radius, radius, 0, 90),
        *_arc(x + radius, bottom - radius, radius, 90, 180),
        *_arc(x + radius, y + radius, radius, 180, 270),
        (right - radius, y),
    )


def _curve(start: Point, one: Point, two: Point, end: Point) -> Path:
    """Cubic Bézier."""
    points = []
    for i in range(17):
        t = i / 16
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        points.append(
            (
                a * start[0] + b * one[0] + c * two[0] + d * end[0],
                a * start[1] + b * one[1] + c * two[1] + d * end[1],
            )
        )
    return tuple(points)


def _dot(x: float, y: float) -> Path:
    return ((x, y), (x, y))


_TICK_SMALL: Path = ((8.8, 12.2), (11.2, 14.6), (15.4, 9.8))
_SHIELD: Path = (
    *_curve((12, 2.8), (14.5, 4.6), (17, 5.3), (20, 5.5)),
    *_curve((20, 5.5), (20.4, 13), (18, 18.4), (12, 21.2)),
    *_curve((12, 21.2), (6, 18.4), (3.6, 13), (4, 5.5)),
    *_curve((4, 5.5), (7, 5.3), (9.5, 4.6), (12, 2.8)),
)
_HEART: Path = (
    *_curve((12, 20.5), (5, 15.5), (2.8, 12.2), (2.8, 8.8)),
    *_curve((2.8, 8.8), (2.8, 3.6), (9.4, 2.4), (12, 7.2)),
    *_curve((12, 7.2), (14.6, 2.4), (21.2, 3.6), (21.2, 8.8)),
    *_curve((21.2, 8.8), (21.2, 12.2), (19, 15.5), (12, 20.5)),
)
_TICKET: Path = (
    *((3, 6.5), (21, 6.5), (21, 9.6)),
    *_arc(21, 12, 2.4, 270, 90),
    *((21, 17.5), (3, 17.5), (3, 14.4)),
    *_arc(3, 12, 2.4, 90, -90),
    (3, 6.5),
)


def _shoulders(x: float, width: float, top: float, bottom: float) -> Path:
    left, right = x - width / 2, x + width / 2
    return (
        *_curve((left, bottom), (left, top), (left + width * 0.2, top), (x, top)),
        *_curve((x, top), (right - width * 0.2, top), (right, top), (right, bottom)),
    )


SHAPES: dict[Icon, tuple[Path, ...]] = {
    # a stethoscope
    Icon.DOCTOR: (
        ((5, 3), (3.6, 3), (3.6, 8.2)),
        _arc(8.4, 8.2, 4.8, 180, 0),
        ((13.2, 8.2), (13.2, 3), (11.8, 3)),
        ((8.4, 13), (8.4, 15.4)),
        _arc(13.6, 15.4, 5.2, 180, 0),
        ((18.8, 15.4), (18.8, 13.2)),
        _arc(18.8, 11, 2.2),
    ),
    Icon.CALENDAR: (
        _box(3.2, 4.8, 17.6, 16, 2.2),
        ((3.2, 10), (20.8, 10)),
        ((8, 2.8), (8, 6.6)),
        ((16, 2.8), (16, 6.6)),
        ((8.8, 15.2), (11.2, 17.6), (15.4, 13)),
    ),
    Icon.RESULTS: (
        ((14, 2.8), (6, 2.8), (5, 3.8), (5, 20.2), (6, 21.2), (18, 21.2), (19, 20.2), (19, 7.8)),
        ((14, 2.8), (19, 7.8), (14, 7.8), (14, 2.8)),
        ((8, 14.8), (10, 14.8), (11.4, 11.6), (13.2, 17.2), (14.4, 14.8), (16, 14.8)),
    ),
    Icon.INFO: (_arc(12, 12, 9.2), ((12, 11), (12, 16.8)), _dot(12, 7.4)),
    Icon.QR: (
        _box(3, 3, 7, 7, 1.2),
        _box(14, 3, 7, 7, 1.2),
        _box(3, 14, 7, 7, 1.2),
        _dot(6.5, 6.5),
        _dot(17.5, 6.5),
        _dot(6.5, 17.5),
        ((14.4, 14.4), (14.4, 17.6), (17.6, 17.6)),
        ((20.6, 14.4), (20.6, 15.4)),
        ((14.4, 20.6), (17.6, 20.6)),
        _dot(20.6, 20.6),
    ),
    Icon.WALLET: (
        ((18.4, 7.2), (18.4, 4.6), (17.2, 3.4), (5.4, 3.4), (3.4, 5.3), (5.4, 7.2)),
        (
            *((5.4, 7.2), (19.4, 7.2), (21, 8.8), (21, 19), (19.4, 20.6), (5.4, 20.6)),
            *((3.4, 18.6), (3.4, 5.3)),
        ),
        ((21, 11.4), (16.6, 11.4), (14.8, 13.9), (16.6, 16.4), (21, 16.4)),
    ),
    Icon.CASH: (
        _box(2.2, 6, 19.6, 12, 2),
        _arc(12, 12, 2.8),
        _dot(5.8, 12),
        _dot(18.2, 12),
    ),
    Icon.RECEIPT: (
        (
            *((5, 2.8), (5, 21), (7.3, 19.2), (9.7, 21), (12, 19.2), (14.3, 21), (16.7, 19.2)),
            *((19, 21), (19, 2.8), (5, 2.8)),
        ),
        ((8.6, 7.6), (15.4, 7.6)),
        ((8.6, 11.4), (15.4, 11.4)),
        ((8.6, 15.2), (12.4, 15.2)),
    ),
    Icon.CARD: (
        _box(2.4, 4.8, 19.2, 14.4, 2.4),
        _arc(8, 10.4, 1.9),
        _shoulders(8, 6, 14, 16),
        ((14, 10), (18, 10)),
        ((14, 14), (18, 14)),
    ),
    Icon.PHONE: (_box(6.4, 2.4, 11.2, 19.2, 2.4), ((10.8, 18.4), (13.2, 18.4))),
    Icon.KEYPAD: (
        *(_dot(x, y) for y in (5, 10, 15) for x in (6.5, 12, 17.5)),
        _dot(12, 20),
        _box(2.4, 1.2, 19.2, 21.6, 2.6),
    ),
    Icon.PERSON: (_arc(12, 7.6, 4.4), _shoulders(12, 16.4, 14.6, 21)),
    Icon.CHILD: (
        _arc(12, 12, 9),
        _arc(12, 12.2, 4.4, 25, 155),
        _dot(8.8, 10.4),
        _dot(15.2, 10.4),
        _curve((12, 3), (13.8, 4.2), (13.4, 6.2), (11.6, 6.4)),
    ),
    Icon.PREGNANT: (
        _arc(10.4, 4.6, 2.3),
        (
            (8.6, 21.4),
            (8.6, 16.6),
            *_curve((7, 16.6), (7, 12), (7.2, 9), (10.2, 9)),
            *_curve((10.2, 9), (12.2, 9), (12, 11), (12.6, 11.8)),
            *_curve((12.6, 11.8), (17.6, 12.4), (17.4, 17.4), (12.6, 17.4)),
            (12.6, 21.4),
        ),
    ),
    Icon.WHEELCHAIR: (
        _arc(9.2, 3.8, 1.6),
        ((9.2, 7.4), (9.2, 13), (15.4, 13), (18, 19), (20.4, 18)),
        ((9.2, 9.6), (14, 9.6)),
        _arc(9.8, 16, 5.4, 215, 20),
        _arc(9.8, 16, 5.4, 20, 215),
    ),
    Icon.ELDER: (
        _arc(10, 4.4, 2.2),
        (
            *_curve((6.4, 14), (6.6, 9.6), (7.8, 8.6), (9.8, 8.6)),
            *_curve((9.8, 8.6), (11.8, 8.8), (12, 11.6), (15, 12)),
        ),
        ((9.8, 13.4), (11.4, 16.6), (11.4, 21.2)),
        ((7.6, 15.4), (6, 21.2)),
        (*_arc(17.4, 12.4, 1.8, 200, 360), (19.2, 21.2)),
    ),
    Icon.MEDAL: (
        _arc(12, 14.8, 6.2),
        ((8, 9.8), (4.6, 2.8), (9.4, 2.8), (12, 8.4)),
        ((16, 9.8), (19.4, 2.8), (14.6, 2.8), (12, 8.4)),
        (
            *((12, 12), (12.9, 14), (14.9, 14.2), (13.4, 15.6), (13.8, 17.6), (12, 16.6)),
            *((10.2, 17.6), (10.6, 15.6), (9.1, 14.2), (11.1, 14), (12, 12)),
        ),
    ),
    Icon.SHIELD: (_SHIELD, _TICK_SMALL),
    Icon.SHIELD_WARNING: (_SHIELD, ((12, 8), (12, 12.8)), _dot(12, 16.4)),
    Icon.PILL: (
        tuple(
            (12 + (x - 12) * 0.7071 - (y - 12) * 0.7071, 12 + (x - 12) * 0.7071 + (y - 12) * 0.7071)
            for x, y in _box(2, 7.6, 20, 8.8, 4.4)
        ),
        ((8.9, 15.1), (15.1, 8.9)),
    ),
    Icon.HEART: (_HEART,),
    Icon.CLOCK: (_arc(12, 12, 9.2), ((12, 6.6), (12, 12), (15.8, 14.2))),
    # a door with a handle
    Icon.ROOM: (
        ((5.6, 21), (5.6, 4), (6.6, 3), (17.4, 3), (18.4, 4), (18.4, 21)),
        ((2.6, 21), (21.4, 21)),
        _dot(14.6, 12.4),
    ),
    Icon.PRINTER: (
        ((6.6, 8.6), (6.6, 3), (17.4, 3), (17.4, 8.6)),
        (
            (6.6, 17.4),
            (3, 17.4),
            (3, 9.6),
            (4, 8.6),
            (20, 8.6),
            (21, 9.6),
            (21, 17.4),
            (17.4, 17.4),
        ),
        ((6.6, 14), (17.4, 14), (17.4, 21.2), (6.6, 21.2), (6.6, 14)),
    ),
    Icon.TICKET: (_TICKET, ((15, 9.4), (15, 10.2)), ((15, 13.8), (15, 14.6))),
    # a person who raises a hand
    Icon.HELP: (
        _arc(10, 7.4, 3.6),
        ((3, 21), *_curve((3, 21), (3, 15.6), (5, 14), (10, 14)), (14.4, 14), (19.4, 9.4)),
        ((15.4, 17.6), (15.4, 21)),
        ((19.4, 9.4), (19.4, 3.6)),
    ),
    # the cross of an ambulance
    Icon.EMERGENCY: (
        (
            *((8.8, 2.8), (15.2, 2.8), (15.2, 8.8), (21.2, 8.8), (21.2, 15.2), (15.2, 15.2)),
            *((15.2, 21.2), (8.8, 21.2), (8.8, 15.2), (2.8, 15.2), (2.8, 8.8), (8.8, 8.8)),
            (8.8, 2.8),
        ),
    ),
    Icon.CHECK: (((4.4, 12.8), (9.8, 18.2), (20, 6.8)),),
    Icon.WARNING: (
        (
            *_curve((10.4, 4), (11.2, 2.8), (12.8, 2.8), (13.6, 4)),
            *_curve((21.4, 18), (22.2, 19.6), (21.4, 20.8), (19.8, 20.8)),
            *_curve((4.2, 20.8), (2.6, 20.8), (1.8, 19.6), (2.6, 18)),
            (10.4, 4),
        ),
        ((12, 9.2), (12, 13.8)),
        _dot(12, 17.2),
    ),
    Icon.CROSS: (((5.4, 5.4), (18.6, 18.6)), ((18.6, 5.4), (5.4, 18.6))),
    Icon.NEXT: (((9, 4.6), (16.4, 12), (9, 19.4)),),
    Icon.BACK: (((15, 4.6), (7.6, 12), (15, 19.4)),),
    Icon.QUESTION: (
        _arc(12, 12, 9.2),
        (*_arc(12, 9.6, 2.8, 180, 405), *_curve((14, 11.6), (12.6, 12.6), (12, 12.8), (12, 14))),
        _dot(12, 17.2),
    ),
    Icon.FAMILY: (
        _arc(8, 6.6, 3.4),
        _shoulders(8, 12.4, 12.8, 20.4),
        _arc(17.6, 11.4, 2.4),
        _curve((17, 16.4), (20.6, 16.2), (21.8, 17.6), (21.8, 20.4)),
    ),
    Icon.LANGUAGE: (
        _arc(12, 12, 9.2),
        ((2.8, 12), (21.2, 12)),
        (
            *_curve((12, 2.8), (7, 8), (7, 16), (12, 21.2)),
            *_curve((12, 21.2), (17, 16), (17, 8), (12, 2.8)),
        ),
    ),
    Icon.LARGE_TEXT: (
        ((1.8, 19), (8, 5), (14.2, 19)),
        ((4, 14.2), (12, 14.2)),
        ((19, 8), (19, 16)),
        ((15, 12), (23, 12)),
    ),
    Icon.LOWER: (
        ((12, 2.8), (12, 14.6)),
        ((6.6, 9.4), (12, 14.8), (17.4, 9.4)),
        ((4, 20.4), (20, 20.4)),
    ),
    Icon.HOME: (
        ((2.6, 11.6), (12, 3.2), (21.4, 11.6)),
        ((5.4, 9.4), (5.4, 20.6), (18.6, 20.6), (18.6, 9.4)),
        ((9.8, 20.6), (9.8, 14.6), (14.2, 14.6), (14.2, 20.6)),
    ),
}

_DOT_WIDTH = {Icon.KEYPAD: 1.25}
"""Dots of the keypad are heavier than a stroke."""


@lru_cache(maxsize=256)
def draw_icon(icon: Icon, size_px: int) -> np.ndarray:
    """Coverage of an icon, 0 to 255, `size_px` square, drawn oversampled with round ends."""
    fine = size_px * OVERSAMPLING
    unit = fine / GRID
    image = Image.new("L", (fine, fine))
    pen = ImageDraw.Draw(image)
    width = STROKE * unit
    for path in SHAPES[icon]:
        points = [(x * unit, y * unit) for x, y in path]
        radius = (round(width) - 1) / 2
        if path[0] == path[-1] and len(path) == 2:
            radius *= _DOT_WIDTH.get(icon, 1.2)
        else:
            pen.line(points, fill=255, width=round(width))
        for x, y in points:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(image.resize((size_px, size_px), Image.Resampling.BOX))
