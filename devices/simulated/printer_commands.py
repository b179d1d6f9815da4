"""Reads ESC/POS as a printer does: bytes in, commands out. Pure.

Knows what tickets are made of: ESC @, ESC *, ESC a, ESC d, ESC J, ESC 2, ESC 3, GS v 0, GS V,
GS ( L, GS ( H and line feeds; DLE EOT is answered on receipt and only passed over here. Text
and unknown bytes are dropped and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Dots: TypeAlias = NDArray[np.bool_]
"""rows x columns, True is ink"""

_LINE_DOTS = 30


@dataclass(frozen=True, eq=False)
class Print:
    """Rows of dots."""

    dots: Dots


@dataclass(frozen=True)
class Feed:
    """White paper."""

    rows: int


@dataclass(frozen=True)
class Cut:
    """The end of a piece of paper."""


@dataclass(frozen=True)
class ProofRequest:
    """To be answered once everything before it is on paper."""

    process_id: bytes


Command: TypeAlias = Print | Feed | Cut | ProofRequest


class _Incomplete(Exception):
    """The rest of the command has not come yet."""


class CommandReader:
    """Commands of a stream that comes in pieces."""

    def __init__(self) -> None:
        self._buffer = b""
        self._line: Dots | None = None
        self._stored: Dots | None = None
        self.dropped_bytes = 0

    def feed(self, untrusted: bytes) -> list[Command]:
        """The commands that are complete now."""
        self._buffer += untrusted
        commands: list[Command] = []
        try:
            while self._buffer:
                used, command = self._next()
                self._buffer = self._buffer[used:]
                commands += command
        except _Incomplete:
            pass
        return commands

    def _next(self) -> tuple[int, list[Command]]:
        first = self._buffer[0]
        if first == 0x0A:
            return 1, self._end_of_line()
        if first == 0x10:
            return (3 if self._byte(1) == 0x04 else 1), []
        if first == 0x1B:
            return self._escape()
        if first == 0x1D:
            return self._group()
        self.dropped_bytes += first != 0
        return 1, []

    def _escape(self) -> tuple[int, list[Command]]:
        code = chr(self._byte(1))
        if code == "@":
            self._line = self._stored = None
            return 2, []
        if code == "2":
            return 2, []
        if code in "a3":
            self._byte(2)
            return 3, []
        if code == "J":
            return 3, [Feed(self._byte(2))]
        if code == "d":
            return 3, [Feed(self._byte(2) * _LINE_DOTS)]
        if code == "*":
            return self._columns()
        self.dropped_bytes += 2
        return 2, []

    def _group(self) -> tuple[int, list[Command]]:
        code = chr(self._byte(1))
        if code == "V":
            # Functions 65 and above carry how far to feed.
            return (4 if self._byte(2) >= 65 else 3), [Cut()]
        if code == "v":
            self._byte(2)
            width_bytes, rows = self._word(4), self._word(6)
            data = self._slice(8, width_bytes * rows)
            return 8 + len(data), [Print(_rows(data, width_bytes))]
        if code == "(":
            return self._function(chr(self._byte(2)))
        self.dropped_bytes += 2
        return 2, []

    def _function(self, name: str) -> tuple[int, list[Command]]:
        body = self._slice(5, self._word(3))
        used = 5 + len(body)
        if name == "H" and len(body) == 6 and body[0] in (48, 0x30):
            return used, [ProofRequest(body[2:6])]
        if name == "L" and len(body) >= 10 and body[1] == 112:
            width = body[6] + 256 * body[7]
            width_bytes = (width + 7) // 8
            rows = body[8] + 256 * body[9]
            self._stored = _rows(body[10 : 10 + width_bytes * rows], width_bytes)
        elif name == "L" and len(body) == 2 and body[1] in (2, 50) and self._stored is not None:
            stored, self._stored = self._stored, None
            return used, [Print(stored)]
        return used, []

    def _columns(self) -> tuple[int, list[Command]]:
        bytes_per_column = 3 if self._byte(2) >= 32 else 1
        data = self._slice(5, self._word(3) * bytes_per_column)
        columns = np.frombuffer(data, np.uint8).reshape(-1, bytes_per_column)
        self._line = np.unpackbits(columns, axis=1).T.astype(bool)
        return 5 + len(data), []

    def _end_of_line(self) -> list[Command]:
        line, self._line = self._line, None
        return [Feed(_LINE_DOTS)] if line is None else [Print(line)]

    def _byte(self, at: int) -> int:
        return self._slice(at, 1)[0]

    def _word(self, at: int) -> int:
        low, high = self._slice(at, 2)
        return low + 256 * high

    def _slice(self, at: int, length: int) -> bytes:
        if len(self._buffer) < at + length:
            raise _Incomplete
        return self._buffer[at : at + length]


def _rows(data: bytes, width_bytes: int) -> Dots:
    if not width_bytes:
        return np.zeros((0, 0), bool)
    packed = np.frombuffer(data, np.uint8).reshape(-1, width_bytes)
    return np.unpackbits(packed, axis=1).astype(bool)
