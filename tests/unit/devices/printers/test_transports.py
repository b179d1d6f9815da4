from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import usb.core
import usb.util

from devices.errors import LineLost, LineStalled, LineUnavailable, UnknownDevice
from devices.printers import transports
from devices.printers.transports import (
    FileTransport,
    SerialTransport,
    TcpTransport,
    UsbTransport,
    file_transport,
    serial_transport,
    tcp_transport,
    usb_transport,
)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def line(server: socket.socket) -> Iterator[tuple[TcpTransport, socket.socket]]:
    transport = TcpTransport("127.0.0.1", server.getsockname()[1])
    transport.open(1)
    far, _ = server.accept()
    with far:
        yield transport, far
    transport.close()


def test_tcp_carries_both_ways(line: tuple[TcpTransport, socket.socket]) -> None:
    transport, far = line
    transport.write(b"x" * 10_000, 1)
    got = b""
    while len(got) < 10_000:
        got += far.recv(10_000)
    far.sendall(b"\x12")
    assert transport.read(1) == b"\x12"
    assert transport.read(0) == b""
    assert transport.read(0.01) == b""


def test_tcp_says_when_the_other_end_is_gone(line: tuple[TcpTransport, socket.socket]) -> None:
    transport, far = line
    far.close()
    with pytest.raises(LineLost):
        transport.read(1)


def test_tcp_says_when_nothing_moves(line: tuple[TcpTransport, socket.socket]) -> None:
    transport, _ = line
    with pytest.raises(LineStalled, match="bytes left"):
        transport.write(bytes(20_000_000), 0.1)


def test_tcp_refused(server: socket.socket) -> None:
    port = server.getsockname()[1]
    server.close()
    with pytest.raises(LineUnavailable):
        TcpTransport("127.0.0.1", port).open(1)


def test_closing_loses_nothing_that_was_sent(line: tuple[TcpTransport, socket.socket]) -> None:
    """With an unread answer on our side a plain close would reset the line."""
    transport, far = line
    far.sendall(b"\x12")
    transport.write(b"y" * 50_000, 1)
    transport.close()
    got = b""
    while part := far.recv(4096):
        got += part
    assert len(got) == 50_000


@pytest.mark.parametrize(
    "transport",
    [
        TcpTransport("127.0.0.1", 9),
        SerialTransport("none"),
        UsbTransport(1, 2),
        FileTransport(Path("none")),
    ],
)
def test_a_line_not_opened_carries_nothing(transport: transports.Transport) -> None:
    transport.close()
    with pytest.raises(LineLost):
        transport.write(b"x", 0.1)


def test_serial_port_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LineUnavailable):
        SerialTransport(str(tmp_path / "none")).open(1)


def test_serial_port_unplugged_and_stalled() -> None:
    far, near = os.openpty()
    transport = SerialTransport(os.ttyname(near))
    transport.open(1)
    assert transport.read(0.01) == b""
    with pytest.raises(LineStalled):
        transport.write(bytes(200_000), 0.1)
    os.close(far)
    with pytest.raises(LineLost):
        transport.write(b"x", 0.1)
    transport.close()
    os.close(near)


def test_file_appends_and_never_answers(tmp_path: Path) -> None:
    transport = FileTransport(tmp_path / "paper")
    for part in (b"one", b"two"):
        transport.open(1)
        transport.write(part, 1)
        assert transport.read(1) == b""
        transport.close()
    assert (tmp_path / "paper").read_bytes() == b"onetwo"
    assert not FileTransport.can_read


def test_file_in_no_folder_and_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LineUnavailable):
        FileTransport(tmp_path / "none" / "paper").open(1)
    transport = FileTransport(tmp_path / "paper")
    transport.open(1)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(LineLost):
            transport.write(b"x", 1)
    transport.close()


def test_a_pipe_nobody_empties_stalls(tmp_path: Path) -> None:
    fifo = tmp_path / "device"
    os.mkfifo(fifo)
    transport = FileTransport(fifo)
    with pytest.raises(LineUnavailable):
        transport.open(1)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    transport.open(1)
    with pytest.raises(LineStalled):
        transport.write(bytes(500_000), 0.1)
    transport.close()
    os.close(reader)


class UsbPrinter:
    """What pyusb shows of a printer; `fault` is raised by its endpoints."""

    def __init__(self) -> None:
        self.got = b""
        self.answers = [b"\x12", b""]
        self.fault: Exception | None = None
        self.detached = self.claimed = False
        out = SimpleNamespace(bEndpointAddress=0x01, write=self._write)
        into = SimpleNamespace(bEndpointAddress=0x82, read=self._read)
        self.interface = SimpleNamespace(
            bInterfaceClass=7, bInterfaceNumber=0, endpoints=[out, into]
        )

    def get_active_configuration(self) -> list[Any]:
        return [SimpleNamespace(bInterfaceClass=3, bInterfaceNumber=1), self.interface]

    def is_kernel_driver_active(self, number: int) -> bool:
        return number == 0

    def detach_kernel_driver(self, number: int) -> None:
        self.detached = number == 0

    def _write(self, data: bytes, *, timeout: int) -> None:
        assert timeout > 0
        if self.fault:
            raise self.fault
        self.got += data

    def _read(self, size: int, *, timeout: int) -> bytes:
        assert (size, timeout > 0) == (256, True)
        if self.fault:
            raise self.fault
        return self.answers.pop(0)


@pytest.fixture
def usb_printer(monkeypatch: pytest.MonkeyPatch) -> UsbPrinter:
    printer = UsbPrinter()

    def find_descriptor(interface: Any, *, custom_match: Any) -> Any:
        return next(filter(custom_match, interface.endpoints), None)

    def find(**ids: int) -> UsbPrinter | None:
        return printer if ids == {"idVendor": 0x04B8, "idProduct": 0x0E15} else None

    monkeypatch.setattr(usb.core, "find", find)
    monkeypatch.setattr(usb.util, "find_descriptor", find_descriptor)
    monkeypatch.setattr(
        usb.util, "claim_interface", lambda device, _: setattr(device, "claimed", True)
    )
    monkeypatch.setattr(usb.util, "dispose_resources", lambda _: None)
    return printer


def test_usb_takes_the_printer_from_the_kernel_and_carries_both_ways(
    usb_printer: UsbPrinter,
) -> None:
    transport = usb_transport("04b8:0E15")
    transport.open(1)
    assert usb_printer.detached
    assert usb_printer.claimed
    transport.write(b"x" * 5000, 1)
    assert usb_printer.got == b"x" * 5000
    assert transport.read(0.01) == b"\x12"
    assert transport.read(0.01) == b""
    transport.close()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(usb.core.USBTimeoutError("slow"), LineStalled), (usb.core.USBError("gone"), LineLost)],
)
def test_usb_faults(usb_printer: UsbPrinter, fault: Exception, expected: type[Exception]) -> None:
    transport = usb_transport("04b8:0e15")
    transport.open(1)
    usb_printer.fault = fault
    with pytest.raises(expected):
        transport.write(b"x", 1)
    if expected is LineLost:
        with pytest.raises(LineLost):
            transport.read(0.01)
    else:
        assert transport.read(0.01) == b""


def test_usb_device_absent_or_without_endpoints(usb_printer: UsbPrinter) -> None:
    with pytest.raises(LineUnavailable):
        usb_transport("04b8:0001").open(1)
    usb_printer.interface.endpoints = []
    with pytest.raises(LineUnavailable):
        usb_transport("04b8:0e15").open(1)


def test_usb_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(**_: object) -> None:
        raise usb.core.NoBackendError("No backend available")

    monkeypatch.setattr(usb.core, "find", find)
    with pytest.raises(LineUnavailable):
        usb_transport("04b8:0e15").open(1)


@pytest.mark.parametrize(
    ("build", "target"),
    [
        (tcp_transport, "//"),
        (tcp_transport, "10.0.0.5:9100"),
        (tcp_transport, "//host:none"),
        (tcp_transport, "//host:99999"),
        (tcp_transport, "//host:9100/path"),
        (usb_transport, "04b8"),
        (usb_transport, "xyz:0e15"),
        (serial_transport, "/dev/ttyS0@fast"),
    ],
)
def test_a_wrong_address_is_an_unknown_device(build: Any, target: str) -> None:
    with pytest.raises(UnknownDevice):
        build(target)


def test_addresses(tmp_path: Path, server: socket.socket) -> None:
    transport = tcp_transport(f"//127.0.0.1:{server.getsockname()[1]}")
    accepting = threading.Thread(target=lambda: server.accept()[0].close())
    accepting.start()
    transport.open(1)
    accepting.join()
    transport.close()
    assert isinstance(serial_transport("/dev/ttyUSB0@9600"), SerialTransport)
    file_transport(str(tmp_path / "paper")).open(1)
    assert (tmp_path / "paper").exists()
