"""Charts as shapes: numbers become places on a small canvas, the template draws them.

Drawn here because pages allow neither scripts of others nor inline styles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from backend.domain.reports.tables import Cell, Table

WIDTH, HEIGHT = 640, 220
LEFT, BOTTOM, TOP = 44, 26, 14
MOST_LABELS = 12
LEAST_AXIS = 0.1
HEAT_STEPS = (10, 20, 30, 45, 60)
"""Minutes at which a cell of the table of rooms and hours turns darker."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    x: float
    width: float
    y: float
    height: float
    label: str
    """Empty where labels would stand on each other."""
    text: str
    """What a pointer that rests on it is told."""
    middle: float
    mark_y: float | None
    """A line across the bar: another figure of the same thing."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    title: str
    unit: str
    bars: Sequence[Bar]
    lines: Sequence[tuple[float, str]]
    """Height on the canvas, and what stands there."""
    mark: str | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    base: int = HEIGHT - BOTTOM


def draw_bars(
    title: str,
    labels: Sequence[str],
    values: Sequence[float | None],
    *,
    unit: str = "",
    marks: Sequence[float | None] = (),
    mark: str | None = None,
    lang: str = "vi",
) -> Chart | None:
    """None when there is nothing to draw."""
    heights = [each for each in (*values, *marks) if each is not None]
    if not heights:
        return None
    top = round_up(max(heights))
    room, full = WIDTH - LEFT, HEIGHT - TOP - BOTTOM
    step = room / len(values)
    every = -(-len(values) // MOST_LABELS)
    padded = [*marks, *[None] * (len(values) - len(marks))]

    def place(value: float) -> float:
        return round(TOP + full * (1 - value / top), 1)

    bars = []
    for index, (label, value, high) in enumerate(zip(labels, values, padded, strict=True)):
        y = place(value or 0)
        bars.append(
            Bar(
                x=round(LEFT + index * step + step * 0.14, 1),
                width=round(step * 0.72, 1),
                y=y,
                height=round(HEIGHT - BOTTOM - y, 1),
                label=label if index % every == 0 else "",
                text=f"{label}: {format_figure(value, lang)} {unit}".strip(),
                middle=round(LEFT + (index + 0.5) * step, 1),
                mark_y=None if high is None else place(high),
            )
        )
    lines = [(place(top * part), format_figure(top * part, lang)) for part in (0.0, 0.5, 1.0)]
    return Chart(title=title, unit=unit, bars=bars, lines=lines, mark=mark)


def draw_table(
    table: Table | None,
    title: str,
    *,
    column: str,
    labels: Sequence[str],
    unit: str = "",
    mark_column: str | None = None,
    mark: str | None = None,
    lang: str = "vi",
) -> Chart | None:
    """Bars of one column of a table."""
    if table is None:
        return None
    names = [each.name for each in table.columns]
    values = [_number(row[names.index(column)]) for row in table.rows]
    marks = [_number(row[names.index(mark_column)]) for row in table.rows] if mark_column else ()
    return draw_bars(title, labels, values, unit=unit, marks=marks, mark=mark, lang=lang)


def round_up(value: float) -> float:
    """The end of an axis: 1, 2, 2.5, 5 or 10 times a power of ten, a tenth at least."""
    value = max(value, LEAST_AXIS)
    size = 10.0 ** math.floor(math.log10(value))
    return next((factor * size for factor in (1, 2, 2.5, 5) if factor * size >= value), 10 * size)


def find_heat(cell: Cell) -> int:
    """0 … 5, by how long people wait."""
    value = _number(cell)
    return 0 if value is None else sum(value >= each for each in HEAT_STEPS)


def format_figure(value: float | None, lang: str = "vi") -> str:
    """Vietnamese: a point between thousands, a comma before tenths; English the other way."""
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100 or value == int(value) else 1
    text = f"{value:,.{digits}f}"
    return text if lang == "en" else text.translate(str.maketrans(",.", ".,"))


def _number(cell: Cell) -> float | None:
    return float(cell) if isinstance(cell, int | float) else None
