"""A serial scanner over a pseudo terminal: what comes in is what comes out."""

from __future__ import annotations

import os
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.models import ScannerCause
from devices.scanners.framing import MAX_PAYLOAD_BYTES
from devices.scanners.serial_scanner import SerialLink
from devices.scanners.threaded import LinkLost


class Line:
    """A connected link and the scanner's end of its line."""

    def __init__(self) -> None:
        self.scanner_end, self.our_end = os.openpty()
        tty.setraw(self.our_end)
        self.link = SerialLink(os.ttyname(self.our_end))

    def read(self, within_s: float = 20.0) -> list[bytes]:
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            if codes := self.link.read(0.1):
                return list(codes)
        return []

    def close(self) -> None:
        self.link.disconnect()
        for end in (self.scanner_end, self.our_end):
            os.close(end)


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


def test_bytes_come_through_as_they_are(line: Line) -> None:
    line.link.connect()
    os.write(line.scanner_end, "Vũ Thị Na|Nữ".encode() + b"\xff\x00\r\n")
    assert line.read() == ["Vũ Thị Na|Nữ".encode() + b"\xff\x00"]


def test_a_scanner_without_a_suffix_is_done_when_it_is_silent(line: Line) -> None:
    line.link.connect()
    os.write(line.scanner_end, b"BN001")
    assert line.read() == [b"BN001"]


def test_what_was_scanned_while_nobody_listened_is_dropped(line: Line) -> None:
    os.write(line.scanner_end, b"BN001\r")
    line.link.connect()
    os.write(line.scanner_end, b"BN002\r")
    assert line.read() == [b"BN002"]


def test_a_megabyte_is_cut_and_the_next_code_is_whole(line: Line) -> None:
    line.link.connect()
    flood = b"x" * 1_000_000 + b"\rBN001\r"

    def send() -> None:
        rest = memoryview(flood)
        while rest:
            rest = rest[os.write(line.scanner_end, rest[:4096]) :]

    sender = threading.Thread(target=send)
    sender.start()
    codes: list[bytes] = []
    while len(codes) < 2:
        fresh = line.read(20.0)
        assert fresh
        codes += fresh
    sender.join()
    assert codes == [b"x" * (MAX_PAYLOAD_BYTES + 1), b"BN001"]


def test_a_second_program_is_refused_the_line(line: Line) -> None:
    line.link.connect()
    second = SerialLink(os.ttyname(line.our_end))
    with pytest.raises(LinkLost) as lost:
        second.connect()
    assert lost.value.cause is ScannerCause.REFUSED


def test_a_line_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(LinkLost) as lost:
        SerialLink(str(tmp_path / "ttyACM9")).connect()
    assert lost.value.cause is ScannerCause.NOT_FOUND
