"""Bars over days as one path of an SVG: no script, no style, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 60.0


@dataclass(frozen=True, kw_only=True)
class Bars:
    """`path` fits a view box of `width` × HEIGHT; days without a figure are left blank."""

    path: str
    width: int
    highest: float | None
    lowest: float | None
    newest: float | None


def draw_bars(figures: Sequence[float | None]) -> Bars:
    known = [figure for figure in figures if figure is not None]
    highest = max(known, default=None)
    parts = []
    for place, figure in enumerate(figures):
        if figure is not None and highest:
            top = HEIGHT - HEIGHT * max(figure, 0) / highest
            parts.append(f"M{place} {HEIGHT:g}V{top:.1f}h.85V{HEIGHT:g}z")
    return Bars(
        path="".join(parts),
        width=len(figures),
        highest=highest,
        lowest=min(known, default=None),
        newest=known[-1] if known else None,
    )
