"""The HL7 v2 adapter against its emulator, the feed included."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from his_adapter.builtin.clinic import Clinic
from his_adapter.demo.gateway import open_demo
from his_adapter.hl7_v2.config import read_config
from his_adapter.hl7_v2.emulator import Hl7Emulator
from his_adapter.hl7_v2.gateway import Hl7Gateway
from his_adapter.models import Ref
from his_adapter.testing import fill_demo_folder
from tests.contract.test_his_gateway import MONDAY_MORNING, Harness, HisGatewayContract


class TellingClinic:
    """The inside of the hospital; whatever happens there has reached the adapter on return."""

    def __init__(self, clinic: Clinic, emulator: Hl7Emulator) -> None:
        self._clinic = clinic
        self._emulator = emulator

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._clinic, name)

        def told(*args: Any, **kwargs: Any) -> Any:
            result = call(*args, **kwargs)
            self._emulator.push()
            return result

        return told


@pytest.fixture(scope="module")
def emulator_of_today(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hl7Emulator]:
    """For what other processes do, by the real clock."""
    folder = tmp_path_factory.mktemp("today")
    his = open_demo(folder, clock=lambda: datetime.now(UTC))
    with Hl7Emulator(his, folder) as emulator:
        yield emulator
    his.close()


class TestHl7(HisGatewayContract):
    @pytest.fixture
    def harness(self, tmp_path: Path, emulator_of_today: Hl7Emulator) -> Iterator[Harness]:
        fill_demo_folder(tmp_path, now=MONDAY_MORNING)
        his = open_demo(tmp_path, clock=lambda: MONDAY_MORNING)
        with socket.create_server(("127.0.0.1", 0)) as free:
            feed_address = f"127.0.0.1:{free.getsockname()[1]}"
        with Hl7Emulator(his, tmp_path, clock=lambda: MONDAY_MORNING) as emulator:
            feed = {"listen": feed_address, "file": str(tmp_path / "feed.sqlite3")}
            gateway = Hl7Gateway(
                read_config({**emulator.settings, "feed": feed}), clock=lambda: MONDAY_MORNING
            )
            emulator.send_feed_to(feed_address)
            yield Harness(
                gateway=gateway,
                name="hl7_v2",
                settings=emulator_of_today.settings,
                hourly=Ref("internal"),
                walk_in=Ref("surgery"),
                clinic=cast("Clinic", TellingClinic(his.clinic, emulator)),
            )
            gateway.close()
        his.close()
