"""The JSON kiosk adapter against its emulator, with everything a vendor can have beyond [C06]."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from his_adapter.demo.gateway import open_demo
from his_adapter.json_kiosk.config import read_settings
from his_adapter.json_kiosk.contract import Extension
from his_adapter.json_kiosk.emulator import MERCHANT_ID, SECRET, JsonKioskEmulator
from his_adapter.json_kiosk.gateway import JsonKioskGateway
from his_adapter.models import Ref
from his_adapter.testing import fill_demo_folder
from tests.contract.test_his_gateway import MONDAY_MORNING, Harness, HisGatewayContract

DOCUMENTS = {
    "id12": "CCCD",
    "cmnd9": "CMND",
    "passport": "HC",
    "bhyt15": "BHYT",
    "bhxh10": "BHXH",
    "mrn": "MA_BN",
    "appointment": "LICH_HEN",
}


def make_settings(base_url: str, folder: Path, **changes: Any) -> dict[str, Any]:
    secret_file = folder / "secret"
    secret_file.write_bytes(SECRET)
    return {
        "base_url": base_url,
        "merchant_id": MERCHANT_ID,
        "secret_file": str(secret_file),
        "facility": {"code": "99001", "name_vi": "Trung tâm Y tế Mẫu"},
        "extensions": [each.value for each in Extension],
        "documents": DOCUMENTS,
    } | changes


class TestJsonKiosk(HisGatewayContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Iterator[Harness]:
        """Two emulators: one at the time of the tests, one at ours for other processes."""
        fill_demo_folder(tmp_path / "then", now=MONDAY_MORNING)
        then = open_demo(tmp_path / "then", clock=lambda: MONDAY_MORNING)
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        fill_demo_folder(tmp_path / "now", now=now)
        today = open_demo(tmp_path / "now", clock=lambda: datetime.now(UTC))
        with (
            JsonKioskEmulator(then, clock=lambda: MONDAY_MORNING) as his,
            JsonKioskEmulator(today) as real_time,
        ):
            gateway = JsonKioskGateway(
                read_settings(make_settings(his.base_url, tmp_path)), clock=lambda: MONDAY_MORNING
            )
            yield Harness(
                gateway=gateway,
                name="json_kiosk",
                settings=make_settings(real_time.base_url, tmp_path),
                hourly=Ref("internal"),
                walk_in=Ref("surgery"),
            )
            gateway.close()
