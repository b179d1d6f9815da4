"""The contract of providers, kept by ZaloPay."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from payments.errors import BadSignature, MalformedCallback, NotOurs, StaleCallback
from payments.models import (
    CallbackRequest,
    Notice,
    NoticeKind,
    Order,
    Outcome,
    RefundState,
)
from payments.ports import PaymentProvider
from payments.providers.zalopay.emulator import APP_ID, KEY1, KEY2, ZalopayEmulator, mac_of
from payments.providers.zalopay.signing import trans_id
from tests.contract.payment_harness import Harness, Receiver, Switch
from tests.contract.test_payment_provider import PaymentProviderContract, a_refund, refundable
from tests.contract.wallet_harness import WalletHarness


class ZalopayHarness(WalletHarness):
    kind = "zalopay"
    switches = frozenset(Switch) - {Switch.WRONG_CURRENCY}  # a callback of ZaloPay names none
    repeats_create = False
    secrets = (KEY1, KEY2)

    def __init__(self, **options: Any) -> None:
        super().__init__(ZalopayEmulator(**options))

    @property
    def base_url(self) -> str:
        return f"{self.emulator.base_url}/v2"

    def ref(self, order: Order) -> str:
        return trans_id(order)

    def settings(self, base_url: str, callback_url: str) -> dict[str, Any]:
        return {
            "base_url": base_url,
            "app_id": APP_ID,
            "key1": self.secret_file(KEY1),
            "key2": self.secret_file(KEY2),
            "callback_url": callback_url,
        }

    def signed_fields(self, request: CallbackRequest) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(json.loads(request.untrusted_body)["data"])
        return fields

    def resign(self, request: CallbackRequest, fields: dict[str, Any]) -> CallbackRequest:
        data = json.dumps(fields)
        body = json.dumps({"data": data, "mac": mac_of(KEY2, data), "type": 1}).encode()
        return replace(request, untrusted_body=body)


class TestZalopay(PaymentProviderContract):
    @staticmethod
    def make_harness(_callback_url: str) -> Harness:
        return ZalopayHarness()

    def test_a_refund_refused_as_a_repeat_is_asked_for(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        placed, transaction_id = refundable(harness, provider, receiver)
        refund = a_refund(harness, placed, transaction_id)
        assert provider.refund(refund).state is RefundState.PROCESSING
        assert provider.refund(refund).state is RefundState.PROCESSING
        harness.advance(60)
        assert provider.refund(refund).state is RefundState.DONE

    @pytest.mark.parametrize(
        ("outcome", "code"),
        [
            (Outcome.APPLIED, b"1"),
            (Outcome.RECORDED, b"1"),
            (Outcome.UNKNOWN_ORDER, b"1"),
            (Outcome.WRONG_AMOUNT, b"1"),
            (Outcome.ALREADY_SETTLED, b"1"),
            (Outcome.REPEATED, b"2"),
            (Outcome.NOT_NOW, b"0"),
        ],
    )
    def test_answers_in_its_own_codes(
        self, provider: PaymentProvider, outcome: Outcome, code: bytes
    ) -> None:
        answer = provider.answer(Notice(kind=NoticeKind.OTHER), outcome)
        assert answer.status == 200
        assert b'"return_code":' + code in answer.body

    def test_refuses_in_its_own_code(self, provider: PaymentProvider) -> None:
        for error in (BadSignature("x"), NotOurs("x"), StaleCallback("x"), MalformedCallback("x")):
            answer = provider.answer_refusal(error)
            assert answer.status == 200
            assert b'"return_code":-1' in answer.body
