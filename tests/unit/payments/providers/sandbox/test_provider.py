from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.errors import (
    BadSignature,
    CallbackRefused,
    Declined,
    MalformedCallback,
    NotSupported,
    OutcomeUnknown,
    ProviderMisconfigured,
    StaleCallback,
    Unavailable,
)
from payments.models import (
    Bill,
    BillLookup,
    CallbackRequest,
    Money,
    Notice,
    NoticeKind,
    Order,
    OrderStatus,
    PlacedOrder,
    RefundOrder,
    RefundState,
)
from payments.providers.sandbox.callback import SIGNATURE
from payments.providers.sandbox.provider import SandboxProvider, open_provider
from payments.registry import open_provider as open_by_kind
from tests.conftest import SettableClock


@pytest.fixture
def sandbox(clock: SettableClock) -> SandboxProvider:
    return open_provider("sandbox", {}, clock=clock)


def place(sandbox: SandboxProvider, clock: SettableClock, amount_vnd: int = 150_000) -> PlacedOrder:
    order = Order(
        code="VP26AB7K9",
        attempt=1,
        amount=Money(amount_vnd),
        created_at=clock.now,
        expires_at=clock.now + timedelta(minutes=10),
    )
    return PlacedOrder(order=order, provider_ref=sandbox.create(order).provider_ref)


def read_notice(sandbox: SandboxProvider, request: CallbackRequest) -> Notice:
    notice = sandbox.read_callback(request)
    assert isinstance(notice, Notice)
    return notice


def test_it_opens_by_its_kind_without_settings(clock: SettableClock) -> None:
    assert isinstance(open_by_kind("sandbox", "play", {}, clock=clock), SandboxProvider)


def test_it_refuses_production(clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(ProviderMisconfigured):
        open_provider("sandbox", {}, clock=clock)


def test_the_same_order_again_gives_the_same_offer(
    sandbox: SandboxProvider, clock: SettableClock
) -> None:
    placed = place(sandbox, clock)
    assert sandbox.create(placed.order) == sandbox.create(placed.order)
    with pytest.raises(Declined):
        sandbox.create(replace(placed.order, amount=Money(1_000)))


def test_a_payment_is_called_back_and_found(sandbox: SandboxProvider, clock: SettableClock) -> None:
    placed = place(sandbox, clock)
    assert sandbox.query(placed).status is OrderStatus.OPEN
    notice = read_notice(sandbox, sandbox.pay(placed.order.key))
    assert notice.kind is NoticeKind.CREDIT
    assert notice.order_key == placed.order.key
    assert notice.credits == sandbox.query(placed).credits == sandbox.list_credits(clock.now.date())
    assert sandbox.query(placed).status is OrderStatus.PAID
    assert notice.credits[0].amount == placed.order.amount


def test_a_known_transaction_is_a_repeat(sandbox: SandboxProvider, clock: SettableClock) -> None:
    placed = place(sandbox, clock)
    first, second = (sandbox.pay(placed.order.key, transaction_id="T1") for _ in range(2))
    assert read_notice(sandbox, first).credits == read_notice(sandbox, second).credits
    assert len(sandbox.query(placed).credits) == 1
    sandbox.pay(placed.order.key)
    assert len(sandbox.query(placed).credits) == 2


def test_short_money_leaves_it_open(sandbox: SandboxProvider, clock: SettableClock) -> None:
    placed = place(sandbox, clock)
    sandbox.pay(placed.order.key, 50_000)
    assert sandbox.query(placed).status is OrderStatus.OPEN
    clock.advance(minutes=11)
    assert sandbox.query(placed).status is OrderStatus.EXPIRED
    sandbox.pay(placed.order.key, 100_000)
    assert sandbox.query(placed).status is OrderStatus.PAID


def test_money_for_nobody_knows_what(sandbox: SandboxProvider) -> None:
    notice = read_notice(sandbox, sandbox.pay(None, 20_000, memo="chuyen tien"))
    assert notice.credits[0].order_key is None
    with pytest.raises(KeyError):
        sandbox.pay("VP000000-1")


def test_a_callback_may_tell_the_memo_only(sandbox: SandboxProvider, clock: SettableClock) -> None:
    placed = place(sandbox, clock)
    request = sandbox.pay(placed.order.key, names_order=False)
    (credit,) = read_notice(sandbox, request).credits
    assert credit.order_key is None
    assert placed.order.code in credit.memo


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (SandboxProvider.fail, OrderStatus.FAILED),
        (SandboxProvider.expire, OrderStatus.EXPIRED),
        (SandboxProvider.cancel_there, OrderStatus.CANCELLED),
    ],
)
def test_an_end_without_money(
    sandbox: SandboxProvider, clock: SettableClock, end: Any, status: OrderStatus
) -> None:
    placed = place(sandbox, clock)
    notice = read_notice(sandbox, end(sandbox, placed.order.key))
    assert (notice.kind, notice.status) == (NoticeKind.STATUS, status)
    assert sandbox.query(placed).status is status


def test_money_outranks_an_end(sandbox: SandboxProvider, clock: SettableClock) -> None:
    placed = place(sandbox, clock)
    sandbox.pay(placed.order.key)
    sandbox.cancel(placed)
    sandbox.expire(placed.order.key)
    assert sandbox.query(placed).status is OrderStatus.PAID


def test_an_order_nobody_placed_is_unknown(sandbox: SandboxProvider, clock: SettableClock) -> None:
    placed = place(sandbox, clock)
    other = replace(placed, order=replace(placed.order, attempt=2))
    assert sandbox.query(other).status is OrderStatus.UNKNOWN
    sandbox.cancel(other)


@pytest.mark.parametrize(
    ("amount_vnd", "sums", "status"),
    [
        (150_001, [150_001], OrderStatus.PAID),
        (150_003, [150_003, 150_003], OrderStatus.PAID),
        (150_004, [75_002], OrderStatus.OPEN),
        (150_005, [151_005], OrderStatus.PAID),
        (150_006, [], OrderStatus.FAILED),
        (150_007, [], OrderStatus.EXPIRED),
        (150_000, [], OrderStatus.OPEN),
    ],
)
def test_amounts_play_by_themselves(
    sandbox: SandboxProvider,
    clock: SettableClock,
    amount_vnd: int,
    sums: list[int],
    status: OrderStatus,
) -> None:
    placed = place(sandbox, clock, amount_vnd)
    assert sandbox.due_callbacks() == ()
    clock.advance(seconds=10)
    notices = [read_notice(sandbox, request) for request in sandbox.due_callbacks()]
    told = [credit.amount.amount_vnd for notice in notices for credit in notice.credits]
    report = sandbox.query(placed)
    assert told == [credit.amount.amount_vnd for credit in report.credits] == sums
    assert report.status is status
    assert sandbox.due_callbacks() == ()


def test_late_money_comes_after_the_end(sandbox: SandboxProvider, clock: SettableClock) -> None:
    placed = place(sandbox, clock, 150_002)
    clock.advance(minutes=10)
    assert sandbox.query(placed).status is OrderStatus.EXPIRED
    clock.advance(seconds=4)
    assert sandbox.query(placed).status is OrderStatus.PAID


def test_a_cancelled_order_plays_no_more(sandbox: SandboxProvider, clock: SettableClock) -> None:
    placed = place(sandbox, clock, 150_001)
    sandbox.cancel(placed)
    clock.advance(seconds=10)
    assert sandbox.query(placed).status is OrderStatus.CANCELLED


def test_refunds_once_per_key_and_never_more_than_paid(
    sandbox: SandboxProvider, clock: SettableClock
) -> None:
    placed = place(sandbox, clock)
    (credit,) = read_notice(sandbox, sandbox.pay(placed.order.key)).credits
    refund = RefundOrder(
        placed=placed,
        transaction_id=credit.transaction_id,
        paid=credit.amount,
        amount=Money(100_000),
        serial=1,
        created_at=clock.now,
        requested_by="thungan01",
    )
    assert sandbox.query_refund(refund).state is RefundState.FAILED
    assert sandbox.refund(refund) == sandbox.refund(refund)
    assert sandbox.query_refund(refund).state is RefundState.DONE
    with pytest.raises(Declined):
        sandbox.refund(replace(refund, serial=2))
    assert sandbox.refund(replace(refund, serial=3, amount=Money(50_000))).provider_ref


def test_refunds_can_pend_and_fail(clock: SettableClock) -> None:
    sandbox = open_provider("sandbox", {"refunds_pend": True}, clock=clock)
    placed = place(sandbox, clock)
    (credit,) = read_notice(sandbox, sandbox.pay(placed.order.key)).credits
    refund = RefundOrder(
        placed=placed,
        transaction_id=credit.transaction_id,
        paid=credit.amount,
        amount=credit.amount,
        serial=1,
        created_at=clock.now,
        requested_by="thungan01",
    )
    assert sandbox.refund(refund).state is RefundState.PROCESSING
    sandbox.finish_refund(refund.key, RefundState.FAILED, reason="closed-account")
    assert sandbox.query_refund(refund).reason == "closed-account"
    assert sandbox.refund(replace(refund, serial=2)).state is RefundState.PROCESSING


def test_credits_are_listed_by_the_day_in_vietnam(
    sandbox: SandboxProvider, clock: SettableClock
) -> None:
    sandbox.pay(None, 1_000, paid_at=datetime(2026, 11, 22, 16, 59, tzinfo=UTC))
    sandbox.pay(None, 2_000, paid_at=datetime(2026, 11, 22, 17, 0, tzinfo=UTC))
    assert [one.amount.amount_vnd for one in sandbox.list_credits(date(2026, 11, 23))] == [2_000]


def test_a_bill_is_looked_up(sandbox: SandboxProvider) -> None:
    lookup = sandbox.read_callback(sandbox.look_up("VP26AB7K9"))
    assert isinstance(lookup, BillLookup)
    assert lookup.code == "VP26AB7K9"
    answer = sandbox.answer_bill(lookup, Bill(code=lookup.code, due=Money(1_000)))
    assert b'"due":1000' in answer.body
    assert b'"found":false' in sandbox.answer_bill(lookup, None).body


def test_a_test_call_is_no_money(sandbox: SandboxProvider) -> None:
    notice = read_notice(sandbox, sandbox.ping())
    assert (notice.kind, notice.credits) == (NoticeKind.TEST, ())


def test_troubles_come_as_ordered(sandbox: SandboxProvider, clock: SettableClock) -> None:
    placed = place(sandbox, clock)
    sandbox.fail_next(Unavailable("once"))
    with pytest.raises(Unavailable):
        sandbox.query(placed)
    assert sandbox.query(placed).status is OrderStatus.OPEN
    sandbox.go_down(Unavailable("for a while"))
    for _ in range(2):
        with pytest.raises(Unavailable):
            sandbox.check()
    sandbox.come_back()
    sandbox.check()
    sandbox.lose_answers(1)
    second = replace(placed.order, attempt=2)
    with pytest.raises(OutcomeUnknown):
        sandbox.create(second)
    assert sandbox.query(replace(placed, order=second)).status is OrderStatus.OPEN
    assert sandbox.create(second).provider_ref


def test_what_is_switched_off_is_not_supported(clock: SettableClock) -> None:
    settings = dict.fromkeys(("can_query", "can_cancel", "lists_credits", "pushes"), False)
    sandbox = open_provider("sandbox", settings, clock=clock)
    placed = place(sandbox, clock, 150_001)
    with pytest.raises(NotSupported):
        sandbox.query(placed)
    with pytest.raises(NotSupported):
        sandbox.cancel(placed)
    with pytest.raises(NotSupported):
        sandbox.list_credits(clock.now.date())
    clock.advance(seconds=10)
    assert sandbox.due_callbacks() == ()


def test_forged_damaged_and_old_callbacks_are_refused(
    sandbox: SandboxProvider, clock: SettableClock
) -> None:
    request = sandbox.pay(None, 1_000)
    with pytest.raises(BadSignature):
        sandbox.read_callback(replace(request, untrusted_body=request.untrusted_body + b" "))
    with pytest.raises(BadSignature):
        sandbox.read_callback(replace(request, headers={}))
    late = replace(request, received_at=clock.now + timedelta(minutes=6))
    with pytest.raises(StaleCallback):
        sandbox.read_callback(late)
    with pytest.raises(MalformedCallback):
        sandbox.read_callback(sandbox.call_back("credit", credits=[{"amount": 1.5}]))


@given(body=st.binary(max_size=200), signature=st.text(max_size=80))
def test_strangers_are_refused_and_nothing_else(body: bytes, signature: str) -> None:
    clock = SettableClock()
    sandbox = open_provider("sandbox", {}, clock=clock)
    request = replace(sandbox.pay(None, 1_000), untrusted_body=body, headers={SIGNATURE: signature})
    with pytest.raises(CallbackRefused):
        sandbox.read_callback(request)
