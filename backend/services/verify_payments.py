"""Proves the books: every credit is in them once, every đồng is where the rows say it is."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select

from backend.domain.ledger import (
    CLEARING,
    HIS,
    REFUND,
    SUSPENSE,
    Cause,
    Movement,
    accounts_of,
    balance,
    is_balanced,
    is_bank,
)
from backend.storage import payment_tables as tables
from payments.models import Money
from payments.states import MOVES, OPEN_PAYMENTS, PAID_PAYMENTS, TO_POST, PaymentState

_S = PaymentState
_RANKS = (
    *(_S.CREATED, _S.WAITING, _S.UNDERPAID, _S.EXPIRED, _S.CANCELLED, _S.FAILED),
    *(_S.PAID, _S.LATE_PAID, _S.POST_FAILED, _S.POSTED, _S.REFUND_DUE),
)
"""Every allowed move goes to the right here."""
MAX_FAULTS = 100
AT_ONCE = 5_000


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`faults` name rows by id and say what is wrong with them; none: the books are right."""

    credits: int
    entries: int
    payments: int
    balances: dict[str, int]
    faults: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults


def verify_payments(connection: Connection, *, facility_id: str) -> Verdict:
    """Reads everything; the connection must give one view of the database throughout."""
    entries = _read(connection, tables.JournalEntry, facility_id)
    money = {row.id: row for row in _read(connection, tables.Credit, facility_id)}
    payments = _read(connection, tables.Payment, facility_id)
    items = _read(connection, tables.SuspenseItem, facility_id)
    refunds = _read(connection, tables.PaymentRefund, facility_id)
    lines = _read(connection, tables.PaymentLine, facility_id)
    changes = _read(connection, tables.PaymentChange, facility_id)
    balances = balance(
        Movement(debit=row.debit, credit=row.credit, amount=Money(row.amount_vnd))
        for row in entries
    )
    faults = [
        *_check_shape(entries, money),
        *_check_credits(entries, money),
        *_check_items(entries, items, refunds, balances),
        *_check_lines(entries, payments, lines, balances),
        *_check_trail(payments, changes),
        *_check_refunds(entries, refunds, items, money),
    ]
    if not is_balanced(balances):
        faults.append("journal: what the banks hold is not what is owed")
    return Verdict(
        credits=len(money),
        entries=len(entries),
        payments=len(payments),
        balances=dict(sorted(balances.items())),
        faults=faults[:MAX_FAULTS],
    )


def _read(connection: Connection, table: Any, facility_id: str) -> list[Row[Any]]:
    query = (
        select(*(column for column in table.__table__.c if not column.name.startswith("sealed")))
        .where(table.facility_id == facility_id)
        .order_by(table.id)
        .execution_options(yield_per=AT_ONCE)
    )
    return list(connection.execute(query))


def _check_shape(entries: list[Row[Any]], money: dict[str, Row[Any]]) -> Iterable[str]:
    """Each movement is between the accounts its cause allows, at its credit's provider."""
    for row in entries:
        credit = money.get(row.credit_id)
        if credit is None:
            yield f"journal_entry:{row.id}: its credit is gone"
        elif (row.debit, row.credit) != accounts_of(Cause(row.cause), credit.provider):
            yield f"journal_entry:{row.id}: {row.cause} does not move {row.debit} ← {row.credit}"


def _check_credits(entries: list[Row[Any]], money: dict[str, Row[Any]]) -> Iterable[str]:
    """Each credit came in once, whole; nothing of it went anywhere twice."""
    received: dict[str, list[int]] = defaultdict(list)
    left: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in entries:
        if row.cause == Cause.RECEIVED:
            received[row.credit_id].append(row.amount_vnd)
        if not is_bank(row.credit):
            left[row.credit_id][row.credit] += row.amount_vnd
        if not is_bank(row.debit):
            left[row.credit_id][row.debit] -= row.amount_vnd
            if left[row.credit_id][row.debit] < 0:
                yield f"journal_entry:{row.id}: takes more of {row.debit} than there is"
    for credit in money.values():
        if received[credit.id] != [credit.amount_vnd]:
            yield f"credit:{credit.id}: came in {len(received[credit.id])} times"
    identities = defaultdict(list)
    for credit in money.values():
        identities[credit.provider, credit.account, credit.transaction_id].append(credit.id)
    for ids in identities.values():
        if len(ids) > 1:
            yield f"credit:{ids[1]}: the same transaction as credit:{ids[0]}"


def _check_items(
    entries: list[Row[Any]],
    items: list[Row[Any]],
    refunds: list[Row[Any]],
    balances: dict[str, int],
) -> Iterable[str]:
    """What lies in suspense is the sum of the open items; each item's money is all of its credit's
    that lies there.
    """
    approved: dict[str, int] = defaultdict(int)
    for refund in refunds:
        if refund.state in {"approved", "processing"}:
            approved[refund.item_id] += refund.amount_vnd
    held: dict[str, int] = defaultdict(int)
    for item in items:
        if item.state in {"open", "refunding"}:
            held[item.credit_id] += item.amount_vnd - approved[item.id]
    lies: dict[str, int] = defaultdict(int)
    for row in entries:
        lies[row.credit_id] += row.amount_vnd * ((row.credit == SUSPENSE) - (row.debit == SUSPENSE))
    for credit_id in held.keys() | lies.keys():
        if held[credit_id] != lies[credit_id]:
            yield (
                f"credit:{credit_id}: {lies[credit_id]} in suspense, {held[credit_id]} held for it"
            )
    if balances.get(REFUND, 0) != sum(approved.values()):
        yield "journal: refund is not the sum of the refunds under way"


def _check_lines(
    entries: list[Row[Any]],
    payments: list[Row[Any]],
    lines: list[Row[Any]],
    balances: dict[str, int],
) -> Iterable[str]:
    """Paid means all of it, once; posted means the HIS has all of the line, once."""
    applied: dict[str, int] = defaultdict(int)
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for row in entries:
        if row.payment_id is not None and row.cause == Cause.APPLIED:
            applied[row.payment_id] += row.amount_vnd
        if row.line_id is not None:
            moved[row.line_id, row.cause] += row.amount_vnd
    waiting = 0
    by_payment: dict[str, list[Row[Any]]] = defaultdict(list)
    for line in lines:
        by_payment[line.payment_id].append(line)
    for payment in payments:
        state = PaymentState(payment.state)
        its = by_payment[payment.id]
        if sum(line.amount_vnd for line in its) != payment.amount_vnd:
            yield f"payment:{payment.id}: its lines are not its amount"
        was_paid = state in PAID_PAYMENTS or state is PaymentState.REFUND_DUE
        if applied[payment.id] != (payment.amount_vnd if was_paid else 0):
            yield f"payment:{payment.id}: {state} with {applied[payment.id]} applied"
        for line in its:
            if line.is_open != (state in OPEN_PAYMENTS | TO_POST):
                yield f"payment_line:{line.id}: {state}, and its bill is {'' if line.is_open else 'not '}kept for it"
            posted = line.amount_vnd if line.posted_at is not None else 0
            refused = line.amount_vnd if line.refused is not None else 0
            if moved[line.id, Cause.POSTED] != posted:
                yield f"payment_line:{line.id}: what was posted is not what the HIS has"
            if moved[line.id, Cause.NOT_TAKEN] != refused:
                yield f"payment_line:{line.id}: refused money did not come back"
            if was_paid and not posted and not refused:
                waiting += line.amount_vnd
                if state not in TO_POST:
                    yield f"payment_line:{line.id}: {state}, and nobody posts it"
    if balances.get(CLEARING, 0) != waiting:
        yield "journal: clearing is not the sum of what the HIS has still to be told"
    if balances.get(HIS, 0) < 0:
        yield "journal: the HIS owes us money"


def _check_trail(payments: list[Row[Any]], changes: list[Row[Any]]) -> Iterable[str]:
    """Each state once, by moves that are allowed, up to the one it is in. Not by their times:
    clocks of two machines differ, and are set back at times.
    """
    trails: dict[str, list[PaymentState]] = defaultdict(list)
    for change in changes:
        trails[change.payment_id].append(PaymentState(change.state))
    for payment in payments:
        trail = sorted(trails[payment.id], key=_RANKS.index)
        steps = itertools.pairwise(trail)
        if (
            trail[:1] != [PaymentState.CREATED]
            or trail[-1] != payment.state
            or not all(there in MOVES[here] for here, there in steps)
        ):
            yield f"payment:{payment.id}: its trail ends elsewhere"


def _check_refunds(
    entries: list[Row[Any]],
    refunds: list[Row[Any]],
    items: list[Row[Any]],
    money: dict[str, Row[Any]],
) -> Iterable[str]:
    """Paid back once, by two people, never more than came."""
    paid: dict[str, int] = defaultdict(int)
    for row in entries:
        if row.cause == Cause.REFUNDED:
            paid[row.refund_id or ""] += row.amount_vnd
    of_credit: dict[str, int] = defaultdict(int)
    for refund in refunds:
        is_done = refund.state == "done"
        if paid[refund.id] != (refund.amount_vnd if is_done else 0):
            yield f"payment_refund:{refund.id}: {refund.state} with {paid[refund.id]} paid back"
        if refund.state in {"approved", "processing", "done"}:
            of_credit[refund.credit_id] += refund.amount_vnd
            if refund.approved_by in {None, refund.requested_by}:
                yield f"payment_refund:{refund.id}: not agreed on by two people"
    for credit_id, amount in of_credit.items():
        if amount > money[credit_id].amount_vnd:
            yield f"credit:{credit_id}: more is given back than came"
    known = {item.id for item in items}
    for refund in refunds:
        if refund.item_id not in known:
            yield f"payment_refund:{refund.id}: its held money is gone"
