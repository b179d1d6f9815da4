from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from payments.errors import MalformedCallback, NotSupported, ProviderMisconfigured
from payments.models import Bill, BillLookup, Money, Notice, NoticeKind, Order, Outcome
from payments.providers.bidv.callback import RESULT, open_bill_id
from payments.providers.bidv.provider import BidvProvider, open_provider
from payments.secrets import Secret
from payments.vietqr import decode
from tests.conftest import SettableClock
from tests.unit.payments.providers.bidv.factories import CODE, NOW, config, settings

LOOKUP = BillLookup(code=CODE, context={"customer_id": "V3DEMO" + CODE, "service_id": "123000"})
CREDIT = Notice(kind=NoticeKind.CREDIT)


def opened(**changes: Any) -> BidvProvider:
    return open_provider("bidv", settings(**changes), clock=SettableClock())


def told(answer: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answer.body)
    return content


def order() -> Order:
    return Order(
        code=CODE,
        attempt=1,
        amount=Money(350_000),
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
    )


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.APPLIED, "000"),
        (Outcome.REPEATED, "000"),
        (Outcome.RECORDED, "000"),
        (Outcome.UNKNOWN_ORDER, "021"),
        (Outcome.WRONG_AMOUNT, "022"),
        (Outcome.ALREADY_SETTLED, "023"),
        (Outcome.NOT_NOW, "031"),
    ],
)
def test_outcomes_in_the_words_of_the_bank(outcome: Outcome, code: str) -> None:
    answer = opened().answer(CREDIT, outcome)
    assert answer.status == 200
    assert told(answer)["result_code"] == code
    assert told(answer)["result_desc"]


def test_where_the_bank_keeps_the_money_a_part_of_it_is_taken() -> None:
    there = opened(refused_goes_back=False)
    assert told(there.answer(CREDIT, Outcome.WRONG_AMOUNT))["result_code"] == "000"
    assert told(there.answer(CREDIT, Outcome.ALREADY_SETTLED))["result_code"] == "023"


def test_a_status_of_its_own_only_where_it_was_agreed() -> None:
    there = opened(http_status_speaks=True)
    assert there.answer(CREDIT, Outcome.NOT_NOW).status == 400
    assert there.answer(CREDIT, Outcome.APPLIED).status == 200


def test_a_bill_nested_and_flat() -> None:
    bill = Bill(code=CODE, due=Money(350_000))
    nested = told(opened().answer_bill(LOOKUP, bill))
    flat = told(opened(bill_shape="flat").answer_bill(LOOKUP, bill))
    assert nested["data"][0]["data"][0] == flat["data"][0]
    assert nested["result_code"] == "000"
    assert nested["customer_id"] == LOOKUP.context["customer_id"]
    assert nested["customer_name"] == "BENH VIEN DEMO"
    assert nested["type"] == "1"
    assert nested["total_amount"] == flat["data"][0]["amount"] == "350000"
    assert open_bill_id(nested["bill_id"], config()) == CODE


@pytest.mark.parametrize(
    ("bill", "code"),
    [
        (None, "011"),
        (Bill(code=CODE, due=None), "012"),
        (Bill(code=CODE, due=Money(0)), "012"),
    ],
)
def test_nothing_to_pay(bill: Bill | None, code: str) -> None:
    assert told(opened().answer_bill(LOOKUP, bill)) == {
        "result_code": code,
        "result_desc": told(opened().answer_bill(LOOKUP, bill))["result_desc"],
    }


@pytest.mark.parametrize("code", ["001", "003", "004", "006", "021"])
def test_refusals_keep_their_code(code: str) -> None:
    error = MalformedCallback("x", context={RESULT: code})
    assert told(opened().answer_refusal(error))["result_code"] == code
    assert told(opened().answer_refusal(MalformedCallback("x")))["result_code"] == "001"


def test_a_qr_made_here_pays_the_account_of_the_code() -> None:
    offer = opened().create(order())
    qr = decode(offer.qr_text)
    assert (qr.bin, qr.account, qr.amount) == ("970418", "V3DEMO" + CODE, Money(350_000))
    assert offer.account is not None
    assert offer.account.holder == "BENH VIEN DEMO"


def test_without_a_qr_the_code_alone_is_paid() -> None:
    with pytest.raises(NotSupported):
        opened(qr="none").create(order())


@pytest.mark.parametrize(
    "changes",
    [
        {"checksum": "sha1"},
        {"secret": "in-the-open"},
        {"account_prefix": ""},
        {"account_prefix": "ELEVENSIGNS"},
        {"qr": "paygate"},
        {"merchant_name": "Bệnh viện"},
        {"callers": ["somewhere"]},
        {"paygate": {"client_id": "x"}},
        {
            "paygate": {
                "client_id": "x",
                "client_secret": Secret("s"),
                "merchant_id": "m",
                "symmetric_key": Secret("short"),
            }
        },
        {
            "paygate": {
                "client_id": "x",
                "client_secret": Secret("s"),
                "merchant_id": "m",
                "base_url": "http://bank.example",
            }
        },
        {
            "paygate": {
                "client_id": "x",
                "client_secret": Secret("s"),
                "merchant_id": "m",
                "private_key": Secret("no key at all"),
            }
        },
    ],
)
def test_settings_that_cannot_be_used(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderMisconfigured) as caught:
        opened(**changes)
    assert "in-the-open" not in str(caught.value)
    assert "no key at all" not in str(caught.value)
