"""Where codes are looked for, and where not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from devices.models import Frame
from devices.scanners.code_regions import (
    CodeRegion,
    EdgeMaps,
    Texture,
    find_bars_region,
    find_matrix_region,
)
from devices.simulated.cards import CardKind, Scene, draw_card_frame, draw_desk

PAYLOAD = "079085000000||Nguyễn Văn Thử|05091985|Nam|Linh Đông, Thủ Đức|12082021".encode()


def maps_of(frame: Frame) -> EdgeMaps:
    return EdgeMaps.of(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), dtype=np.uint8))


@pytest.mark.parametrize("noise", [0.0, 8.0, 40.0])
def test_nothing_is_looked_for_on_an_empty_desk(noise: float) -> None:
    away = Scene(offset_px=(9000.0, 0.0), noise=noise)
    maps = maps_of(draw_card_frame(PAYLOAD, away))
    assert find_matrix_region(maps) is None
    assert find_bars_region(maps) is None
    assert find_matrix_region(maps_of(draw_desk())) is None


@pytest.mark.parametrize("blur_px", [0.5, 1.8])
def test_a_code_is_found_even_too_blurred_to_read(blur_px: float) -> None:
    # A card with its code in the upper right: 37 modules of 3 px a side.
    frame = draw_card_frame(PAYLOAD, Scene(px_per_module=3.0, blur_px=blur_px))
    region = find_matrix_region(maps_of(frame))
    assert region is not None
    code_x, code_y = 640 + 186, 360 - 86
    assert region.left < code_x - 50
    assert region.right > code_x + 50
    assert region.top < code_y - 50
    assert region.bottom > code_y + 50
    assert region.right - region.left < 640


def test_bars_are_found_with_their_direction() -> None:
    scene = Scene(px_per_module=2.5, rotation_deg=30)
    slip = draw_card_frame(b"BN0012345678", scene, kind=CardKind.SLIP)
    region = find_bars_region(maps_of(slip))
    assert region is not None
    assert region.texture is Texture.BARS
    assert region.across_deg == pytest.approx(30, abs=10)


def test_a_card_without_bars_has_no_bars_region() -> None:
    assert find_bars_region(maps_of(draw_card_frame(PAYLOAD, Scene(rotation_deg=10)))) is None


def test_a_region_within_another_of_its_kind_is_the_same() -> None:
    outer = CodeRegion(left=80, top=80, right=400, bottom=400, texture=Texture.MATRIX)
    inner = CodeRegion(left=76, top=100, right=300, bottom=300, texture=Texture.MATRIX)
    bars = CodeRegion(left=100, top=100, right=300, bottom=300, texture=Texture.BARS)
    assert inner.is_within(outer)
    assert not outer.is_within(inner)
    assert not bars.is_within(outer)
