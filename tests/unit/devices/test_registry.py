"""Settings name drivers; unknown words stop start-up."""

from __future__ import annotations

import pytest

from devices.errors import UnknownDevice
from devices.models import ScannerState
from devices.registry import build_scanner


@pytest.mark.parametrize(
    "spec",
    [
        "camera:0",
        "camera:/dev/v4l/by-id/usb-camera-video-index0",
        "video:film.avi",
        "dir:pictures",
        "mjpeg:http://127.0.0.1:8080/stream",
        "serial:/dev/ttyACM0",
        "hid:/dev/input/by-id/usb-scanner-event-kbd",
    ],
)
def test_each_word_builds_a_closed_scanner(spec: str) -> None:
    assert build_scanner(spec).status().state is ScannerState.CLOSED


@pytest.mark.parametrize("spec", ["", "camera", "camera:", ":0", "webcam:0", "CAMERA:0"])
def test_unknown_words_are_refused(spec: str) -> None:
    with pytest.raises(UnknownDevice):
        build_scanner(spec)
