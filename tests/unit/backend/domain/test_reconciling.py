from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reconciliation_report import Heading, ShiftSum, make_sheet
from backend.domain.reconciling import (
    BankMove,
    BookedMove,
    Figures,
    Item,
    Kind,
    Standing,
    Sum,
    Way,
    add_up,
    judge_line,
    judge_missing,
    judge_refunds,
    match,
)

NOON = datetime(2026, 2, 16, 5, tzinfo=UTC)
CODE, OTHER_CODE = "VP3A7K9MX", "VP3A7K9MY"


def line(index: int = 0, **changes: Any) -> BankMove:
    values: dict[str, Any] = {
        "index": index, "row": index + 2, "provider": "bank", "transaction_id": f"L{index}",
        "reference": "", "named": False, "amount_vnd": 5_000, "at": NOON,
    }  # fmt: skip
    return BankMove(**values | changes)


def booked(id_: str = "c", **changes: Any) -> BookedMove:
    values: dict[str, Any] = {
        "id": id_, "provider": "bank", "account": "A", "transaction_id": f"T{id_}",
        "reference": "", "amount_vnd": 5_000, "at": NOON,
    }  # fmt: skip
    return BookedMove(**values | changes)


def way(told: BankMove, *ours: BookedMove) -> Way | None:
    (pair,) = match([told], ours)
    return pair.way


@pytest.mark.parametrize(
    ("told", "ours", "found"),
    [
        ({"transaction_id": "T1"}, {"transaction_id": "T1"}, Way.TRANSACTION),
        ({"transaction_id": "T1"}, {"transaction_id": "T1", "amount_vnd": 1}, Way.TRANSACTION),
        (
            {"transaction_id": "T1", "named": True},
            {"transaction_id": "T1", "provider": "wallet"},
            Way.SUGGESTED,
        ),
        ({"reference": "FT1"}, {"reference": "FT1"}, Way.REFERENCE),
        ({"reference": "FT1"}, {"reference": "FT1", "amount_vnd": 1}, Way.REFERENCE),
        ({"transaction_id": "FT1"}, {"reference": "FT1"}, Way.REFERENCE),
        ({"codes": frozenset({CODE})}, {"code": CODE}, Way.CODE),
        ({"codes": frozenset({CODE})}, {"code": CODE, "amount_vnd": 1}, None),
        ({"codes": frozenset({CODE, OTHER_CODE})}, {"code": CODE}, None),
        ({"codes": frozenset({CODE})}, {"code": CODE, "at": NOON + timedelta(days=2)}, None),
        ({"order_key": f"{CODE}-1"}, {"order_key": f"{CODE}-1"}, Way.CODE),
        # Two numbers by the same hand are two movements.
        ({"codes": frozenset({CODE}), "reference": "FT1"}, {"code": CODE, "reference": "FT2"}, None),
        ({"codes": frozenset({CODE}), "named": True}, {"code": CODE}, None),
        ({"codes": frozenset({CODE}), "reference": "FT1"}, {"code": CODE}, Way.CODE),
        ({}, {}, Way.SUGGESTED),
        ({}, {"at": NOON + timedelta(minutes=2)}, None),
        ({"time_known": False}, {}, None),
        ({"codes": frozenset({OTHER_CODE})}, {"code": CODE}, None),
        ({"reference": "FT1"}, {"reference": "FT2"}, None),
    ],
)  # fmt: skip
def test_how_a_line_is_found(told: dict[str, Any], ours: dict[str, Any], found: Way | None) -> None:
    assert way(line(**told), booked(**ours)) is found


def test_of_two_that_are_alike_none_is_suggested() -> None:
    assert way(line(), booked("a"), booked("b")) is None


def test_the_sure_ways_come_first() -> None:
    ours = [booked("a", code=CODE), booked("b", transaction_id="T1", code=CODE)]
    lines = [line(0, codes=frozenset({CODE})), line(1, transaction_id="T1")]
    assert [pair.booked and pair.booked.id for pair in match(lines, ours)] == ["a", "b"]


def test_paid_twice_the_earlier_line_is_the_earlier_credit() -> None:
    ours = [booked("b", code=CODE, at=NOON + timedelta(hours=1)), booked("a", code=CODE)]
    lines = [line(n, codes=frozenset({CODE})) for n in range(3)]
    assert [pair.booked and pair.booked.id for pair in match(lines, ours)] == ["a", "b", None]


few = st.sampled_from(["", "1", "2", "3"])
lines_of = st.lists(
    st.builds(
        line,
        transaction_id=st.sampled_from(["1", "2", "3", "4"]),
        reference=few,
        named=st.booleans(),
        amount_vnd=st.sampled_from([5, 7]),
        codes=st.sampled_from([frozenset(), frozenset({CODE})]),
    ),
    max_size=6,
).map(lambda found: [line_at(each, index) for index, each in enumerate(found)])
booked_of = st.lists(
    st.builds(
        booked,
        id_=st.uuids().map(str),
        transaction_id=st.sampled_from(["1", "2", "3", "4"]),
        reference=few,
        amount_vnd=st.sampled_from([5, 7]),
        code=st.sampled_from([None, CODE]),
    ),
    max_size=6,
    unique_by=lambda each: each.id,
)


def line_at(each: BankMove, index: int) -> BankMove:
    from dataclasses import replace

    return replace(each, index=index)


@given(lines_of, booked_of, st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_to_the_dong(
    lines: list[BankMove], ours: list[BookedMove], held: set[int], to_post: set[int]
) -> None:
    """Every line is one item, every booked move in one at most; the sums differ by the items."""
    pairs = match(lines, ours)
    assert [pair.line for pair in pairs] == lines
    found = [pair.booked.id for pair in pairs if pair.booked]
    assert len(found) == len(set(found))

    def standing(move: BookedMove) -> Standing:
        index = ours.index(move)
        return Standing(
            credit_id=move.id,
            payment_id=None,
            amount_vnd=move.amount_vnd,
            is_held=index in held,
            to_post=index in to_post,
        )

    items = []
    for pair in pairs:
        # What is not in the books is brought in before it is judged.
        move = pair.booked or booked(f"new-{pair.line.index}", amount_vnd=pair.line.amount_vnd)
        its = standing(move) if pair.booked else Standing(
            credit_id=move.id, payment_id=None, amount_vnd=move.amount_vnd, is_held=True,
            to_post=False, brought_in=True,
        )  # fmt: skip
        items.append(judge_line(pair, its))
    items += [judge_missing(move, standing(move)) for move in ours if move.id not in found]
    figures = add_up(lines, [], [], items, day_of=lambda at: at.date())

    assert figures.came.amount_vnd == sum(each.amount_vnd for each in lines)
    assert figures.difference_vnd == sum(
        (item.found_vnd or 0) - (item.expected_vnd or 0) for item in items
    )
    assert sum(figures.kinds.values()) == len(items)
    assert sum(each.amount_vnd for each in figures.days.values()) == figures.came.amount_vnd
    assert Figures.from_json(figures.to_json()) == figures
    if all(item.kind is Kind.OK for item in items):
        assert figures.difference_vnd == 0


def test_refunds_are_matched_and_other_money_that_leaves_is_not_ours() -> None:
    refunds = [booked("r1", reference="RF1"), booked("r2", reference="RF2"), booked("r3")]
    lines = [
        line(0, reference="RF1", amount_vnd=4_000),
        line(1, amount_vnd=9_000_000),
        line(2, codes=frozenset({CODE}), amount_vnd=1),
    ]
    items = judge_refunds(match(lines, refunds, suggest=False), refunds, {"r1", "r2"})
    assert [(item.kind, item.refund_id, item.expected_vnd, item.found_vnd) for item in items] == [
        (Kind.REFUND, "r1", 5_000, 4_000),
        (Kind.REFUND, None, 0, 1),
        (Kind.REFUND, "r2", 5_000, 0),
    ]
    assert not any(item.is_incoming for item in items)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_sheet_says_it_all(language: str) -> None:
    items = [(Item(kind=kind, expected_vnd=2, found_vnd=5, way=Way.CODE), CODE) for kind in Kind]
    figures = Figures(
        came=Sum(count=9, amount_vnd=45), left=Sum(), expected=Sum(count=9, amount_vnd=18),
        refunded=Sum(), booked=Sum(), kinds={kind.value: 1 for kind in Kind},
        days={"2026-02-16": Sum(count=9, amount_vnd=45)},
    )  # fmt: skip
    heading = Heading(
        provider="bank", account="A", first_day=date(2026, 2, 16), last_day=date(2026, 2, 16),
        signed_name="Trần Thị Sổ", signed_at=NOON, note=None,
    )  # fmt: skip
    shifts = [
        ShiftSum(name="Lê Văn Sách", since=NOON, sum=Sum(count=8, amount_vnd=40)),
        ShiftSum(name=None, since=None, sum=Sum(count=1, amount_vnd=5)),
    ]
    rows = list(
        make_sheet(
            heading, figures, items, shifts=shifts,
            zone=ZoneInfo("Asia/Ho_Chi_Minh"), language=language,
        )
    )  # fmt: skip
    cells = [cell for row in rows for cell in row]
    assert {27, 45, 18, 3, CODE, "Trần Thị Sổ", "16/02/2026 12:00:00"} <= set(cells)
    assert len(rows[-9:]) == 9
    assert rows[-1][1] in {"Khớp", "Agrees"}
