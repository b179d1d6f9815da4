"""How the contract speaks to the stand-ins of wallets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from payments.emulation.wallet import WalletEmulator
from payments.models import Money, Order
from payments.ports import PaymentProvider
from payments.registry import open_provider
from tests.contract.payment_harness import ASKED, Harness, PayRefused, Switch

_CONTROLS: Mapping[Switch, tuple[str, Any]] = {
    Switch.DROP: ("drop_webhook", 1),
    Switch.DUPLICATE: ("duplicate", 1),
    Switch.BAD_SIGNATURE: ("bad_signature", 1),
    Switch.STALE: ("stale_timestamp", 1),
    Switch.WRONG_ACCOUNT: ("wrong_merchant", 1),
    Switch.WRONG_CURRENCY: ("wrong_currency", 1),
}


class WalletHarness(Harness):
    """A subclass names the kind of provider, and makes its emulator and settings."""

    kind: str

    def __init__(self, emulator: WalletEmulator) -> None:
        self.emulator = emulator
        emulator.__enter__()
        self._folder = TemporaryDirectory(prefix="tiepdon-wallet-")

    @property
    def base_url(self) -> str:
        return self.emulator.base_url

    def settings(self, base_url: str, callback_url: str) -> dict[str, Any]:
        raise NotImplementedError

    def ref(self, order: Order) -> str:
        """As the emulator names this order."""
        return order.key

    def secret_file(self, text: str) -> dict[str, str]:
        path = Path(self._folder.name) / f"secret-{len(text)}-{text[-4:]}"
        path.write_text(text + "\n")
        return {"file": str(path)}

    def open(self, base_url: str | None = None, *, callback_url: str) -> PaymentProvider:
        settings = self.settings(base_url or self.base_url, callback_url)
        return open_provider(self.kind, self.name, settings, clock=self.now)

    def now(self) -> datetime:
        return self.emulator.clock().astimezone(UTC)

    def advance(self, seconds: float) -> None:
        self.emulator.callbacks.settle()
        self.emulator.clock.advance(seconds)

    def pay(self, order: Order, amount: Money = ASKED, *, late: bool = False) -> None:
        self.emulator.faults.pay_after_expiry = late
        try:
            self.emulator.control("pay", {"ref": self.ref(order), "amount": amount.amount_vnd})
        except ValueError as error:
            raise PayRefused(str(error)) from error

    def refuse(self, order: Order) -> None:
        self.emulator.control("refuse", {"ref": self.ref(order)})

    def steer(self, switch: Switch) -> None:
        name, value = _CONTROLS[switch]
        self.emulator.control(name, {"n": value})

    def refunded(self, order: Order) -> Money:
        return Money(self.emulator.orders[self.ref(order)].refunded_vnd)

    def close(self) -> None:
        self.emulator.__exit__(None, None, None)
        self._folder.cleanup()
