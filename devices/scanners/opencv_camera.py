"""A camera as a code scanner: one thread takes pictures, the scanner's own thread decodes.

Between them is one slot: the newest picture wins, so a slow decode never makes the scanner lag.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from devices.models import Frame, ScannerCause, ScanSource
from devices.scanners.decoding import decode
from devices.scanners.frame_sources import FilmSource, FrameSource, camera_source, mjpeg_source
from devices.scanners.threaded import LinkLost, ThreadedScanner

STALE_AFTER_S = 1.5
# Harder looks are spread over the pictures of a card held still, so none may take long.
_DECODE_BUDGET_S = 0.05
_OPEN_LIMIT_S = 4.0  # a USB camera may take three seconds to its first pictures


class CameraLink:
    """A `ScannerLink` over any source of pictures."""

    source = ScanSource.CAMERA
    lossy = False

    def __init__(self, name: str, open_source: Callable[[], FrameSource]) -> None:
        self.name = name
        self._open_source = open_source
        self._capture: _Capture | None = None
        self._turn = 0
        self._rest_until_s = 0.0

    def connect(self) -> None:
        self._capture = _Capture(self._open_source(), name=self.name)

    def read(self, timeout_s: float) -> Sequence[bytes] | None:
        capture = self._capture
        if capture is None:
            raise LinkLost(ScannerCause.READ_FAILED)
        frame = capture.take_frame(timeout_s)
        if frame is None:
            return () if capture.is_alive else None
        if time.monotonic() < self._rest_until_s:
            return ()
        started_s = time.monotonic()
        payloads = decode(frame, budget_s=_DECODE_BUDGET_S, turn=self._turn)
        self._turn += 1
        # Two thirds of a core at most: the screen is drawn on the same machine.
        ended_s = time.monotonic()
        self._rest_until_s = ended_s + (ended_s - started_s) / 2
        return payloads

    def disconnect(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.stop()

    def latest_frame(self) -> Frame | None:
        capture = self._capture
        return None if capture is None else capture.newest

    def frame_age_s(self) -> float | None:
        capture = self._capture
        return None if capture is None else capture.age_s()


class _Capture:
    """The thread that takes pictures. Once stopped it lets go of the source as soon as it can.

    It is never waited for: a read in a stalled driver cannot be interrupted.
    """

    def __init__(self, source: FrameSource, *, name: str) -> None:
        self.newest: Frame | None = None
        self.is_alive = False
        """Whether it has shown two pictures that differ: a stuck camera shows one."""
        self._source = source
        self._fresh = threading.Condition()
        self._taken = True
        self._lost: ScannerCause | None = None
        self._stopped = False
        self._changed_at_s = time.monotonic()
        threading.Thread(target=self._run, name=f"capture {name}", daemon=True).start()

    def take_frame(self, timeout_s: float) -> Frame | None:
        """The newest picture if not taken before, None when there is none within `timeout_s`.

        Raises LinkLost when the source went away or has shown nothing new for too long.
        """
        with self._fresh:
            self._fresh.wait_for(lambda: self._lost or not self._taken, timeout_s)
            if self._lost is not None:
                raise LinkLost(self._lost)
            limit_s = STALE_AFTER_S if self.is_alive else _OPEN_LIMIT_S
            if time.monotonic() - self._changed_at_s > limit_s:
                raise LinkLost(ScannerCause.FROZEN)
            if self._taken or not self.is_alive:
                return None
            self._taken = True
            return self.newest

    def age_s(self) -> float | None:
        """None before the first picture."""
        with self._fresh:
            return time.monotonic() - self._changed_at_s if self.newest is not None else None

    def stop(self) -> None:
        self._stopped = True

    def _run(self) -> None:
        try:
            self._source.open()
            while not self._stopped:
                self._put(self._source.read())
        except LinkLost as lost:
            self._end(lost.cause)
        except (cv2.error, OSError):
            self._end(ScannerCause.READ_FAILED)
        finally:
            self._source.release()

    def _put(self, frame: Frame) -> None:
        with self._fresh:
            before, self.newest = self.newest, frame
            self._taken = False
            # A sensor's noise makes every picture differ: equal ones are the same picture.
            if not self._source.live or (before is not None and _differ(before, frame)):
                self.is_alive = True
                self._changed_at_s = time.monotonic()
            self._fresh.notify_all()

    def _end(self, cause: ScannerCause) -> None:
        with self._fresh:
            self._lost = cause
            self._fresh.notify_all()


def _differ(one: Frame, other: Frame) -> bool:
    return not np.array_equal(one[::16, ::16], other[::16, ::16])


def camera_scanner(target: str) -> ThreadedScanner:
    """A camera of this machine: its number, or better its path in /dev/v4l/by-id."""
    return ThreadedScanner(CameraLink(f"camera:{target}", lambda: camera_source(target)))


def mjpeg_scanner(url: str) -> ThreadedScanner:
    """A camera that sends motion JPEG over HTTP, such as the simulated one."""
    return ThreadedScanner(CameraLink("mjpeg", lambda: mjpeg_source(url)))


def video_scanner(file: str) -> ThreadedScanner:
    """A film, played over and over with a dark pause between."""
    return ThreadedScanner(CameraLink("video", lambda: FilmSource(Path(file))))


def folder_scanner(folder: str) -> ThreadedScanner:
    """The pictures of a folder by name, each held up for a second, over and over."""
    return ThreadedScanner(CameraLink("dir", lambda: FilmSource(Path(folder))))
