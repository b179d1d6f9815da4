"""What a bank says came and left, laid beside what the books say. Pure.

First by the number the provider gave a transaction, then by the bank's own reference, then by the
one code in the memo with the same amount. The same amount in the same minute is a suggestion for
a person, and is never acted on.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

_NEAR = timedelta(days=1)
_SAME_MINUTE = timedelta(minutes=1)


class Kind(StrEnum):
    """What became of a line, or of money the bank does not tell of. All but OK are differences."""

    OK = "ok"
    WITHOUT_INTENT = "money_without_intent"
    """It came, and nobody asked for it: held for the cashier."""
    WITHOUT_LINE = "paid_without_bank_line"
    """The books have it, the bank does not tell of it."""
    AMOUNT = "amount_differs"
    REFUND = "refund_differs"
    """Given back by the books and not by the bank, the other way round, or another sum."""
    NOT_POSTED = "not_posted_to_his"
    TO_CONFIRM = "to_confirm"
    """Perhaps the money the books have under another number: a person has to look."""
    UNREADABLE = "unreadable_row"
    DOUBT = "does_not_add_up"


class Way(StrEnum):
    """How a line was found in the books."""

    TRANSACTION = "transaction"
    REFERENCE = "reference"
    CODE = "code"
    SUGGESTED = "suggested"
    BOOKED = "booked"
    """It was not there: the statement brought it in."""


@dataclass(frozen=True, kw_only=True)
class BankMove:
    """A line. `row` None: it came from a list without rows. `codes`: valid ones in its memo.

    `named`: the bank or wallet itself names it, by `reference` or `transaction_id`.
    """

    index: int
    row: int | None
    provider: str
    transaction_id: str
    reference: str
    named: bool
    amount_vnd: int
    at: datetime
    time_known: bool = True
    codes: frozenset[str] = frozenset()
    order_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class BookedMove:
    """A credit of the books, or a refund that is done."""

    id: str
    provider: str
    account: str
    transaction_id: str
    reference: str
    amount_vnd: int
    at: datetime
    order_key: str | None = None
    code: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pair:
    line: BankMove
    booked: BookedMove | None
    way: Way | None

    @property
    def is_found(self) -> bool:
        return self.booked is not None and self.way is not Way.SUGGESTED


@dataclass(frozen=True)
class _Pass:
    """A line and a booked move belong together when they share a key and fit.

    `sure` False: only where there is one such move and no other.
    """

    way: Way
    line_keys: Callable[[BankMove], Iterable[Hashable]]
    booked_keys: Callable[[BookedMove], Iterable[Hashable]]
    fits: Callable[[BankMove, BookedMove], bool]
    sure: bool = True


def match(
    lines: Sequence[BankMove], booked: Sequence[BookedMove], *, suggest: bool = True
) -> list[Pair]:
    """One pair a line, in their order; each booked move is in one pair at most."""
    found: dict[int, tuple[BookedMove, Way]] = {}
    free = sorted(booked, key=lambda move: (move.at, move.id))
    for each in _PASSES if suggest else _PASSES[:-1]:
        by_key: dict[Hashable, list[BookedMove]] = defaultdict(list)
        for move in free:
            for key in each.booked_keys(move):
                by_key[key].append(move)
        taken: set[str] = set()
        for line in lines:
            if line.index in found:
                continue
            fitting = [
                move
                for key in each.line_keys(line)
                for move in by_key[key]
                if move.id not in taken and each.fits(line, move)
            ]
            if fitting and (each.sure or len(fitting) == 1):
                found[line.index] = (fitting[0], each.way)
                taken.add(fitting[0].id)
        free = [move for move in free if move.id not in taken]
    return [_pair(line, *found.get(line.index, (None, None))) for line in lines]


def _pair(line: BankMove, booked: BookedMove | None, way: Way | None) -> Pair:
    return Pair(line=line, booked=booked, way=way)


def _names_of(line: BankMove) -> frozenset[str]:
    return frozenset({line.reference, line.transaction_id} - {""})


def _always(_line: BankMove, _booked: BookedMove) -> bool:
    return True


def _may_be_same(line: BankMove, booked: BookedMove) -> bool:
    """Two numbers given by the same hand that differ are two movements."""
    if line.reference:
        return not booked.reference
    return not line.named or line.provider != booked.provider


def _is_near(line: BankMove, booked: BookedMove) -> bool:
    near = _NEAR * (1 if line.time_known else 2)
    return _may_be_same(line, booked) and abs(line.at - booked.at) <= near


def _is_alike(line: BankMove, booked: BookedMove) -> bool:
    """A code would tell whose it is."""
    return (
        line.time_known
        and not line.codes
        and _may_be_same(line, booked)
        and abs(line.at - booked.at) <= _SAME_MINUTE
    )


def _one_code(line: BankMove) -> Iterable[Hashable]:
    names = line.codes if len(line.codes) == 1 else ()
    return [(name, line.amount_vnd) for name in (*names, line.order_key) if name]


_PASSES = (
    _Pass(
        Way.TRANSACTION,
        lambda line: [(line.provider, line.transaction_id)],
        lambda booked: [(booked.provider, booked.transaction_id)],
        _always,
    ),
    _Pass(
        Way.REFERENCE,
        lambda line: [(name, line.amount_vnd) for name in _names_of(line)],
        lambda booked: [(booked.reference, booked.amount_vnd)],
        _always,
    ),
    _Pass(Way.REFERENCE, _names_of, lambda booked: [booked.reference], _always),
    _Pass(
        Way.CODE,
        _one_code,
        lambda booked: [
            (name, booked.amount_vnd) for name in (booked.order_key, booked.code) if name
        ],
        _is_near,
    ),
    _Pass(
        Way.SUGGESTED,
        lambda line: [line.amount_vnd],
        lambda booked: [booked.amount_vnd],
        _is_alike,
        sure=False,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One row of the report. `expected_vnd` is what was asked for or given back, `found_vnd` what
    the bank says; None where it is not about an amount.
    """

    kind: Kind
    expected_vnd: int | None = None
    found_vnd: int | None = None
    row: int | None = None
    way: Way | None = None
    at: datetime | None = None
    transaction_id: str = ""
    credit_id: str | None = None
    payment_id: str | None = None
    refund_id: str | None = None
    detail: str = ""

    @property
    def is_difference(self) -> bool:
        return self.kind is not Kind.OK

    @property
    def is_incoming(self) -> bool:
        """About money that came; else about money given back, or a row nobody can read."""
        return self.credit_id is not None


@dataclass(frozen=True, kw_only=True)
class Sum:
    """How many, and how much."""

    count: int = 0
    amount_vnd: int = 0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of the bank and of the books for the days of one statement, and what lies between.

    `came` less `expected` is what the items about incoming money differ by, to the đồng.
    """

    came: Sum
    left: Sum
    """All that left the account: fees and transfers of the hospital too. 0 where it is not told."""
    expected: Sum
    """What the books have, less what nobody asked for."""
    refunded: Sum
    """Given back by the books."""
    booked: Sum
    """What this statement brought into the books."""
    kinds: Mapping[str, int]
    """How many items of each kind."""
    days: Mapping[str, Sum]
    """What came, by day (ISO 8601)."""

    @property
    def difference_vnd(self) -> int:
        return self.came.amount_vnd - self.expected.amount_vnd

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        names = ("came", "left", "expected", "refunded", "booked")
        return cls(
            **{name: Sum(**document[name]) for name in names},
            kinds=document["kinds"],
            days={day: Sum(**each) for day, each in document["days"].items()},
        )


def add_up(
    lines: Sequence[BankMove],
    debits: Sequence[BankMove],
    refunds: Sequence[BookedMove],
    items: Sequence[Item],
    *,
    day_of: Callable[[datetime], date],
) -> Figures:
    expected = [item.expected_vnd for item in items if item.expected_vnd and item.is_incoming]
    days: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        days[day_of(line.at).isoformat()].append(line.amount_vnd)
    return Figures(
        came=_sum(line.amount_vnd for line in lines),
        left=_sum(line.amount_vnd for line in debits),
        expected=_sum(expected),
        refunded=_sum(refund.amount_vnd for refund in refunds),
        booked=_sum(item.found_vnd or 0 for item in items if item.way is Way.BOOKED),
        kinds=dict(sorted(Counter(item.kind.value for item in items).items())),
        days={day: _sum(amounts) for day, amounts in sorted(days.items())},
    )


def _sum(amounts: Iterable[int]) -> Sum:
    listed = list(amounts)
    return Sum(count=len(listed), amount_vnd=sum(listed))


# --- judging ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A credit as the books have it now. `is_held`: nobody asked for it and nobody has dealt with
    it. `to_post`: it pays something the HIS has not entered yet. `brought_in`: by this statement.
    """

    credit_id: str
    payment_id: str | None
    amount_vnd: int
    is_held: bool
    to_post: bool
    brought_in: bool = False


def judge_line(pair: Pair, standing: Standing) -> Item:
    """A line that is in the books, or may be."""
    line = pair.line
    kind, expected_vnd = Kind.OK, standing.amount_vnd
    if pair.way is Way.SUGGESTED:
        kind = Kind.TO_CONFIRM
    elif standing.amount_vnd != line.amount_vnd:
        kind = Kind.AMOUNT
    elif standing.is_held:
        kind, expected_vnd = Kind.WITHOUT_INTENT, 0
    elif standing.to_post:
        kind = Kind.NOT_POSTED
    return Item(
        kind=kind,
        expected_vnd=expected_vnd,
        found_vnd=line.amount_vnd,
        row=line.row,
        way=Way.BOOKED if standing.brought_in else pair.way,
        at=line.at,
        transaction_id=line.transaction_id,
        credit_id=standing.credit_id,
        payment_id=standing.payment_id,
    )


def judge_missing(booked: BookedMove, standing: Standing) -> Item:
    """Money of the books that the bank does not tell of."""
    return Item(
        kind=Kind.WITHOUT_LINE,
        expected_vnd=booked.amount_vnd,
        found_vnd=0,
        at=booked.at,
        transaction_id=booked.transaction_id,
        credit_id=booked.id,
        payment_id=standing.payment_id,
    )


def judge_refunds(
    pairs: Sequence[Pair], refunds: Sequence[BookedMove], missing: Container[str]
) -> list[Item]:
    """Lines that give back money of ours, and refunds of `missing` ids that no line gives back.

    Other money that leaves is the hospital's own business.
    """
    items = []
    for pair in pairs:
        line, refund = pair.line, pair.booked
        if refund is None and not line.codes and line.order_key is None:
            continue
        expected_vnd = refund.amount_vnd if refund else 0
        items.append(
            Item(
                kind=Kind.OK if expected_vnd == line.amount_vnd else Kind.REFUND,
                expected_vnd=expected_vnd,
                found_vnd=line.amount_vnd,
                row=line.row,
                way=pair.way,
                at=line.at,
                transaction_id=line.transaction_id,
                refund_id=refund.id if refund else None,
            )
        )
    found = {pair.booked.id for pair in pairs if pair.booked}
    items += [
        Item(
            kind=Kind.REFUND,
            expected_vnd=refund.amount_vnd,
            found_vnd=0,
            at=refund.at,
            transaction_id=refund.reference,
            refund_id=refund.id,
        )
        for refund in refunds
        if refund.id not in found and refund.id in missing
    ]
    return items
