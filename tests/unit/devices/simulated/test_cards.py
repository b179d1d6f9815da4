"""Drawn cards carry what they were told, and look the same each time."""

from __future__ import annotations

import numpy as np
import pytest
import zxingcpp

from devices.simulated.cards import CardKind, Scene, draw_card_frame, draw_desk

PAYLOAD = "079085000000||Nguyễn Văn Thử|05091985|Nam|Linh Đông, Thủ Đức|12082021".encode()


@pytest.mark.parametrize("kind", list(CardKind))
def test_a_card_carries_its_payload(kind: CardKind) -> None:
    payload = b"BN0012345678" if kind is CardKind.SLIP else PAYLOAD
    frame = draw_card_frame(payload, kind=kind)
    assert frame.shape == (720, 1280, 3)
    assert [code.bytes for code in zxingcpp.read_barcodes(frame)] == [payload]


def test_the_same_scene_gives_the_same_picture() -> None:
    scene = Scene(rotation_deg=12, tilt_deg=20, glare=0.4, blur_px=0.5, jpeg_quality=80, seed=3)
    assert np.array_equal(draw_card_frame(PAYLOAD, scene), draw_card_frame(PAYLOAD, scene))


def test_a_module_in_the_middle_of_the_code_has_the_size_asked_for() -> None:
    # 81 bytes at level M make version 5: 37 modules.
    frame = draw_card_frame(PAYLOAD, Scene(px_per_module=5.0, noise=0.0))
    (code,) = zxingcpp.read_barcodes(frame)
    corners = code.position
    side_px = corners.top_right.x - corners.top_left.x
    assert side_px == pytest.approx(5.0 * 37, abs=4)


def test_an_empty_desk_has_no_code() -> None:
    assert zxingcpp.read_barcodes(draw_desk()) == []
