"""One clock for all processes of the soak: real time made faster, and pushed ahead at the end."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

_FRESH_S = 0.1


class SoakClock:
    """`start` writes the file that all others read."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock.json"
        self._read_at = float("-inf")
        self._start_s = self._speed = self._ahead_s = 0.0

    def start(self, speed: float) -> None:
        self._write(time.time(), speed, 0.0)

    def advance(self, seconds: float) -> None:
        self._look()
        self._write(self._start_s, self._speed, self._ahead_s + seconds)

    def __call__(self) -> datetime:
        self._look()
        passed_s = (time.time() - self._start_s) * self._speed
        return datetime.fromtimestamp(self._start_s + passed_s + self._ahead_s, UTC)

    def _look(self) -> None:
        if time.monotonic() - self._read_at < _FRESH_S:
            return
        self._start_s, self._speed, self._ahead_s = json.loads(self._file.read_text())
        self._read_at = time.monotonic()

    def _write(self, *content: float) -> None:
        half = self._file.with_suffix(".new")
        half.write_text(json.dumps(content))
        half.replace(self._file)
        self._read_at = float("-inf")
