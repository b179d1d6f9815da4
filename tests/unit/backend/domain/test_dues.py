from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.domain.dues import (
    BillFacts,
    BillUnknown,
    ChargeFacts,
    Dues,
    choose_bills,
    is_fresh,
    still_due,
)
from payments.models import Money

ONE = BillFacts(
    id="b1",
    ref="I1",
    code="PT1",
    version="1",
    title="Khám bệnh",
    issued_at="2026-11-23T08:00:00+07:00",
    due_vnd=45_000,
    charges=(
        ChargeFacts(name="Khám", quantity=1, amount_vnd=45_000, insurance_vnd=0, discount_vnd=0),
    ),
)
TWO = replace(ONE, id="b2", ref="I2", code="PT2", due_vnd=120_000, charges=())
DUES = Dues(
    patient_ref="BN1",
    visit_ref=None,
    person_id=None,
    visit_id=None,
    number=None,
    shown_name="N.V. AN",
    readable=True,
    bills=(ONE, TWO),
    credit_vnd=0,
    as_of="2026-11-23T01:00:00+00:00",
)


def test_what_is_due_is_the_sum_of_the_bills_and_survives_being_stored() -> None:
    assert DUES.due == Money(165_000)
    assert Dues.from_json(DUES.to_json()) == DUES


def test_only_what_was_shown_can_be_chosen() -> None:
    assert choose_bills(DUES, ["b2", "b1", "b2"]) == (ONE, TWO)
    for wrong in ([], ["b3"], ["b1", "b3"]):
        with pytest.raises(BillUnknown):
            choose_bills(DUES, wrong)


def test_a_bill_that_is_gone_or_costs_something_else_is_no_longer_due() -> None:
    assert still_due([ONE], [TWO, ONE])
    assert not still_due([ONE], [TWO])
    assert not still_due([ONE], [replace(ONE, due_vnd=44_999)])
    assert still_due([ONE], [replace(ONE, version="2", id="b9")])


def test_figures_are_good_for_a_minute() -> None:
    then = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    assert is_fresh(then, then + timedelta(seconds=60))
    assert not is_fresh(then, then + timedelta(seconds=61))
