from __future__ import annotations

from typing import Any

import pytest

from payments.errors import BadSignature, CallbackRefused, MalformedCallback, NotOurs
from payments.match_codes import find_match_codes, new_match_code
from payments.models import BillLookup, Money, Notice
from payments.providers.bidv.callback import RESULT, make_bill_id, plain_code, read
from payments.providers.bidv.signing import ChecksumForm
from payments.secrets import Secret
from tests.unit.payments.providers.bidv.factories import (
    CODE,
    NOW,
    call,
    config,
    getbill,
    paybill,
)


def refusal(path: str, body: Any, config_: Any, **changes: Any) -> CallbackRefused:
    with pytest.raises(CallbackRefused) as caught:
        read(call(path, body, **changes), config_, provider="bidv")
    return caught.value


@pytest.mark.parametrize("form", list(ChecksumForm))
def test_both_calls_with_each_checksum(form: ChecksumForm) -> None:
    here = config(checksum=form)
    lookup = read(call("getbill", getbill(here)), here, provider="bidv")
    assert isinstance(lookup, BillLookup)
    assert lookup.code == CODE
    body = paybill(here, make_bill_id(CODE, here))
    notice = read(call("paybill", body), here, provider="bidv")
    assert isinstance(notice, Notice)
    (credit,) = notice.credits
    assert (credit.amount, credit.transaction_id) == (Money(350_000), "T1")
    assert credit.memo == CODE
    assert credit.paid_at == NOW


def test_names_in_both_cases() -> None:
    here = config()
    body = getbill(here)
    camel = {
        "serviceId": body["service_id"],
        "customerId": body["customer_id"],
        "checksum": body["checksum"],
    }
    assert read(call("getbill", camel), here, provider="bidv") == read(
        call("getbill", body), here, provider="bidv"
    )


def test_a_field_that_says_two_things() -> None:
    here = config()
    body = getbill(here) | {"customerId": "VP99"}
    assert isinstance(refusal("getbill", body, here), MalformedCallback)


@pytest.mark.parametrize("asked", ["V3DEMO" + CODE, CODE.lower(), f" {CODE[:4]} {CODE[4:]} "])
def test_a_code_as_people_and_banks_write_it(asked: str) -> None:
    assert plain_code(asked, "V3DEMO") == CODE


def test_a_prefix_alone_stays() -> None:
    assert plain_code("V3DEMO", "V3DEMO") == "V3DEMO"


def test_the_path_says_what_it_is_or_else_the_fields() -> None:
    here = config()
    body = paybill(here, make_bill_id(CODE, here))
    assert isinstance(read(call("api/bidv/paybill", body), here, provider="b"), Notice)
    assert isinstance(read(call("", body), here, provider="b"), Notice)
    assert isinstance(read(call("", getbill(here)), here, provider="b"), BillLookup)


@pytest.mark.parametrize("name", ["service_id", "customer_id", "checksum"])
def test_getbill_without_a_field(name: str) -> None:
    here = config()
    body = getbill(here)
    del body[name]
    error = refusal("getbill", body, here)
    assert isinstance(error, MalformedCallback)
    assert error.context[RESULT] == "001"


@pytest.mark.parametrize("name", ["service_id", "trans_id", "bill_id", "amount", "checksum"])
def test_paybill_without_a_field(name: str) -> None:
    here = config()
    body = paybill(here, make_bill_id(CODE, here))
    del body[name]
    error = refusal("paybill", body, here)
    assert isinstance(error, MalformedCallback)
    assert error.context[RESULT] == "001"


def test_a_wrong_checksum_is_004_whatever_else_is_wrong() -> None:
    here = config()
    error = refusal("getbill", getbill(here, checksum="x", service_id="999"), here)
    assert isinstance(error, BadSignature)
    assert error.context[RESULT] == "004"


def test_another_service_is_006() -> None:
    here = config()
    error = refusal("paybill", paybill(here, make_bill_id(CODE, here), service_id="999"), here)
    assert isinstance(error, NotOurs)
    assert error.context[RESULT] == "006"


def test_a_bill_that_was_changed_on_the_way_is_021() -> None:
    """No checksum but md5 covers it: the seal does."""
    here = config()
    other = make_bill_id("VP23AB7K2", here).replace("VP23", "VP24")
    error = refusal("paybill", paybill(here, other), here)
    assert isinstance(error, BadSignature)
    assert error.context[RESULT] == "021"


def test_without_seals_a_bill_is_the_code_alone() -> None:
    here = config(seals_bills=False)
    assert make_bill_id(CODE, here) == CODE
    notice = read(call("paybill", paybill(here, CODE)), here, provider="bidv")
    assert isinstance(notice, Notice)
    assert notice.credits[0].memo == CODE


def test_a_sealed_bill_still_shows_its_code() -> None:
    code = new_match_code("VP")
    assert find_match_codes(make_bill_id(code, config()), "VP")[0] == code


@pytest.mark.parametrize("amount", ["0", "-1", "1.5", "1e3", "350 000", "9" * 13, ""])
def test_amounts_that_are_none(amount: str) -> None:
    here = config()
    body = paybill(here, make_bill_id(CODE, here), amount)
    assert isinstance(refusal("paybill", body, here), MalformedCallback)


@pytest.mark.parametrize(("amount", "sent"), [("350000.00", "350000.00"), ("350000", 350_000)])
def test_amounts_as_they_are_sent(amount: str, sent: Any) -> None:
    here = config()
    body = paybill(here, make_bill_id(CODE, here), amount) | {"amount": sent}
    notice = read(call("paybill", body), here, provider="bidv")
    assert isinstance(notice, Notice)
    assert notice.credits[0].amount == Money(350_000)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"x" * 40_000, b"[" * 30_000])
def test_what_is_no_object(body: bytes) -> None:
    assert isinstance(refusal("getbill", {}, config(), untrusted_body=body), MalformedCallback)


def test_callers_from_elsewhere_are_003() -> None:
    here = config(callers=["203.0.113.0/24"])
    for address in ("198.51.100.7", "", "not-an-address"):
        error = refusal("getbill", getbill(here), here, remote_address=address)
        assert isinstance(error, BadSignature)
        assert error.context[RESULT] == "003"
    near = call("getbill", getbill(here), remote_address="203.0.113.9")
    assert isinstance(read(near, here, provider="bidv"), BillLookup)


def test_a_token_that_was_agreed() -> None:
    here = config(bearer=Secret("demo-token"))
    assert refusal("getbill", getbill(here), here).context[RESULT] == "003"
    good = call("getbill", getbill(here), headers={"authorization": "Bearer demo-token"})
    assert isinstance(read(good, here, provider="bidv"), BillLookup)
