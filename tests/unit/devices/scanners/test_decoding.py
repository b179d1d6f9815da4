"""The decoder reads more than zxing-cpp alone, keeps to its budget and survives anything."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.models import Frame
from devices.scanners.decoding import MAX_PIXELS, decode
from devices.simulated.cards import CardKind, Scene, draw_card_frame

PAYLOAD = "079085000000||Nguyễn Văn Thử|05091985|Nam|Linh Đông, Thủ Đức|12082021".encode()

# Each of these is beyond zxing-cpp's own call: the test says so first.
HARD = {
    "blurred": Scene(px_per_module=2.5, blur_px=1.4, noise=2, rotation_deg=11, seed=1),
    "noisy": Scene(px_per_module=2.0, blur_px=0.5, noise=50, rotation_deg=-8, seed=2),
    "far": Scene(px_per_module=1.4, blur_px=0.5, noise=3, rotation_deg=17, seed=3),
    "tilted": Scene(px_per_module=2.0, blur_px=0.5, noise=3, tilt_deg=57, tilt_axis_deg=80, seed=4),
    "moving": Scene(px_per_module=2.5, blur_px=0.6, noise=3, motion_px=4, rotation_deg=9, seed=5),
    "large and out of focus": Scene(px_per_module=6, blur_px=3.0, noise=3, rotation_deg=7, seed=6),
}


def grey(frame: Frame) -> Frame:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def test_reads_raw_bytes_of_a_card_in_grey_and_colour() -> None:
    frame = draw_card_frame(PAYLOAD)
    assert decode(frame) == [PAYLOAD]
    assert decode(grey(frame)) == [PAYLOAD]


@pytest.mark.parametrize("scene", HARD.values(), ids=HARD.keys())
def test_reads_what_the_plain_call_does_not(scene: Scene) -> None:
    frame = grey(draw_card_frame(PAYLOAD, scene))
    assert zxingcpp.read_barcodes(frame, formats=zxingcpp.QRCode) == []
    assert decode(frame, budget_s=20.0) == [PAYLOAD]


@pytest.mark.parametrize("rotation_deg", [0.0, 45.0, 80.0])
def test_reads_a_blurred_bar_code_at_any_angle(rotation_deg: float) -> None:
    scene = Scene(px_per_module=2.0, blur_px=1.2, rotation_deg=rotation_deg)
    frame = draw_card_frame(b"BN0012345678", scene, kind=CardKind.SLIP)
    assert decode(frame, budget_s=20.0) == [b"BN0012345678"]


def test_reads_every_code_in_a_picture_once() -> None:
    card = draw_card_frame(PAYLOAD, Scene(size=(1280, 560)))
    slip = draw_card_frame(
        b"BN0012345678", Scene(size=(1280, 560), px_per_module=3), kind=CardKind.SLIP
    )
    assert set(decode(np.vstack([card, slip]))) == {PAYLOAD, b"BN0012345678"}
    assert decode(np.vstack([card, card])) == [PAYLOAD]


def test_bytes_that_are_no_text_come_through() -> None:
    payload = bytes(range(1, 80)) + b"\xff\xfe\x80"
    assert decode(draw_card_frame(payload)) == [payload]


def test_without_a_budget_only_the_first_look_is_taken() -> None:
    frame = draw_card_frame(PAYLOAD, HARD["blurred"])
    assert decode(frame, budget_s=0.0) == []
    assert decode(draw_card_frame(PAYLOAD), budget_s=0.0) == [PAYLOAD]


class EvenClock:
    """Every look takes 20 ms, what comes before them nothing: on any machine, however busy."""

    def __init__(self) -> None:
        self._asked = 0

    def perf_counter(self) -> float:
        self._asked += 1
        return max(0, self._asked - 4) * 0.02


def test_short_budgets_in_turn_find_what_a_long_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    # Only the fourth look, the own threshold, reads this one: see the turn it takes.
    frame = draw_card_frame(PAYLOAD, HARD["far"])
    turns = []
    for turn in range(7):
        monkeypatch.setattr("devices.scanners.decoding.time", EvenClock())
        turns.append(decode(frame, budget_s=0.05, turn=turn))
    assert [PAYLOAD] in turns
    assert [] in turns


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((20, 20), np.float32),
        np.zeros((20, 20), np.uint16),
        np.zeros(20, np.uint8),
        np.zeros((20, 20, 4), np.uint8),
        np.zeros((2, 20, 20, 3), np.uint8),
        [[0, 1], [1, 0]],
        None,
    ],
    ids=["float", "uint16", "one row", "alpha", "batch", "list", "nothing"],
)
def test_what_is_no_frame_is_refused(frame: object) -> None:
    with pytest.raises(ValueError, match="a frame is"):
        decode(frame)  # type: ignore[arg-type]


def test_a_frame_of_too_many_pixels_is_refused() -> None:
    vast = np.broadcast_to(np.zeros(1, np.uint8), (MAX_PIXELS // 1000 + 1, 1000))
    with pytest.raises(ValueError, match="at most"):
        decode(vast)


@given(
    height=st.integers(0, 90), width=st.integers(0, 90), colour=st.booleans(), seed=st.integers(0)
)
@settings(max_examples=60, deadline=None)
def test_any_small_picture_is_answered(height: int, width: int, colour: bool, seed: int) -> None:
    shape = (height, width, 3) if colour else (height, width)
    frame = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    assert decode(frame, budget_s=1.0) == []


@pytest.mark.parametrize("shape", [(1, 5000), (5000, 1), (17, 3000), (3000, 17)])
def test_slivers_are_answered(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert decode(noise) == []


def test_a_view_with_strides_is_read_like_a_copy() -> None:
    wide = np.repeat(draw_card_frame(PAYLOAD), 2, axis=1)
    assert decode(wide[:, ::2]) == [PAYLOAD]
    assert decode(grey(wide)[:, ::2]) == [PAYLOAD]
