"""The sandbox keeps the contract as well: it is what the server is tried with."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import requests

from payments.emulation.clock import EmulatedClock
from payments.models import CallbackRequest, Money, Order
from payments.providers.sandbox.provider import SandboxProvider, open_provider
from tests.contract.payment_harness import ASKED, Harness, Switch
from tests.contract.test_payment_provider import PaymentProviderContract


class SandboxHarness(Harness):
    """Nobody is asked; callbacks go out over real HTTP all the same, here."""

    switches = frozenset(Switch) - {Switch.WRONG_ACCOUNT, Switch.WRONG_CURRENCY}  # it has but one
    resend_after_s = None
    asks_to_create = False
    tells_failures = True
    settings: Mapping[str, Any] = {"kind": "wallet", "account": "SANDBOX0001"}

    def __init__(self, callback_url: str) -> None:
        self._url = callback_url
        self._clock = EmulatedClock()
        self._switch: Switch | None = None
        self._lock = threading.Lock()
        self.provider = open_provider(self.name, self.settings, clock=self._clock)

    @property
    def base_url(self) -> str | None:
        return None

    def open(self, base_url: str | None = None, *, callback_url: str) -> SandboxProvider:
        del base_url, callback_url
        return self.provider

    def now(self) -> datetime:
        return self._clock()

    def advance(self, seconds: float) -> None:
        self._clock.advance(seconds)

    def pay(self, order: Order, amount: Money = ASKED, *, late: bool = False) -> None:
        del late
        self._send(self.provider.pay(order.key, amount.amount_vnd))

    def refuse(self, order: Order) -> None:
        self._send(self.provider.fail(order.key))

    def refunded(self, order: Order) -> Money:
        return self.provider.refunded(order.key)

    def steer(self, switch: Switch) -> None:
        self._switch = switch

    def close(self) -> None:
        self.provider.close()

    def _send(self, request: CallbackRequest) -> None:
        with self._lock:
            switch, self._switch = self._switch, None
        body, headers = request.untrusted_body, dict(request.headers)
        if switch is Switch.DROP:
            return
        if switch is Switch.BAD_SIGNATURE:
            body = body.replace(b"credit", b"CREDIT")
        if switch is Switch.STALE:
            notice = json.loads(body)
            kind = notice.pop("kind")
            old = self._clock().replace(year=self._clock().year - 1)
            headers = dict(self.provider.call_back(kind, sent_at=old, **notice).headers)
        for _ in range(2 if switch is Switch.DUPLICATE else 1):
            requests.post(self._url, data=body, headers=headers, timeout=10)


class TestSandbox(PaymentProviderContract):
    make_harness = SandboxHarness
