"""The contract of providers, kept by ZaloPay."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from payments.models import CallbackRequest, Order
from payments.providers.zalopay.emulator import APP_ID, KEY1, KEY2, ZalopayEmulator, mac_of
from payments.providers.zalopay.signing import trans_id
from tests.contract.payment_harness import Harness, Switch
from tests.contract.test_payment_provider import PaymentProviderContract
from tests.contract.wallet_harness import WalletHarness


class ZalopayHarness(WalletHarness):
    kind = "zalopay"
    switches = frozenset(Switch) - {Switch.WRONG_CURRENCY}  # a callback of ZaloPay names none
    repeats_create = False
    secrets = (KEY1, KEY2)

    def __init__(self) -> None:
        super().__init__(ZalopayEmulator())

    @property
    def base_url(self) -> str:
        return f"{self.emulator.base_url}/v2"

    def ref(self, order: Order) -> str:
        return trans_id(order)

    def settings(self, base_url: str, callback_url: str) -> dict[str, Any]:
        return {
            "base_url": base_url,
            "app_id": APP_ID,
            "key1": self.secret_file(KEY1),
            "key2": self.secret_file(KEY2),
            "callback_url": callback_url,
        }

    def signed_fields(self, request: CallbackRequest) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(json.loads(request.untrusted_body)["data"])
        return fields

    def resign(self, request: CallbackRequest, fields: dict[str, Any]) -> CallbackRequest:
        data = json.dumps(fields)
        body = json.dumps({"data": data, "mac": mac_of(KEY2, data), "type": 1}).encode()
        return replace(request, untrusted_body=body)


class TestZalopay(PaymentProviderContract):
    @staticmethod
    def make_harness(_callback_url: str) -> Harness:
        return ZalopayHarness()
