"""The contract of providers, kept by MoMo."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from payments.models import CallbackRequest
from payments.providers.momo.emulator import ACCESS_KEY, PARTNER, SECRET, MomoEmulator, sign_text
from tests.contract.payment_harness import Harness, Switch
from tests.contract.test_payment_provider import PaymentProviderContract
from tests.contract.wallet_harness import WalletHarness


class MomoHarness(WalletHarness):
    kind = "momo"
    switches = frozenset(Switch) - {Switch.WRONG_CURRENCY}  # a notice of MoMo names none
    tells_failures = True
    secrets = (SECRET, ACCESS_KEY)

    def __init__(self) -> None:
        super().__init__(MomoEmulator())

    def settings(self, base_url: str, callback_url: str) -> dict[str, Any]:
        return {
            "base_url": base_url,
            "partner_code": PARTNER,
            "access_key": self.secret_file(ACCESS_KEY),
            "secret_key": self.secret_file(SECRET),
            "callback_url": callback_url,
        }

    def signed_fields(self, request: CallbackRequest) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(request.untrusted_body)
        del fields["signature"]
        return fields

    def resign(self, request: CallbackRequest, fields: dict[str, Any]) -> CallbackRequest:
        signature = sign_text({**fields, "accessKey": ACCESS_KEY})
        body = json.dumps({**fields, "signature": signature}).encode()
        return replace(request, untrusted_body=body)


class TestMomo(PaymentProviderContract):
    @staticmethod
    def make_harness(_callback_url: str) -> Harness:
        return MomoHarness()
