"""The contract of providers, kept by MoMo."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from payments.errors import BrokenReply
from payments.models import CallbackRequest, Notice, NoticeKind, Outcome, RefundState
from payments.ports import PaymentProvider
from payments.providers.momo.emulator import ACCESS_KEY, PARTNER, SECRET, MomoEmulator, sign_text
from tests.contract.payment_harness import Harness, Receiver, Switch
from tests.contract.test_payment_provider import (
    PaymentProviderContract,
    a_real_callback,
    a_refund,
    refundable,
)
from tests.contract.wallet_harness import WalletHarness


class MomoHarness(WalletHarness):
    kind = "momo"
    switches = frozenset(Switch) - {Switch.WRONG_CURRENCY}  # a notice of MoMo names none
    tells_failures = True
    secrets = (SECRET, ACCESS_KEY)

    def __init__(self, **options: Any) -> None:
        super().__init__(MomoEmulator(**options))

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

    def test_answers_204_or_asks_for_a_repeat(self, provider: PaymentProvider) -> None:
        notice = Notice(kind=NoticeKind.OTHER)
        statuses = {outcome: provider.answer(notice, outcome).status for outcome in Outcome}
        assert statuses.pop(Outcome.NOT_NOW) == 503
        assert set(statuses.values()) == {204}

    def test_a_refund_that_is_running_is_asked_for(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        placed, transaction_id = refundable(harness, provider, receiver)
        refund = a_refund(harness, placed, transaction_id)
        assert isinstance(harness, MomoHarness)
        harness.emulator.faults.refund_pending = True
        for _ in range(2):
            assert provider.refund(refund).state is RefundState.PROCESSING
        harness.emulator.faults.refund_pending = False
        assert provider.refund(refund).state is RefundState.DONE
        assert harness.refunded(placed.order) == refund.amount

    def test_a_refund_of_another_amount_is_not_done(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        """Neither done nor failed: a person has to ask MoMo."""
        placed, transaction_id = refundable(harness, provider, receiver)
        refund = a_refund(harness, placed, transaction_id)
        assert isinstance(harness, MomoHarness)
        harness.emulator.faults.partial_refund = 5_000
        for ask in (provider.refund, provider.query_refund):
            with pytest.raises(BrokenReply):
                ask(refund)

    @pytest.mark.parametrize("code", [9000, 7002, 1000, 13, 22, 42])
    def test_what_is_undecided_is_neither_paid_nor_failed(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver, code: int
    ) -> None:
        request, _ = a_real_callback(harness, provider, receiver)
        fields = harness.signed_fields(request) or {}
        notice = provider.read_callback(harness.resign(request, fields | {"resultCode": code}))
        assert isinstance(notice, Notice)
        assert (notice.kind, notice.credits) == (NoticeKind.OTHER, ())

    def test_an_order_of_somebody_else_keeps_its_trail(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        request, _ = a_real_callback(harness, provider, receiver)
        fields = harness.signed_fields(request) or {}
        notice = provider.read_callback(harness.resign(request, fields | {"orderId": "SHOP-7"}))
        assert isinstance(notice, Notice)
        (credit,) = notice.credits
        assert (credit.order_key, credit.memo, notice.order_key) == (None, "SHOP-7", None)
        assert "SHOP-7" not in repr(notice)
