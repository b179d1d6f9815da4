from __future__ import annotations

from pathlib import Path

import pytest

from kiosk_ui.config import make_config
from kiosk_ui.errors import ConfigRefused
from kiosk_ui.presenters.ports import Place


def test_what_is_given_and_what_is_usual(tmp_path: Path) -> None:
    config = make_config(
        backend_url="https://tiepdon.example/",
        scanner="camera:0",
        name="Sảnh A / 1",
        window="540x960",
        environ={"XDG_STATE_HOME": str(tmp_path), "TIEPDON_PLACE_VI": "Sảnh A"},
    )
    assert config.backend_url == "https://tiepdon.example"
    assert config.window == (540, 960)
    assert config.printer is None
    assert not config.production
    assert config.data_dir == tmp_path / "tiepdon" / "kiosk" / "S-nh-A-1"
    assert config.place == Place(vi="Sảnh A", en="Sảnh A")


@pytest.mark.parametrize(
    "wrong",
    [
        {"backend_url": "http://hospital.example"},
        {"backend_url": "ftp://127.0.0.1"},
        {"backend_url": "127.0.0.1:8000"},
        {"window": "large"},
        {"width_mm": 5.0},
        {"width_mm": float("nan")},
    ],
)
def test_what_can_never_work_is_refused_at_once(wrong: dict[str, object]) -> None:
    given: dict[str, object] = {"backend_url": "http://127.0.0.1:8000", "scanner": "camera:0"}
    with pytest.raises(ConfigRefused):
        make_config(**{**given, **wrong}, environ={})  # type: ignore[arg-type]


def test_production_is_the_whole_screen() -> None:
    environ = {"TIEPDON_ENV": "production"}
    config = make_config(backend_url="https://h.example", scanner="camera:0", environ=environ)
    assert config.production
    assert config.window is None
    with pytest.raises(ConfigRefused):
        make_config(
            backend_url="https://h.example", scanner="camera:0", window="540x960", environ=environ
        )
