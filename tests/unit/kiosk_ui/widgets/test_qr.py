from __future__ import annotations

import numpy as np
import pytest
import zxingcpp

from kiosk_ui.theme.metrics import Panel, get_width_mm
from kiosk_ui.widgets.qr import LEAST_MODULE_MM, QUIET_MODULES, least_side_px, make_modules

PANELS = [(1080, 1920), (1920, 1080), (768, 1366)]


@pytest.mark.parametrize("data", ["BM7K2P4QS", "x" * 150, "é" * 100, "0" * 500])
def test_the_code_reads_back_with_its_quiet_zone(data: str) -> None:
    modules = make_modules(data)
    quiet = modules.copy()
    quiet[QUIET_MODULES:-QUIET_MODULES, QUIET_MODULES:-QUIET_MODULES] = 0
    assert not quiet.any()
    picture = np.kron(1 - modules, np.ones((4, 4), dtype=np.uint8)) * np.uint8(255)
    assert [read.text for read in zxingcpp.read_barcodes(picture)] == [data]


@pytest.mark.parametrize("size", PANELS)
def test_no_module_is_smaller_than_it_may_be(size: tuple[int, int]) -> None:
    panel = Panel(width_px=size[0], height_px=size[1], width_mm=get_width_mm(*size))
    for length in (30, 130, 300):
        side_px = least_side_px("x" * length, panel)
        modules = make_modules("x" * length).shape[0]
        assert side_px % modules == 0
        assert panel.mm(side_px / modules) >= LEAST_MODULE_MM
