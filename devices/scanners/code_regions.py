"""Where in a picture a code may be: areas full of edges, found in about half a millisecond.

A QR code has edges in both directions everywhere, a bar code in one direction only. That is what
the two eigenvalues of the structure tensor say (the gradient's covariance over a small cell);
sensor noise and soft shadows raise neither. No finder pattern has to be visible, so codes too
blurred for a decoder's own search are found too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

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
_CLEAR_BARS = 0.25  # a card's edges and lines of text reach 0.2, bars 0.35 and more


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
        height, width = (side - side % _CELL_PX for side in grey.shape)
        # Half size: averages noise away and still shows modules of 1.5 pixels. Of it every second
        # row is enough for cells of four rows.
        half = _halve(grey[:height, :width])
        framed = cv2.copyMakeBorder(half, 1, 1, 0, 0, cv2.BORDER_REPLICATE)
        across = _f32(cv2.Sobel(half[::2], cv2.CV_32F, 1, 0, ksize=1))
        down = _f32(cv2.subtract(framed[2::2], framed[:-2:2], dtype=cv2.CV_32F))

        def per_cell(energy: NDArray[np.float32]) -> NDArray[np.float32]:
            pairs = _halve(energy)
            return _f32(cv2.blur((pairs[:, ::2] + pairs[:, 1::2]) / 2, (3, 3)))

        xx, yy = per_cell(across * across), per_cell(down * down)
        xy = per_cell(across * down)
        spread = np.sqrt(((xx - yy) / 2) ** 2 + xy * xy)
        return cls(
            both_ways=_f32((xx + yy) / 2 - spread),
            one_way=_f32(2 * spread),
            across_rad=_f32(0.5 * np.arctan2(2 * xy, xx - yy)),
        )


def has_clear_bars(maps: EdgeMaps) -> bool:
    """Whether something like a bar code is printed about as clearly as the clearest other print."""
    bars, others = _densest_spot(_bars_only(maps)), _densest_spot(maps.both_ways)
    return bars.density > _CLEAR_BARS * others.density


def find_matrix_region(maps: EdgeMaps) -> CodeRegion | None:
    """The area most like a QR code; None where nothing is."""
    return _find_densest(maps.both_ways, Texture.MATRIX)


def find_bars_region(maps: EdgeMaps) -> CodeRegion | None:
    """The area most like a bar code; None where nothing is."""
    bars = _bars_only(maps)
    region = _find_densest(bars, Texture.BARS)
    if region is None:
        return None
    rows = slice(region.top // _CELL_PX, region.bottom // _CELL_PX)
    columns = slice(region.left // _CELL_PX, region.right // _CELL_PX)
    weight, doubled = bars[rows, columns], 2 * maps.across_rad[rows, columns]
    across = 0.5 * math.atan2(
        float((weight * np.sin(doubled)).sum()), float((weight * np.cos(doubled)).sum())
    )
    return replace(region, across_deg=math.degrees(across))


def _bars_only(maps: EdgeMaps) -> NDArray[np.float32]:
    # Print in both directions is text or a QR code; a lone edge is thinner than bars are high.
    one_way = np.maximum(maps.one_way - 3 * maps.both_ways, 0)
    return _f32(cv2.morphologyEx(one_way, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)))


@dataclass(frozen=True, kw_only=True)
class _Spot:
    row: int
    column: int
    density: float
    noise: float


def _densest_spot(energy: NDArray[np.float32]) -> _Spot:
    # A quiet tenth of the picture shows the noise, even where a code fills most of the rest.
    sample = energy[::2, ::2].ravel()
    noise = float(np.partition(sample, sample.size // 10)[sample.size // 10])
    density = cv2.blur(_capped(energy, noise), (_WINDOW_CELLS, _WINDOW_CELLS))
    row, column = (int(at) for at in np.unravel_index(int(density.argmax()), density.shape))
    return _Spot(row=row, column=column, density=float(density[row, column]), noise=noise)


def _capped(energy: NDArray[np.float32], noise: float) -> NDArray[np.float32]:
    return _f32(np.minimum(energy, max(_FULL_EDGE, 6 * noise)))


def _find_densest(energy: NDArray[np.float32], texture: Texture) -> CodeRegion | None:
    """What is connected to the densest spot, with a margin."""
    spot = _densest_spot(energy)
    if spot.density < max(_FLOOR, _OVER_NOISE * spot.noise):
        return None
    threshold = max(0.1 * spot.density, 3 * spot.noise)
    busy = (_capped(energy, spot.noise) > threshold).astype(np.uint8)
    busy[spot.row, spot.column] = 1
    busy = np.asarray(cv2.morphologyEx(busy, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(busy)
    left, top, width, height = (int(side) for side in boxes[labels[spot.row, spot.column]][:4])
    if width * height < _WINDOW_CELLS**2 // 2:  # crumbs of a faint code: look all round them
        half = _WINDOW_CELLS // 2 + 1
        left, top = spot.column - half, spot.row - half
        width = height = 2 * half + 1
    return CodeRegion(
        left=max(left - _MARGIN_CELLS, 0) * _CELL_PX,
        top=max(top - _MARGIN_CELLS, 0) * _CELL_PX,
        right=(left + width + _MARGIN_CELLS) * _CELL_PX,
        bottom=(top + height + _MARGIN_CELLS) * _CELL_PX,
        texture=texture,
    )


def _halve(picture: NDArray[Any]) -> NDArray[Any]:
    """Half the size; OpenCV is three times as quick at this as at any other factor."""
    height, width = picture.shape
    return np.asarray(cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA))


def _f32(values: object) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32)
