from __future__ import annotations

from pathlib import Path

import pytest

from his_adapter.demo.gateway import open_gateway
from his_adapter.errors import GatewayMisconfigured


def test_production_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(GatewayMisconfigured):
        open_gateway({"folder": str(tmp_path)})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("settings", [{"hours": "sometimes"}, {"folders": "x"}])
def test_settings_that_cannot_be_used(settings: dict[str, str]) -> None:
    with pytest.raises(GatewayMisconfigured):
        open_gateway(settings)


def test_opened_by_settings(folder: Path) -> None:
    his = open_gateway({"folder": str(folder), "hours": "office"})
    assert his.capabilities().adapter == "demo"
