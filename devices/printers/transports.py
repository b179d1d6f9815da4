"""Lines to a printer: they carry bytes and know nothing of tickets.

Errors of sockets, serial ports and USB end here, as PrinterLineError.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

import serial
import usb.core
import usb.util

from devices.errors import LineLost, LineStalled, LineUnavailable, UnknownDevice

_CHUNK = 2048
"""Small enough that even 9600 baud moves one within a write's time limit."""
_USB_PRINTER_CLASS = 7


class Transport(Protocol):
    """One line, opened for a job and closed after it."""

    can_read: ClassVar[bool]
    """Whether anything can come back: without it nothing printed is ever confirmed."""

    def open(self, timeout_s: float) -> None:
        """Opens the line. Raises LineUnavailable."""

    def write(self, data: bytes, timeout_s: float) -> None:
        """Hands over everything. Raises LineStalled when nothing moves for `timeout_s`,
        LineLost when the line breaks; how much had gone before is not known then.
        """

    def read(self, timeout_s: float) -> bytes:
        """What came, empty when nothing did in time. Raises LineLost."""

    def close(self) -> None:
        """Closes the line; closing a closed one changes nothing."""


class TcpTransport:
    """Raw printing over the network, mostly port 9100."""

    can_read: ClassVar[bool] = True

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None

    def open(self, timeout_s: float) -> None:
        try:
            self._socket = socket.create_connection(self._address, timeout=timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise LineUnavailable(type(error).__name__) from error

    def write(self, data: bytes, timeout_s: float) -> None:
        line = self._opened()
        line.settimeout(timeout_s)
        left = memoryview(data)
        try:
            while left:
                left = left[line.send(left[:_CHUNK]) :]
        except TimeoutError as error:
            raise LineStalled(f"{len(left)} bytes left") from error
        except OSError as error:
            raise LineLost(type(error).__name__) from error

    def read(self, timeout_s: float) -> bytes:
        line = self._opened()
        line.settimeout(max(timeout_s, 0))
        try:
            data = line.recv(256)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise LineLost(type(error).__name__) from error
        if not data:
            raise LineLost("closed by the printer")
        return data

    def close(self) -> None:
        if self._socket is None:
            return
        with contextlib.suppress(OSError):
            # Closing with unread bytes resets the connection, and a reset may throw away
            # what the printer has not read yet.
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.setblocking(False)
            while self._socket.recv(4096):
                pass
        self._socket.close()
        self._socket = None

    def _opened(self) -> socket.socket:
        if self._socket is None:
            raise LineLost("not open")
        return self._socket


class SerialTransport:
    """A serial port, 8N1. Slower than 115,200 baud a ticket takes minutes."""

    can_read: ClassVar[bool] = True

    def __init__(self, device: str, baud: int = 115_200) -> None:
        self._device = device
        self._baud = baud
        self._port: serial.Serial | None = None

    def open(self, timeout_s: float) -> None:  # noqa: ARG002 - a local port opens or does not
        try:
            self._port = serial.Serial(
                self._device, baudrate=self._baud, timeout=0, dsrdtr=True, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise LineUnavailable(type(error).__name__) from error

    def write(self, data: bytes, timeout_s: float) -> None:
        port = self._opened()
        try:
            port.write_timeout = timeout_s
            for at in range(0, len(data), _CHUNK):
                port.write(data[at : at + _CHUNK])
        except serial.SerialTimeoutException as error:
            raise LineStalled(type(error).__name__) from error
        except OSError as error:
            raise LineLost(type(error).__name__) from error

    def read(self, timeout_s: float) -> bytes:
        port = self._opened()
        try:
            select.select([port.fileno()], [], [], timeout_s)
            return bytes(port.read(256))
        except OSError as error:
            raise LineLost(type(error).__name__) from error

    def close(self) -> None:
        if self._port is not None:
            with contextlib.suppress(OSError):
                self._port.close()
            self._port = None

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise LineLost("not open")
        return self._port


class UsbTransport:
    """A printer on USB without the kernel's driver; the first of that vendor and product."""

    can_read: ClassVar[bool] = True

    def __init__(self, vendor_id: int, product_id: int) -> None:
        self._ids = (vendor_id, product_id)
        self._device: Any = None
        self._out: Any = None
        self._in: Any = None

    def open(self, timeout_s: float) -> None:  # noqa: ARG002 - a local port opens or does not
        try:
            device = usb.core.find(idVendor=self._ids[0], idProduct=self._ids[1])
            if device is None:
                raise LineUnavailable("no such device on USB")
            interface = _printer_interface(device)
            if device.is_kernel_driver_active(interface.bInterfaceNumber):
                device.detach_kernel_driver(interface.bInterfaceNumber)
            usb.util.claim_interface(device, interface.bInterfaceNumber)
        # pyusb raises NotImplementedError where a backend cannot detach a kernel driver.
        except (usb.core.USBError, usb.core.NoBackendError, NotImplementedError) as error:
            raise LineUnavailable(type(error).__name__) from error
        self._device = device
        self._out = _endpoint(interface, usb.util.ENDPOINT_OUT)
        self._in = _endpoint(interface, usb.util.ENDPOINT_IN)

    def write(self, data: bytes, timeout_s: float) -> None:
        self._require_open()
        try:
            for at in range(0, len(data), _CHUNK):
                # Without a time limit pyusb waits for ever.
                self._out.write(data[at : at + _CHUNK], timeout=int(timeout_s * 1000))
        except usb.core.USBTimeoutError as error:
            raise LineStalled(type(error).__name__) from error
        except usb.core.USBError as error:
            raise LineLost(type(error).__name__) from error

    def read(self, timeout_s: float) -> bytes:
        self._require_open()
        try:
            # An empty packet is an answer of "nothing" at once: wait here, not in a hot loop.
            data = bytes(self._in.read(256, timeout=max(1, int(timeout_s * 1000))))
        except usb.core.USBTimeoutError:
            return b""
        except usb.core.USBError as error:
            raise LineLost(type(error).__name__) from error
        if not data:
            time.sleep(min(timeout_s, 0.01))
        return data

    def close(self) -> None:
        if self._device is not None:
            with contextlib.suppress(usb.core.USBError):
                usb.util.dispose_resources(self._device)
            self._device = self._out = self._in = None

    def _require_open(self) -> None:
        if self._device is None:
            raise LineLost("not open")


class FileTransport:
    """Appends to a file, or writes to a device node. Nothing ever comes back."""

    can_read: ClassVar[bool] = False

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def open(self, timeout_s: float) -> None:  # noqa: ARG002 - a file opens or does not
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY
        try:
            self._descriptor = os.open(self._file, flags, 0o600)
        except OSError as error:
            raise LineUnavailable(type(error).__name__) from error

    def write(self, data: bytes, timeout_s: float) -> None:
        if self._descriptor is None:
            raise LineLost("not open")
        left = memoryview(data)
        try:
            while left:
                _, writable, _ = select.select([], [self._descriptor], [], timeout_s)
                if not writable:
                    raise LineStalled(f"{len(left)} bytes left")
                left = left[os.write(self._descriptor, left[:_CHUNK]) :]
        except OSError as error:
            raise LineLost(type(error).__name__) from error

    def read(self, timeout_s: float) -> bytes:  # noqa: ARG002 - nothing ever comes
        return b""

    def close(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None


def tcp_transport(target: str) -> TcpTransport:
    """For `//host:port`, port 9100 when none is given. Raises UnknownDevice."""
    parts = urlsplit(target)
    try:
        port = parts.port or 9100
    except ValueError:
        raise UnknownDevice("tcp: no such port") from None
    if not parts.hostname or parts.path.strip("/"):
        raise UnknownDevice("tcp: //host:port expected")
    return TcpTransport(parts.hostname, port)


def serial_transport(target: str) -> SerialTransport:
    """For `/dev/…`, with `@baud` when it is not 115,200. Raises UnknownDevice."""
    device, _, baud = target.partition("@")
    if baud and not (baud.isascii() and baud.isdigit()):
        raise UnknownDevice("serial: /dev/…@baud expected")
    return SerialTransport(device, int(baud or 115_200))


def usb_transport(target: str) -> UsbTransport:
    """For `VID:PID` in hexadecimal. Raises UnknownDevice."""
    vendor, _, product = target.partition(":")
    try:
        return UsbTransport(int(vendor, 16), int(product, 16))
    except ValueError:
        raise UnknownDevice("usb: VID:PID in hexadecimal expected") from None


def file_transport(target: str) -> FileTransport:
    """For a path."""
    return FileTransport(Path(target))


def _printer_interface(device: Any) -> Any:
    """The interface of the printer class; some models declare none, then the first."""
    interfaces = list(device.get_active_configuration())
    for interface in interfaces:
        if interface.bInterfaceClass == _USB_PRINTER_CLASS:
            return interface
    return interfaces[0]


def _endpoint(interface: Any, direction: int) -> Any:
    found = usb.util.find_descriptor(
        interface,
        custom_match=lambda endpoint: (
            usb.util.endpoint_direction(endpoint.bEndpointAddress) == direction
        ),
    )
    if found is None:
        raise LineUnavailable("no endpoint in that direction")
    return found
