"""Where in a picture a code may be: areas full of edges, found in about half a millisecond.

A QR code has edges in both directions everywhere, a bar code in one direction only. That is what
the two eigenvalues of the structure tensor say (the gradient's covariance over a small cell);
sensor noise and soft shadows raise neither. No finder pattern has to be visible, so codes too
blurred for a decoder's own search are found too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.models import Frame

_CELL_PX = 8
_WINDOW_CELLS = 13  # about the side of a version 8 code at 2 px per module
_FULL_EDGE = 4000.0  # a cell with more edge energy than this counts no more: clear print
_FLOOR = 30.0  # edge energy of print so faint that no decoder reads it
_OVER_NOISE = 3.0  # times the energy of the picture's quiet parts
_MARGIN_CELLS = 3


class Texture(Enum):
    MATRIX = "matrix"
    BARS = "bars"


@dataclass(frozen=True, kw_only=True)
class CodeRegion:
    """A rectangle of the picture in pixels; for bars the direction across them, give or take 10°."""

    left: int
    top: int
    right: int
    bottom: int
    texture: Texture
    across_deg: float = 0.0

    def is_within(self, other: CodeRegion) -> bool:
        """Whether `other` shows the same, give or take a cell."""
        return (
            self.texture is other.texture
            and self.left >= other.left - _CELL_PX
            and self.top >= other.top - _CELL_PX
            and self.right <= other.right + _CELL_PX
            and self.bottom <= other.bottom + _CELL_PX
        )

    def cut(self, grey: Frame) -> Frame:
        return grey[self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True, kw_only=True)
class EdgeMaps:
    """Edge energy per cell of 8 x 8 pixels: in every direction, and in one direction only."""

    both_ways: NDArray[np.float32]
    one_way: NDArray[np.float32]
    across_rad: NDArray[np.float32]

    @classmethod
    def of(cls, grey: Frame) -> EdgeMaps:
        """Needs a picture of at least 16 x 16 pixels."""
        height, width = grey.shape
        cells = (width // _CELL_PX, height // _CELL_PX)
        # Half size: averages noise away and still shows modules of 1.5 pixels.
        half = cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        across = cv2.Sobel(half, cv2.CV_32F, 1, 0, ksize=1)
        down = cv2.Sobel(half, cv2.CV_32F, 0, 1, ksize=1)

        def per_cell(energy: NDArray[np.float32]) -> NDArray[np.float32]:
            return _f32(cv2.blur(cv2.resize(energy, cells, interpolation=cv2.INTER_AREA), (3, 3)))

        xx, yy = per_cell(_f32(across * across)), per_cell(_f32(down * down))
        xy = per_cell(_f32(across * down))
        spread = np.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
        return cls(
            both_ways=_f32((xx + yy) / 2 - spread),
            one_way=_f32(2 * spread),
            across_rad=_f32(0.5 * np.arctan2(2 * xy, xx - yy)),
        )


def find_matrix_region(maps: EdgeMaps) -> CodeRegion | None:
    """The area most like a QR code; None where nothing is."""
    box = _busiest_area(maps.both_ways)
    return None if box is None else _region(box, Texture.MATRIX)


def find_bars_region(maps: EdgeMaps) -> CodeRegion | None:
    """The area most like a bar code; None where nothing is."""
    # Print in both directions is text or a QR code; a lone edge is thinner than bars are high.
    one_way = np.maximum(maps.one_way - 3 * maps.both_ways, 0)
    bars = _f32(cv2.morphologyEx(one_way, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))
    box = _busiest_area(bars)
    if box is None:
        return None
    left, top, width, height = box
    area = np.s_[top : top + height, left : left + width]
    doubled = 2 * maps.across_rad[area]
    weight = bars[area]
    across = 0.5 * math.atan2(
        float((weight * np.sin(doubled)).sum()), float((weight * np.cos(doubled)).sum())
    )
    return _region(box, Texture.BARS, math.degrees(across))


def _busiest_area(energy: NDArray[np.float32]) -> tuple[int, int, int, int] | None:
    """Left, top, width and height in cells of what is connected to the densest spot."""
    # A quiet tenth of the picture shows the noise, even where a code fills most of the rest.
    noise = float(np.quantile(energy, 0.1))
    capped = np.minimum(energy, max(_FULL_EDGE, 6 * noise))
    density = cv2.blur(capped, (_WINDOW_CELLS, _WINDOW_CELLS))
    row, column = np.unravel_index(int(density.argmax()), density.shape)
    peak = float(density[row, column])
    if peak < max(_FLOOR, _OVER_NOISE * noise):
        return None
    busy = (capped > max(0.1 * peak, 3 * noise)).astype(np.uint8)
    busy[row, column] = 1
    busy = np.asarray(cv2.morphologyEx(busy, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(busy)
    left, top, width, height = (int(side) for side in boxes[labels[row, column]][:4])
    if width * height < _WINDOW_CELLS**2 // 2:  # crumbs of a faint code: look all round them
        half = _WINDOW_CELLS // 2 + 1
        return int(column) - half, int(row) - half, 2 * half + 1, 2 * half + 1
    return left, top, width, height


def _region(
    box: tuple[int, int, int, int], texture: Texture, across_deg: float = 0.0
) -> CodeRegion:
    left, top, width, height = box
    return CodeRegion(
        left=max(left - _MARGIN_CELLS, 0) * _CELL_PX,
        top=max(top - _MARGIN_CELLS, 0) * _CELL_PX,
        right=(left + width + _MARGIN_CELLS) * _CELL_PX,
        bottom=(top + height + _MARGIN_CELLS) * _CELL_PX,
        texture=texture,
        across_deg=across_deg,
    )


def _f32(values: object) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)
