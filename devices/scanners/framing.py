"""Where one code ends and the next begins, for scanners that send a stream of characters."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from devices.models import Frame, ScanSource

SILENCE_S = 0.08
"""A scanner without a suffix is done when nothing came for so long."""
MAX_PAYLOAD_BYTES = 4096
"""Longer than any paper's code: of a longer one so much and one byte more is handed on, so that
whoever reads it can say that it is too long."""


class Framer:
    """Cuts a stream at CR, LF or 80 ms of silence; empty pieces are no codes."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._heard_s = 0.0

    def feed(self, data: bytes, mono_s: float) -> list[bytes]:
        """The codes completed by `data`, which arrived at `mono_s`."""
        if not data:
            return []
        self._heard_s = mono_s
        *complete, rest = data.replace(b"\n", b"\r").split(b"\r")
        codes = []
        for piece in complete:
            self._append(piece)
            codes += self._take()
        self._append(rest)
        return codes

    def end_if_silent(self, mono_s: float) -> list[bytes]:
        """The code that silence completes at `mono_s`, if there is one."""
        return self._take() if mono_s - self._heard_s >= SILENCE_S else []

    def _append(self, piece: bytes) -> None:
        room = MAX_PAYLOAD_BYTES + 1 - len(self._buffer)
        self._buffer += piece[:room]

    def _take(self) -> list[bytes]:
        code = bytes(self._buffer)
        self._buffer.clear()
        return [code] if code else []


class FramedLink(ABC):
    """A `ScannerLink` over a device that sends characters."""

    source: ScanSource
    lossy: bool

    def __init__(self, name: str) -> None:
        self.name = name
        self._framer = Framer()

    def connect(self) -> None:
        self._framer = Framer()
        self._open()

    def read(self, timeout_s: float) -> Sequence[bytes]:
        until_s = time.monotonic() + timeout_s
        while True:
            now_s = time.monotonic()
            codes = self._framer.end_if_silent(now_s)
            if codes or now_s >= until_s:
                return codes
            data = self._receive(min(until_s - now_s, SILENCE_S / 4))
            codes = self._framer.feed(data, time.monotonic())
            if codes:
                return codes

    def latest_frame(self) -> Frame | None:
        return None

    def frame_age_s(self) -> float | None:
        return None

    @abstractmethod
    def disconnect(self) -> None: ...

    @abstractmethod
    def _open(self) -> None:
        """Raises LinkLost."""

    @abstractmethod
    def _receive(self, timeout_s: float) -> bytes:
        """What arrived, nothing after `timeout_s`. Raises LinkLost."""
