"""Whether touches still arrive. Pure: told of touches, devices and movement, says what it makes of it.

A panel that has died looks the same as a kiosk nobody wants. It is told apart by its device,
which goes away, or by somebody who moves before it all the time without a single touch coming.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from devices.models import Frame

TouchState = Literal["ok", "absent", "suspect"]

QUIET_S = 120.0
"""Without a touch for so long the camera begins to look, on the start screen only."""
LOOK_EVERY_S = 20.0
MOVING_LOOKS = 6
"""In a row, some two minutes: longer than anybody reads a start screen."""
AGAIN_AFTER_S = 3600.0
"""A restart that did not help is not tried again sooner."""

_ROWS, _COLUMNS = 24, 32
_BRIGHTER = 14
_MOVED_SHARE = 0.04


def shrink(frame: Frame) -> Frame:
    """A few hundred grey dots: enough to see that something moves, not who."""
    step_y, step_x = max(1, frame.shape[0] // _ROWS), max(1, frame.shape[1] // _COLUMNS)
    dots = frame[::step_y, ::step_x]
    small: Frame = (dots if dots.ndim == 2 else dots.mean(axis=2)).astype(np.uint8)
    return small


def moved(one: Frame, other: Frame) -> bool:
    """Of two shrunken pictures. A light switched on changes all dots alike and is no movement."""
    if one.shape != other.shape:
        return False
    change = other.astype(np.int16) - one.astype(np.int16)
    change -= int(np.median(change))
    return float((np.abs(change) > _BRIGHTER).mean()) > _MOVED_SHARE


@dataclass(kw_only=True)
class TouchWatch:
    """`expected`: this machine is known to have a touch panel."""

    expected: bool
    touched_s: float = 0.0
    devices: int | None = None
    """None: this machine cannot tell."""
    looks: int = 0
    """In a row that saw movement and no touch."""
    lost: bool = False
    returned: bool = False
    """Away and back again: what reads touches may still hold the old device."""

    def note_touch(self, now_s: float) -> None:
        self.touched_s = now_s
        self.looks = 0
        self.returned = False

    def note_devices(self, count: int | None) -> None:
        if count is not None and self.devices and not count:
            self.lost = True
        if count and self.lost:
            self.lost, self.returned = False, True
        self.devices = count

    def note_look(self, *, movement: bool) -> None:
        self.looks = self.looks + 1 if movement else 0

    def should_look(self, now_s: float) -> bool:
        return now_s - self.touched_s >= QUIET_S and self.looks < MOVING_LOOKS

    @property
    def state(self) -> TouchState | None:
        """A panel on the list is no proof: until the first touch nothing is said of a new process,
        and what was told of the one before stands.
        """
        if self.lost or (self.expected and self.devices == 0):
            return "absent"
        if self.looks >= MOVING_LOOKS or self.returned:
            return "suspect"
        return "ok" if self.touched_s else None
