from __future__ import annotations

import json
import time
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
    Declined,
    MalformedCallback,
    NotOurs,
    NotSupported,
    ProviderMisconfigured,
    StaleCallback,
    Throttled,
)
from payments.match_codes import new_match_code
from payments.models import (
    CallbackRequest,
    Money,
    NoticeKind,
    Order,
    OrderStatus,
    Outcome,
    PlacedOrder,
)
from payments.providers.sepay.callback import transaction_id
from payments.providers.sepay.client import Pace, order_code
from payments.providers.sepay.emulator import (
    API_TOKEN,
    CLIENT_ID,
    SECRET,
    SepayEmulator,
    is_public,
)
from payments.providers.sepay.provider import SepayProvider, open_provider
from payments.providers.sepay.signing import sign
from payments.secrets import Secret
from payments.vietqr import decode
from tests.unit.payments.emulation.hospital import HospitalStandIn

NOW = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
PLAIN = {"bin": "970418", "account": "1200000000001", "holder": "BENH VIEN MAU"}
API = {"base_url": "https://userapi.sepay.vn/v2", "token": Secret("t")}
WEBHOOK = {
    "id": 92704,
    "gateway": "BIDV",
    "transactionDate": "2026-11-20 09:15:30",
    "accountNumber": "1200000000001",
    "code": None,
    "content": "MBVCB.1.VP26AB7K9 chuyen tien",
    "transferType": "in",
    "transferAmount": 350_000,
    "accumulated": 19_077_000,
    "subAccount": None,
    "referenceCode": "FT26000000001",
    "description": "",
}


def provider(**more: Any) -> SepayProvider:
    return open_provider("sepay", {**PLAIN, "secret": Secret(SECRET), **more}, clock=lambda: NOW)


def request(
    content: Any,
    headers: dict[str, str] | None = None,
    *,
    address: str = "",
    path: str = "",
) -> CallbackRequest:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    stamp = str(int(NOW.timestamp()))
    signed = {"x-sepay-timestamp": stamp, "x-sepay-signature": sign(Secret(SECRET), stamp, body)}
    return CallbackRequest(
        method="POST",
        path=path,
        headers=signed if headers is None else headers,
        untrusted_body=body,
        remote_address=address,
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


# --- webhooks


def test_a_signed_webhook_is_read_whole() -> None:
    notice = provider().read_callback(request(WEBHOOK))
    [credit] = notice.credits
    assert (notice.kind, notice.confirm, notice.sent_at) == (NoticeKind.CREDIT, False, NOW)
    assert credit.account == "1200000000001"
    assert credit.transaction_id == "FT26000000001-20261120091530-350000"
    assert credit.bank_reference == "FT26000000001"
    assert credit.amount == Money(350_000)
    assert credit.paid_at == NOW
    assert credit.memo == "MBVCB.1.VP26AB7K9 chuyen tien"
    assert "MBVCB" not in repr(notice)


def test_money_that_leaves_is_none_of_our_business() -> None:
    notice = provider().read_callback(request({**WEBHOOK, "transferType": "out"}))
    assert (notice.kind, notice.credits) == (NoticeKind.OTHER, ())


def test_an_account_may_be_a_virtual_one() -> None:
    virtual = provider(account="96247000000001")
    [credit] = virtual.read_callback(request({**WEBHOOK, "subAccount": "96247000000001"})).credits
    assert credit.account == "96247000000001"


@pytest.mark.parametrize("account", ["1200000000002", "", None, 7])
def test_another_account_is_not_ours(account: Any) -> None:
    with pytest.raises(NotOurs) as caught:
        provider().read_callback(request({**WEBHOOK, "accountNumber": account}))
    assert provider().answer_refusal(caught.value).status == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"transferAmount": 0},
        {"transferAmount": -350_000},
        {"transferAmount": 1.5},
        {"transferAmount": True},
        {"transactionDate": "20/11/2026"},
        {"transactionDate": None},
        {"content": {}},
    ],
)
def test_another_shape_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedCallback):
        provider().read_callback(request({**WEBHOOK, **changes}))


def test_without_a_reference_time_amount_and_memo_name_a_transaction() -> None:
    named = {transaction_id("", 5_000, NOW, memo) for memo in ("a", "b", "a")}
    assert len(named) == 2
    assert all(len(each) < 64 for each in named)


def test_both_parts_of_an_answer_that_ends_repeats() -> None:
    notice = provider().read_callback(request(WEBHOOK))
    for outcome in set(Outcome) - {Outcome.NOT_NOW}:
        answer = provider().answer(notice, outcome)
        assert (answer.status, json.loads(answer.body)) == (200, {"success": True})
    assert provider().answer(notice, Outcome.NOT_NOW).status == 503


_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_JSON = st.recursive(_VALUES, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(WEBHOOK)), _JSON))
def test_no_content_breaks_the_reader(changes: dict[str, Any]) -> None:
    try:
        notice = provider().read_callback(request({**WEBHOOK, **changes}))
    except CallbackRefused:
        return
    for credit in notice.credits:
        assert credit.amount.is_positive
        assert len(credit.transaction_id) <= 128
        credit.memo.encode()


# --- four ways to be SePay


def test_what_is_not_signed_is_asked_about_first() -> None:
    keyed = provider(auth="api_key", api=API, code_prefix="VP")
    code = new_match_code("VP")
    content = {**WEBHOOK, "content": f"MBVCB {code.lower()}"}
    notice = keyed.read_callback(request(content, {"authorization": f"Apikey {SECRET}"}))
    assert notice.confirm
    assert notice.order_key == f"{code}-1"
    with pytest.raises(BadSignature):
        keyed.read_callback(request(content, {"authorization": "Apikey wrong"}))
    with pytest.raises(BadSignature):
        keyed.read_callback(request(content))


def test_without_authentication_the_address_has_to_be_right() -> None:
    bare = provider(
        auth="none", secret=None, api=API, code_prefix="VP", allowed_addresses=["172.236.138.0/24"]
    )
    assert bare.read_callback(request(WEBHOOK, {}, address="172.236.138.20")).confirm
    for address in ("", "172.236.139.20"):
        with pytest.raises(BadSignature):
            bare.read_callback(request(WEBHOOK, {}, address=address))


def test_the_list_of_addresses_counts_beside_a_signature() -> None:
    listed = provider(allowed_addresses=["172.236.138.20"])
    assert listed.read_callback(request(WEBHOOK, address="172.236.138.20")).credits
    with pytest.raises(BadSignature):
        listed.read_callback(request(WEBHOOK, address="10.0.0.1"))


def test_a_token_is_given_and_taken() -> None:
    guarded = provider(auth="oauth2", client_id=CLIENT_ID, api=API, code_prefix="VP")
    form = f"client_id={CLIENT_ID}&client_secret={SECRET}".encode()
    asked = guarded.read_callback(request(form, {}, path="token"))
    assert (asked.kind, asked.credits) == (NoticeKind.OTHER, ())
    answer = json.loads(guarded.answer(asked, Outcome.RECORDED).body)
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 300)
    shown = {"authorization": f"Bearer {answer['access_token']}"}
    assert guarded.read_callback(request(WEBHOOK, shown)).confirm
    with pytest.raises(BadSignature):
        guarded.read_callback(request(b"client_id=x", {}, path="token"))
    with pytest.raises(BadSignature):
        guarded.read_callback(request(WEBHOOK, {"authorization": "Bearer 9999999999.x"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": None},
        {"auth": "none"},
        {"auth": "none", "api": API, "code_prefix": "VP"},
        {"auth": "api_key"},
        {"auth": "api_key", "api": API},
        {"auth": "oauth2", "api": API, "code_prefix": "VP"},
        {"auth": "password"},
        {"allowed_addresses": ["sepay.vn"]},
        {"code_prefix": "vp"},
        {"va_orders": True},
        {"va_orders": True, "api": API},
        {"api": {**API, "base_url": "http://userapi.sepay.vn/v2"}},
    ],
)
def test_settings_that_cannot_be_used_stop_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderMisconfigured):
        provider(**changes)


# --- with the emulator


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def sepay() -> Iterator[SepayEmulator]:
    with SepayEmulator(seed=2, clock=EmulatedClock(Clock())) as emulator:
        emulator.per_second = 1_000
        yield emulator


def opened(sepay: SepayEmulator, **more: Any) -> SepayProvider:
    return open_provider("sepay", sepay.settings(list_fresh_s=0, **more), clock=sepay.clock)


def test_webhook_and_list_tell_of_one_credit(sepay: SepayEmulator) -> None:
    client = opened(sepay)
    placed = PlacedOrder(order=order(), provider_ref="")
    qr_text = client.create(placed.order).qr_text
    with HospitalStandIn() as hospital:
        sepay.callback_url = hospital.url
        sepay.pay({"qr_text": qr_text, "memo_style": "noise"})
        assert sepay.callbacks.settle()
    [(_, _, headers, body)] = hospital.seen
    told = client.read_callback(request(body, headers)).credits
    assert client.query(placed).credits == told
    assert client.list_credits(date(2026, 11, 20)) == told
    assert client.list_credits(date(2026, 11, 19)) == ()
    client.close()


def test_a_day_of_many_pages(sepay: SepayEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "wait", lambda _: None)
    client = opened(sepay)
    made = order(1_000)
    for _ in range(3):
        sepay.pay({"qr_text": client.create(made).qr_text, "times": 100})
    sepay.clock.advance(86_400)
    sepay.pay({"qr_text": client.create(made).qr_text, "times": 100})
    assert len(client.list_credits(date(2026, 11, 20))) == 300
    assert len(client.list_credits(date(2026, 11, 21))) == 100
    client.close()


def test_our_pace_stays_below_what_sepay_answers(sepay: SepayEmulator) -> None:
    sepay.per_second = 3
    client = opened(sepay)
    placed = PlacedOrder(order=order(), provider_ref="")
    started = time.monotonic()
    for _ in range(7):
        client.query(placed)
    assert time.monotonic() - started >= 2.0
    client.close()


def test_others_who_use_up_our_address_are_waited_for(
    sepay: SepayEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = opened(sepay)
    sepay.per_second = 1
    monkeypatch.setattr(Pace, "wait", lambda _: None)
    client.query(PlacedOrder(order=order(), provider_ref=""))
    client.query(PlacedOrder(order=order(), provider_ref=""))
    sepay.per_second = 0
    with pytest.raises(Throttled) as caught:
        client.query(PlacedOrder(order=order(), provider_ref=""))
    assert caught.value.retry_after_s == 1
    client.close()


def test_a_pace_counts_the_last_second() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 2))
        now[0] += seconds

    pace = Pace(2, now=lambda: now[0], sleep=sleep)
    for _ in range(5):
        pace.wait()
    assert slept == [1.05, 1.05]
    now[0] += 10
    pace.wait()
    assert slept == [1.05, 1.05]


def test_nobody_waits_long_for_our_own_pace() -> None:
    slept: list[float] = []
    pace = Pace(1, now=lambda: 100.0, sleep=slept.append)
    for _ in range(3):
        pace.wait()
    with pytest.raises(Throttled) as caught:
        pace.wait()
    assert [round(each, 2) for each in slept] == [1.05, 2.1]
    assert caught.value.retry_after_s == pytest.approx(3.15)


def test_orders_with_an_account_of_their_own(sepay: SepayEmulator) -> None:
    client = opened(sepay, va_orders=True)
    made = order()
    offer = client.create(made)
    qr = decode(offer.qr_text)
    assert qr.account != "1200000000001"
    assert offer.account is not None
    assert offer.account.number == qr.account
    placed = PlacedOrder(order=made, provider_ref=offer.provider_ref)
    sepay.pay({"qr_text": offer.qr_text, "amount": 100_000, "memo_style": "replaced"})
    assert client.query(placed).status is OrderStatus.OPEN
    assert sepay.state()["orders"][0]["status"] == "Partially"
    sepay.pay({"qr_text": offer.qr_text, "amount": 250_000, "memo_style": "replaced"})
    report = opened(sepay, va_orders=True).query(placed)  # another process
    assert report.status is OrderStatus.PAID
    assert {credit.order_key for credit in report.credits} == {made.key}
    with pytest.raises(Declined):
        client.create(made)
    client.close()


def test_a_cancelled_order_takes_no_money(sepay: SepayEmulator) -> None:
    client = opened(sepay, va_orders=True)
    made = order()
    offer = client.create(made)
    placed = PlacedOrder(order=made, provider_ref=offer.provider_ref)
    client.cancel(placed)
    assert client.query(placed).status is OrderStatus.CANCELLED
    with pytest.raises(ValueError, match="không còn"):
        sepay.pay({"qr_text": offer.qr_text})
    sepay.faults.pay_after_expiry = True
    sepay.pay({"qr_text": offer.qr_text})
    assert client.query(placed).status is OrderStatus.PAID
    client.close()


def test_without_the_api_money_is_told_and_never_asked_for() -> None:
    told = provider()
    placed = PlacedOrder(order=order(), provider_ref="")
    assert told.features().pushes
    assert not told.features().can_query
    for call in (told.query, told.cancel):
        with pytest.raises(NotSupported):
            call(placed)
    with pytest.raises(NotSupported):
        told.list_credits(date(2026, 11, 20))
    told.check()
    told.close()


def test_a_wrong_token_is_told(sepay: SepayEmulator) -> None:
    api = {**sepay.settings()["api"], "token": Secret("wrong")}
    with pytest.raises(BrokenReply):
        opened(sepay, api=api).check()
    with pytest.raises(Declined):
        opened(sepay, api=api, va_orders=True).create(order())


# --- the emulator's own promises


def test_eight_tries_in_33_minutes(sepay: SepayEmulator) -> None:
    with HospitalStandIn((200, "OK"), (200, '{"success": false}'), (500, "{}")) as hospital:
        sepay.callback_url = hospital.url
        sepay.pay({"account": "1200000000001", "amount": 5_000, "memo": "A"})
        assert sepay.callbacks.settle()
        seen = []
        for minute in range(1, 60):
            sepay.clock.advance(60)
            before = len(hospital.seen)
            assert sepay.callbacks.settle()
            if len(hospital.seen) > before:
                seen.append(minute)
    assert seen == [1, 2, 4, 7, 12, 20, 33]
    assert sepay.state()["callbacks"][0]["state"] == "given_up"


@pytest.mark.parametrize("status", [200, 201])
def test_what_ends_the_tries(sepay: SepayEmulator, status: int) -> None:
    with HospitalStandIn((status, '{"success": true}')) as hospital:
        sepay.callback_url = hospital.url
        sepay.control("ping", {})
        assert sepay.callbacks.settle()
    assert sepay.state()["callbacks"][0]["state"] == "accepted"
    [(_, _, headers, body)] = hospital.seen
    notice = opened(sepay).read_callback(request(body, headers))
    assert notice.kind is NoticeKind.OTHER


@pytest.mark.parametrize("mode", ["api_key", "oauth2", "none"])
def test_the_other_ways_over_http(sepay: SepayEmulator, mode: str) -> None:
    client = opened(
        sepay, auth=mode, client_id=CLIENT_ID, code_prefix="VP", allowed_addresses=["127.0.0.1"]
    )
    token = '{"access_token": "%s"}'
    form = f"client_id={CLIENT_ID}&client_secret={SECRET}".encode()
    if mode == "oauth2":
        notice = client.read_callback(request(form, {}, address="127.0.0.1", path="token"))
        answer = client.answer(notice, Outcome.RECORDED).body.decode()
        token = answer
    sepay.control("auth", {"mode": mode})
    with HospitalStandIn((200, token), (200, '{"success": true}')) as hospital:
        sepay.callback_url = hospital.url
        if mode != "oauth2":
            hospital.answers.pop(0)
        sepay.pay({"account": "1200000000001", "amount": 5_000, "memo": "A"})
        assert sepay.callbacks.settle()
    (_, _, headers, body) = hospital.seen[-1]
    assert client.read_callback(request(body, headers, address="127.0.0.1")).confirm
    if mode == "oauth2":
        assert hospital.seen[0][1].startswith("/payments/x/token")
        headers = {"authorization": "Bearer 1.x"}
        with pytest.raises(CallbackRefused):
            client.read_callback(request(body, headers, address="127.0.0.1"))
    client.close()


def test_a_webhook_of_an_hour_ago_is_stale(sepay: SepayEmulator) -> None:
    sepay.faults.stale_timestamp = 1
    with HospitalStandIn() as hospital:
        sepay.callback_url = hospital.url
        sepay.pay({"account": "1200000000001", "amount": 5_000, "memo": "A"})
        assert sepay.callbacks.settle()
    [(_, _, headers, body)] = hospital.seen
    with pytest.raises(StaleCallback):
        opened(sepay).read_callback(request(body, headers))


def test_strict_as_sepay_is(sepay: SepayEmulator) -> None:
    assert is_public("https://benhvien.example/payments/sepay")
    for url in ("http://benhvien.example/x", "https://10.0.0.5/x", "https://kiosk.local/x"):
        assert not is_public(url)
    sepay.control("strict", {"on": True})
    with HospitalStandIn() as hospital:
        sepay.callback_url = hospital.url
        sepay.pay({"account": "1200000000001", "amount": 5_000, "memo": "A"})
        assert sepay.callbacks.settle()
    assert hospital.seen == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"order_code": "short"},
        {"order_code": "has-a-dash"},
        {"order_code": "VPABCDEFGA1", "amount": 0},
        {"order_code": "VPABCDEFGA1", "amount": "5"},
        {"order_code": "VPABCDEFGA1", "duration": 0},
        [],
    ],
)
def test_orders_sepay_refuses(sepay: SepayEmulator, body: Any) -> None:
    url = f"{sepay.base_url}/v2/bank-accounts/0b5f1f9e-0000-4000-8000-000000000001/orders"
    headers = {"Authorization": f"Bearer {API_TOKEN}"}
    assert requests.post(url, json=body, headers=headers, timeout=5).status_code == 422
    assert requests.post(url, json=body, timeout=5).status_code == 401
    assert order_code("VPABCDEFG-12") == "VPABCDEFGA12"
