"""The contract of providers, kept by SePay: with one account for all, and with one per order."""

from __future__ import annotations

from typing import Any

from payments.models import Order
from payments.providers.sepay.client import order_code
from tests.contract.bank_harness import SepayHarness
from tests.contract.payment_harness import Harness, Switch
from tests.contract.test_payment_provider import PaymentProviderContract


class OrdersHarness(SepayHarness):
    asks_to_create = True
    repeats_create = False

    def settings(self, base_url: str) -> dict[str, Any]:
        return {**super().settings(base_url), "va_orders": True}

    def pay_arguments(self, order: Order, steered: set[Switch]) -> dict[str, Any]:
        arguments = super().pay_arguments(order, steered)
        del arguments["account"]
        return {**arguments, "order": order_code(order.key)}


class TestSepay(PaymentProviderContract):
    @staticmethod
    def make_harness(_callback_url: str) -> Harness:
        return SepayHarness()


class TestSepayOrders(PaymentProviderContract):
    @staticmethod
    def make_harness(_callback_url: str) -> Harness:
        return OrdersHarness()
