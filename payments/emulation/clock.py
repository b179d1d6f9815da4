"""The emulators' time: the real one, pushed ahead or made to run faster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def _system_clock() -> datetime:
    return datetime.now(UTC)


class EmulatedClock:
    """`clock()` is an aware UTC time: `base` + what was advanced, from now on × speed.

    `base` may be the clock of a test. Safe to call from several threads.
    """

    def __init__(self, base: Callable[[], datetime] = _system_clock, *, speed: float = 1.0) -> None:
        self._base = base
        self._speed = speed
        self._real_start = base()
        self._emulated_start = self._real_start
        self._lock = threading.Lock()
        self._watchers: list[Callable[[], None]] = []

    def __call__(self) -> datetime:
        with self._lock:
            return self._now()

    @property
    def speed(self) -> float:
        return self._speed

    def advance(self, seconds: float) -> None:
        """Only ahead. Raises ValueError for a time that would run backwards."""
        if not 0 <= seconds <= 400 * 86_400:
            raise ValueError("a clock is advanced by 0 seconds to 400 days")
        with self._lock:
            self._emulated_start += timedelta(seconds=seconds)
        self._tell()

    def run_at(self, speed: float) -> None:
        """So many emulated seconds for each real one, from now on. Raises ValueError."""
        if not 0 < speed <= 10_000:
            raise ValueError("a clock runs at a speed above 0, up to 10000")
        with self._lock:
            self._emulated_start = self._now()
            self._real_start = self._base()
            self._speed = speed
        self._tell()

    def watch(self, changed: Callable[[], None]) -> None:
        """`changed` is called whenever time jumps or changes its pace."""
        self._watchers.append(changed)

    def _now(self) -> datetime:
        return self._emulated_start + (self._base() - self._real_start) * self._speed

    def _tell(self) -> None:
        for changed in self._watchers:
            changed()
