from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from kiosk_ui.app import KioskApp
from kiosk_ui.driver import Driver
from tests.factories.window import WINDOW, StillKiosk, open_window

Start = Callable[..., Driver]


@pytest.fixture
def start() -> Iterator[Start]:
    """Opens a kiosk in the test window; taken off again at the end."""
    open_window()
    drivers: list[Driver] = []

    def make(kiosk: StillKiosk, **changes: object) -> Driver:
        drivers.append(Driver(KioskApp(kiosk, replace(WINDOW, **changes))))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.stop()
