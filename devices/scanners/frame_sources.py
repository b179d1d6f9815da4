"""Where pictures come from: a camera, a stream, a film, a folder. The only place that opens one.

OpenCV's `isOpened` does not tell whether a camera is still there (OpenCV issue 5746), so a source
says so only by what it reads; the age of its pictures is for the camera scanner to judge.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from devices.errors import UnreadablePicture
from devices.models import Frame, ScannerCause
from devices.scanners.threaded import LinkLost

PICTURE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".tif", ".tiff", ".webp"})
_SHOW_PICTURE_S = 1.0
_BETWEEN_PICTURES_S = 2.0  # longer than a code needs to count as gone, so each picture counts


class FrameSource(Protocol):
    """Delivers pictures at its own pace. Used by one thread."""

    live: bool
    """Whether two pictures can only be equal when the source is stuck."""

    def open(self) -> None:
        """Raises LinkLost."""

    def read(self) -> Frame:
        """The next picture, as soon as there is one. Raises LinkLost."""

    def release(self) -> None:
        """May be called twice."""


class StreamSource:
    """A camera or a stream over HTTP through OpenCV."""

    live = True

    def __init__(self, target: int | str, *, api: int, settings: Sequence[int] = ()) -> None:
        self._target = target
        self._api = api
        self._settings = list(settings)
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        if self._api == cv2.CAP_V4L2 and not _device_node(self._target).exists():
            raise LinkLost(ScannerCause.NOT_FOUND)
        capture = cv2.VideoCapture(self._target, self._api, self._settings)
        if not capture.isOpened():
            capture.release()
            refused = self._api == cv2.CAP_V4L2
            raise LinkLost(ScannerCause.REFUSED if refused else ScannerCause.NOT_FOUND)
        self._capture = capture

    def read(self) -> Frame:
        if self._capture is None:
            raise LinkLost(ScannerCause.READ_FAILED)
        there, frame = self._capture.read()
        if not there or frame is None:
            raise LinkLost(ScannerCause.READ_FAILED)
        return _u8(frame)

    def release(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def camera_source(target: str, *, size: tuple[int, int] = (1920, 1080)) -> StreamSource:
    """A Linux camera by number or device path (best one of /dev/v4l/by-id).

    A stalled camera would hold a read for ten seconds; OpenCV reads the limit from the
    environment when it first opens one.
    """
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
    # The format first: sizes are offered per format, and only MJPG reaches 30 pictures a second.
    settings = [
        *(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        *(cv2.CAP_PROP_FRAME_WIDTH, size[0]),
        *(cv2.CAP_PROP_FRAME_HEIGHT, size[1]),
        *(cv2.CAP_PROP_FPS, 30),
        *(cv2.CAP_PROP_BUFFERSIZE, 1),
    ]
    device = int(target) if target.isdigit() else target
    return StreamSource(device, api=cv2.CAP_V4L2, settings=settings)


def mjpeg_source(url: str) -> StreamSource:
    """Motion JPEG over HTTP."""
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 2000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1500]
    return StreamSource(url, api=cv2.CAP_FFMPEG, settings=timeouts)


class FilmSource:
    """Recorded pictures shown at their pace, over and over, with a dark pause between."""

    live = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shown: Iterator[tuple[Frame, float]] = iter(())

    def open(self) -> None:
        if not self._path.exists():
            raise LinkLost(ScannerCause.NOT_FOUND)
        self._shown = self._show()

    def read(self) -> Frame:
        for frame, show_s in self._shown:
            time.sleep(show_s)
            return frame
        raise LinkLost(ScannerCause.READ_FAILED)

    def release(self) -> None:
        self._shown = iter(())

    def _show(self) -> Iterator[tuple[Frame, float]]:
        """Pictures with the time before each; ends when there is nothing readable."""
        while True:
            frame: Frame | None = None
            for frame, show_s in self._once():
                yield frame, show_s
            if frame is None:
                return
            yield from _show_for(np.zeros_like(frame), _BETWEEN_PICTURES_S)

    def _once(self) -> Iterator[tuple[Frame, float]]:
        if self._path.is_dir():
            yield from self._pictures()
            return
        try:
            yield from read_film(self._path)
        except UnreadablePicture:
            return

    def _pictures(self) -> Iterator[tuple[Frame, float]]:
        pause: Iterator[tuple[Frame, float]] = iter(())
        for path in sorted(self._path.iterdir()):
            if path.suffix.lower() not in PICTURE_SUFFIXES:
                continue
            try:
                frame = read_picture(path)
            except UnreadablePicture:
                continue
            yield from pause
            yield from _show_for(frame, _SHOW_PICTURE_S)
            pause = _show_for(np.zeros_like(frame), _BETWEEN_PICTURES_S)


def read_picture(path: Path) -> Frame:
    """One picture file as BGR. Raises UnreadablePicture, OSError when the file cannot be read."""
    packed = np.frombuffer(path.read_bytes(), np.uint8)
    frame = cv2.imdecode(packed, cv2.IMREAD_COLOR) if packed.size else None
    if frame is None:
        raise UnreadablePicture("neither a picture nor a film that can be read")
    return _u8(frame)


def read_film(path: Path) -> Iterator[tuple[Frame, float]]:
    """The pictures of a film file, each with its duration in seconds.

    Raises UnreadablePicture when there is not one.
    """
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        there, frame = capture.read()
        if not there:
            raise UnreadablePicture("neither a picture nor a film that can be read")
        rate = capture.get(cv2.CAP_PROP_FPS)
        duration_s = 1 / rate if 1 <= rate <= 240 else 1 / 30
        while there:
            yield _u8(frame), duration_s
            there, frame = capture.read()
    finally:
        capture.release()


def _show_for(frame: Frame, seconds: float) -> Iterator[tuple[Frame, float]]:
    step_s = 0.1
    for _ in range(round(seconds / step_s)):
        yield frame, step_s


def _device_node(target: int | str) -> Path:
    return Path(f"/dev/video{target}" if isinstance(target, int) else target)


def _u8(values: object) -> Frame:
    return np.asarray(values, dtype=np.uint8)
