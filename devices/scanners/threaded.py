"""What every scanner has in common: a thread that reads, reports, and looks for a lost device.

A driver is only a `ScannerLink`: how to connect, read and disconnect. Everything a caller sees of
a scanner (states, queue, one report per code held up, retries, pause) is here, once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from devices.events import DeviceEvent
from devices.models import Frame, Scan, ScannerCause, ScannerState, ScannerStatus, ScanSource

log = logging.getLogger(__name__)

RETRY_AFTER_S = (0.3, 0.5, 1.0, 2.0)
"""Waits before each new try to open a lost device; the last one stays."""
GONE_AFTER_S = 1.5
"""A code not seen for so long has left the scanner: seen again, it counts again."""
_WAITING_SCANS = 16
_READ_S = 0.1
_JOIN_S = 5.0


class LinkLost(Exception):
    """The device cannot be opened or read. Stays inside this package: it becomes a status."""

    def __init__(self, cause: ScannerCause) -> None:
        super().__init__(cause)
        self.cause = cause


class ScannerLink(Protocol):
    """One device. Called by one thread only, except `latest_frame`."""

    name: str
    source: ScanSource
    lossy: bool

    def connect(self) -> None:
        """Opens the device. Raises LinkLost, and may leave nothing open then."""

    def read(self, timeout_s: float) -> Sequence[bytes] | None:
        """Payloads read since the last call, waiting for the first about `timeout_s`.

        None as long as the device has not shown that it works. Raises LinkLost when it went away
        or stopped delivering.
        """

    def disconnect(self) -> None:
        """Lets go of the device; may be called at any time and never raises."""

    def latest_frame(self) -> Frame | None:
        """The newest picture, for links that have pictures."""

    def frame_age_s(self) -> float | None:
        """Since it last changed; None for links that have none."""


def _now() -> datetime:
    return datetime.now(UTC)


class ThreadedScanner:
    """A `CodeScanner` over any link."""

    def __init__(
        self,
        link: ScannerLink,
        *,
        now: Callable[[], datetime] = _now,
        mono_s: Callable[[], float] = time.monotonic,
        retry_after_s: Sequence[float] = RETRY_AFTER_S,
    ) -> None:
        self._link = link
        self._now = now
        self._mono_s = mono_s
        self._retry_after_s = tuple(retry_after_s)
        self._changed = threading.Condition()
        self._scans: deque[Scan] = deque()
        self._last_seen_s: dict[bytes, float] = {}
        self._status = ScannerStatus(state=ScannerState.CLOSED)
        self._awake = True
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def open(self) -> None:
        with self._changed:
            if self._thread is not None:
                return
            self._stop = threading.Event()
            self._awake = True
            self._status = ScannerStatus(state=ScannerState.STARTING)
            self._thread = threading.Thread(
                target=self._run, args=(self._stop,), name=f"scanner {self._link.name}", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        with self._changed:
            thread, self._thread = self._thread, None
            self._stop.set()
            self._changed.notify_all()
        if thread is not None:
            thread.join(_JOIN_S)
        with self._changed:
            self._forget()
            self._status = ScannerStatus(state=ScannerState.CLOSED)

    def pause(self) -> None:
        self._set_awake(awake=False)

    def resume(self) -> None:
        self._set_awake(awake=True)

    def poll(self, timeout_s: float = 0.0) -> Scan | None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._scans), timeout_s)
            return self._scans.popleft() if self._scans else None

    def status(self) -> ScannerStatus:
        with self._changed:
            return self._status

    def latest_frame(self) -> Frame | None:
        return self._link.latest_frame() if self.status().can_read else None

    def frame_age_s(self) -> float | None:
        return self._link.frame_age_s() if self.status().can_read else None

    def _set_awake(self, *, awake: bool) -> None:
        with self._changed:
            if self._thread is None or self._awake == awake:
                return
            self._awake = awake
            self._forget()
            state = ScannerState.STARTING if awake else ScannerState.PAUSED
            self._status = ScannerStatus(state=state)
            self._changed.notify_all()

    def _forget(self) -> None:
        self._scans.clear()
        self._last_seen_s.clear()

    def _run(self, stop: threading.Event) -> None:
        losses = 0
        while self._wait_until_awake(stop):
            try:
                self._link.connect()
                while self._awake and not stop.is_set():
                    payloads = self._link.read(_READ_S)
                    if payloads is None:
                        continue
                    if losses:
                        log.warning("%s device=%s", DeviceEvent.SCANNER_RETURNED, self._link.name)
                    losses = 0
                    self._deliver(payloads)
            except LinkLost as lost:
                self._report_lost(lost.cause, announce=not losses)
                losses += 1
            except Exception as error:  # noqa: BLE001 - a dead thread looks like a quiet one
                # Only the type: its text might hold what was read.
                kind = type(error).__name__
                name = self._link.name
                log.warning("%s device=%s error=%s", DeviceEvent.SCANNER_FAILED, name, kind)
                self._report_lost(ScannerCause.READ_FAILED, announce=not losses)
                losses += 1
            finally:
                self._link.disconnect()
            if losses:
                stop.wait(self._retry_after_s[min(losses, len(self._retry_after_s)) - 1])

    def _wait_until_awake(self, stop: threading.Event) -> bool:
        """False when the scanner is closed instead."""
        with self._changed:
            self._changed.wait_for(lambda: self._awake or stop.is_set())
            return not stop.is_set()

    def _report_lost(self, cause: ScannerCause, *, announce: bool) -> None:
        if announce:
            name = self._link.name
            log.warning("%s device=%s cause=%s", DeviceEvent.SCANNER_LOST, name, cause)
        frozen = cause is ScannerCause.FROZEN
        with self._changed:
            if self._awake:
                state = ScannerState.STALE if frozen else ScannerState.ABSENT
                self._status = ScannerStatus(state=state, cause=cause)

    def _deliver(self, payloads: Sequence[bytes]) -> None:
        mono_s = self._mono_s()
        with self._changed:
            if not self._awake:
                return
            self._status = ScannerStatus(state=ScannerState.READY)
            for payload, seen_s in list(self._last_seen_s.items()):
                if mono_s - seen_s > GONE_AFTER_S:
                    del self._last_seen_s[payload]
            for payload in payloads:
                if payload not in self._last_seen_s:
                    self._enqueue(payload, mono_s)
                self._last_seen_s[payload] = mono_s

    def _enqueue(self, payload: bytes, mono_s: float) -> None:
        if len(self._scans) == _WAITING_SCANS:
            self._scans.popleft()
            log.warning("%s device=%s", DeviceEvent.SCAN_DROPPED, self._link.name)
        self._scans.append(
            Scan(
                untrusted_payload=payload,
                source=self._link.source,
                lossy=self._link.lossy,
                read_at=self._now(),
                read_at_mono_s=mono_s,
            )
        )
        self._changed.notify_all()
