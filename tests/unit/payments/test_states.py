from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from payments.models import Money
from payments.states import (
    CLOSED_PAYMENTS,
    MOVES,
    OPEN_PAYMENTS,
    PAID_PAYMENTS,
    HoldReason,
    MoveRefused,
    PaymentState,
    Standing,
    check_move,
    decide,
)

AMOUNTS = st.integers(min_value=1, max_value=1_000_000_000).map(Money)


def standing(state: PaymentState, due: int, held: int = 0, *, free: bool = True) -> Standing:
    return Standing(state=state, due=Money(due), held=Money(held), free=free)


def test_what_is_due_comes_and_the_payment_is_paid() -> None:
    made = decide(standing(PaymentState.WAITING, 350_000), Money(350_000))
    assert (made.state, made.applied, made.held) == (PaymentState.PAID, Money(350_000), Money(0))


def test_a_part_is_held_and_the_rest_completes_it() -> None:
    made = decide(standing(PaymentState.WAITING, 350_000), Money(100_000))
    assert (made.state, made.held, made.reason) == (
        PaymentState.UNDERPAID,
        Money(100_000),
        HoldReason.SHORT,
    )
    made = decide(standing(PaymentState.UNDERPAID, 350_000, 100_000), Money(250_000))
    assert (made.state, made.applied, made.completes) == (PaymentState.PAID, Money(250_000), True)


def test_too_much_pays_what_is_due_and_holds_the_rest() -> None:
    made = decide(standing(PaymentState.WAITING, 350_000), Money(400_000))
    assert (made.state, made.applied, made.held, made.reason) == (
        PaymentState.PAID,
        Money(350_000),
        Money(50_000),
        HoldReason.OVER,
    )


@pytest.mark.parametrize("state", sorted(CLOSED_PAYMENTS))
def test_late_money_counts_while_the_bills_are_free(state: PaymentState) -> None:
    assert decide(standing(state, 350_000), Money(350_000)).state is PaymentState.LATE_PAID
    for made in (
        decide(standing(state, 350_000, free=False), Money(350_000)),
        decide(standing(state, 350_000), Money(349_999)),
        decide(standing(state, 350_000), Money(350_001)),
    ):
        assert (made.state, made.reason, made.applied) == (state, HoldReason.LATE, Money(0))


@pytest.mark.parametrize("state", sorted(PAID_PAYMENTS | {PaymentState.REFUND_DUE}))
def test_money_that_comes_twice_is_held_and_changes_nothing(state: PaymentState) -> None:
    made = decide(standing(state, 350_000), Money(350_000))
    assert (made.state, made.reason, made.held) == (state, HoldReason.DUPLICATE, Money(350_000))


@given(
    st.sampled_from(PaymentState), AMOUNTS, st.integers(0, 10**9).map(Money), AMOUNTS, st.booleans()
)
def test_every_dong_of_every_credit_goes_somewhere_and_every_move_is_allowed(
    state: PaymentState, due: Money, held: Money, amount: Money, free: bool
) -> None:
    held = min(held, Money(due.amount_vnd - 1))
    made = decide(Standing(state=state, due=due, held=held, free=free), amount)
    assert made.applied + made.held == amount
    assert made.applied >= Money(0)
    assert made.held >= Money(0)
    assert made.held.is_positive == (made.reason is not None)
    assert made.state is state or made.state in MOVES[state]
    if made.state in {PaymentState.PAID, PaymentState.LATE_PAID} and made.state is not state:
        assert made.completes
        assert held + made.applied == due


@given(AMOUNTS, st.integers(-5, 0))
def test_a_credit_of_nothing_is_no_credit(due: Money, amount: int) -> None:
    with pytest.raises(ValueError, match="more than nothing"):
        decide(Standing(state=PaymentState.WAITING, due=due, held=Money(0)), Money(amount))


def test_only_the_moves_that_are_written_down_are_allowed() -> None:
    for here, there in product(PaymentState, PaymentState):
        if there in MOVES[here]:
            check_move(here, there)
        else:
            with pytest.raises(MoveRefused):
                check_move(here, there)


def test_nothing_leads_back_from_paid() -> None:
    reachable = {PaymentState.PAID}
    while True:
        further = reachable | {there for here in reachable for there in MOVES[here]}
        if further == reachable:
            break
        reachable = further
    assert not reachable & (OPEN_PAYMENTS | CLOSED_PAYMENTS)


class OnePayment(RuleBasedStateMachine):
    """Credits, expiries, cancellations and answers of the HIS in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.due = Money(350_000)
        self.state = PaymentState.CREATED
        self.short = Money(0)
        self.held = Money(0)
        self.applied = Money(0)
        self.came = Money(0)
        self.seen = [self.state]

    def move(self, there: PaymentState) -> None:
        if there is not self.state:
            check_move(self.state, there)
            self.state = there
            self.seen.append(there)

    @rule(amount=st.sampled_from([1, 100_000, 250_000, 350_000, 400_000]), free=st.booleans())
    def credit(self, amount: int, free: bool) -> None:
        self.came += Money(amount)
        made = decide(
            Standing(state=self.state, due=self.due, held=self.short, free=free), Money(amount)
        )
        self.move(made.state)
        self.applied += made.applied
        if made.completes:
            self.applied += self.short
            self.short = Money(0)
        if made.reason is HoldReason.SHORT:
            self.short += made.held
        else:
            self.held += made.held

    @rule(there=st.sampled_from([*CLOSED_PAYMENTS, PaymentState.WAITING]))
    def happens(self, there: PaymentState) -> None:
        if there in MOVES[self.state]:
            self.move(there)

    @rule(there=st.sampled_from([PaymentState.POSTED, PaymentState.POST_FAILED]))
    def his_answers(self, there: PaymentState) -> None:
        if there in MOVES[self.state]:
            self.move(there)

    @invariant()
    def every_dong_is_somewhere(self) -> None:
        assert self.applied + self.held + self.short == self.came

    @invariant()
    def paid_means_the_whole_sum_once(self) -> None:
        assert self.applied == (self.due if self.state in PAID_PAYMENTS else Money(0))

    @invariant()
    def no_state_comes_twice(self) -> None:
        assert len(self.seen) == len(set(self.seen))


TestOnePayment = OnePayment.TestCase
