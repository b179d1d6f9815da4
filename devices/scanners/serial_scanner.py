"""A hand or desk scanner on a serial line, real or over USB: every byte comes through."""

from __future__ import annotations

import errno

import serial

from devices.models import ScannerCause, ScanSource
from devices.scanners.framing import FramedLink
from devices.scanners.threaded import LinkLost, ThreadedScanner

_BAUD = 9600  # the usual setting of scanners on a real line; over USB it means nothing
_CHUNK_BYTES = 4096


class SerialLink(FramedLink):
    source = ScanSource.SERIAL
    lossy = False

    def __init__(self, device: str) -> None:
        super().__init__(f"serial:{device}")
        self._device = device
        self._port: serial.Serial | None = None

    def disconnect(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.close()

    def _open(self) -> None:
        try:
            self._port = serial.Serial(self._device, _BAUD, timeout=0, exclusive=True)
            # What was scanned while nobody listened belongs to nobody here.
            self._port.reset_input_buffer()
        except OSError as error:
            missing = error.errno in {errno.ENOENT, errno.ENODEV, errno.ENXIO}
            cause = ScannerCause.NOT_FOUND if missing else ScannerCause.REFUSED
            raise LinkLost(cause) from error

    def _receive(self, timeout_s: float) -> bytes:
        port = self._port
        if port is None:
            raise LinkLost(ScannerCause.READ_FAILED)
        try:
            port.timeout = timeout_s
            first: bytes = port.read(1)
            port.timeout = 0
            return first + port.read(_CHUNK_BYTES) if first else b""
        except (OSError, TypeError) as error:
            # pyserial stumbles over its own closed descriptor (a TypeError) when it is unplugged.
            raise LinkLost(ScannerCause.READ_FAILED) from error


def serial_scanner(device: str) -> ThreadedScanner:
    """A scanner in virtual COM mode by its device path, best the one in /dev/serial/by-id."""
    return ThreadedScanner(SerialLink(device))
