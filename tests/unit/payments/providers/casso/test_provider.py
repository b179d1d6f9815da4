from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.emulation.clock import EmulatedClock
from payments.errors import (
    BadSignature,
    BrokenReply,
    CallbackRefused,
    MalformedCallback,
    NotOurs,
    NotSupported,
    ProviderMisconfigured,
)
from payments.match_codes import new_match_code
from payments.models import CallbackRequest, Money, NoticeKind, Order, OrderStatus, PlacedOrder
from payments.providers.casso.emulator import SECRET, CassoEmulator
from payments.providers.casso.provider import CassoProvider, open_provider
from payments.secrets import Secret
from tests.unit.payments.emulation.hospital import HospitalStandIn
from tests.unit.payments.providers.casso.test_signing import CONTENT

NOW = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
PLAIN = {
    "bin": "970418",
    "account": "1200000000001",
    "holder": "BENH VIEN MAU",
    "secret": Secret(SECRET),
}


@pytest.fixture(scope="module")
def signer() -> Iterator[CassoEmulator]:
    with CassoEmulator(clock=EmulatedClock(lambda: NOW)) as emulator:
        yield emulator


@pytest.fixture
def casso() -> Iterator[CassoEmulator]:
    with CassoEmulator(seed=2, clock=EmulatedClock(lambda: NOW)) as emulator:
        yield emulator


def provider(**more: Any) -> CassoProvider:
    return open_provider("casso", {**PLAIN, **more}, clock=lambda: NOW)


def request(signer: CassoEmulator, **changes: Any) -> CallbackRequest:
    content = {"error": 0, "data": {**CONTENT["data"], **changes}}
    return CallbackRequest(
        method="POST",
        path="",
        headers={"x-casso-signature": signer.sign(content)},
        untrusted_body=json.dumps(content).encode(),
        received_at=NOW,
    )


def order(amount_vnd: int = 350_000) -> Order:
    return Order(
        code=new_match_code("VP"),
        attempt=1,
        amount=Money(amount_vnd),
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
    )


def opened(casso: CassoEmulator, **more: Any) -> CassoProvider:
    return open_provider("casso", casso.settings(list_fresh_s=0, **more), clock=casso.clock)


def test_a_webhook_is_read_whole(signer: CassoEmulator) -> None:
    notice = provider().read_callback(request(signer))
    [credit] = notice.credits
    assert (notice.kind, notice.confirm, notice.sent_at) == (NoticeKind.CREDIT, False, NOW)
    assert (credit.account, credit.transaction_id) == ("1200000000001", "218897")
    assert credit.bank_reference == "FT26000000001"
    assert (credit.amount, credit.paid_at) == (Money(350_000), NOW)
    assert credit.memo == "VP26AB7K9M"
    assert credit.order_key is None
    assert (credit.payer.name, credit.payer.bank) == ("NGUYEN VAN DEMO", "970436")
    assert "NGUYEN" not in repr(notice)


def test_the_test_call_is_acknowledged_and_never_booked(signer: CassoEmulator) -> None:
    for changes in ({"id": 0}, {"id": "0", "accountNumber": "999"}):
        notice = provider().read_callback(request(signer, **changes))
        assert (notice.kind, notice.credits) == (NoticeKind.TEST, ())


def test_money_that_leaves_is_none_of_our_business(signer: CassoEmulator) -> None:
    notice = provider().read_callback(request(signer, amount=-350_000))
    assert (notice.kind, notice.credits) == (NoticeKind.OTHER, ())


def test_an_account_may_be_a_virtual_one(signer: CassoEmulator) -> None:
    virtual = provider(account="V1DEMO0001")
    asked = request(signer, virtualAccountNumber="V1DEMO0001")
    assert virtual.read_callback(asked).credits[0].account == "V1DEMO0001"


def test_another_account_is_not_ours(signer: CassoEmulator) -> None:
    with pytest.raises(NotOurs) as caught:
        provider().read_callback(request(signer, accountNumber="1200000000002"))
    assert provider().answer_refusal(caught.value).status == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": ""},
        {"id": "x" * 41},
        {"amount": "350000"},
        {"amount": True},
        {"amount": 0.5},
        {"amount": 10**14},
        {"transactionDateTime": None},
        {"transactionDateTime": "20/11/2026 09:15"},
        {"description": 1.5},
    ],
)
def test_another_shape_is_malformed(signer: CassoEmulator, changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedCallback):
        provider().read_callback(request(signer, **changes))


@pytest.mark.parametrize("data", [None, [], "x", [CONTENT["data"]]])
def test_content_without_a_transaction_is_malformed(signer: CassoEmulator, data: Any) -> None:
    content = {"error": 0, "data": data}
    asked = CallbackRequest(
        method="POST",
        path="",
        headers={"x-casso-signature": signer.sign(content)},
        untrusted_body=json.dumps(content).encode(),
        received_at=NOW,
    )
    with pytest.raises(MalformedCallback):
        provider().read_callback(asked)


def test_content_of_any_depth_is_refused_quietly() -> None:
    headers = {"x-casso-signature": f"t=1795140930000,v1={'0' * 128}"}
    for depth in (*range(100, 1_000, 50), 5_000):
        body = b'{"data":' + b"[" * depth + b"]" * depth + b"}"
        asked = CallbackRequest(
            method="POST", path="", headers=headers, untrusted_body=body, received_at=NOW
        )
        with pytest.raises(BadSignature):
            provider().read_callback(asked)


def test_only_posts_are_webhooks() -> None:
    asked = CallbackRequest(method="GET", path="", headers={}, received_at=NOW)
    with pytest.raises(BadSignature):
        provider().read_callback(asked)


_VALUES = st.none() | st.booleans() | st.integers() | st.text(st.characters(max_codepoint=126))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(CONTENT["data"])), _VALUES))
def test_no_content_breaks_the_reader(signer: CassoEmulator, changes: dict[str, Any]) -> None:
    try:
        notice = provider().read_callback(request(signer, **changes))
    except CallbackRefused:
        return
    for credit in notice.credits:
        assert credit.amount.is_positive
        credit.memo.encode()


@pytest.mark.parametrize(
    "changes",
    [{"secret": None}, {"secret": "x"}, {"api": {"base_url": "https://a.example"}}, {"more": 1}],
)
def test_settings_that_cannot_be_used_stop_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderMisconfigured):
        provider(**changes)


# --- with the emulator


@pytest.mark.parametrize("way", ["js", "php"])
def test_webhook_and_list_tell_of_one_credit(casso: CassoEmulator, way: str) -> None:
    casso.control("writing", {"way": way})
    client = opened(casso)
    placed = PlacedOrder(order=order(), provider_ref="")
    client.create(placed.order)
    with HospitalStandIn() as hospital:
        casso.callback_url = hospital.url
        memo = f"Đóng viện phí {placed.order.code} 20/11"
        casso.pay({"account": "1200000000001", "amount": 350_000, "memo": memo})
        assert casso.callbacks.settle()
    [(_, _, headers, body)] = hospital.seen
    asked = CallbackRequest(
        method="POST", path="", headers=headers, untrusted_body=body, received_at=NOW
    )
    told = client.read_callback(asked).credits
    report = client.query(placed)
    assert (report.status, report.credits) == (OrderStatus.PAID, told)
    assert client.list_credits(date(2026, 11, 20)) == told
    assert client.list_credits(date(2026, 11, 19)) == ()
    client.close()


def test_a_day_of_many_pages(casso: CassoEmulator) -> None:
    client = opened(casso)
    for _ in range(3):
        casso.pay({"account": "1200000000001", "amount": 1_000, "memo": "A", "times": 100})
    casso.clock.advance(86_400)
    casso.pay({"account": "1200000000001", "amount": 1_000, "memo": "A", "times": 100})
    assert len(client.list_credits(date(2026, 11, 20))) == 300
    assert len(client.list_credits(date(2026, 11, 21))) == 100
    client.close()


def test_a_wrong_key_is_told(casso: CassoEmulator) -> None:
    client = opened(casso, api={"base_url": f"{casso.base_url}/v2", "key": Secret("wrong")})
    with pytest.raises(BrokenReply):
        client.check()
    client.close()
    opened(casso).check()


def test_without_the_api_money_is_told_and_never_asked_for() -> None:
    told = provider()
    assert not told.features().can_query
    with pytest.raises(NotSupported):
        told.query(PlacedOrder(order=order(), provider_ref=""))
    with pytest.raises(NotSupported):
        told.list_credits(date(2026, 11, 20))
    told.check()
    told.close()


def test_the_test_call_over_http(casso: CassoEmulator) -> None:
    with HospitalStandIn() as hospital:
        casso.callback_url = hospital.url
        casso.control("ping", {})
        assert casso.callbacks.settle()
    assert json.loads(hospital.bodies[0])["data"]["id"] == 0
    assert casso.banks.movements == []


def test_its_tries_end(casso: CassoEmulator) -> None:
    with HospitalStandIn((201, "{}")) as hospital:
        casso.callback_url = hospital.url
        casso.pay({"account": "1200000000001", "amount": 5_000, "memo": "A"})
        assert casso.callbacks.settle()
        for _ in range(30):
            casso.clock.advance(600)
            assert casso.callbacks.settle()
    assert len(hospital.seen) == 5


def test_questions_it_refuses(casso: CassoEmulator) -> None:
    url = f"{casso.base_url}/v2/transactions"
    assert requests.get(url, timeout=5).status_code == 401
    headers = {"Authorization": "Apikey demo-casso-api-key"}
    for query in ("page=x", "fromDate=x", "pageSize=0"):
        answer = requests.get(f"{url}?{query}", headers=headers, timeout=5)
        assert answer.status_code == 400
    with pytest.raises(ValueError, match="js, php"):
        casso.control("writing", {"way": "cobol"})
