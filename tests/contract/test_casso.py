"""The contract of providers, kept by Casso, however it writes what it signs."""

from __future__ import annotations

from tests.contract.bank_harness import CassoHarness
from tests.contract.payment_harness import Harness
from tests.contract.test_payment_provider import PaymentProviderContract


class TestCasso(PaymentProviderContract):
    @staticmethod
    def make_harness(_callback_url: str) -> Harness:
        harness = CassoHarness()
        harness.emulator.control("writing", {"way": "php"})
        return harness
