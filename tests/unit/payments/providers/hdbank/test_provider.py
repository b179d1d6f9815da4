from __future__ import annotations

import json
from typing import Any

import pytest

from payments.errors import BadSignature, MalformedCallback, NotOurs, ProviderMisconfigured
from payments.models import CallbackRequest, Notice, NoticeKind, OrderStatus, Outcome
from payments.providers.hdbank.provider import HdbankProvider, open_provider
from payments.providers.hdbank.signing import pack, sign
from payments.secrets import Secret
from tests.conftest import SettableClock
from tests.unit.payments.providers.hdbank.test_invoices import PAID

SECRET = "demo-hdbank-secret"


def opened(**changes: Any) -> HdbankProvider:
    settings = {
        "base_url": "https://bank.example",
        "merchant_id": "79032",
        "secret": Secret(SECRET),
        "account_prefix": "PEB",
        "holder": "BENH VIEN DEMO",
    }
    return open_provider("hdbank", settings | changes, clock=SettableClock())


def ipn(**changes: Any) -> CallbackRequest:
    data = pack({"merchantId": "79032", **PAID, **changes})
    arguments = {"data": data, "sign": sign(data, SECRET.encode(), "hex")}
    return CallbackRequest(
        method="GET",
        path="",
        headers={},
        arguments=arguments,
        received_at=SettableClock().now,
    )


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.APPLIED, "00"),
        (Outcome.RECORDED, "00"),
        (Outcome.ALREADY_SETTLED, "02"),
        (Outcome.WRONG_AMOUNT, "03"),
        (Outcome.UNKNOWN_ORDER, "04"),
        (Outcome.REPEATED, "05"),
        (Outcome.NOT_NOW, "99"),
    ],
)
def test_answers_of_the_document(outcome: Outcome, code: str) -> None:
    answer = opened().answer(Notice(kind=NoticeKind.CREDIT), outcome)
    content = json.loads(answer.body)
    assert (answer.status, content["code"]) == (200, code)
    assert (content["data"] is None) is (code == "00")


def test_refusals() -> None:
    here = opened()
    assert json.loads(here.answer_refusal(BadSignature("x")).body)["code"] == "01"
    for error in (MalformedCallback("x"), NotOurs("x")):
        assert json.loads(here.answer_refusal(error).body)["code"] == "04"


def test_a_failure_and_what_the_bank_does_not_know() -> None:
    failed = opened().read_callback(ipn(status="01", paidAmount=None, paidTime=None))
    assert (failed.kind, failed.status) == (NoticeKind.STATUS, OrderStatus.FAILED)
    unknown = opened().read_callback(ipn(status="99"))
    assert unknown.kind is NoticeKind.OTHER


def test_another_shape_is_malformed_and_another_hospital_not_ours() -> None:
    with pytest.raises(MalformedCallback):
        opened().read_callback(ipn(paidAmount="10000"))
    with pytest.raises(NotOurs):
        opened().read_callback(ipn(merchantId="00000"))


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "http://bank.example"},
        {"ipn_url": "ftp://kiosk.example"},
        {"secret": "in-the-open"},
        {"account_prefix": ""},
        {"sign_form": "md5"},
        {"lifetime_s": 1},
        {"other": 1},
    ],
)
def test_settings_that_cannot_be_used(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderMisconfigured) as caught:
        opened(**changes)
    assert "in-the-open" not in str(caught.value)
