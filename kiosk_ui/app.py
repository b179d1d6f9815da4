"""The window of the kiosk: full screen, no way out by touch or keys, calm when nobody is there."""

from __future__ import annotations

import kiosk_ui.theme  # noqa: F401 - sets Kivy's environment before Kivy is imported

# isort: split
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from kivy.app import App
from kivy.clock import Clock
from kivy.config import Config
from kivy.graphics.opengl import GL_RGBA, GL_UNSIGNED_BYTE, glFinish, glReadPixels
from kivy.uix.widget import Widget

from kiosk_ui.config import KioskConfig
from kiosk_ui.events import KioskEvent
from kiosk_ui.picture import encode_png
from kiosk_ui.presenters.views import Action, Frame
from kiosk_ui.screens import lay_out
from kiosk_ui.sd_notify import ServiceNotifier
from kiosk_ui.theme.colours import PAPER
from kiosk_ui.theme.metrics import Panel, get_width_mm
from kiosk_ui.widgets.glass import SLIDE_S, Glass

TURN_S = 1 / 120
"""A turn of the loop while somebody is there. Frames are drawn only when something changed."""
CALM_TURN_S = 1 / 30
PICTURE_S = 1 / 15
ANIMATION_S = 1 / 30
CALM_TICK_S = 1 / 12
"""How often the kiosk is asked for news when nothing was touched for a while."""
CALM_AFTER_S = 5.0
DOCK_PX = 420
STRIP_PX = 320
"""Rows of the glass read at a time for a picture of it: some 5 ms."""
RESTART_CODE = 75
"""Exit status of a kiosk that wants to be begun anew: "try again" of sysexits.h."""
_log = logging.getLogger(__name__)


class KioskOnScreen(Protocol):
    """What the window needs of a kiosk; every method but `rest` returns at once."""

    @property
    def frame(self) -> Frame: ...

    @property
    def comes_at_once(self) -> bool: ...

    def rest(self, timeout_s: float) -> bool: ...

    def pressed(self, action: Action) -> None: ...

    def act(self, action: Action) -> None: ...

    def touched(self) -> None: ...

    def tick(self) -> bool: ...

    def latest_picture(self) -> np.ndarray | None: ...

    @property
    def wants_restart(self) -> bool: ...

    @property
    def wants_picture(self) -> bool: ...

    def take_picture(self, encode: Callable[[], bytes]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class WindowConfig:
    """The window. `locked` is kiosk mode; it needs a real display and refuses to go without."""

    width_px: int = 1080
    height_px: int = 1920
    width_mm: float | None = None
    """Measured width of the panel; None: that of the usual panel of this resolution."""
    locked: bool = True
    fullscreen: bool = False
    slide_s: float = SLIDE_S
    dock_px: int = 0
    """Room to the right of the kiosk for a development panel."""

    @property
    def panel(self) -> Panel:
        return Panel(
            width_px=self.width_px,
            height_px=self.height_px,
            width_mm=self.width_mm or get_width_mm(self.width_px, self.height_px),
        )


def configure(window: WindowConfig) -> None:
    """Sets Kivy up. To be called before anything opens its window."""
    if window.locked:
        # SDL would take its offscreen driver without a display: an app nobody can see.
        os.environ.setdefault("SDL_VIDEODRIVER", "x11")
    settings = {
        ("graphics", "width"): window.width_px + window.dock_px,
        ("graphics", "height"): window.height_px,
        ("graphics", "multisamples"): 0,  # two double the cost of a frame drawn in software
        ("graphics", "resizable"): 0,
        ("graphics", "borderless"): int(window.locked),
        ("graphics", "show_cursor"): int(not window.locked),
        ("graphics", "fullscreen"): "auto" if window.fullscreen else 0,
        ("graphics", "allow_screensaver"): 0,
        ("kivy", "exit_on_escape"): 0,
        ("kivy", "keyboard_mode"): "",
        ("input", "mouse"): "mouse,disable_multitouch",
    }
    for (section, name), value in settings.items():
        Config.set(section, name, str(value))
    # This default reads /dev/input beside the window and doubles every touch.
    Config.remove_option("input", "%(name)s")


class KioskApp(App):
    """Draws the kiosk's frame, hands it touches, and asks it for news many times a second."""

    use_kivy_settings = False

    def __init__(
        self,
        kiosk: KioskOnScreen,
        window: WindowConfig,
        *,
        dock: Callable[[], Widget] | None = None,
        notifier: ServiceNotifier | None = None,
    ) -> None:
        super().__init__()
        self.exit_code = 0
        self._notifier = notifier or ServiceNotifier()
        self._reading = False
        self._strips: list[bytes] = []
        self._read_frame: Frame | None = None
        self._kiosk, self._window, self._dock = kiosk, window, dock
        self._panel = window.panel
        self._frame: Frame | None = None
        self._touched_s = self._ticked_s = self._turned_s = time.monotonic()
        self.glass: Glass | None = None

    def build(self) -> Widget:
        from kivy.core.window import Window

        if self._window.fullscreen:
            width, height = (int(side) for side in Window.size)
            self._panel = Panel(
                width_px=width - self._window.dock_px,
                height_px=height,
                width_mm=self._window.width_mm
                or get_width_mm(width - self._window.dock_px, height),
            )
        Window.clearcolor = PAPER
        # Drawn in software and off screen nothing holds the next frame back until this one is
        # done: dozens would queue, tens of megabytes each.
        Window.bind(on_flip=_wait_for_the_frame)
        if self._window.locked:
            Window.bind(on_request_close=_stay, on_keyboard=_stay)
        root = Widget(size=Window.size)
        self.glass = Glass(
            on_action=self._act,
            on_pressed=self._kiosk.pressed,
            on_touched=self._touched,
            slide_s=self._window.slide_s,
            size=(self._panel.width_px, self._panel.height_px),
        )
        root.add_widget(self.glass)
        if self._dock:
            dock = self._dock()
            dock.pos = (self._panel.width_px, 0)
            dock.size = (self._window.dock_px, self._panel.height_px)
            root.add_widget(dock)
        self._draw()
        Clock.schedule_interval(self._tick, 0)
        Clock.schedule_interval(self._show_picture, PICTURE_S)
        Clock.schedule_interval(self._animate, ANIMATION_S)
        return root

    def on_start(self) -> None:
        """The first frame is on its way. From here on the window's own clock gives signs of life:
        when drawing freezes they stop, and the supervisor begins the kiosk anew.
        """
        self._notifier.ready()
        if self._notifier.watchdog_s is not None:
            Clock.schedule_interval(lambda _: self._notifier.alive(), self._notifier.watchdog_s / 3)

    def open_settings(self, *_: object) -> bool:
        """Kivy opens its settings on F1; here nothing does."""
        return False

    def _act(self, action: Action) -> None:
        self._kiosk.act(action)
        self._draw()

    def _touched(self) -> None:
        self._touched_s = time.monotonic()
        self._kiosk.touched()

    def _tick(self, _: float) -> None:
        calm = time.monotonic() - self._touched_s > CALM_AFTER_S and not self._watching
        news = self._rest(CALM_TURN_S if calm else TURN_S)
        now_s = time.monotonic()
        if calm and not news and now_s - self._ticked_s < CALM_TICK_S:
            return
        self._ticked_s = now_s
        self._kiosk.tick()
        self._draw()
        self._serve_the_desk()

    # --- what the IT desk asks --------------------------------------------------------------------

    def _serve_the_desk(self) -> None:
        if self._kiosk.wants_restart and self.exit_code == 0:
            _log.warning(KioskEvent.RESTARTS)
            self.exit_code = RESTART_CODE
            self.stop()
        if self._kiosk.wants_picture and not self._reading:
            self._reading = True
            self._strips = []
            self._read_next_strip()

    def _read_next_strip(self) -> None:
        from kivy.core.window import Window

        Window.bind(on_flip=self._read_strip)
        Window.canvas.ask_update()

    def _read_strip(self, *_: object) -> None:
        """Just before it is shown: what was drawn is this frame, whole, and no one's before.

        A strip at a time, so that nobody who comes meanwhile waits; another frame begins it anew.
        """
        from kivy.core.window import Window

        Window.unbind(on_flip=self._read_strip)
        glass, frame = self.glass, self._frame
        still = glass is not None and not glass.sliding and frame is self._kiosk.frame
        if glass is None or not still or not self._kiosk.wants_picture:
            self._reading = False
            return
        if self._strips and frame is not self._read_frame:
            self._strips = []
        self._read_frame = frame
        width, height = int(glass.width), int(glass.height)
        bottom = len(self._strips) * STRIP_PX
        rows = min(STRIP_PX, height - bottom)
        self._strips.append(glReadPixels(0, bottom, width, rows, GL_RGBA, GL_UNSIGNED_BYTE))
        if bottom + rows < height:
            Clock.schedule_once(lambda _: self._read_next_strip())
            return
        self._reading = False
        strips, self._strips = self._strips, []
        self._kiosk.take_picture(lambda: encode_png(b"".join(strips), (width, height)))

    def _rest(self, turn_s: float) -> bool:
        """Until this turn of the loop has lasted so long; an answer ends it, and is said so."""
        news = self._kiosk.rest(max(0.0, self._turned_s + turn_s - time.monotonic()))
        self._turned_s = time.monotonic()
        return news

    @property
    def _watching(self) -> bool:
        """The camera is on: news may come at any moment."""
        return self.glass is not None and bool(self.glass.previews)

    def _draw(self) -> None:
        """Draws the kiosk's frame unless it is the one on the glass."""
        frame, before = self._kiosk.frame, self._frame
        if self.glass is None:
            return
        self.glass.hold(holding=self._kiosk.comes_at_once)
        if frame is before:
            return
        self._frame = frame
        slide = 0
        if before is not None and before.screen != frame.screen:
            slide = 1 if frame.forward else -1
        self.glass.calm = frame.chrome.large_text or frame.chrome.lowered
        self.glass.show(lay_out(frame, self._panel), slide=slide)

    def _show_picture(self, _: float) -> None:
        if self.glass is None or not self.glass.previews or self.glass.sliding:
            return
        picture = self._kiosk.latest_picture()
        if picture is not None:
            self.glass.show_picture(picture, time.monotonic())

    def _animate(self, _: float) -> None:
        if self.glass is not None and not self._kiosk.comes_at_once:
            self.glass.animate(time.monotonic())


def _wait_for_the_frame(*_: object) -> None:
    glFinish()


def _stay(*_: object) -> bool:
    """Takes keys and requests to close, and does nothing with them."""
    return True


def make_window(config: KioskConfig, *, dock_px: int = 0) -> WindowConfig:
    """The window a kiosk's settings ask for: all of the screen unless a size is given."""
    width_px, height_px = config.window or (1080, 1920)
    return WindowConfig(
        width_px=width_px,
        height_px=height_px,
        width_mm=config.width_mm,
        locked=config.production,
        fullscreen=config.window is None,
        dock_px=dock_px,
    )


def run(
    kiosk: KioskOnScreen, config: KioskConfig, *, dock: Callable[[], Widget] | None = None
) -> int:
    """Shows the kiosk until the process is told to end (SIGTERM, SIGINT), or until its window is
    closed where it is not locked. Returns the exit code, RESTART_CODE to be begun anew.
    """
    return show(kiosk, make_window(config, dock_px=DOCK_PX if dock else 0), dock=dock)


def show(
    kiosk: KioskOnScreen, window: WindowConfig, *, dock: Callable[[], Widget] | None = None
) -> int:
    """`run`, for a window given in detail."""
    configure(window)
    app = KioskApp(kiosk, window, dock=dock, notifier=ServiceNotifier.of())

    def end(*_: object) -> None:
        Clock.schedule_once(lambda _: app.stop())

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        app.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return app.exit_code
