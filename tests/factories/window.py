"""One window for all tests of a process: off screen, portrait, real drawing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache

import numpy as np

from kiosk_ui.app import WindowConfig, configure
from kiosk_ui.presenters.views import Action, Frame

WINDOW = WindowConfig(width_px=1080, height_px=1920, locked=False, slide_s=0)


@cache
def open_window() -> None:
    """Sets Kivy up and opens the window; a second call does nothing."""
    os.environ["SDL_VIDEODRIVER"] = "offscreen"
    configure(WINDOW)
    from kivy.core.window import Window

    if Window is None:
        raise RuntimeError("no window: libegl1 and libgles2 are missing")


class StillKiosk:
    """Shows the frame it is given and remembers what was asked of it."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.acted: list[Action] = []
        self.downs: list[Action] = []
        self.touches = 0
        self.ticks = 0
        self.picture: np.ndarray | None = None
        self.pictures_asked = 0
        self.answers: dict[Action, Frame] = {}
        self.comes_at_once = False
        self.wants_restart = False
        self.wants_picture = False
        self.encoded: list[bytes] = []

    def take_picture(self, encode: Callable[[], bytes]) -> None:
        self.wants_picture = False
        self.encoded.append(encode())

    def pressed(self, action: Action) -> None:
        self.downs.append(action)

    def act(self, action: Action) -> None:
        self.acted.append(action)
        self.frame = self.answers.get(action, self.frame)

    def touched(self) -> None:
        self.touches += 1

    def rest(self, timeout_s: float) -> bool:
        time.sleep(timeout_s)
        return False

    def tick(self) -> bool:
        self.ticks += 1
        return False

    def latest_picture(self) -> np.ndarray | None:
        self.pictures_asked += 1
        return self.picture
