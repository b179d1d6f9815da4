from __future__ import annotations

import pytest

from kiosk_ui.theme.metrics import Panel, get_width_mm


@pytest.mark.parametrize(
    ("size", "width_mm", "lowerable"),
    [((1080, 1920), 268.0, True), ((1920, 1080), 476.0, False), ((768, 1366), 194.0, False)],
)
def test_known_panels(size: tuple[int, int], width_mm: float, lowerable: bool) -> None:
    width_px, height_px = size
    assert get_width_mm(width_px, height_px) == width_mm
    panel = Panel(width_px=width_px, height_px=height_px, width_mm=width_mm, lowered=True)
    assert panel.can_be_lowered is lowerable
    assert panel.is_lowered is lowerable
    assert panel.mm(panel.px(20)) == pytest.approx(20, abs=0.2)


def test_a_small_window_is_the_usual_panel_made_smaller() -> None:
    assert get_width_mm(540, 960) == get_width_mm(1080, 1920)
    assert get_width_mm(960, 540) == get_width_mm(1920, 1080)
