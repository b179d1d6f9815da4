"""What devices hand out: values only, no driver, no library of a device."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Frame: TypeAlias = NDArray[np.uint8]
"""A picture: height x width (grey) or height x width x 3 (BGR)."""


class ScanSource(StrEnum):
    """What kind of device read a code."""

    CAMERA = "camera"
    SERIAL = "serial"
    KEYBOARD = "keyboard"


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One code held before a scanner, as the raw bytes it carries.

    `lossy` says that the device cannot deliver every character (scanners that type like a
    keyboard): only the number in it may be used. `read_at` is aware UTC; `read_at_mono_s` is
    the monotonic clock at the same moment, for measuring how long the rest took.
    """

    untrusted_payload: bytes = field(repr=False)
    source: ScanSource
    lossy: bool = False
    read_at: datetime
    read_at_mono_s: float


class ScannerState(StrEnum):
    """Expected conditions of a scanner, not errors."""

    CLOSED = "closed"
    """Not opened yet, or closed on purpose."""
    STARTING = "starting"
    """Opened, nothing heard from the device yet."""
    READY = "ready"
    PAUSED = "paused"
    """Asleep because nobody needs it; the device is released."""
    ABSENT = "absent"
    """Cannot be opened, or went away. It is looked for again without being asked."""
    STALE = "stale"
    """Still connected but delivers nothing new; it is being opened again."""


class ScannerCause(StrEnum):
    """Why a scanner is absent or stale."""

    NOT_FOUND = "not_found"
    REFUSED = "refused"
    """Exists but may not be opened: rights, or held by another program."""
    READ_FAILED = "read_failed"
    FROZEN = "frozen"
    """The same picture again and again, or none in time."""


@dataclass(frozen=True, kw_only=True)
class ScannerStatus:
    """What a scanner can do now, with the cause when that is nothing."""

    state: ScannerState
    cause: ScannerCause | None = None

    @property
    def can_read(self) -> bool:
        return self.state is ScannerState.READY
