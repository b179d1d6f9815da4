"""The part all scanners share, over a link that does what the test says."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from devices.events import DeviceEvent
from devices.models import Frame, ScannerCause, ScannerState, ScanSource
from devices.scanners.threaded import GONE_AFTER_S, LinkLost, ThreadedScanner


class ScriptedLink:
    name = "scripted"
    source = ScanSource.SERIAL
    lossy = False

    def __init__(self) -> None:
        self.steps: queue.Queue[Sequence[bytes] | Exception | None] = queue.Queue()
        self.connects = 0
        self.reads = 0
        self.refuse: Exception | None = None

    def connect(self) -> None:
        self.connects += 1
        if self.refuse is not None:
            raise self.refuse

    def read(self, timeout_s: float) -> Sequence[bytes] | None:
        self.reads += 1
        try:
            step = self.steps.get(timeout=min(timeout_s, 0.01))
        except queue.Empty:
            return ()
        if isinstance(step, Exception):
            raise step
        return step

    def disconnect(self) -> None: ...

    def latest_frame(self) -> Frame | None:
        return None

    def frame_age_s(self) -> float | None:
        return None


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def link() -> ScriptedLink:
    return ScriptedLink()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scanner(link: ScriptedLink, clock: Clock) -> Iterator[ThreadedScanner]:
    made = ThreadedScanner(link, mono_s=clock, retry_after_s=(0.01,))
    yield made
    made.close()


def wait_for(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.002)


def test_a_code_seen_all_the_time_comes_once_however_long(
    scanner: ThreadedScanner, link: ScriptedLink, clock: Clock
) -> None:
    scanner.open()
    for _ in range(5):
        link.steps.put([b"card"])
        wait_for(link.steps.empty)
        reads = link.reads
        wait_for(lambda: link.reads > reads)  # noqa: B023  # asked before the loop goes on
        clock.now_s += GONE_AFTER_S * 0.9
    assert scanner.poll() is not None
    assert scanner.poll() is None
    clock.now_s += GONE_AFTER_S * 0.2
    link.steps.put([b"card"])
    scan = scanner.poll(20.0)
    assert scan is not None
    assert scan.read_at_mono_s == clock.now_s


def test_nobody_polling_costs_the_oldest_and_is_logged_without_the_payload(
    scanner: ThreadedScanner, link: ScriptedLink, caplog: pytest.LogCaptureFixture
) -> None:
    link.steps.put([f"card {number}".encode() for number in range(20)])
    scanner.open()
    wait_for(lambda: link.reads > 1)
    assert DeviceEvent.SCAN_DROPPED in caplog.text
    first = scanner.poll(20.0)
    assert first is not None
    assert first.untrusted_payload == b"card 4"
    assert "card" not in caplog.text


def test_starting_until_the_device_has_shown_that_it_works(
    scanner: ThreadedScanner, link: ScriptedLink
) -> None:
    for _ in range(200):
        link.steps.put(None)
    scanner.open()
    assert scanner.status().state is ScannerState.STARTING
    assert not scanner.status().can_read


def test_lost_and_returned_are_each_logged_once(
    scanner: ThreadedScanner, link: ScriptedLink, caplog: pytest.LogCaptureFixture
) -> None:
    link.refuse = LinkLost(ScannerCause.REFUSED)
    scanner.open()
    wait_for(lambda: link.connects >= 4)
    assert scanner.status().cause is ScannerCause.REFUSED
    link.refuse = None
    wait_for(lambda: scanner.status().can_read)
    wait_for(lambda: DeviceEvent.SCANNER_RETURNED in caplog.text)
    assert [record.getMessage().split()[0] for record in caplog.records] == [
        DeviceEvent.SCANNER_LOST,
        DeviceEvent.SCANNER_RETURNED,
    ]


def test_frozen_is_stale_and_not_absent(scanner: ThreadedScanner, link: ScriptedLink) -> None:
    scanner.open()
    wait_for(lambda: scanner.status().can_read)
    link.refuse = LinkLost(ScannerCause.FROZEN)
    link.steps.put(LinkLost(ScannerCause.FROZEN))
    wait_for(lambda: scanner.status().state is ScannerState.STALE)


def test_a_fault_nobody_foresaw_is_a_status_too_and_its_text_is_not_logged(
    scanner: ThreadedScanner, link: ScriptedLink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scanner.open()
    link.steps.put(RuntimeError("079085000000"))
    wait_for(lambda: link.connects >= 2)
    wait_for(lambda: scanner.status().can_read)
    assert "RuntimeError" in caplog.text
    assert "079085" not in caplog.text


def test_pausing_a_closed_scanner_changes_nothing(scanner: ThreadedScanner) -> None:
    scanner.pause()
    scanner.resume()
    assert scanner.status().state is ScannerState.CLOSED
