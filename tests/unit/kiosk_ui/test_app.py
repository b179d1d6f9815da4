from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kiosk_ui.app import make_window
from kiosk_ui.config import make_config


def config_of(tmp_path: Path, window: str | None = None, **environ: str):
    return make_config(
        backend_url="http://127.0.0.1:1",
        scanner="dir:none",
        window=window,
        data_dir=tmp_path,
        environ=environ,
    )


def test_in_production_the_window_is_the_whole_screen_and_locked(tmp_path: Path) -> None:
    window = make_window(config_of(tmp_path, TIEPDON_ENV="production"))
    assert window.locked
    assert window.fullscreen


@pytest.mark.parametrize(("size", "px_per_mm"), [("1080x1920", 4.03), ("540x960", 2.01)])
def test_a_window_of_a_size_shows_the_whole_kiosk(
    tmp_path: Path, size: str, px_per_mm: float
) -> None:
    window = make_window(config_of(tmp_path, size))
    assert not window.locked
    assert not window.fullscreen
    assert window.panel.px_per_mm == pytest.approx(px_per_mm, abs=0.01)


def test_importing_the_app_opens_no_window() -> None:
    """The window reads its settings when it is first imported: that must come after them."""
    code = "import sys, kiosk_ui.app; sys.exit('kivy.core.window' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
