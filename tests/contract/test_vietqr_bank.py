"""The contract of providers, kept by an account of the hospital at any bank."""

from __future__ import annotations

from typing import Any

from payments.models import Order
from tests.contract.bank_harness import BankHarness
from tests.contract.payment_harness import Harness, Switch
from tests.contract.test_payment_provider import PaymentProviderContract


class VirtualHarness(BankHarness):
    """Each order has an account number of its own; the memo gets lost on the way."""

    def settings(self, base_url: str) -> dict[str, Any]:
        return {**super().settings(base_url), "virtual_prefix": "V1BVMAU"}

    def pay_arguments(self, order: Order, steered: set[Switch]) -> dict[str, Any]:
        number = f"V1BVMAU{order.code}{order.attempt:02d}"
        arguments = super().pay_arguments(order, steered)
        return {**arguments, "account": number, "memo_style": "replaced"}


class TestVietQrBank(PaymentProviderContract):
    @staticmethod
    def make_harness(_callback_url: str) -> Harness:
        return BankHarness()


class TestVirtualAccounts(PaymentProviderContract):
    @staticmethod
    def make_harness(_callback_url: str) -> Harness:
        return VirtualHarness()
