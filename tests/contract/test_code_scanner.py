"""What every code scanner promises, held by each driver over a device that can be unplugged."""

from __future__ import annotations

import os
import struct
import threading
import time
import tty
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.models import Scan, ScannerCause, ScannerState, ScanSource
from devices.ports import CodeScanner
from devices.scanners.frame_sources import mjpeg_source
from devices.scanners.hid_scanner import _KEYS, HidLink
from devices.scanners.opencv_camera import CameraLink
from devices.scanners.serial_scanner import SerialLink
from devices.scanners.threaded import ThreadedScanner
from devices.simulated.camera import SimulatedCamera, Trouble

PAYLOAD = b"079085000000||Nguyen Van Thu|05091985|Nam|Linh Dong|12082021"
OTHER = b"001190000000||Vu Thi Na|02011990|Nu|To 1, Ba Vi|15062021"
NOTICED_WITHIN_S = 8.0
RETRY_AFTER_S = (0.05,)


class Rig:
    """A scanner and the hand that works its device. The device is unplugged at first."""

    source: ScanSource
    lossy = False
    payload = PAYLOAD
    scanner: CodeScanner

    def plug(self) -> None:
        raise NotImplementedError

    def unplug(self) -> None:
        raise NotImplementedError

    def hold_up(self, payload: bytes) -> None:
        raise NotImplementedError

    def take_away(self) -> None:
        """Only where a code stays before the scanner."""


class CameraRig(Rig):
    source = ScanSource.CAMERA
    payload = PAYLOAD.replace(b"Thu", "Thử".encode())

    def __init__(self, folder: Path) -> None:
        self.camera = SimulatedCamera(size=(640, 480))
        self.camera.start()  # to have a port
        url = self.camera.url
        self.camera.stop()
        link = CameraLink("mjpeg", lambda: mjpeg_source(url))
        self.scanner = ThreadedScanner(link, retry_after_s=RETRY_AFTER_S)

    def plug(self) -> None:
        self.camera.start()

    def unplug(self) -> None:
        self.camera.stop()

    def hold_up(self, payload: bytes) -> None:
        self.camera.show_card(payload)

    def take_away(self) -> None:
        self.camera.take_card_away()


class SerialRig(Rig):
    source = ScanSource.SERIAL
    payload = PAYLOAD.replace(b"Thu", "Thử".encode())

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ttyACM0"
        self._ends: tuple[int, int] | None = None
        self.scanner = ThreadedScanner(SerialLink(str(self._path)), retry_after_s=RETRY_AFTER_S)

    def plug(self) -> None:
        self._ends = os.openpty()
        tty.setraw(self._ends[1])
        self._path.symlink_to(os.ttyname(self._ends[1]))

    def unplug(self) -> None:
        if self._ends is None:
            return
        self._path.unlink()
        for end in self._ends:
            os.close(end)
        self._ends = None

    def hold_up(self, payload: bytes) -> None:
        assert self._ends is not None
        os.write(self._ends[0], payload + b"\r")


class HidRig(Rig):
    source = ScanSource.KEYBOARD
    lossy = True

    def __init__(self, folder: Path) -> None:
        self._path = folder / "usb-scanner-event-kbd"
        self._end: int | None = None
        link = HidLink(str(self._path), grab=lambda descriptor: None)
        self.scanner = ThreadedScanner(link, retry_after_s=RETRY_AFTER_S)

    def plug(self) -> None:
        os.mkfifo(self._path)
        self._end = os.open(self._path, os.O_RDWR)

    def unplug(self) -> None:
        if self._end is not None:
            self._path.unlink()
            os.close(self._end)
            self._end = None

    def hold_up(self, payload: bytes) -> None:
        assert self._end is not None
        os.write(self._end, b"".join(typed(character) for character in payload + b"\r"))


def typed(character: int) -> bytes:
    """The key events of one character on a US keyboard."""
    for code, (plain, shifted) in _KEYS.items():
        if plain == bytes([character]):
            return event(code, 1) + event(code, 0)
        if shifted == bytes([character]):
            return event(42, 1) + event(code, 1) + event(code, 0) + event(42, 0)
    raise AssertionError(character)


def event(code: int, value: int) -> bytes:
    synchronise = struct.pack("@llHHi", 0, 0, 0, 0, 0)
    return struct.pack("@llHHi", 0, 0, 1, code, value) + synchronise


@pytest.fixture(params=[CameraRig, SerialRig, HidRig], ids=["camera", "serial", "hid"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made: Rig = request.param(tmp_path)
    yield made
    made.scanner.close()
    made.unplug()


def wait_for(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.005)


def open_and_wait(rig: Rig) -> CodeScanner:
    rig.plug()
    rig.scanner.open()
    wait_for(lambda: rig.scanner.status().can_read)
    return rig.scanner


def get_scan(scanner: CodeScanner) -> Scan:
    scan = scanner.poll(20.0)
    assert scan is not None
    return scan


def test_before_it_is_opened_it_is_closed_and_reads_nothing(rig: Rig) -> None:
    assert rig.scanner.status().state is ScannerState.CLOSED
    assert rig.scanner.poll() is None
    assert rig.scanner.latest_frame() is None
    rig.scanner.close()


def test_a_code_arrives_as_its_bytes_with_time_and_source(rig: Rig) -> None:
    scanner = open_and_wait(rig)
    before_s = time.monotonic()
    rig.hold_up(rig.payload)
    scan = get_scan(scanner)
    assert scan.untrusted_payload == rig.payload
    assert scan.source is rig.source
    assert scan.lossy is rig.lossy
    assert before_s <= scan.read_at_mono_s <= time.monotonic()
    assert scan.read_at.utcoffset() == timedelta(0)
    assert abs(scan.read_at - datetime.now(UTC)) < timedelta(seconds=5)
    assert "0790" not in repr(scan)


def test_a_code_that_stays_comes_once_and_again_after_it_left(rig: Rig) -> None:
    scanner = open_and_wait(rig)
    rig.hold_up(rig.payload)
    get_scan(scanner)
    rig.hold_up(rig.payload)
    assert scanner.poll(0.8) is None
    rig.take_away()
    time.sleep(1.8)
    rig.hold_up(rig.payload)
    assert get_scan(scanner).untrusted_payload == rig.payload


def test_another_code_comes_at_once(rig: Rig) -> None:
    scanner = open_and_wait(rig)
    rig.hold_up(rig.payload)
    assert get_scan(scanner).untrusted_payload == rig.payload
    rig.hold_up(OTHER)
    assert get_scan(scanner).untrusted_payload == OTHER


def test_unplugged_is_said_in_time_with_a_cause_and_plugged_in_again_it_reads(rig: Rig) -> None:
    scanner = open_and_wait(rig)
    for _ in range(2):
        rig.unplug()
        wait_for(lambda: not scanner.status().can_read, NOTICED_WITHIN_S)
        assert scanner.status().state is ScannerState.ABSENT
        assert scanner.status().cause is not None
        assert scanner.latest_frame() is None
        rig.plug()
        wait_for(lambda: scanner.status().can_read)
    rig.hold_up(rig.payload)
    assert get_scan(scanner).untrusted_payload == rig.payload


def test_absent_at_the_start_is_a_status_and_it_is_found_later(rig: Rig) -> None:
    rig.scanner.open()
    wait_for(lambda: rig.scanner.status().state is ScannerState.ABSENT)
    assert rig.scanner.status().cause is ScannerCause.NOT_FOUND
    assert rig.scanner.poll() is None
    rig.plug()
    wait_for(lambda: rig.scanner.status().can_read)


def test_paused_it_reads_nothing_and_forgets_what_was_read(rig: Rig) -> None:
    scanner = open_and_wait(rig)
    rig.hold_up(rig.payload)
    time.sleep(0.5)
    scanner.pause()
    assert scanner.status().state is ScannerState.PAUSED
    assert scanner.poll() is None
    assert scanner.latest_frame() is None
    rig.take_away()
    time.sleep(0.3)
    scanner.resume()
    wait_for(lambda: scanner.status().can_read)
    rig.hold_up(OTHER)
    assert get_scan(scanner).untrusted_payload == OTHER


def test_paused_while_absent_it_says_paused(rig: Rig) -> None:
    rig.scanner.open()
    wait_for(lambda: rig.scanner.status().state is ScannerState.ABSENT)
    rig.scanner.pause()
    time.sleep(0.3)
    assert rig.scanner.status().state is ScannerState.PAUSED


def test_closed_it_leaves_no_thread_and_opens_again(rig: Rig) -> None:
    threads_before = threading.active_count()
    rig.plug()
    with_device = threading.active_count()
    rig.scanner.open()
    rig.scanner.open()
    wait_for(lambda: rig.scanner.status().can_read)
    rig.hold_up(rig.payload)
    get_scan(rig.scanner)
    rig.scanner.close()
    rig.scanner.close()
    assert rig.scanner.status().state is ScannerState.CLOSED
    rig.take_away()
    wait_for(lambda: threading.active_count() <= with_device)
    rig.scanner.open()
    wait_for(lambda: rig.scanner.status().can_read)
    rig.hold_up(rig.payload)
    assert get_scan(rig.scanner).untrusted_payload == rig.payload
    rig.scanner.close()
    rig.unplug()
    wait_for(lambda: threading.active_count() <= threads_before)


def test_polling_waits_no_longer_than_asked(rig: Rig) -> None:
    scanner = open_and_wait(rig)
    started_s = time.monotonic()
    assert scanner.poll(0.2) is None
    assert 0.15 < time.monotonic() - started_s < 4


@pytest.mark.parametrize("trouble", list(Trouble))
def test_a_camera_in_trouble_says_so_in_time_and_recovers(trouble: Trouble, tmp_path: Path) -> None:
    rig = CameraRig(tmp_path)
    try:
        scanner = open_and_wait(rig)
        rig.camera.make_trouble(trouble)
        wait_for(lambda: not scanner.status().can_read, NOTICED_WITHIN_S)
        assert scanner.status().cause is not None
        time.sleep(0.5)
        assert not scanner.status().can_read
        rig.camera.make_trouble(None)
        wait_for(lambda: scanner.status().can_read)
        rig.hold_up(rig.payload)
        assert get_scan(scanner).untrusted_payload == rig.payload
    finally:
        rig.scanner.close()
        rig.unplug()
