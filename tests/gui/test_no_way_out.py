"""Kiosk mode on a real X display with real key presses and a real mouse."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from kiosk_ui.presenters.views import Action
from kiosk_ui.screens import lay_out
from tests.factories.frames import make_frames
from tests.factories.window import WINDOW

pytestmark = [pytest.mark.gui, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
KEYS = [
    *("Escape", "F1", "F10", "F11", "F12", "alt+F4", "alt+Tab", "ctrl+c", "ctrl+q", "ctrl+w"),
    *("super", "ctrl+alt+Delete", "ctrl+shift+Escape", "ctrl+alt+F2", "Print", "alt+space"),
    *("Shift_L", "Shift_L", "Shift_L", "Shift_L", "Shift_L", "Menu", "ctrl+p", "ctrl+o", "ctrl+s"),
]
"""ESC-02: what leads out of programs, and five times Shift."""
GESTURES = [
    # ESC-01: right click, a long press, and swipes from every edge.
    ["mousemove", "540", "300", "click", "3"],
    ["mousemove", "540", "300", "mousedown", "1", "sleep", "1.5", "mousemove", "900", "1500"],
    ["mouseup", "1"],
    *(
        [
            *("mousemove", *begin, "mousedown", "1", "sleep", "0.1"),
            *("mousemove", *end, "sleep", "0.1", "mouseup", "1"),
        ]
        for begin, end in (
            (("0", "960"), ("500", "960")),
            (("1079", "960"), ("500", "960")),
            (("540", "0"), ("540", "900")),
            (("540", "1919"), ("540", "900")),
        )
    ),
]


def read_line(stream: IO[str], timeout_s: float) -> str:
    ready, _, _ = select.select([stream], [], [], timeout_s)
    assert ready, f"silent for {timeout_s} s"
    return stream.readline().strip()


@pytest.fixture
def display() -> Iterator[str]:
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        # Set-up installs both: without them the escape keys would go untested unseen.
        pytest.fail("needs Xvfb and xdotool: make setup")
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "1080x1920x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout
    yield f":{read_line(server.stdout, 20)}"
    server.terminate()
    server.wait(10)
    server.stdout.close()


def test_no_key_ends_the_kiosk_and_a_touch_still_works(display: str) -> None:
    env = os.environ | {"DISPLAY": display, "SDL_VIDEODRIVER": "x11", "PYTHONPATH": str(ROOT)}
    kiosk = subprocess.Popen(
        [sys.executable, "-m", "tests.gui.locked_kiosk"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert kiosk.stdout
    try:
        assert read_line(kiosk.stdout, 40) == "ready"
        move = ["xdotool", "mousemove", "540", "300"]
        subprocess.run(move, env=env, check=True, timeout=20)
        for key in KEYS:
            subprocess.run(["xdotool", "key", key], env=env, check=True, timeout=20)
            assert kiosk.poll() is None, key
        for gesture in GESTURES:
            subprocess.run(["xdotool", *gesture], env=env, check=True, timeout=20)
            assert kiosk.poll() is None, gesture
        scene = lay_out(make_frames("vi")["welcome"], WINDOW.panel)
        found = scene.find_touch(Action("start", "booked"))
        assert found
        x, y = (str(int(place)) for place in found.rect.centre)
        tap = ["xdotool", "mousemove", x, y, "sleep", "0.2", "click", "1"]
        subprocess.run(tap, env=env, check=True, timeout=20)
        assert read_line(kiosk.stdout, 20) == "start booked"
    finally:
        kiosk.terminate()
        assert kiosk.wait(20) == 0
        kiosk.stdout.close()
