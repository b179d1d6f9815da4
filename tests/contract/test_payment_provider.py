"""What every provider of payments keeps to, against its emulator over real HTTP.

A new one adds a subclass of `PaymentProviderContract` with a `make_harness` (see
docs/how-to/add-a-payment-provider.md). What it cannot do it says in `features`, and is then
checked to refuse.
"""

from __future__ import annotations

import ast
import hmac
import importlib
import json
import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments import http
from payments.errors import (
    BadSignature,
    BrokenReply,
    CallbackRefused,
    Declined,
    NotOurs,
    NotSupported,
    OutcomeUnknown,
    PaymentError,
    StaleCallback,
    Throttled,
    Unavailable,
)
from payments.match_codes import is_order_key
from payments.models import (
    BillLookup,
    CallbackRequest,
    Credit,
    MethodKind,
    Money,
    Notice,
    NoticeKind,
    Offer,
    Order,
    OrderReport,
    OrderStatus,
    Outcome,
    PlacedOrder,
    RefundOrder,
    RefundReport,
    RefundState,
)
from payments.ports import PaymentProvider
from payments.secrets import Secret
from tests.contract.payment_harness import (
    ASKED,
    VIETNAM,
    BadLine,
    Harness,
    Line,
    PayRefused,
    Receiver,
    Switch,
    bad_line,
    belongs,
    closed_port,
    identity,
    new_order,
    receiving,
    strange_certificate,
    wait_until,
)
from tiepdon.demo.qr_witness import read_vietqr

READ_S, PATIENT_READ_S = 1.0, 15.0
"""What providers wait for an answer in these tests, whatever they are set to."""
PART = Money(100_000)

_hostile: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    method=st.sampled_from(["GET", "POST", "PUT", ""]),
    path=st.text(max_size=60),
    headers=st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=6),
    arguments=st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=8),
    query=st.text(max_size=200),
    untrusted_body=st.one_of(
        st.binary(max_size=400),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(max_size=12), inner, max_size=6)
            ),
        ).map(lambda content: json.dumps(content).encode()),
        st.sampled_from(
            [
                b"",
                b"null",
                b"[]",
                b"{}",
                b'{"data":null,"signature":null}',
                b"[" * 100_000,
                b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
                b"\xff\xfe{}",
                b'{"amount":1e400,"signature":"\xc3\xa9"}',
                b'{"amount":NaN,"resultCode":-Infinity,"data":"\\ud800","mac":"\\ud800"}',
                b'{"amount":' + b"9" * 5_000 + b"}",
                b'{"data":"' + b"x" * 2_000_000 + b'"}',
            ]
        ),
    ),
)


_anything: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["00", "0", "-1", "PAID", "350000", "20261120091500", "９", "\x00"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


_NASTY: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**70,
    1.5,
    "",
    "x",
    "\x00",
    "9" * 40,
    [],
    [1],
    {},
    {"a": 1},
)
MOST_PLACES, NASTY_S = 40, 4.0


class PaymentProviderContract:
    """`make_harness` opens the emulator; it is told where callbacks go."""

    make_harness: Callable[[str], Harness]

    @pytest.fixture(autouse=True)
    def _bounded(self, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
        read_s = READ_S if "impatient" in request.fixturenames else PATIENT_READ_S
        full = http.HttpClient.__init__

        def short(client: http.HttpClient, *args: Any, **options: Any) -> None:
            full(client, *args, **{**options, "read_s": read_s})

        monkeypatch.setattr(http.HttpClient, "__init__", short)

    @pytest.fixture
    def impatient(self) -> None:
        """For tests in which an answer never comes."""

    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        with receiving(Harness.name) as receiver:
            yield receiver

    @pytest.fixture
    def harness(self, receiver: Receiver) -> Iterator[Harness]:
        harness = type(self).make_harness(receiver.url)
        receiver.now = harness.now
        try:
            yield harness
        finally:
            harness.close()

    @pytest.fixture
    def opened(self, harness: Harness, receiver: Receiver) -> Iterator[ExitStack]:
        """Closes every provider that was opened in a test."""
        with ExitStack() as stack:
            yield stack

    @pytest.fixture
    def provider(self, harness: Harness, receiver: Receiver, opened: ExitStack) -> PaymentProvider:
        provider = harness.open(callback_url=receiver.url)
        opened.callback(provider.close)
        receiver.provider = provider
        return provider

    @pytest.fixture
    def line(self, harness: Harness) -> Iterator[BadLine]:
        if harness.base_url is None:
            pytest.skip("asks nobody")
        with bad_line(harness.base_url) as line:
            yield line

    @pytest.fixture
    def far(
        self, harness: Harness, receiver: Receiver, line: BadLine, opened: ExitStack
    ) -> PaymentProvider:
        """The provider, spoken to over a line that can be spoilt."""
        provider = harness.open(line.url, callback_url=receiver.url)
        opened.callback(provider.close)
        receiver.provider = provider
        return provider

    @pytest.fixture(autouse=True)
    def _secrets_stay_secret(
        self, harness: Harness, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> Iterator[None]:
        caplog.set_level(logging.DEBUG)
        yield
        printed = capfd.readouterr()
        for text in (caplog.text, printed.out, printed.err):
            assert not [secret for secret in harness.secrets if secret in text]

    # --- what it says of itself -------------------------------------------------------------------

    def test_features_make_sense(self, provider: PaymentProvider) -> None:
        features = provider.features()
        assert features == provider.features()
        assert 0 < features.min_vnd <= ASKED.amount_vnd <= features.max_vnd
        assert 60 <= features.lifetime_s <= 86_400
        assert features.pushes or features.can_query or features.lists_credits
        assert provider.name == Harness.name

    def test_what_it_cannot_do_it_refuses(
        self, harness: Harness, provider: PaymentProvider
    ) -> None:
        placed = PlacedOrder(order=new_order(harness), provider_ref="REF1")
        refund = a_refund(harness, placed, "TX1")
        features = provider.features()
        calls: list[tuple[bool, Callable[[], object]]] = [
            (features.can_query, lambda: provider.query(placed)),
            (features.can_cancel, lambda: provider.cancel(placed)),
            (features.can_refund, lambda: provider.refund(refund)),
            (features.can_refund, lambda: provider.query_refund(refund)),
            (features.lists_credits, lambda: provider.list_credits(today(harness))),
        ]
        for can, call in calls:
            if not can:
                with pytest.raises(NotSupported):
                    call()

    def test_nothing_of_it_shows_a_secret(
        self, harness: Harness, provider: PaymentProvider
    ) -> None:
        assert harness.secrets or harness.base_url is None
        shown = f"{provider!r} {provider} {deep_repr(provider)}"
        assert not [secret for secret in harness.secrets if secret in shown]

    def test_answers_a_check(self, provider: PaymentProvider) -> None:
        provider.check()

    # --- a QR ----------------------------------------------------------------------------------------

    def test_an_offer_can_be_shown(self, harness: Harness, provider: PaymentProvider) -> None:
        order = new_order(harness)
        offer = provider.create(order)
        assert offer.provider_ref
        assert 10 <= len(offer.qr_text) <= 1_000
        assert order.created_at < offer.expires_at
        longest = max(order.expires_at, order.created_at + timedelta(seconds=86_400))
        assert offer.expires_at <= longest
        assert offer.memo.isascii()
        assert offer.qr_text not in repr(offer)

    def test_a_bank_qr_holds_account_amount_and_memo(
        self, harness: Harness, provider: PaymentProvider
    ) -> None:
        if provider.features().kind is not MethodKind.BANK_QR:
            pytest.skip("a wallet's own QR")
        order = new_order(harness)
        offer = provider.create(order)
        read = read_vietqr(offer.qr_text)
        assert offer.account is not None
        assert (read.bin, read.account) == (offer.account.bin, offer.account.number)
        assert read.amount_vnd == order.amount.amount_vnd
        assert read.currency == "704"
        assert offer.account.holder
        assert offer.account.bank_name
        assert (read.memo or "") == offer.memo

    def test_orders_do_not_share_anything(
        self, harness: Harness, provider: PaymentProvider
    ) -> None:
        orders = [new_order(harness) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            offers = list(pool.map(provider.create, orders))
        assert len({offer.provider_ref for offer in offers}) == 8
        assert len({offer.qr_text for offer in offers}) == 8

    def test_the_same_order_again(self, harness: Harness, provider: PaymentProvider) -> None:
        order = new_order(harness)
        first = provider.create(order)
        create_again(harness, provider, order, first)

    def test_another_attempt_is_another_order(
        self, harness: Harness, provider: PaymentProvider
    ) -> None:
        first = new_order(harness)
        second = replace(first, attempt=2)
        references = {provider.create(order).provider_ref for order in (first, second)}
        assert len(references) == 2

    def test_an_amount_outside_its_limits_is_declined(
        self, harness: Harness, provider: PaymentProvider
    ) -> None:
        features = provider.features()
        for amount_vnd in (features.min_vnd - 1, features.max_vnd + 1, 0, -1):
            with pytest.raises(Declined):
                provider.create(new_order(harness, Money(amount_vnd)))

    # --- paid ----------------------------------------------------------------------------------------

    def test_paid_and_told(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        order = receiver.expect(new_order(harness))
        provider.create(order)
        harness.pay(order)
        credit = credit_told(harness, provider, receiver, order)
        assert credit.provider == Harness.name
        assert credit.account
        assert credit.transaction_id
        assert credit.amount == order.amount
        assert belongs(credit, order)
        assert credit.paid_at.tzinfo is not None
        assert abs(credit.paid_at - harness.now()) < timedelta(minutes=2)
        for private in (credit.payer.name, credit.payer.account, credit.memo):
            assert not private or private not in repr(credit)

    def test_a_callback_that_was_taken_does_not_come_again(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        needs_callbacks(provider)
        order = receiver.expect(new_order(harness))
        provider.create(order)
        harness.pay(order)
        receiver.wait_for_credits()
        told = len(receiver.received)
        harness.advance(harness.resend_after_s or 3_600)
        receiver.stays_at(told)

    def test_query_tells_the_same_credit(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        needs_query(provider)
        order = receiver.expect(new_order(harness))
        placed = place(provider, order)
        assert provider.query(placed) == OrderReport(status=OrderStatus.OPEN)
        harness.pay(order)
        asked = paid(provider, placed)
        assert belongs(asked, order)
        assert asked.amount == order.amount
        if provider.features().pushes:
            (told,) = receiver.wait_for_credits()
            assert identity(told) == identity(asked)
            assert told.bank_reference == asked.bank_reference
            assert told.amount == asked.amount

    def test_query_of_an_order_that_was_never_sent(
        self, harness: Harness, provider: PaymentProvider
    ) -> None:
        needs_query(provider)
        order = new_order(harness)
        report = provider.query(PlacedOrder(order=order, provider_ref=order.key))
        assert report.status in {OrderStatus.UNKNOWN, OrderStatus.OPEN}
        assert report.credits == ()

    def test_list_of_the_day_tells_the_same_credit(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        if not provider.features().lists_credits:
            pytest.skip("lists nothing")
        order = receiver.expect(new_order(harness))
        provider.create(order)
        harness.pay(order)
        listed = [c for c in provider.list_credits(today(harness)) if belongs(c, order)]
        assert [credit.amount for credit in listed] == [order.amount]
        if provider.features().pushes:
            told = receiver.wait_for_credits()
            assert identity(told[0]) == identity(listed[0])
            assert told[0].bank_reference == listed[0].bank_reference
        yesterday = today(harness) - timedelta(days=1)
        assert not [c for c in provider.list_credits(yesterday) if belongs(c, order)]

    def test_the_callback_overtakes_the_answer_of_create(
        self, harness: Harness, far: PaymentProvider, receiver: Receiver, line: BadLine
    ) -> None:
        needs_callbacks(far)
        order = receiver.expect(new_order(harness))

        def pay_at_once() -> None:
            harness.pay(order)
            receiver.wait_for_credits()

        line.before_reply = pay_at_once
        far.create(order)
        line.before_reply = None
        if not line.asked:
            pytest.skip("makes the QR itself")
        (credit,) = receiver.wait_for_credits()
        assert belongs(credit, order)

    def test_lost_callback_is_made_up_for_by_asking(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        needs_callbacks(provider)
        needs_switch(harness, Switch.DROP)
        order = receiver.expect(new_order(harness))
        placed = place(provider, order)
        harness.steer(Switch.DROP)
        harness.pay(order)
        receiver.stays_at(len(receiver.received))
        assert not any(read_credits(each.read) for each in receiver.received)
        features = provider.features()
        if features.can_query:
            assert paid(provider, placed).amount == order.amount
        elif features.lists_credits:
            listed = provider.list_credits(today(harness))
            assert [c.amount for c in listed if belongs(c, order)] == [order.amount]

    def test_a_callback_that_comes_twice_is_one_credit(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        needs_callbacks(provider)
        needs_switch(harness, Switch.DUPLICATE)
        order = receiver.expect(new_order(harness))
        provider.create(order)
        harness.steer(Switch.DUPLICATE)
        harness.pay(order)
        told = receiver.wait_for_credits(2)
        assert len({identity(credit) for credit in told}) == 1
        outcomes = [each.outcome for each in receiver.received if read_credits(each.read)]
        assert outcomes == [Outcome.APPLIED, Outcome.REPEATED]

    def test_a_callback_that_was_not_taken_comes_again(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        needs_callbacks(provider)
        if harness.resend_after_s is None:
            pytest.skip("does not repeat itself")
        order = receiver.expect(new_order(harness))
        provider.create(order)
        receiver.next_outcomes = [Outcome.NOT_NOW]
        harness.pay(order)
        receiver.wait_for_credits()
        harness.advance(harness.resend_after_s)
        told = receiver.wait_for_credits(2)
        assert len({identity(credit) for credit in told[:2]}) == 1

    def test_paid_twice_is_two_credits(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        """A relative pays the same QR: refused there, or told as money of its own."""
        order = receiver.expect(new_order(harness))
        placed = place(provider, order)
        harness.pay(order)
        credit_told(harness, provider, receiver, order)
        try:
            harness.pay(order)
        except PayRefused:
            return
        if provider.features().pushes:
            told = {identity(credit) for credit in receiver.wait_for_credits(2)}
            assert len(told) == 2
            if provider.features().can_query:
                assert {identity(credit) for credit in provider.query(placed).credits} <= told

    @pytest.mark.parametrize("outcome", list(Outcome))
    def test_every_outcome_has_an_answer(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver, outcome: Outcome
    ) -> None:
        needs_callbacks(provider)
        order = receiver.expect(new_order(harness))
        provider.create(order)
        harness.pay(order)
        receiver.wait_for_credits()
        notice = receiver.last_with_credit().read
        assert isinstance(notice, Notice)
        answer = provider.answer(notice, outcome)
        assert 200 <= answer.status < 600
        assert len(answer.body) < 2_000
        assert order.code not in answer.body.decode() or order.code in str(notice.context)

    @pytest.mark.parametrize("amount", [Money(200_000), Money(400_000)], ids=["under", "over"])
    def test_another_amount_is_told_as_it_was_paid(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver, amount: Money
    ) -> None:
        order = receiver.expect(new_order(harness))
        placed = place(provider, order)
        if not harness.takes_other_amounts:
            with pytest.raises(PayRefused):
                harness.pay(order, amount)
            return
        harness.pay(order, amount)
        assert credit_told(harness, provider, receiver, order).amount == amount
        if provider.features().can_query:
            report = provider.query(placed)
            assert [credit.amount for credit in report.credits] == [amount]

    def test_money_that_comes_late_is_told_all_the_same(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        order = receiver.expect(new_order(harness))
        placed = place(provider, order)
        harness.advance(provider.features().lifetime_s + 900)
        if not harness.takes_late_money:
            with pytest.raises(PayRefused):
                harness.pay(order, late=True)
            return
        if provider.features().can_query:
            before = provider.query(placed)
            assert before.credits == ()
            assert before.status in {OrderStatus.OPEN, OrderStatus.EXPIRED, OrderStatus.CANCELLED}
        harness.pay(order, late=True)
        assert credit_told(harness, provider, receiver, order).amount == order.amount
        if provider.features().can_query:
            assert paid(provider, placed).amount == order.amount

    def test_a_payment_that_fails_is_told_without_money(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        if not harness.tells_failures:
            pytest.skip("success alone is told")
        order = receiver.expect(new_order(harness))
        placed = place(provider, order)
        harness.refuse(order)
        told = receiver.wait()[-1]
        assert isinstance(told.read, Notice)
        assert told.read.kind is NoticeKind.STATUS
        assert told.read.credits == ()
        assert told.read.order_key == order.key
        assert told.read.status in {
            OrderStatus.FAILED,
            OrderStatus.CANCELLED,
            OrderStatus.EXPIRED,
        }
        harness.advance(harness.resend_after_s or 600)
        receiver.stays_at(1)  # a failure that was recorded is no error
        if provider.features().can_query:
            assert provider.query(placed).credits == ()

    # --- callbacks that change nothing ---------------------------------------------------------------

    @pytest.mark.parametrize(
        ("switch", "error"),
        [
            (Switch.BAD_SIGNATURE, BadSignature),
            (Switch.STALE, StaleCallback),
            (Switch.WRONG_ACCOUNT, NotOurs),
            (Switch.WRONG_CURRENCY, NotOurs),
        ],
    )
    def test_refused_over_http(
        self,
        harness: Harness,
        provider: PaymentProvider,
        receiver: Receiver,
        switch: Switch,
        error: type[CallbackRefused],
    ) -> None:
        needs_callbacks(provider)
        needs_switch(harness, switch)
        order = receiver.expect(new_order(harness))
        provider.create(order)
        harness.steer(switch)
        harness.pay(order)
        wait_until(lambda: any(each.error for each in receiver.received), "it was not refused")
        refused = next(each for each in receiver.received if each.error is not None)
        assert type(refused.error) is error
        assert 200 <= refused.answer.status < 500
        assert order.code not in str(refused.error)

    def test_replayed_later_it_is_stale_or_known(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        request, known = a_real_callback(harness, provider, receiver)
        at_once = provider.read_callback(request)
        assert [identity(credit) for credit in read_credits(at_once)] == known
        later = replace(request, received_at=request.received_at + timedelta(days=2))
        if Switch.STALE in harness.switches:
            with pytest.raises(StaleCallback):
                provider.read_callback(later)
        else:
            again = provider.read_callback(later)
            assert [identity(credit) for credit in read_credits(again)] == known

    def test_another_amount_under_the_same_signature_is_refused(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        request, _ = a_real_callback(harness, provider, receiver)
        amount = str(ASKED.amount_vnd)
        forged = replace(
            request,
            untrusted_body=request.untrusted_body.replace(amount.encode(), b"950000"),
            query=request.query.replace(amount, "950000"),
            arguments={k: v.replace(amount, "950000") for k, v in request.arguments.items()},
        )
        if forged == request:
            pytest.skip("the amount is not in clear")
        with pytest.raises(CallbackRefused):
            provider.read_callback(forged)

    def test_a_flipped_byte_never_makes_other_money(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        request, _ = a_real_callback(harness, provider, receiver)
        honest = provider.read_callback(request)
        body = request.untrusted_body
        for place_ in range(len(body)):
            flipped = body[:place_] + bytes([body[place_] ^ 1]) + body[place_ + 1 :]
            same_money_or_refused(provider, replace(request, untrusted_body=flipped), honest)
        for key, value in request.arguments.items():
            for place_ in range(len(value)):
                other = value[:place_] + chr(ord(value[place_]) ^ 1) + value[place_ + 1 :]
                arguments = {**request.arguments, key: other}
                query = request.query.replace(value, other)
                changed = replace(request, arguments=arguments, query=query)
                same_money_or_refused(provider, changed, honest)

    def test_hostile_bytes_are_refused_and_nothing_else(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        @settings(
            max_examples=150,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(parts=_hostile)
        def hold(parts: dict[str, Any]) -> None:
            request = CallbackRequest(received_at=harness.now(), **parts)
            with pytest.raises(CallbackRefused) as raised:
                provider.read_callback(request)
            answer = provider.answer_refusal(raised.value)
            assert 200 <= answer.status < 500
            assert len(answer.body) < 2_000

        hold()

    def test_hostile_parts_in_a_real_callback(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        """Any one part of a callback that once was good, replaced by something else."""
        request, _ = a_real_callback(harness, provider, receiver)
        honest = provider.read_callback(request)

        @settings(max_examples=100, deadline=None, database=None)
        @given(parts=_hostile, taken=st.sets(st.sampled_from(sorted(_PARTS)), min_size=1))
        def hold(parts: dict[str, Any], taken: set[str]) -> None:
            changed = replace(request, **{name: parts[name] for name in taken})
            same_money_or_refused(provider, changed, honest)

        hold()

    def test_well_signed_nonsense_is_refused_or_harmless(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        """The provider's own mistakes, or a key in the wrong hands: still our own errors only."""
        request, _ = a_real_callback(harness, provider, receiver)
        fields = harness.signed_fields(request)
        if fields is None:
            pytest.skip("this harness does not sign")
        assert provider.read_callback(harness.resign(request, fields)) == provider.read_callback(
            request
        )

        @settings(max_examples=150, deadline=None, database=None)
        @given(
            changes=st.dictionaries(st.sampled_from(sorted(fields)), _anything, max_size=3),
            without=st.sets(st.sampled_from(sorted(fields)), max_size=2),
        )
        def hold(changes: dict[str, Any], without: set[str]) -> None:
            changed = {k: v for k, v in (fields | changes).items() if k not in without}
            try:
                read = provider.read_callback(harness.resign(request, changed))
            except CallbackRefused:
                return
            for credit in read_credits(read):
                assert credit.amount.is_positive
                assert credit.transaction_id
                assert credit.account
                assert credit.order_key is None or is_order_key(credit.order_key)

        hold()

    def test_signatures_are_compared_in_constant_time(
        self,
        harness: Harness,
        provider: PaymentProvider,
        receiver: Receiver,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        request, _ = a_real_callback(harness, provider, receiver)
        compared: list[int] = []
        honest = hmac.compare_digest

        def spy(left: Any, right: Any) -> bool:
            compared.append(len(left))
            return honest(left, right)

        monkeypatch.setattr(hmac, "compare_digest", spy)
        provider.read_callback(request)
        assert compared, "nothing was compared by hmac.compare_digest"
        assert all(length >= 8 for length in compared)

    def test_no_signature_is_compared_by_equality(self, provider: PaymentProvider) -> None:
        package = importlib.import_module(type(provider).__module__.rpartition(".")[0])
        for path in sorted(Path(next(iter(package.__path__))).glob("*.py")):
            if path.stem == "emulator" or path.stem.startswith("emulat"):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Compare) and any(
                    isinstance(operator, ast.Eq | ast.NotEq) for operator in node.ops
                ):
                    text = ast.unparse(node)
                    assert not _SIGNATURE.search(text), f"{path.name}:{node.lineno}: {text}"

    # --- ended without money -------------------------------------------------------------------------

    def test_cancelled_stays_cancelled(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        needs_cancel(provider)
        order = receiver.expect(new_order(harness))
        placed = place(provider, order)
        provider.cancel(placed)
        provider.cancel(placed)
        if provider.features().can_query:
            report = provider.query(placed)
            assert report.status in {
                OrderStatus.CANCELLED,
                OrderStatus.EXPIRED,
                OrderStatus.FAILED,
                OrderStatus.UNKNOWN,
            }
            assert report.credits == ()
        stranger = new_order(harness)
        provider.cancel(PlacedOrder(order=stranger, provider_ref=stranger.key))

    def test_cancelling_what_is_paid_takes_nothing_back(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        needs_cancel(provider)
        order = receiver.expect(new_order(harness))
        placed = place(provider, order)
        harness.pay(order)
        with suppress(Declined):
            provider.cancel(placed)
        if provider.features().can_query:
            assert paid(provider, placed).amount == order.amount
        if provider.features().pushes:
            assert receiver.wait_for_credits()

    def test_cancel_and_pay_at_once(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        """Whoever wins, provider and callback tell one story."""
        needs_cancel(provider)

        def try_to_pay(order: Order) -> bool:
            try:
                harness.pay(order)
            except PayRefused:
                return False
            return True

        def try_to_cancel(placed: PlacedOrder) -> None:
            try:
                provider.cancel(placed)
            except Declined:
                return

        money = 0
        for _ in range(4):
            order = receiver.expect(new_order(harness))
            placed = place(provider, order)
            with ThreadPoolExecutor(2) as pool:
                payer = pool.submit(try_to_pay, order)
                pool.submit(try_to_cancel, placed).result()
                was_paid = payer.result()
            money += was_paid
            if provider.features().can_query:
                report = provider.query(placed)
                assert bool(report.credits) == was_paid
        if provider.features().pushes and money:
            told = receiver.wait_for_credits(money)
            assert len({identity(credit) for credit in told}) == money

    # --- giving back ---------------------------------------------------------------------------------

    def test_refunds_in_parts_and_never_more_than_paid(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        placed, transaction_id = refundable(harness, provider, receiver)
        for serial in (1, 2):
            report = give_back(
                harness, provider, a_refund(harness, placed, transaction_id, serial=serial)
            )
            assert report.state is RefundState.DONE
        assert harness.refunded(placed.order) == PART + PART
        too_much = a_refund(harness, placed, transaction_id, Money(150_001), serial=3)
        with pytest.raises(Declined):
            provider.refund(too_much)
        rest = a_refund(harness, placed, transaction_id, Money(150_000), serial=4)
        assert give_back(harness, provider, rest).state is RefundState.DONE
        assert harness.refunded(placed.order) == ASKED

    def test_a_full_refund(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        placed, transaction_id = refundable(harness, provider, receiver)
        refund = a_refund(harness, placed, transaction_id, ASKED)
        assert give_back(harness, provider, refund).state is RefundState.DONE
        assert harness.refunded(placed.order) == ASKED

    def test_the_same_refund_again_gives_nothing_more(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        placed, transaction_id = refundable(harness, provider, receiver)
        refund = a_refund(harness, placed, transaction_id)
        give_back(harness, provider, refund)
        with suppress(Declined, OutcomeUnknown):
            provider.refund(refund)
        assert provider.query_refund(refund).state is RefundState.DONE
        assert harness.refunded(placed.order) == PART

    def test_a_refund_without_an_answer(
        self,
        harness: Harness,
        far: PaymentProvider,
        receiver: Receiver,
        line: BadLine,
    ) -> None:
        placed, transaction_id = refundable(harness, far, receiver)
        refund = a_refund(harness, placed, transaction_id)
        line.state = Line.LOSE_REPLY
        with pytest.raises(OutcomeUnknown):
            far.refund(refund)
        line.state = Line.GOOD
        harness.advance(harness.settle_after_s)
        assert far.query_refund(refund).state is RefundState.DONE
        assert harness.refunded(placed.order) == PART

    def test_a_refund_nobody_heard_of(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        placed, transaction_id = refundable(harness, provider, receiver)
        refund = a_refund(harness, placed, transaction_id, serial=9)
        assert provider.query_refund(refund).state is RefundState.FAILED

    # --- midnight in Vietnam -------------------------------------------------------------------------

    def test_over_midnight(
        self, harness: Harness, provider: PaymentProvider, receiver: Receiver
    ) -> None:
        """Made before 00:00 GMT+7, paid, asked for and given back after."""
        local = harness.now().astimezone(VIETNAM)
        midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        harness.advance((midnight - local).total_seconds() - 30)
        order = receiver.expect(new_order(harness))
        placed = place(provider, order)
        harness.advance(60)
        assert harness.now().astimezone(VIETNAM).date() == midnight.date()
        harness.pay(order)
        credit = credit_told(harness, provider, receiver, order)
        assert credit.paid_at.astimezone(VIETNAM).date() == midnight.date()
        features = provider.features()
        if features.can_query:
            assert identity(paid(provider, placed)) == identity(credit)
        if features.can_refund:
            refund = a_refund(harness, placed, credit.transaction_id)
            assert give_back(harness, provider, refund).state is RefundState.DONE
        if features.lists_credits:
            listed = provider.list_credits(midnight.date())
            assert identity(credit) in {identity(each) for each in listed}
            before = provider.list_credits(midnight.date() - timedelta(days=1))
            assert identity(credit) not in {identity(each) for each in before}
        second = receiver.expect(new_order(harness))
        assert provider.create(second).provider_ref != placed.provider_ref

    # --- a bad line ----------------------------------------------------------------------------------

    def test_nobody_there(self, harness: Harness, receiver: Receiver, opened: ExitStack) -> None:
        provider = elsewhere(harness, receiver, opened, f"http://127.0.0.1:{closed_port()}")
        for name, call in calls(harness, provider):
            assert isinstance(what_became(call), Unavailable), name

    def test_a_certificate_nobody_vouches_for(
        self, harness: Harness, receiver: Receiver, opened: ExitStack, tmp_path: Path
    ) -> None:
        with strange_certificate(tmp_path) as address:
            provider = elsewhere(harness, receiver, opened, address)
            for name, call in calls(harness, provider):
                assert isinstance(what_became(call), Unavailable), name

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("state", [line for line in Line if line is not Line.GOOD])
    def test_a_bad_line_has_our_own_errors(
        self, harness: Harness, far: PaymentProvider, line: BadLine, state: Line
    ) -> None:
        """Each call ends in time, with the error that says whether it may be tried again."""
        line.state = state
        for name, call in calls(harness, far):
            started = time.monotonic()
            error = what_became(call)
            assert time.monotonic() - started < READ_S * 4 + 2
            expected = _ON_A_BAD_LINE[state]
            assert isinstance(error, expected), f"{name}: {error!r}"
            if name == "query":
                assert not isinstance(error, OutcomeUnknown)
            if isinstance(error, Throttled):
                assert error.retry_after_s == 7
            assert not [secret for secret in harness.secrets if secret in repr(error)]
        line.state = Line.GOOD
        far.check()

    def test_replies_with_anything_in_them_have_our_own_errors(
        self, harness: Harness, far: PaymentProvider, receiver: Receiver, line: BadLine
    ) -> None:
        """One value of a real answer is replaced: what comes out has the right shape or is ours."""
        order = receiver.expect(new_order(harness))
        placed = place(far, order)
        harness.pay(order)
        transaction_id = credit_told(harness, far, receiver, order).transaction_id
        refund = a_refund(harness, placed, transaction_id, Money(1_000))
        if far.features().can_refund:
            give_back(harness, far, refund)
        every = calls(harness, far, placed=placed, refund=refund)
        chances = [
            (name, ask, at, value)
            for name, ask in every
            for at in range(MOST_PLACES)
            for value in _NASTY
        ]
        random.shuffle(chances)
        ends = time.monotonic() + NASTY_S  # some let themselves be asked three times a second
        for name, ask, at, value in chances:
            if time.monotonic() > ends:
                break
            line.rewrite = partial(with_one_value_replaced, at=at, value=value)
            try:
                told = ask()
            except PaymentError:
                continue
            except Exception as error:
                pytest.fail(f"{name}, place {at} holding {value!r}: {error!r}")
            if isinstance(told, OrderReport):
                assert all(credit.amount.is_positive for credit in told.credits)
            assert told is None or isinstance(told, Offer | OrderReport | RefundReport | tuple)

    def test_an_answer_that_was_forged_is_broken(
        self, harness: Harness, far: PaymentProvider, receiver: Receiver, line: BadLine
    ) -> None:
        if not harness.signs_replies:
            pytest.skip("answers are not signed")
        needs_query(far)
        order = receiver.expect(new_order(harness))
        placed = place(far, order)
        harness.pay(order)
        line.rewrite = lambda content: content.replace(b"350000", b"950000")
        with pytest.raises(BrokenReply):
            far.query(placed)
        line.rewrite = None
        assert paid(far, placed).amount == order.amount

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("state", [Line.HANG, Line.LOSE_REPLY, Line.CUT_SHORT])
    def test_create_without_an_answer_is_settled_afterwards(
        self,
        harness: Harness,
        far: PaymentProvider,
        receiver: Receiver,
        line: BadLine,
        state: Line,
    ) -> None:
        order = receiver.expect(new_order(harness))
        line.state = state
        try:
            far.create(order)
        except OutcomeUnknown:
            pass
        else:
            assert not line.asked, "an offer without an answer"
            pytest.skip("makes the QR itself")
        line.state = Line.GOOD
        placed = PlacedOrder(order=order, provider_ref=order.key)
        try:
            placed = place(far, order)
        except Declined:
            assert not harness.repeats_create
            assert far.query(placed).status is OrderStatus.OPEN
        harness.pay(order)
        credit = credit_told(harness, far, receiver, order)
        if far.features().can_query:
            assert identity(paid(far, placed)) == identity(credit)


_PARTS = {"method", "path", "headers", "arguments", "query", "untrusted_body"}
_SIGNATURE = re.compile(
    r"signature|secure_?hash|checksum|\bmac\b|_mac\b|hmac|digest|secret|token", re.IGNORECASE
)
_ON_A_BAD_LINE: dict[Line, tuple[type[PaymentError], ...]] = {
    Line.LOSE_REPLY: (OutcomeUnknown, Unavailable),
    Line.HANG: (OutcomeUnknown, Unavailable),
    Line.DRIP: (OutcomeUnknown, Unavailable),
    Line.CUT_SHORT: (OutcomeUnknown, Unavailable),
    Line.HALF_JSON: (BrokenReply,),
    Line.HTML: (BrokenReply,),
    Line.OVERSIZED: (BrokenReply,),
    Line.REDIRECT: (BrokenReply, Unavailable, OutcomeUnknown),
    Line.ERROR_500: (OutcomeUnknown, Unavailable),
    Line.UNAVAILABLE_503: (Unavailable,),
    Line.THROTTLED_429: (Throttled,),
}


# --- steps -------------------------------------------------------------------------------------------


def place(provider: PaymentProvider, order: Order) -> PlacedOrder:
    return PlacedOrder(order=order, provider_ref=provider.create(order).provider_ref)


def create_again(harness: Harness, provider: PaymentProvider, order: Order, first: Offer) -> None:
    if harness.repeats_create:
        again = provider.create(order)
        assert (again.provider_ref, again.qr_text) == (first.provider_ref, first.qr_text)
    else:
        with pytest.raises(Declined):
            provider.create(order)


def paid(provider: PaymentProvider, placed: PlacedOrder) -> Credit:
    """As `query` tells it."""
    report = provider.query(placed)
    assert report.status is OrderStatus.PAID
    (credit,) = report.credits
    return credit


def credit_told(
    harness: Harness, provider: PaymentProvider, receiver: Receiver, order: Order
) -> Credit:
    """By callback where the provider sends some, or else by asking."""
    features = provider.features()
    if features.pushes:
        told = [each for each in receiver.wait_for_credits() if belongs(each, order)]
    elif features.lists_credits:
        told = [each for each in provider.list_credits(today(harness)) if belongs(each, order)]
    else:
        placed = PlacedOrder(order=order, provider_ref=provider.create(order).provider_ref)
        told = list(provider.query(placed).credits)
    assert len({identity(each) for each in told}) == 1
    return told[0]


def what_became(call: Callable[[], object]) -> PaymentError | None:
    try:
        call()
    except PaymentError as error:
        return error
    return None


def with_one_value_replaced(content: bytes, at: int, value: Any) -> bytes:
    """Of a JSON answer, `at` counting through all it holds; other answers stay as they are."""
    try:
        answer = json.loads(content)
    except ValueError:
        return content
    places: list[tuple[Any, Any]] = []

    def walk(inside: Any) -> None:
        if isinstance(inside, dict | list):
            for key in list(inside) if isinstance(inside, dict) else range(len(inside)):
                places.append((inside, key))
                walk(inside[key])

    walk(answer)
    if places:
        inside, key = places[at % len(places)]
        inside[key] = value
    return json.dumps(answer).encode()


def read_credits(read: Notice | BillLookup | None) -> tuple[Credit, ...]:
    return read.credits if isinstance(read, Notice) else ()


def a_real_callback(
    harness: Harness, provider: PaymentProvider, receiver: Receiver
) -> tuple[CallbackRequest, list[tuple[str, str, str]]]:
    needs_callbacks(provider)
    order = receiver.expect(new_order(harness))
    provider.create(order)
    harness.pay(order)
    receiver.wait_for_credits()
    received = receiver.last_with_credit()
    return received.request, [identity(credit) for credit in read_credits(received.read)]


def same_money_or_refused(
    provider: PaymentProvider, request: CallbackRequest, honest: Notice | BillLookup
) -> None:
    """What is outside the signature may change, and then changes nothing of the money."""
    try:
        read = provider.read_callback(request)
    except CallbackRefused:
        return
    for credit in read_credits(read):
        assert credit in read_credits(honest) or (isinstance(read, Notice) and read.confirm)


def refundable(
    harness: Harness, provider: PaymentProvider, receiver: Receiver
) -> tuple[PlacedOrder, str]:
    if not provider.features().can_refund:
        pytest.skip("gives nothing back itself")
    order = receiver.expect(new_order(harness))
    placed = place(provider, order)
    harness.pay(order)
    return placed, credit_told(harness, provider, receiver, order).transaction_id


def a_refund(
    harness: Harness,
    placed: PlacedOrder,
    transaction_id: str,
    amount: Money = PART,
    *,
    serial: int = 1,
) -> RefundOrder:
    return RefundOrder(
        placed=placed,
        transaction_id=transaction_id,
        paid=placed.order.amount,
        amount=amount,
        serial=serial,
        created_at=harness.now(),
        requested_by="thungan01",
    )


def give_back(harness: Harness, provider: PaymentProvider, refund: RefundOrder) -> RefundReport:
    report = provider.refund(refund)
    assert report.state in {RefundState.PROCESSING, RefundState.DONE}
    if report.state is RefundState.PROCESSING:
        harness.advance(harness.settle_after_s)
        report = provider.query_refund(refund)
    return report


def elsewhere(
    harness: Harness, receiver: Receiver, opened: ExitStack, address: str
) -> PaymentProvider:
    if harness.base_url is None:
        pytest.skip("asks nobody")
    provider = harness.open(address, callback_url=receiver.url)
    opened.callback(provider.close)
    return provider


def calls(
    harness: Harness,
    provider: PaymentProvider,
    *,
    placed: PlacedOrder | None = None,
    refund: RefundOrder | None = None,
) -> list[tuple[str, Callable[[], object]]]:
    """Every call of this provider that has to ask somebody; about this order, or one of its own."""
    features = provider.features()
    if placed is None:
        order = new_order(harness)
        placed = PlacedOrder(order=order, provider_ref=order.key)
    if refund is None:
        refund = a_refund(harness, placed, "4000000001")
    every: list[tuple[str, bool, Callable[[], object]]] = [
        ("create", harness.asks_to_create, lambda: provider.create(new_order(harness))),
        ("query", features.can_query, lambda: provider.query(placed)),
        ("cancel", features.can_cancel, lambda: provider.cancel(placed)),
        ("refund", features.can_refund, lambda: provider.refund(refund)),
        ("query_refund", features.can_refund, lambda: provider.query_refund(refund)),
        ("list_credits", features.lists_credits, lambda: provider.list_credits(today(harness))),
    ]
    return [(name, call) for name, can, call in every if can]


def today(harness: Harness) -> date:
    return harness.now().astimezone(VIETNAM).date()


def needs_callbacks(provider: PaymentProvider) -> None:
    if not provider.features().pushes:
        pytest.skip("sends nothing")


def needs_query(provider: PaymentProvider) -> None:
    if not provider.features().can_query:
        pytest.skip("cannot be asked")


def needs_cancel(provider: PaymentProvider) -> None:
    if not provider.features().can_cancel:
        pytest.skip("cannot cancel")


def needs_switch(harness: Harness, switch: Switch) -> None:
    if switch not in harness.switches:
        pytest.skip(f"{switch} has no meaning here")


def deep_repr(thing: object, depth: int = 4) -> str:
    """Of a thing and of all it is made of."""
    if depth == 0 or isinstance(thing, Secret) or not hasattr(thing, "__dict__"):
        return repr(thing)
    inside = vars(thing).values()
    return repr(thing) + " ".join(deep_repr(each, depth - 1) for each in inside)
