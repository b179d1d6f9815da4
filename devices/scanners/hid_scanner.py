"""A scanner that types like a keyboard, read beside the window system: the fallback.

The device is grabbed, so that nothing it types reaches the screen or the system. A keyboard sends
keys, not characters: these scanners drop every letter with a mark, which makes a reading lossy.
Event layout and key numbers are those of linux/input.h and linux/input-event-codes.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
from collections.abc import Callable

from devices.models import ScannerCause, ScanSource
from devices.scanners.framing import FramedLink
from devices.scanners.threaded import LinkLost, ThreadedScanner

_EVENT = struct.Struct("@llHHi")  # struct input_event: seconds, microseconds, type, code, value
_EV_KEY = 1
_EVIOCGRAB = 0x40044590
_RELEASED, _PRESSED = 0, 1  # 2 would be a key held down: no scanner holds one
_SHIFTS = frozenset({42, 54})

# The US layout, by rows of keys with consecutive numbers: plain, then with shift.
_ROWS = (
    (2, b"1234567890-=", b"!@#$%^&*()_+"),
    (15, b"\tqwertyuiop[]\r", b"\tQWERTYUIOP{}\r"),
    (30, b"asdfghjkl;'`", b'ASDFGHJKL:"~'),
    (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
    (55, b"*", b"*"),
    (57, b" ", b" "),
    (71, b"789-456+1230.", b"789-456+1230."),
    (96, b"\r", b"\r"),
    (98, b"/", b"/"),
)
_KEYS = {
    first + place: (plain[place : place + 1], shifted[place : place + 1])
    for first, plain, shifted in _ROWS
    for place in range(len(plain))
}


class KeyReader:
    """Turns raw events into the characters typed; keeps halves of events and the shift keys."""

    def __init__(self) -> None:
        self._rest = b""
        self._shifts_down: set[int] = set()

    def feed(self, data: bytes) -> bytes:
        data = self._rest + data
        whole = len(data) - len(data) % _EVENT.size
        self._rest = data[whole:]
        return b"".join(
            self._key(code, value)
            for _, _, kind, code, value in _EVENT.iter_unpack(data[:whole])
            if kind == _EV_KEY
        )

    def _key(self, code: int, value: int) -> bytes:
        if code in _SHIFTS:
            if value == _RELEASED:
                self._shifts_down.discard(code)
            else:
                self._shifts_down.add(code)
            return b""
        if value != _PRESSED or code not in _KEYS:
            return b""
        return _KEYS[code][bool(self._shifts_down)]


def grab(descriptor: int) -> None:
    """Takes the keyboard for this process alone. Raises OSError."""
    fcntl.ioctl(descriptor, _EVIOCGRAB, 1)


class HidLink(FramedLink):
    source = ScanSource.KEYBOARD
    lossy = True

    def __init__(self, device: str, *, grab: Callable[[int], None] = grab) -> None:
        super().__init__(f"hid:{device}")
        self._device = device
        self._grab = grab
        self._descriptor: int | None = None
        self._keys = KeyReader()

    def disconnect(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)  # and the grab with it

    def _open(self) -> None:
        self._keys = KeyReader()
        try:
            self._descriptor = os.open(self._device, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            self._grab(self._descriptor)
        except OSError as error:
            missing = error.errno in {errno.ENOENT, errno.ENODEV, errno.ENXIO}
            cause = ScannerCause.NOT_FOUND if missing else ScannerCause.REFUSED
            raise LinkLost(cause) from error

    def _receive(self, timeout_s: float) -> bytes:
        descriptor = self._descriptor
        if descriptor is None:
            raise LinkLost(ScannerCause.READ_FAILED)
        try:
            ready, _, _ = select.select([descriptor], [], [], timeout_s)
            if not ready:
                return b""
            data = os.read(descriptor, 64 * _EVENT.size)
        except OSError as error:
            raise LinkLost(ScannerCause.READ_FAILED) from error
        if not data:
            raise LinkLost(ScannerCause.READ_FAILED)
        return self._keys.feed(data)


def hid_scanner(device: str) -> ThreadedScanner:
    """A scanner in keyboard mode by its path in /dev/input/by-id (the one ending in event-kbd)."""
    return ThreadedScanner(HidLink(device))
