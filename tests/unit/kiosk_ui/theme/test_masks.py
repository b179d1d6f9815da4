from __future__ import annotations

import numpy as np
import pytest

from kiosk_ui.theme.masks import draw_corners, draw_outline, draw_ring, draw_rounded


def test_rounded_square_is_full_inside_and_empty_at_its_corners() -> None:
    mask = draw_rounded(12)
    assert mask.shape == (26, 26)
    assert mask[13, 13] == 255
    assert mask[0, 0] == 0
    assert mask[0, 13] == 255
    assert np.array_equal(mask, mask.T)
    assert np.array_equal(draw_corners(12), 255 - mask)


def test_outline_is_as_thick_as_asked() -> None:
    middle = draw_outline(12, 3)[:, 13]
    assert (middle > 127).sum() == 6
    assert middle[13] == 0


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_ring_covers_its_share_from_the_top_clockwise(share: float) -> None:
    whole, part = draw_ring(80, 8, 1.0), draw_ring(80, 8, share)
    assert part.sum() / whole.sum() == pytest.approx(share, abs=0.02)
    assert part[4, 44] > 127
