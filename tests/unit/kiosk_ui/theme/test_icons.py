from __future__ import annotations

import pytest

from kiosk_ui.presenters.views import Icon
from kiosk_ui.theme.icons import GRID, SHAPES, STROKE, draw_icon


@pytest.mark.parametrize("icon", list(Icon))
def test_every_icon_is_drawn_inside_its_square(icon: Icon) -> None:
    half = STROKE / 2
    for path in SHAPES[icon]:
        for x, y in path:
            assert half * 0.9 <= x <= GRID - half * 0.9
            assert half * 0.9 <= y <= GRID - half * 0.9
    picture = draw_icon(icon, 48)
    assert picture.shape == (48, 48)
    assert picture.max() == 255


def test_no_two_icons_look_alike() -> None:
    pictures = {draw_icon(icon, 32).tobytes() for icon in Icon}
    assert len(pictures) == len(Icon)
