"""The FHIR adapter keeps the contract, against our emulator and against somebody else's server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from his_adapter.builtin.clinic import Clinic
from his_adapter.demo.gateway import open_demo
from his_adapter.fhir_r4.config import read_config
from his_adapter.fhir_r4.emulator import FhirEmulator
from his_adapter.fhir_r4.gateway import FhirGateway
from his_adapter.models import Patient, PaymentMethod, PaymentPosting, Ref
from his_adapter.testing import fill_demo_folder
from tests.contract.his_harness import MONDAY_MORNING, Harness, keys
from tests.contract.test_his_gateway import HisGatewayContract
from tests.fhir_server.clinic import FhirClinic
from tiepdon.demo.fhir_server.hospital import HOURLY, SETTINGS, WALK_IN, seed
from tiepdon.demo.fhir_server.process import FhirServer


@pytest.fixture(scope="module")
def other_server() -> Iterator[FhirServer]:
    with FhirServer() as server:
        server.set_clock(MONDAY_MORNING - timedelta(days=1))
        server.put(*seed(hours_from=(MONDAY_MORNING, datetime.now(UTC))))
        server.keep()
        yield server


class TestAnotherVendorsServer(HisGatewayContract):
    @pytest.fixture
    def harness(self, other_server: FhirServer) -> Iterator[Harness]:
        other_server.reset()
        other_server.set_clock(MONDAY_MORNING)
        settings = {**SETTINGS, "base_url": other_server.base_url}
        gateway = FhirGateway(read_config(settings), clock=lambda: MONDAY_MORNING)
        yield Harness(
            gateway=gateway,
            name="fhir_r4",
            settings=settings,
            hourly=HOURLY,
            walk_in=WALK_IN,
            clinic=cast("Clinic", FhirClinic(other_server, MONDAY_MORNING)),
        )
        gateway.close()

    def test_an_advance_counts_against_what_comes(self, harness: Harness, patient: Patient) -> None:
        """This server tells no balance: an advance is taken, but what it is for is not seen."""
        advance = PaymentPosting(
            patient=patient.ref,
            amount_vnd=100_000,
            method=PaymentMethod.CASH,
            provider="cashier",
            provider_reference="TU-1",
            paid_at=harness.now,
        )
        key = next(keys)
        receipt = harness.gateway.post_payment(advance, key=key)
        assert (receipt.invoice, receipt.amount_vnd) == (None, 100_000)
        assert harness.gateway.find_by_key(key) == receipt


@pytest.fixture(scope="module")
def emulator_of_today(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FhirEmulator]:
    """For what other processes do, by the real clock."""
    his = open_demo(tmp_path_factory.mktemp("today"), clock=lambda: datetime.now(UTC))
    with FhirEmulator(his) as emulator:
        yield emulator
    his.close()


class TestEmulator(HisGatewayContract):
    @pytest.fixture
    def harness(self, tmp_path: Path, emulator_of_today: FhirEmulator) -> Iterator[Harness]:
        fill_demo_folder(tmp_path, now=MONDAY_MORNING)
        his = open_demo(tmp_path, clock=lambda: MONDAY_MORNING)
        with FhirEmulator(his, clock=lambda: MONDAY_MORNING) as emulator:
            gateway = FhirGateway(read_config(emulator.settings), clock=lambda: MONDAY_MORNING)
            yield Harness(
                gateway=gateway,
                name="fhir_r4",
                settings=emulator_of_today.settings,
                hourly=Ref("internal"),
                walk_in=Ref("surgery"),
                clinic=his.clinic,
            )
            gateway.close()
        his.close()
