"""Rounded shapes as coverage pictures, computed exactly so that edges are smooth."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def _corner_distance(radius_px: int) -> np.ndarray:
    """Signed distance of each pixel from a rounded square of side 2·radius+2, inside positive."""
    side = 2 * radius_px + 2
    axis = np.arange(side) + 0.5
    beyond = np.maximum(np.maximum(radius_px - axis, axis - (side - radius_px)), 0.0)
    distance: np.ndarray = radius_px - np.hypot(beyond[:, None], beyond[None, :])
    return distance


def _coverage(distance: np.ndarray) -> np.ndarray:
    return (np.clip(distance + 0.5, 0.0, 1.0) * 255).astype(np.uint8)


@lru_cache(maxsize=128)
def draw_rounded(radius_px: int) -> np.ndarray:
    """A filled rounded square, to be stretched at its middle."""
    return _coverage(_corner_distance(radius_px))


@lru_cache(maxsize=128)
def draw_outline(radius_px: int, edge_px: int) -> np.ndarray:
    """The rim of that square, `edge_px` wide, inside its border."""
    distance = _corner_distance(radius_px)
    return _coverage(np.minimum(distance, edge_px - distance))


@lru_cache(maxsize=32)
def draw_corners(radius_px: int) -> np.ndarray:
    """What lies outside the rounded corners: laid over a picture, it rounds it."""
    return 255 - draw_rounded(radius_px)


@lru_cache(maxsize=64)
def draw_ring(size_px: int, thick_px: int, share: float) -> np.ndarray:
    """A ring cut off after `share` of the way round, clockwise from the top."""
    axis = np.arange(size_px) + 0.5 - size_px / 2
    across, down = axis[None, :], axis[:, None]
    outside = np.hypot(across, down)
    ring = _coverage(np.minimum(size_px / 2 - outside, outside - (size_px / 2 - thick_px)))
    turn = np.arctan2(across, -down) / (2 * np.pi) % 1.0
    return np.where(turn <= share, ring, 0).astype(np.uint8)
