"""HDBank's dynamic QR against its emulator: pictures and texts, both forms of the signature."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from payments.emulation.clock import EmulatedClock
from payments.models import Money, Order
from payments.providers.hdbank.emulator import (
    MERCHANT_ID,
    PREFIX,
    SECRET,
    HdbankEmulator,
    Refused,
)
from payments.providers.hdbank.provider import HdbankProvider, open_provider
from payments.secrets import Secret
from tests.contract.payment_harness import ASKED, Harness, PayRefused, Switch
from tests.contract.test_payment_provider import PaymentProviderContract


class HdbankHarness(Harness):
    switches = frozenset(Switch) - {
        Switch.STALE,
        Switch.WRONG_CURRENCY,
    }  # neither time nor currency
    tells_failures = True
    secrets = (SECRET,)
    qr_form = "png"
    sign_form = "hex"
    more: dict[str, Any] = {"sends_timeout": True}

    def __init__(self, callback_url: str) -> None:
        self._clock = EmulatedClock()
        self.emulator = HdbankEmulator(callback_url=callback_url, clock=self._clock)
        self.emulator.qr_form, self.emulator.sign_form = self.qr_form, self.sign_form
        self.emulator.__enter__()

    @property
    def base_url(self) -> str | None:
        return self.emulator.base_url

    def open(self, base_url: str | None = None, *, callback_url: str) -> HdbankProvider:
        settings = {
            "base_url": base_url or self.emulator.base_url,
            "merchant_id": MERCHANT_ID,
            "secret": Secret(SECRET),
            "ipn_url": callback_url,
            "account_prefix": PREFIX,
            "holder": "BENH VIEN DEMO",
            "sign_form": self.sign_form,
            **self.more,
        }
        return open_provider(self.name, settings, clock=self._clock)

    def now(self) -> datetime:
        return self._clock()

    def advance(self, seconds: float) -> None:
        self.emulator.callbacks.settle()
        self._clock.advance(seconds)

    def pay(self, order: Order, amount: Money = ASKED, *, late: bool = False) -> None:
        self.emulator.faults.pay_after_expiry = late
        try:
            self.emulator.pay({"ref": order.key, "amount": amount.amount_vnd})
        except Refused as error:
            raise PayRefused from error

    def refuse(self, order: Order) -> None:
        self.emulator.fail_payment({"ref": order.key})

    def steer(self, switch: Switch) -> None:
        match switch:
            case Switch.DROP:
                self.emulator.faults.drop_webhook = 1
            case Switch.DUPLICATE:
                self.emulator.faults.duplicate = 1
            case Switch.BAD_SIGNATURE:
                self.emulator.faults.bad_signature = 1
            case Switch.WRONG_ACCOUNT:
                self.emulator.wrong_merchant = 1
            case _:
                raise NotImplementedError(switch)

    def close(self) -> None:
        self.emulator.__exit__(None, None, None)


class OtherFormsHarness(HdbankHarness):
    qr_form = "base64"
    sign_form = "base64"
    more: dict[str, Any] = {}


class TestHdbank(PaymentProviderContract):
    make_harness = HdbankHarness


class TestHdbankOtherForms(PaymentProviderContract):
    make_harness = OtherFormsHarness
