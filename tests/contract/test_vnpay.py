"""The contract of providers, kept by VNPAY."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from payments.errors import (
    BadSignature,
    CallbackRefused,
    MalformedCallback,
    NotOurs,
    StaleCallback,
)
from payments.models import CallbackRequest, Notice, NoticeKind, Outcome, RefundState
from payments.ports import PaymentProvider
from payments.providers.vnpay.emulator import SECRET, TERMINAL, VnpayEmulator, hash_of, signed_query
from tests.contract.payment_harness import Harness, Receiver, Switch
from tests.contract.test_payment_provider import (
    PaymentProviderContract,
    a_real_callback,
    a_refund,
    give_back,
    refundable,
)
from tests.contract.wallet_harness import WalletHarness


class VnpayHarness(WalletHarness):
    kind = "vnpay"
    switches = frozenset(Switch) - {Switch.WRONG_CURRENCY}  # a notice of VNPAY names none
    tells_failures = True
    signs_replies = True
    secrets = (SECRET,)

    def __init__(self, **options: Any) -> None:
        super().__init__(VnpayEmulator(**options))

    def settings(self, base_url: str, callback_url: str) -> dict[str, Any]:
        return {
            "pay_url": f"{base_url}/paymentv2/vpcpay.html",
            "api_url": f"{base_url}/merchant_webapi/api/transaction",
            "tmn_code": TERMINAL,
            "hash_secret": self.secret_file(SECRET),
            "return_url": f"{callback_url}/return",
        }

    def signed_fields(self, request: CallbackRequest) -> dict[str, Any]:
        return {k: v for k, v in request.arguments.items() if k != "vnp_SecureHash"}

    def resign(self, request: CallbackRequest, fields: dict[str, Any]) -> CallbackRequest:
        texts = {name: str(value) for name, value in fields.items()}
        arguments = {**texts, "vnp_SecureHash": hash_of(signed_query(texts))}
        return replace(request, arguments=arguments)


class TestVnpay(PaymentProviderContract):
    @staticmethod
    def make_harness(callback_url: str) -> Harness:
        return VnpayHarness(callback_url=callback_url)

    def test_an_earlier_refund_is_never_called_failed(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        """VNPAY tells of the last one only."""
        placed, transaction_id = refundable(harness, provider, receiver)
        first = a_refund(harness, placed, transaction_id, serial=1)
        second = a_refund(harness, placed, transaction_id, serial=2)
        assert give_back(harness, provider, first).state is RefundState.DONE
        assert give_back(harness, provider, second).state is RefundState.DONE
        told = provider.query_refund(first)
        assert (told.state, told.reason) == (RefundState.PROCESSING, "ask-vnpay")

    def test_a_refund_again_on_another_day_is_asked_for_first(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        placed, transaction_id = refundable(harness, provider, receiver)
        refund = a_refund(harness, placed, transaction_id)
        give_back(harness, provider, refund)
        harness.advance(86_400)
        assert provider.refund(refund).state is RefundState.DONE
        assert harness.refunded(placed.order) == refund.amount

    @pytest.mark.parametrize(
        ("response", "status"), [("00", "01"), ("07", "00"), ("07", "07"), ("00", "02")]
    )
    def test_what_is_undecided_is_neither_paid_nor_failed(
        self,
        harness: Harness,
        provider: PaymentProvider,
        receiver: Receiver,
        response: str,
        status: str,
    ) -> None:
        request, _ = a_real_callback(harness, provider, receiver)
        fields = harness.signed_fields(request) or {}
        fields |= {"vnp_ResponseCode": response, "vnp_TransactionStatus": status}
        notice = provider.read_callback(harness.resign(request, fields))
        assert isinstance(notice, Notice)
        assert (notice.kind, notice.credits) == (NoticeKind.OTHER, ())

    @pytest.mark.parametrize(
        ("outcome", "code"),
        [
            (Outcome.APPLIED, b'"00"'),
            (Outcome.RECORDED, b'"00"'),
            (Outcome.REPEATED, b'"02"'),
            (Outcome.ALREADY_SETTLED, b'"02"'),
            (Outcome.UNKNOWN_ORDER, b'"01"'),
            (Outcome.WRONG_AMOUNT, b'"04"'),
            (Outcome.NOT_NOW, b'"99"'),
        ],
    )
    def test_answers_in_its_own_codes(
        self, provider: PaymentProvider, outcome: Outcome, code: bytes
    ) -> None:
        answer = provider.answer(Notice(kind=NoticeKind.OTHER), outcome)
        assert answer.status == 200
        assert b'"RspCode":' + code in answer.body

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (BadSignature("x"), b'"97"'),
            (NotOurs("x"), b'"99"'),
            (StaleCallback("x"), b'"99"'),
            (MalformedCallback("x"), b'"99"'),
        ],
    )
    def test_refuses_in_its_own_codes(
        self, provider: PaymentProvider, error: CallbackRefused, code: bytes
    ) -> None:
        answer = provider.answer_refusal(error)
        assert answer.status == 200
        assert b'"RspCode":' + code in answer.body
