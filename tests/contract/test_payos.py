"""The contract of providers, kept by payOS."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from payments.errors import BadSignature, BrokenReply, Declined, NotOurs, StaleCallback
from payments.models import CallbackRequest, Notice, NoticeKind, Order, Outcome
from payments.ports import PaymentProvider
from payments.providers.payos import emulator as stand_in
from payments.providers.payos.emulator import (
    ACCOUNT,
    API_KEY,
    BIN,
    CHECKSUM_KEY,
    CLIENT_ID,
    PayosEmulator,
    sign,
    text_of_data,
    viet_qr,
)
from payments.providers.payos.provider import PayosProvider
from payments.providers.payos.signing import order_code
from tests.contract.payment_harness import Harness, Receiver, new_order
from tests.contract.test_payment_provider import PaymentProviderContract
from tests.contract.wallet_harness import WalletHarness


class PayosHarness(WalletHarness):
    kind = "payos"
    repeats_create = False
    signs_replies = True
    secrets = (API_KEY, CHECKSUM_KEY)

    def __init__(self, **options: Any) -> None:
        super().__init__(PayosEmulator(**options))

    def ref(self, order: Order) -> str:
        return str(order_code(order))

    def settings(self, base_url: str, callback_url: str) -> dict[str, Any]:
        return {
            "base_url": base_url,
            "client_id": CLIENT_ID,
            "api_key": self.secret_file(API_KEY),
            "checksum_key": self.secret_file(CHECKSUM_KEY),
            "bin": BIN,
            "account": ACCOUNT,
            "return_url": f"{callback_url}/return",
        }

    def signed_fields(self, request: CallbackRequest) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(request.untrusted_body)["data"]
        return fields

    def resign(self, request: CallbackRequest, fields: dict[str, Any]) -> CallbackRequest:
        body = {"data": fields, "signature": sign(text_of_data(fields))}
        return replace(request, untrusted_body=json.dumps(body).encode())


class TestPayos(PaymentProviderContract):
    @staticmethod
    def make_harness(callback_url: str) -> Harness:
        return PayosHarness(callback_url=callback_url)

    def test_its_test_call_is_acknowledged_and_books_nothing(
        self, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        assert isinstance(provider, PayosProvider)
        provider.confirm_webhook(receiver.url)
        (received,) = receiver.wait()
        assert received.read == Notice(kind=NoticeKind.TEST)
        assert received.answer.status == 200
        with pytest.raises(Declined):
            provider.confirm_webhook("ftp://nowhere.invalid")

    def test_answers(self, provider: PaymentProvider) -> None:
        notice = Notice(kind=NoticeKind.OTHER)
        statuses = {outcome: provider.answer(notice, outcome).status for outcome in Outcome}
        assert statuses.pop(Outcome.NOT_NOW) == 503
        assert set(statuses.values()) == {200}
        assert provider.answer_refusal(BadSignature("x")).status == 401
        for error in (NotOurs("x"), StaleCallback("x")):
            assert provider.answer_refusal(error).status == 200

    def test_an_order_of_somebody_else_is_money_without_an_order(
        self, harness: Harness, provider: PaymentProvider
    ) -> None:
        data = {
            "orderCode": 26000042,
            "amount": 350000,
            "description": "CSABC123",
            "accountNumber": ACCOUNT,
            "reference": "FT26000000001",
            "transactionDateTime": harness.now().isoformat(),
            "currency": "VND",
        }
        body = json.dumps({"data": data, "signature": sign(text_of_data(data))}).encode()
        request = CallbackRequest(
            method="POST", path="", headers={}, untrusted_body=body, received_at=harness.now()
        )
        notice = provider.read_callback(request)
        assert isinstance(notice, Notice)
        assert notice.credits[0].order_key is None
        with pytest.raises(BadSignature):
            provider.read_callback(replace(request, untrusted_body=body.replace(b"3500", b"9500")))

    @pytest.mark.parametrize(
        "qr_text",
        [
            "",
            "https://pay.invalid/26000042",
            viet_qr(350_000, "CS1 X")[:-1] + "0",
            viet_qr(950_000, "CS1 X"),
            viet_qr(350_000, "CS1 X").replace(ACCOUNT, "1299999999999"),
        ],
        ids=["none", "an address", "crc", "amount", "account"],
    )
    def test_a_qr_that_is_not_right_is_never_shown(
        self,
        harness: Harness,
        provider: PaymentProvider,
        monkeypatch: pytest.MonkeyPatch,
        qr_text: str,
    ) -> None:
        monkeypatch.setattr(stand_in, "viet_qr", lambda *_: qr_text)
        with pytest.raises(BrokenReply):
            provider.create(new_order(harness))

    def test_an_account_of_somebody_else_is_never_shown(
        self, harness: Harness, provider: PaymentProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stand_in, "ACCOUNT", "1299999999999")
        with pytest.raises(BrokenReply):
            provider.create(new_order(harness))
