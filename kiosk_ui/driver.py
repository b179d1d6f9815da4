"""A hand at the glass: runs the window step by step, taps with real touches, takes pictures.

For the demo without a display and for tests.
"""

from __future__ import annotations

import kiosk_ui.theme  # noqa: F401 - sets Kivy's environment before Kivy is imported

# isort: split
import itertools
import time
from collections.abc import Callable
from pathlib import Path

from kivy.base import EventLoop, runTouchApp
from kivy.graphics.opengl import GL_RGB, GL_UNSIGNED_BYTE, glReadPixels
from kivy.input.motionevent import MotionEvent
from PIL import Image

from kiosk_ui.app import KioskApp
from kiosk_ui.presenters.views import Action
from kiosk_ui.widgets.glass import Glass
from kiosk_ui.widgets.scene import Scene


class DriverTimeoutError(RuntimeError):
    """What was waited for did not come."""


class NothingToTapError(LookupError):
    """The screen offers no such action now."""


class Finger(MotionEvent):
    """One finger that goes down and up at a place."""

    _numbers = itertools.count(1)

    def __init__(self, x_px: float, y_px: float) -> None:
        window = EventLoop.window
        place = {"x": x_px / (window.width - 1.0), "y": y_px / (window.height - 1.0)}
        super().__init__("finger", next(self._numbers), place, is_touch=True, type_id="touch")

    def depack(self, args: dict[str, float]) -> None:
        self.sx, self.sy = args["x"], args["y"]
        self.profile = ["pos"]
        super().depack(args)

    def down(self) -> None:
        EventLoop.post_dispatch_input("begin", self)

    def up(self) -> None:
        EventLoop.post_dispatch_input("end", self)


class Driver:
    """Starts the app in this thread; every method runs the window's loop itself."""

    def __init__(self, app: KioskApp) -> None:
        self._app = app
        app._run_prepare()  # noqa: SLF001 - App.run() would not return
        runTouchApp(embedded=True)
        self.frames(2)

    @property
    def glass(self) -> Glass:
        if self._app.glass is None:
            raise DriverTimeoutError("the window has not been built")
        return self._app.glass

    @property
    def scene(self) -> Scene:
        if self.glass.scene is None:
            raise DriverTimeoutError("nothing has been drawn")
        return self.glass.scene

    def frames(self, count: int = 1) -> None:
        """Lets the window's loop go round."""
        for _ in range(count):
            EventLoop.idle()

    def until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Runs the loop until the condition holds. Raises DriverTimeoutError."""
        end_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end_s:
                raise DriverTimeoutError(f"not within {timeout_s:g} s")
            EventLoop.idle()

    def settle(self) -> None:
        """Waits for the end of a slide."""
        self.until(lambda: not self.glass.sliding)
        self.frames()

    def tap(self, action: Action) -> None:
        """Touches the middle of what carries the action. Raises NothingToTapError."""
        self.put_finger_on(action).up()
        self.frames()

    def put_finger_on(self, action: Action) -> Finger:
        """Finger down on the middle of what carries the action, once the glass listens.

        Raises NothingToTapError.
        """
        self.until(lambda: not self.glass.deaf)
        found = self.scene.find_touch(action)
        if found is None:
            raise NothingToTapError(action.name)
        return self._put_finger(*found.rect.centre)

    def touch(self, x_px: float, y_px: float) -> None:
        """Finger down, finger up; pixels from the top left."""
        self._put_finger(x_px, y_px).up()
        self.frames()

    def _put_finger(self, x_px: float, y_px: float) -> Finger:
        finger = Finger(x_px, self.glass.height - y_px)
        finger.down()
        self.frames()
        return finger

    def screenshot(self, file: Path) -> None:
        """Writes what is on the kiosk's glass as PNG."""
        EventLoop.window.canvas.ask_update()
        self.frames()
        width, height = int(self.glass.width), int(self.glass.height)
        pixels = glReadPixels(0, 0, width, height, GL_RGB, GL_UNSIGNED_BYTE)
        picture = Image.frombytes("RGB", (width, height), pixels)
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(file)

    def stop(self) -> None:
        """Takes the app off the window, which stays for the next one."""
        self._app.stop()
        window = EventLoop.window
        for child in list(window.children):
            window.remove_widget(child)
