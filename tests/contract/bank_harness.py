"""How the contract speaks to those who watch a bank account."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from payments.emulation.frame import Emulator
from payments.models import CallbackRequest, Money, Order
from payments.ports import PaymentProvider
from payments.providers.casso.emulator import API_KEY, CassoEmulator
from payments.providers.casso.emulator import SECRET as CASSO_SECRET
from payments.providers.sepay.emulator import API_TOKEN, BANK_ACCOUNT_ID, SepayEmulator
from payments.providers.sepay.emulator import SECRET as SEPAY_SECRET
from payments.providers.vietqr_bank.emulator import SECRET, TOKEN, BankEmulator
from payments.registry import open_provider
from tests.contract.payment_harness import ASKED, Harness, PayRefused, Switch

OTHER_ACCOUNT = "0680000000099"
_FAULTS = {
    Switch.DROP: "drop_webhook",
    Switch.DUPLICATE: "duplicate",
    Switch.BAD_SIGNATURE: "bad_signature",
    Switch.STALE: "stale_timestamp",
}


class AccountHarness(Harness):
    """A subclass names the kind, and says how a transfer for an order is made there."""

    kind: str
    asks_to_create = False

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        emulator.__enter__()
        self._folder = TemporaryDirectory(prefix="tiepdon-bank-")
        self._steered: set[Switch] = set()

    @property
    def base_url(self) -> str:
        return self.emulator.base_url

    def settings(self, base_url: str) -> dict[str, Any]:
        raise NotImplementedError

    def pay_arguments(self, order: Order, steered: set[Switch]) -> dict[str, Any]:
        raise NotImplementedError

    def secret_file(self, text: str) -> dict[str, str]:
        path = Path(self._folder.name) / f"secret-{text}"
        path.write_text(text + "\n")
        return {"file": str(path)}

    def open(self, base_url: str | None = None, *, callback_url: str) -> PaymentProvider:
        self.emulator.callback_url = callback_url
        settings = self.settings(base_url or self.base_url)
        return open_provider(self.kind, self.name, settings, clock=self.now)

    def now(self) -> datetime:
        return self.emulator.clock().astimezone(UTC)

    def advance(self, seconds: float) -> None:
        self.emulator.callbacks.settle()
        self.emulator.clock.advance(seconds)

    def pay(self, order: Order, amount: Money = ASKED, *, late: bool = False) -> None:
        arguments = self.pay_arguments(order, self._steered)
        self.emulator.faults.pay_after_expiry = late
        try:
            self.emulator.control("pay", {**arguments, "amount": amount.amount_vnd})
        except ValueError as error:
            raise PayRefused(str(error)) from error
        self._steered.clear()
        self.emulator.faults.duplicate = 0

    def signed_fields(self, request: CallbackRequest) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(request.untrusted_body)
        return content

    def resign(self, request: CallbackRequest, fields: dict[str, Any]) -> CallbackRequest:
        """At the time the first one was signed at."""
        body = json.dumps(fields).encode()
        headers = {**request.headers, **self.sign(body, request.headers)}
        return replace(request, untrusted_body=body, headers=headers)

    def sign(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        raise NotImplementedError

    def steer(self, switch: Switch) -> None:
        self._steered.add(switch)
        if switch in _FAULTS:
            self.emulator.control(_FAULTS[switch], {"n": 1})

    def close(self) -> None:
        self.emulator.__exit__(None, None, None)
        self._folder.cleanup()


class BankHarness(AccountHarness):
    kind = "vietqr_bank"
    secrets = (SECRET, TOKEN)
    signs_replies = True

    def __init__(self) -> None:
        super().__init__(BankEmulator())

    def sign(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        text = headers["x-feed-timestamp"].encode() + b"." + body
        digest = hmac.new(SECRET.encode(), text, hashlib.sha256)
        return {"x-feed-signature": f"sha256={digest.hexdigest()}"}

    def settings(self, base_url: str) -> dict[str, Any]:
        return {
            "bin": "970418",
            "account": "1200000000001",
            "holder": "BENH VIEN DA KHOA MAU",
            "secret": self.secret_file(SECRET),
            "feed": {"base_url": f"{base_url}/feed", "token": self.secret_file(TOKEN)},
            "list_fresh_s": 0,
        }

    def pay_arguments(self, order: Order, steered: set[Switch]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if Switch.WRONG_ACCOUNT in steered:
            fields["account"] = OTHER_ACCOUNT
        if Switch.WRONG_CURRENCY in steered:
            fields["currency"] = "USD"
        return {
            "bin": "970418",
            "account": "1200000000001",
            "memo": order.code,
            "memo_style": "noise",
            "fields": fields,
        }


class SepayHarness(AccountHarness):
    kind = "sepay"
    switches = frozenset(Switch) - {Switch.WRONG_CURRENCY}  # a webhook of SePay names none
    secrets = (SEPAY_SECRET, API_TOKEN)

    def __init__(self) -> None:
        super().__init__(SepayEmulator())

    def sign(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        text = headers["x-sepay-timestamp"].encode() + b"." + body
        digest = hmac.new(SEPAY_SECRET.encode(), text, hashlib.sha256)
        return {"x-sepay-signature": f"sha256={digest.hexdigest()}"}

    def settings(self, base_url: str) -> dict[str, Any]:
        return {
            "bin": "970418",
            "account": "1200000000001",
            "holder": "BENH VIEN DA KHOA MAU",
            "secret": self.secret_file(SEPAY_SECRET),
            "api": {
                "base_url": f"{base_url}/v2",
                "token": self.secret_file(API_TOKEN),
                "bank_account_id": BANK_ACCOUNT_ID,
            },
            "list_fresh_s": 0,
        }

    def pay_arguments(self, order: Order, steered: set[Switch]) -> dict[str, Any]:
        wrong = {"accountNumber": OTHER_ACCOUNT, "subAccount": None}
        return {
            "account": "1200000000001",
            "memo": order.code,
            "memo_style": "noise",
            "fields": wrong if Switch.WRONG_ACCOUNT in steered else {},
        }


class CassoHarness(AccountHarness):
    kind = "casso"
    switches = frozenset(Switch) - {Switch.WRONG_CURRENCY}  # a webhook of Casso names none
    secrets = (CASSO_SECRET, API_KEY)
    resend_after_s = 60

    def __init__(self) -> None:
        super().__init__(CassoEmulator())

    def signed_fields(self, request: CallbackRequest) -> dict[str, Any]:
        data: dict[str, Any] = super().signed_fields(request)["data"]
        return data

    def resign(self, request: CallbackRequest, fields: dict[str, Any]) -> CallbackRequest:
        return super().resign(request, {"error": 0, "data": fields})

    def sign(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """In a spelling that any content has."""
        stamp = headers["x-casso-signature"].partition(",")[0].removeprefix("t=")
        text = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"))
        digest = hmac.new(CASSO_SECRET.encode(), f"{stamp}.{text}".encode(), hashlib.sha512)
        return {"x-casso-signature": f"t={stamp},v1={digest.hexdigest()}"}

    def settings(self, base_url: str) -> dict[str, Any]:
        return {
            "bin": "970418",
            "account": "1200000000001",
            "holder": "BENH VIEN DA KHOA MAU",
            "secret": self.secret_file(CASSO_SECRET),
            "api": {"base_url": f"{base_url}/v2", "key": self.secret_file(API_KEY)},
            "list_fresh_s": 0,
        }

    def pay_arguments(self, order: Order, steered: set[Switch]) -> dict[str, Any]:
        wrong = {"accountNumber": OTHER_ACCOUNT}
        return {
            "account": "1200000000001",
            "memo": f"Đóng viện phí {order.code} 20/11",
            "fields": wrong if Switch.WRONG_ACCOUNT in steered else {},
        }
