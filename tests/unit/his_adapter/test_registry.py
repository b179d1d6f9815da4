from __future__ import annotations

from pathlib import Path

import pytest

from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.errors import UnknownGateway
from his_adapter.registry import gateway_names, open_gateway


def test_adapters_in_the_box() -> None:
    assert {"builtin", "demo"} <= set(gateway_names())


def test_opened_by_name(tmp_path: Path) -> None:
    his = open_gateway("builtin", {"file": str(tmp_path / "register.sqlite3")})
    assert isinstance(his, BuiltinGateway)


def test_an_unknown_name_stops_the_start() -> None:
    with pytest.raises(UnknownGateway, match="builtin"):
        open_gateway("no-such-his", {})
