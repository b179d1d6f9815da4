"""What the IT desk needs of the window: a picture of nobody, signs of life, an end to begin anew."""

from __future__ import annotations

import io
import itertools
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kiosk_ui.app import RESTART_CODE, KioskApp
from kiosk_ui.driver import Driver
from kiosk_ui.sd_notify import ServiceNotifier
from tests.factories.frames import make_frames
from tests.factories.window import WINDOW, StillKiosk, open_window
from tests.gui.conftest import Start

pytestmark = pytest.mark.gui

ROOT = Path(__file__).parents[2]
FRAMES = make_frames("vi")


def test_the_picture_is_the_glass_as_it_is(start: Start, tmp_path: Path) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    kiosk.wants_picture = True
    driver.until(lambda: bool(kiosk.encoded))
    [png] = kiosk.encoded
    assert len(png) < 300_000
    driver.screenshot(tmp_path / "seen.png")
    taken = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.int16)
    seen = np.asarray(Image.open(tmp_path / "seen.png").convert("RGB"), dtype=np.int16)
    assert taken.shape == seen.shape
    assert (np.abs(taken - seen).max(axis=2) > 40).mean() < 0.002


def test_what_was_on_the_glass_before_is_not_on_it(start: Start) -> None:
    """The name of a patient was there a blink ago; the slide away from it is waited for."""
    kiosk = StillKiosk(FRAMES["confirm_identity"])
    driver = start(kiosk, slide_s=0.3)
    driver.settle()
    kiosk.frame = FRAMES["welcome"]
    kiosk.wants_picture = True
    driver.until(lambda: driver.glass.sliding)
    assert kiosk.encoded == []
    driver.until(lambda: bool(kiosk.encoded))
    taken = np.asarray(Image.open(io.BytesIO(kiosk.encoded[0])).convert("RGB"), dtype=np.int16)

    fresh = StillKiosk(FRAMES["welcome"])
    again = start(fresh)
    fresh.wants_picture = True
    again.until(lambda: bool(fresh.encoded))
    alone = np.asarray(Image.open(io.BytesIO(fresh.encoded[0])).convert("RGB"), dtype=np.int16)
    assert (np.abs(taken - alone).max(axis=2) > 40).mean() < 0.002


def test_taking_it_does_not_hold_up_the_screen(start: Start) -> None:
    """The pixels are read in strips; making a file of them belongs to a worker."""

    class Putting(StillKiosk):
        def take_picture(self, encode: Callable[[], bytes]) -> None:
            """Elsewhere, later."""
            self.wants_picture = False

    kiosk = Putting(FRAMES["welcome"])
    app = start(kiosk)._app
    took_s = []
    for _ in range(6):
        kiosk.wants_picture = True
        begun_s = time.perf_counter()
        app._read_strip()
        took_s.append(time.perf_counter() - begun_s)
    assert sorted(took_s)[2] < 0.05


def test_a_restart_ends_the_window_with_a_status_of_its_own(start: Start) -> None:
    kiosk = StillKiosk(FRAMES["welcome"])
    driver = start(kiosk)
    app = driver._app
    assert app.exit_code == 0
    kiosk.wants_restart = True
    driver.frames(60)
    assert app.exit_code == RESTART_CODE


# --- signs of life ----------------------------------------------------------------------------------


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.setblocking(False)
        yield wire


def heard(wire: socket.socket) -> list[bytes]:
    states = []
    while select.select([wire], [], [], 0)[0]:
        states.append(wire.recv(64))
    return states


def test_it_says_ready_once_and_lives_as_long_as_its_window_turns(
    supervisor: socket.socket,
) -> None:
    open_window()
    notifier = ServiceNotifier(address=str(supervisor.getsockname()), watchdog_s=0.3)
    driver = Driver(KioskApp(StillKiosk(FRAMES["welcome"]), WINDOW, notifier=notifier))
    try:
        end_s = time.monotonic() + 1.0
        driver.until(lambda: time.monotonic() > end_s)
        states = heard(supervisor)
        assert states[0] == b"READY=1"
        assert states.count(b"READY=1") == 1
        assert states.count(b"WATCHDOG=1") >= 5
        time.sleep(0.8)  # nothing turns: the window is frozen
        assert heard(supervisor) == []
        driver.frames(3)
        assert b"WATCHDOG=1" in heard(supervisor)
    finally:
        driver.stop()


FROZEN = """
import sys, time
from kiosk_ui.app import WindowConfig, show
from tests.factories.frames import make_frames
from tests.factories.window import StillKiosk

class FreezingKiosk(StillKiosk):
    def tick(self):
        if self.ticks == 40:
            time.sleep(4)
        if self.ticks == 80:
            self.wants_restart = True
        return super().tick()

kiosk = FreezingKiosk(make_frames("vi")["welcome"])
sys.exit(show(kiosk, WindowConfig(width_px=540, height_px=960, locked=False)))
"""


@pytest.mark.slow
def test_a_frozen_kiosk_falls_silent_as_long_as_it_is_frozen(supervisor: socket.socket) -> None:
    """A real process under a real socket: the gap is the freeze, and it ends with its own status."""
    environ = os.environ | {
        "NOTIFY_SOCKET": str(supervisor.getsockname()),
        "WATCHDOG_USEC": "1500000",
        "SDL_VIDEODRIVER": "offscreen",
        "PYTHONPATH": str(ROOT),
    }
    kiosk = subprocess.Popen([sys.executable, "-c", FROZEN], cwd=ROOT, env=environ)
    at_s: list[float] = []
    try:
        while kiosk.poll() is None:
            if select.select([supervisor], [], [], 0.05)[0]:
                supervisor.recv(64)
                at_s.append(time.monotonic())
    finally:
        if kiosk.poll() is None:
            kiosk.kill()
        kiosk.wait(10)
    assert kiosk.returncode == RESTART_CODE
    gaps = [later - earlier for earlier, later in itertools.pairwise(at_s)]
    assert 3.5 < max(gaps) < 5.5, "the freeze is seen whole"
    assert sorted(gaps)[-2] < 1.5, "and nothing else is"
