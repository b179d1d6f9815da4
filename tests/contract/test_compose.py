"""Two views of one HIS composed: reads through one gateway, writes through another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from his_adapter.builtin.catalogue import STARTER_FILE, load_catalogue
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.builtin.store import Store
from his_adapter.compose.config import read_settings
from his_adapter.compose.gateway import ComposedGateway
from his_adapter.models import Ref
from tests.contract.his_harness import MONDAY_MORNING, Harness
from tests.contract.test_his_gateway import HisGatewayContract


class TestCompose(HisGatewayContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[Harness]:
        file = tmp_path / "register.sqlite3"
        member = {"adapter": "builtin", "settings": {"file": str(file)}}
        settings = {"read": member, "write": member}
        reads, writes = (
            BuiltinGateway(Store(file), load_catalogue(STARTER_FILE), clock=lambda: MONDAY_MORNING)
            for _ in range(2)
        )
        gateway = ComposedGateway(read_settings(settings), {"read": reads, "write": writes})
        yield Harness(
            gateway=gateway,
            name="compose",
            settings=settings,
            hourly=Ref("examination"),
            walk_in=Ref("vaccination"),
            clinic=reads.clinic,
        )
        gateway.close()
