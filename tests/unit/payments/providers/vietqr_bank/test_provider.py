from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
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
    PaymentError,
    ProviderMisconfigured,
    StaleCallback,
    Unavailable,
)
from payments.fields import VIETNAM
from payments.match_codes import new_match_code
from payments.models import (
    CallbackRequest,
    Money,
    Notice,
    NoticeKind,
    Order,
    OrderStatus,
    Outcome,
    PlacedOrder,
)
from payments.providers.vietqr_bank.callback import find_order_key, virtual_account
from payments.providers.vietqr_bank.config import read_config
from payments.providers.vietqr_bank.emulator import SECRET, BankEmulator
from payments.providers.vietqr_bank.provider import VietQrBankProvider, open_provider
from payments.providers.vietqr_bank.signing import sign
from payments.registry import open_provider as open_by_kind
from payments.secrets import Secret
from payments.vietqr import decode

NOW = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
PLAIN = {"bin": "970418", "account": "1200000000001", "holder": "BENH VIEN MAU"}
SIGNED = {**PLAIN, "secret": Secret(SECRET)}
CREDIT = {
    "event": "credit",
    "transaction_id": "97041826112000123456",
    "bank_reference": "FT263240123456",
    "bin": "970418",
    "account": "1200000000001",
    "virtual_account": None,
    "amount": 350_000,
    "currency": "VND",
    "booked_at": "2026-11-20T09:15:29+07:00",
    "memo": "MBVCB.12345.VP26AB7K9",
    "payer": {"name": "NGUYEN VAN MAU", "account": "0000000000", "bank": "970436"},
}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def request(content: Any, *, secret: str = SECRET, sent_at: datetime = NOW) -> CallbackRequest:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    stamp = str(int(sent_at.timestamp()))
    return CallbackRequest(
        method="POST",
        path="",
        headers={
            "x-feed-timestamp": stamp,
            "x-feed-signature": sign(Secret(secret), stamp, body),
        },
        untrusted_body=body,
        received_at=NOW,
    )


def order(amount_vnd: int = 350_000, code: str | None = None) -> Order:
    return Order(
        code=code or new_match_code("VP"),
        attempt=1,
        amount=Money(amount_vnd),
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=10),
    )


def read(content: Any, **settings_: Any) -> Notice:
    return open_provider("bank", {**SIGNED, **settings_}).read_callback(request(content))


# --- callbacks


def test_a_credit_is_read_whole() -> None:
    notice = read(CREDIT)
    [credit] = notice.credits
    assert notice.kind is NoticeKind.CREDIT
    assert not notice.confirm
    assert (credit.provider, credit.account) == ("bank", "1200000000001")
    assert credit.transaction_id == "97041826112000123456"
    assert credit.bank_reference == "FT263240123456"
    assert credit.amount == Money(350_000)
    assert credit.paid_at == NOW - timedelta(seconds=1)
    assert credit.memo == "MBVCB.12345.VP26AB7K9"
    assert credit.order_key is None
    assert (credit.payer.name, credit.payer.bank) == ("NGUYEN VAN MAU", "970436")
    assert "NGUYEN" not in repr(notice)
    assert "MBVCB" not in repr(notice)


@pytest.mark.parametrize(
    ("event", "kind"), [("test", NoticeKind.TEST), ("debit", NoticeKind.OTHER)]
)
def test_other_events_carry_no_money(event: str, kind: NoticeKind) -> None:
    notice = read({**CREDIT, "event": event})
    assert (notice.kind, notice.credits) == (kind, ())


@pytest.mark.parametrize(
    "changes", [{"account": "1200000000002"}, {"bin": "970437"}, {"currency": "USD"}]
)
def test_another_account_or_currency_is_not_ours(changes: dict[str, Any]) -> None:
    provider = open_provider("bank", SIGNED)
    with pytest.raises(NotOurs) as caught:
        provider.read_callback(request({**CREDIT, **changes}))
    assert provider.answer_refusal(caught.value).status == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": "350000"},
        {"amount": 350_000.0},
        {"amount": True},
        {"amount": 10**13},
        {"booked_at": "2026-11-20T09:15:29"},
        {"booked_at": "yesterday"},
        {"booked_at": None},
        {"transaction_id": ""},
        {"transaction_id": "x" * 65},
        {"transaction_id": None},
        {"account": None},
        {"event": None},
        {"memo": ["x"]},
    ],
)
def test_another_shape_is_malformed_and_not_sent_again(changes: dict[str, Any]) -> None:
    provider = open_provider("bank", SIGNED)
    with pytest.raises(MalformedCallback) as caught:
        provider.read_callback(request({**CREDIT, **changes}))
    assert provider.answer_refusal(caught.value).status == 400
    assert "2026-11-20" not in str(caught.value)


def test_forged_stale_and_future_callbacks_are_refused() -> None:
    provider = open_provider("bank", SIGNED)
    with pytest.raises(BadSignature) as caught:
        provider.read_callback(request(CREDIT, secret="another"))
    assert provider.answer_refusal(caught.value).status == 401
    for minutes in (-6, 6):
        with pytest.raises(StaleCallback):
            provider.read_callback(request(CREDIT, sent_at=NOW + timedelta(minutes=minutes)))


def test_the_signature_comes_before_the_content() -> None:
    with pytest.raises(BadSignature):
        open_provider("bank", SIGNED).read_callback(request(b"\xff{", secret="another"))


def test_without_a_secret_nothing_is_taken() -> None:
    provider = open_provider("bank", PLAIN)
    with pytest.raises(BadSignature):
        provider.read_callback(request(CREDIT))
    assert not provider.features().pushes
    assert not provider.features().can_query


def test_answers_end_or_ask_for_repeats() -> None:
    provider = open_provider("bank", SIGNED)
    notice = read(CREDIT)
    for outcome in Outcome:
        status = provider.answer(notice, outcome).status
        assert status == (503 if outcome is Outcome.NOT_NOW else 200)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_no_bytes_do_anything_but_be_refused(body: bytes) -> None:
    provider = open_provider("bank", SIGNED)
    with pytest.raises(CallbackRefused):
        provider.read_callback(request(body))


_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_JSON = st.recursive(_VALUES, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(CREDIT)), _JSON))
def test_no_content_breaks_the_reader(changes: dict[str, Any]) -> None:
    provider = open_provider("bank", SIGNED)
    try:
        notice = provider.read_callback(request({**CREDIT, **changes}))
    except CallbackRefused:
        return
    for credit in notice.credits:
        assert credit.amount.is_positive
        credit.memo.encode()
        assert credit.paid_at.astimezone(UTC)


# --- virtual accounts


def test_a_virtual_account_names_the_attempt() -> None:
    config = read_config("bank", {**SIGNED, "virtual_prefix": "V1BVMAU"})
    code = new_match_code("VP")
    number = virtual_account(f"{code}-12", config)
    assert len(number) == 18
    assert find_order_key(number, config) == f"{code}-12"
    for other in ("", "V1BVMAU", number[:-2], number[:-1] + "x", "V1OTHER" + number[7:]):
        assert find_order_key(other, config) is None
    notice = read({**CREDIT, "virtual_account": number, "memo": ""}, virtual_prefix="V1BVMAU")
    assert notice.credits[0].order_key == f"{code}-12"
    assert notice.credits[0].account == "1200000000001"


# --- settings


@pytest.mark.parametrize(
    "changes",
    [
        {"feed": {"base_url": "https://bank.example", "token": Secret("t")}},
        {"previous_secret": Secret("s")},
        {"secret": "in the open"},
        {"virtual_prefix": "too-long-prefix"},
        {"virtual_prefix": "V1HOSPITAL"},
        {"lifetime_s": 5},
        {"surprise": 1},
    ],
)
def test_settings_that_cannot_be_used_stop_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderMisconfigured) as caught:
        open_provider("bank", {**PLAIN, **changes})
    assert "in the open" not in str(caught.value)


def test_plain_http_to_another_machine_is_refused() -> None:
    feed = {"base_url": "http://bank.example", "token": Secret("t")}
    with pytest.raises(ProviderMisconfigured):
        open_provider("bank", {**SIGNED, "feed": feed})


def test_it_is_found_by_its_kind() -> None:
    provider = open_by_kind("vietqr_bank", "hdbank_account", PLAIN)
    assert isinstance(provider, VietQrBankProvider)
    assert provider.name == "hdbank_account"


# --- with the emulator, over HTTP


class Till:
    def __init__(self, bank: BankEmulator, clock: Clock, **more: Any) -> None:
        self.bank = bank
        self.clock = clock
        self.provider = open_provider("bank", bank.settings(list_fresh_s=0, **more), clock=clock)

    def place(self, amount_vnd: int = 350_000) -> tuple[PlacedOrder, str]:
        made = order(amount_vnd)
        offer = self.provider.create(made)
        return PlacedOrder(order=made, provider_ref=offer.provider_ref), offer.qr_text


@pytest.fixture
def till() -> Iterator[Till]:
    clock = Clock()
    with BankEmulator(seed=1, clock=EmulatedClock(clock)) as bank:
        till = Till(bank, clock)
        yield till
        till.provider.close()


def test_a_lost_push_is_found_by_asking(till: Till) -> None:
    placed, qr_text = till.place()
    assert till.provider.query(placed).status is OrderStatus.OPEN
    till.bank.pay({"qr_text": qr_text, "memo_style": "noise"})
    report = till.provider.query(placed)
    assert report.status is OrderStatus.PAID
    assert [credit.amount for credit in report.credits] == [Money(350_000)]
    assert till.provider.list_credits(date(2026, 11, 20)) == report.credits


def test_part_over_and_double(till: Till) -> None:
    placed, qr_text = till.place()
    till.bank.pay({"qr_text": qr_text, "amount": 100_000})
    assert till.provider.query(placed).status is OrderStatus.OPEN
    till.bank.pay({"qr_text": qr_text, "times": 2})
    report = till.provider.query(placed)
    assert report.status is OrderStatus.PAID
    assert [credit.amount.amount_vnd for credit in report.credits] == [100_000, 350_000, 350_000]
    assert len({credit.transaction_id for credit in report.credits}) == 3


def test_money_across_midnight_is_found(till: Till) -> None:
    till.clock.now = datetime(2026, 11, 20, 16, 59, tzinfo=UTC)  # 23:59 in Vietnam
    made = Order(
        code=new_match_code("VP"),
        attempt=1,
        amount=Money(50_000),
        created_at=till.clock.now,
        expires_at=till.clock.now + timedelta(minutes=10),
    )
    qr_text = till.provider.create(made).qr_text
    till.bank.pay({"qr_text": qr_text, "amount": 20_000})
    till.clock.now += timedelta(minutes=3)
    till.bank.pay({"qr_text": qr_text, "amount": 30_000})
    report = till.provider.query(PlacedOrder(order=made, provider_ref=made.key))
    assert report.status is OrderStatus.PAID
    assert len(report.credits) == 2
    assert len(till.provider.list_credits(date(2026, 11, 20))) == 1
    assert len(till.provider.list_credits(date(2026, 11, 21))) == 1


def test_a_long_day_is_read_page_by_page(till: Till) -> None:
    placed, qr_text = till.place(1_000)
    for _ in range(5):
        till.bank.pay({"qr_text": qr_text, "times": 100})
    listed = till.provider.list_credits(date(2026, 11, 20))
    assert len({credit.transaction_id for credit in listed}) == 500
    assert till.provider.query(placed).status is OrderStatus.PAID


def test_a_virtual_account_needs_no_memo() -> None:
    clock = Clock()
    with BankEmulator(clock=EmulatedClock(clock)) as bank:
        till = Till(bank, clock, virtual_prefix="V1BVMAU")
        placed, qr_text = till.place()
        assert decode(qr_text).account.startswith("V1BVMAU")
        bank.pay({"qr_text": qr_text, "memo_style": "replaced"})
        report = till.provider.query(placed)
        assert report.status is OrderStatus.PAID
        assert report.credits[0].order_key == placed.order.key
        till.provider.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("http_500", Unavailable),
        ("lose_reply", Unavailable),
        ("html", BrokenReply),
        ("truncated", (Unavailable, BrokenReply)),
        ("oversized", BrokenReply),
        ("bad_signature", BrokenReply),
        ("stale_timestamp", BrokenReply),
    ],
)
def test_replies_that_break_the_contract_are_told_apart(
    till: Till, fault: str, error: type[PaymentError] | tuple[type[PaymentError], ...]
) -> None:
    placed, qr_text = till.place()
    till.bank.pay({"qr_text": qr_text})
    setattr(till.bank.faults, fault, 1)
    with pytest.raises(error):
        till.provider.query(placed)
    assert till.provider.query(placed).status is OrderStatus.PAID


def test_a_wrong_token_is_told(till: Till) -> None:
    provider = open_provider(
        "bank",
        till.bank.settings(feed={"base_url": f"{till.bank.base_url}/feed", "token": Secret("x")}),
        clock=till.clock,
    )
    with pytest.raises(BrokenReply):
        provider.check()
    till.provider.check()


def test_an_account_without_a_feed_is_found_in_statements_only() -> None:
    provider = open_provider("bank", PLAIN)
    placed = PlacedOrder(order=order(), provider_ref="")
    for ask in (provider.query, provider.cancel):
        with pytest.raises(NotSupported):
            ask(placed)
    with pytest.raises(NotSupported):
        provider.list_credits(date(2026, 11, 20))
    assert decode(provider.create(placed.order).qr_text).account == "1200000000001"
    with pytest.raises(Declined):
        provider.create(order(500_000_000))
    provider.check()
    provider.close()


def test_days_are_those_of_vietnam() -> None:
    assert datetime(2026, 11, 20, 17, tzinfo=UTC).astimezone(VIETNAM).date() == date(2026, 11, 21)
