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
from payments.models import CallbackRequest, Notice, NoticeKind, Outcome
from payments.ports import PaymentProvider
from payments.providers.vnpay.emulator import SECRET, TERMINAL, VnpayEmulator, hash_of, signed_query
from tests.contract.payment_harness import Harness, Switch
from tests.contract.test_payment_provider import PaymentProviderContract
from tests.contract.wallet_harness import WalletHarness


class VnpayHarness(WalletHarness):
    kind = "vnpay"
    switches = frozenset(Switch) - {Switch.WRONG_CURRENCY}  # a notice of VNPAY names none
    tells_failures = True
    secrets = (SECRET,)

    def __init__(self, callback_url: str) -> None:
        super().__init__(VnpayEmulator(callback_url=callback_url))

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
        return VnpayHarness(callback_url)

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
