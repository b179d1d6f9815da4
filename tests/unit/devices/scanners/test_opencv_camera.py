"""The camera link over scripted pictures: newest wins, stuck cameras are noticed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from devices.models import Frame, ScannerCause
from devices.scanners import opencv_camera
from devices.scanners.opencv_camera import CameraLink
from devices.scanners.threaded import LinkLost
from devices.simulated.cards import Scene, draw_card_frame

PAYLOAD = b"079085000000||Nguyen Van Thu|05091985|Nam|Linh Dong|12082021"
OTHER = b"001190000000||Vu Thi Na|02011990|Nu|To 1, Ba Vi|15062021"


class ScriptedSource:
    live = True

    def __init__(self, draw: Callable[[int], Frame]) -> None:
        self._draw = draw
        self.released = threading.Event()
        self.count = 0

    def open(self) -> None: ...

    def read(self) -> Frame:
        time.sleep(0.01)
        self.count += 1
        return self._draw(self.count)

    def release(self) -> None:
        self.released.set()


def noise(count: int) -> Frame:
    return np.random.default_rng(count).integers(0, 9, (240, 320, 3), dtype=np.uint8)


def read_until(
    link: CameraLink, wanted: Callable[[object], bool], within_s: float = 20.0
) -> list[object]:
    answers: list[object] = []
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        answers.append(link.read(0.05))
        if wanted(answers[-1]):
            return answers
    raise AssertionError(answers)


@pytest.fixture
def connected() -> Iterator[Callable[[ScriptedSource], CameraLink]]:
    links: list[CameraLink] = []

    def connect(source: ScriptedSource) -> CameraLink:
        link = CameraLink("scripted", lambda: source)
        link.connect()
        links.append(link)
        return link

    yield connect
    for link in links:
        link.disconnect()


def test_not_ready_before_two_pictures_differ(
    connected: Callable[[ScriptedSource], CameraLink], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opencv_camera, "_OPEN_LIMIT_S", 0.4)
    link = connected(ScriptedSource(lambda count: noise(0)))
    assert link.read(0.1) is None
    with pytest.raises(LinkLost) as lost:
        read_until(link, lambda answer: answer is not None)
    assert lost.value.cause is ScannerCause.FROZEN


def test_the_same_picture_for_too_long_is_frozen(
    connected: Callable[[ScriptedSource], CameraLink], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opencv_camera, "STALE_AFTER_S", 0.3)
    link = connected(ScriptedSource(lambda count: noise(min(count, 20))))
    read_until(link, lambda answer: answer is not None)
    with pytest.raises(LinkLost) as lost:
        read_until(link, lambda answer: False, within_s=3.0)
    assert lost.value.cause is ScannerCause.FROZEN


def test_a_slow_decode_sees_the_newest_picture_next(
    connected: Callable[[ScriptedSource], CameraLink], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def decode(frame: Frame, **_: object) -> list[bytes]:
        seen.append(int(frame[0, 0, 0]))
        time.sleep(0.1)
        return []

    monkeypatch.setattr(opencv_camera, "decode", decode)
    source = ScriptedSource(lambda count: np.full((32, 32, 3), count % 256, np.uint8))
    link = connected(source)
    read_until(link, lambda answer: len(seen) >= 4)
    steps = np.diff(seen)
    assert (steps >= 2).all()  # ten on an idle machine; each one after the other would be one


def test_a_driver_fault_while_reading_is_a_lost_camera(
    connected: Callable[[ScriptedSource], CameraLink],
) -> None:
    def broken(count: int) -> Frame:
        if count > 3:
            raise cv2.error
        return noise(count)

    source = ScriptedSource(broken)
    link = connected(source)
    with pytest.raises(LinkLost) as lost:
        read_until(link, lambda answer: False)
    assert lost.value.cause is ScannerCause.READ_FAILED
    assert source.released.wait(20.0)


def test_disconnected_it_lets_go_of_the_camera_even_if_a_read_hangs(
    connected: Callable[[ScriptedSource], CameraLink],
) -> None:
    hang = threading.Event()

    def hanging(count: int) -> Frame:
        if count > 3:
            hang.wait(10)
        return noise(count)

    source = ScriptedSource(hanging)
    link = connected(source)
    read_until(link, lambda answer: answer is not None)
    started_s = time.monotonic()
    link.disconnect()
    assert time.monotonic() - started_s < 5
    assert link.latest_frame() is None
    hang.set()
    assert source.released.wait(20.0)


def test_a_hard_card_held_still_is_read_over_several_pictures(
    connected: Callable[[ScriptedSource], CameraLink], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Looks cost what they cost on an idle machine: a busy one would begin none of them.
    still = SimpleNamespace(perf_counter=lambda: 0.0)
    monkeypatch.setattr("devices.scanners.decoding.time", still)
    pictures = [
        draw_card_frame(
            PAYLOAD, Scene(px_per_module=2.5, blur_px=1.3, noise=3, rotation_deg=10, seed=seed)
        )
        for seed in range(3)
    ]
    link = connected(ScriptedSource(lambda count: pictures[count % 3]))
    answers = read_until(link, lambda answer: answer not in (None, (), []), within_s=60.0)
    assert answers[-1] == [PAYLOAD]
