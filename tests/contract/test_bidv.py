"""BIDV against its emulator: QR made here and QR made there, sealed and plain, four checksums."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from payments.emulation.clock import EmulatedClock
from payments.errors import PaymentError
from payments.models import Money, Order
from payments.providers.bidv.emulated_signing import (
    FORMS,
    bank_checksum,
    new_key_and_certificate,
)
from payments.providers.bidv.emulator import (
    CLIENT_ID,
    CLIENT_SECRET,
    MERCHANT_ID,
    MERCHANT_NAME,
    PREFIX,
    SECRET,
    SERVICE_ID,
    SHARED_KEY,
    BidvEmulator,
    Refused,
)
from payments.providers.bidv.provider import BidvProvider, open_provider
from payments.providers.bidv.signing import ChecksumForm, getbill_checksum, paybill_checksum
from payments.secrets import Secret
from tests.contract.payment_harness import ASKED, Harness, PayRefused, Switch
from tests.contract.test_payment_provider import PaymentProviderContract

_KEY, _KEY_PEM, _CERTIFICATE = new_key_and_certificate("BENH VIEN DEMO", datetime.now(UTC))


def plain_settings(**changes: Any) -> dict[str, Any]:
    return {
        "service_id": SERVICE_ID,
        "secret": Secret(SECRET),
        "checksum": "hmac_bar",
        "merchant_name": MERCHANT_NAME,
        "qr": "virtual_account",
        "account_prefix": PREFIX,
        **changes,
    }


def gate_settings(base_url: str, **changes: Any) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "client_id": CLIENT_ID,
        "client_secret": Secret(CLIENT_SECRET),
        "merchant_id": MERCHANT_ID,
        **changes,
    }


class BidvHarness(Harness):
    """Bills whose amount the payer may change, named as `customerId`, plain JSON."""

    switches = frozenset(Switch) - {
        Switch.STALE,
        Switch.WRONG_CURRENCY,
    }  # neither time nor currency
    asks_to_create = False
    checksum = "hmac_bar"
    sealed = False
    names = "camel"
    secrets = (SECRET, SHARED_KEY)

    def __init__(self, callback_url: str) -> None:
        self._clock = EmulatedClock()
        self.emulator = BidvEmulator(
            callback_url=callback_url,
            clock=self._clock,
            checksum=self.checksum,
            sealed=self.sealed,
        )
        self.emulator.names = self.names
        self.emulator.__enter__()

    @property
    def base_url(self) -> str | None:
        return None

    def settings(self, base_url: str | None) -> dict[str, Any]:
        del base_url
        return plain_settings(checksum=self.checksum, bill_type="2", refused_goes_back=False)

    def open(self, base_url: str | None = None, *, callback_url: str) -> BidvProvider:
        del callback_url
        return open_provider(self.name, self.settings(base_url), clock=self._clock)

    def now(self) -> datetime:
        return self._clock()

    def advance(self, seconds: float) -> None:
        self.emulator.callbacks.settle()
        self._clock.advance(seconds)

    def pay(self, order: Order, amount: Money = ASKED, *, late: bool = False) -> None:
        del late  # the bank knows no end of a bill but ours
        try:
            self.emulator.pay({"code": order.code, "amount": amount.amount_vnd})
        except Refused as error:
            raise PayRefused from error

    def steer(self, switch: Switch) -> None:
        match switch:
            case Switch.DROP:
                self.emulator.faults.drop_webhook = 1
            case Switch.DUPLICATE:
                self.emulator.faults.duplicate = 1
            case Switch.BAD_SIGNATURE:
                self.emulator.faults.bad_signature = 1
            case Switch.WRONG_ACCOUNT:
                self.emulator.wrong_service = 1
            case _:
                raise NotImplementedError(switch)

    def close(self) -> None:
        self.emulator.__exit__(None, None, None)


class PaygateHarness(BidvHarness):
    """Bills of a fixed amount, QR and files from the open API, everything sealed and signed."""

    asks_to_create = True
    takes_other_amounts = False
    checksum = "sha256_bar"
    sealed = True
    names = "snake"

    @property
    def base_url(self) -> str | None:
        return self.emulator.base_url

    def settings(self, base_url: str | None) -> dict[str, Any]:
        gate = gate_settings(
            base_url or self.emulator.base_url,
            symmetric_key=Secret(SHARED_KEY),
            private_key=Secret(_KEY_PEM.decode()),
            certificate=Secret(_CERTIFICATE.decode()),
            opens_accounts=True,
        )
        if base_url is None:  # a bad line drops the headers of replies
            gate["bank_certificate"] = Secret(self.emulator.bank_certificate.decode())
        return plain_settings(checksum=self.checksum, qr="paygate", paygate=gate)

    def open(self, base_url: str | None = None, *, callback_url: str) -> BidvProvider:
        """With its token at hand: what is tried then meets the call itself."""
        provider = super().open(base_url, callback_url=callback_url)
        with suppress(PaymentError):
            provider.check()
        return provider


class OldChecksumHarness(BidvHarness):
    checksum = "sha256_plus"
    names = "snake"


class Md5Harness(BidvHarness):
    checksum = "md5"

    def settings(self, base_url: str | None) -> dict[str, Any]:
        return super().settings(base_url) | {"bill_shape": "flat"}


class TestBidv(PaymentProviderContract):
    make_harness = BidvHarness


class TestBidvPaygate(PaymentProviderContract):
    make_harness = PaygateHarness


class TestBidvOldChecksum(PaymentProviderContract):
    make_harness = OldChecksumHarness


class TestBidvMd5(PaymentProviderContract):
    make_harness = Md5Harness


def test_the_four_checksums_are_the_same_on_both_sides() -> None:
    parts = {
        "service_id": "123000",
        "customer_id": "VP26AB7K9",
        "trans_id": "T1",
        "bill_id": "B1",
        "amount": "1000",
    }
    assert set(FORMS) == {form.value for form in ChecksumForm}
    for form in ChecksumForm:
        ours = getbill_checksum(form, SECRET, service="123000", customer="VP26AB7K9")
        assert ours == bank_checksum(form, "getbill", SECRET, parts)
        paid = paybill_checksum(form, SECRET, transaction="T1", bill="B1", amount="1000")
        assert paid == bank_checksum(form, "paybill", SECRET, parts)
