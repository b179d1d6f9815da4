"""The live picture with a frame to hold a code in."""

from __future__ import annotations

import math

import cv2
import numpy as np
from kivy.graphics import Color, InstructionGroup, Rectangle
from kivy.graphics.texture import Texture

from kiosk_ui.theme.colours import INK, TEAL, Colour

GUIDE_SHARE = 0.72
"""Side of the frame as a share of the picture's shorter side."""
ARM_SHARE = 0.18
SWEEP_S = 3.2
"""One way down and up of the soft line: far from three flashes a second (WCAG 2.3.1)."""


class CameraPreview:
    """Newest picture, mirrored as in a looking glass, cut to the middle of what is shown."""

    def __init__(
        self, *, pos: tuple[int, int], size: tuple[int, int], guide: Colour, busy: bool
    ) -> None:
        self.group = InstructionGroup()
        self._size = size
        self._texture: Texture | None = None
        self._tint = Color(*INK)
        self._picture = Rectangle(pos=pos, size=size)
        self.group.add(self._tint)
        self.group.add(self._picture)
        self._busy = busy
        side = min(size) * GUIDE_SHARE
        left, bottom = pos[0] + (size[0] - side) / 2, pos[1] + (size[1] - side) / 2
        self._line: Rectangle | None = None
        self._sweep = (bottom + side * 0.08, side * 0.84)
        if busy:
            return
        self.group.add(Color(*guide))
        for place, extent in _brackets(left, bottom, side):
            self.group.add(Rectangle(pos=place, size=extent))
        self.group.add(Color(*TEAL[:3], 0.85))
        self._line = Rectangle(pos=(left + side * 0.06, -9), size=(side * 0.88, 4))
        self.group.add(self._line)

    def show(self, picture: np.ndarray) -> None:
        """Uploads a BGR or grey picture; four bytes a pixel is the quickest way in."""
        code = cv2.COLOR_GRAY2RGBA if picture.ndim == 2 else cv2.COLOR_BGR2RGBA
        pixels = cv2.cvtColor(picture, code)
        height, width = pixels.shape[:2]
        texture = self._texture
        if texture is None or texture.size != (width, height):
            texture = Texture.create(size=(width, height), colorfmt="rgba")
            self._use(texture)
        texture.blit_buffer(pixels.ravel(), colorfmt="rgba", bufferfmt="ubyte")
        self.group.flag_update()

    def take_over(self, old: CameraPreview) -> None:
        """Starts from another preview's picture, so that a redrawn screen does not blink."""
        if old._texture is not None:
            self._use(old._texture)

    def _use(self, texture: Texture) -> None:
        self._texture = texture
        self._picture.texture = texture
        self._picture.tex_coords = _cut(texture.width, texture.height, self._size)
        grey = 0.45 if self._busy else 1.0
        self._tint.rgba = (grey, grey, grey, 1.0)

    def sweep(self, now_s: float) -> None:
        """Moves the soft line to where it is at this time."""
        if self._line is not None:
            start, length = self._sweep
            share = 0.5 - 0.5 * math.cos(2 * math.pi * now_s / SWEEP_S)
            self._line.pos = (self._line.pos[0], start + share * length)


def _brackets(
    left: float, bottom: float, side: float
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Two bars at each corner of a square."""
    arm, thick = side * ARM_SHARE, max(4.0, side * 0.016)
    bars = []
    for x, inwards_x in ((left, 0.0), (left + side, -1.0)):
        for y, inwards_y in ((bottom, 0.0), (bottom + side, -1.0)):
            bars.append(((x + inwards_x * arm, y + inwards_y * thick), (arm, thick)))
            bars.append(((x + inwards_x * thick, y + inwards_y * arm), (thick, arm)))
    return bars


def _cut(width: int, height: int, shown: tuple[int, int]) -> tuple[float, ...]:
    """Texture coordinates of the middle part of the shown shape, mirrored, top line first."""
    shape, wanted = width / height, shown[0] / shown[1]
    across = min(1.0, wanted / shape) / 2
    down = min(1.0, shape / wanted) / 2
    left, right, top, bottom = 0.5 + across, 0.5 - across, 0.5 - down, 0.5 + down
    return (left, bottom, right, bottom, right, top, left, top)
