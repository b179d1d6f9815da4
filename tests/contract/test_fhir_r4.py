"""The FHIR adapter keeps the contract, against our emulator and against somebody else's server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from his_adapter.demo.gateway import open_demo
from his_adapter.fhir_r4.config import read_config
from his_adapter.fhir_r4.emulator import FhirEmulator
from his_adapter.fhir_r4.gateway import FhirGateway
from his_adapter.models import Ref
from his_adapter.testing import fill_demo_folder
from tests.contract.test_his_gateway import MONDAY_MORNING, Harness, HisGatewayContract


class TestEmulator(HisGatewayContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[Harness]:
        fill_demo_folder(tmp_path, now=MONDAY_MORNING)
        his = open_demo(tmp_path, clock=lambda: MONDAY_MORNING)
        today = open_demo(tmp_path, clock=lambda: datetime.now(UTC))
        with (
            FhirEmulator(his, clock=lambda: MONDAY_MORNING) as emulator,
            FhirEmulator(today) as for_other_processes,
        ):
            gateway = FhirGateway(read_config(emulator.settings), clock=lambda: MONDAY_MORNING)
            yield Harness(
                gateway=gateway,
                name="fhir_r4",
                settings=for_other_processes.settings,
                hourly=Ref("internal"),
                walk_in=Ref("surgery"),
            )
            gateway.close()
        his.close()
        today.close()
