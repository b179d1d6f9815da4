"""The one door through which money enters the books.

Callbacks, questions to a provider, statements and cashiers all hand over a `Credit` here. In one
transaction: the credit is kept once, however often and by whichever way it is told of; the
payment it belongs to is locked; what it changes is decided (`payments.states.decide`); the
journal, the trail and the message to the HIS are written. Money that fits nowhere is held for the
cashier. Nothing is ever refused, rounded or forgotten.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Row, and_, or_, select, update

from backend.domain.catalogue import Catalogue
from backend.domain.ids import new_id
from backend.domain.ledger import Cause
from backend.events import Event
from backend.storage import payment_tables as tables
from backend.storage.crypto import Keys
from backend.storage.payments import (
    close_attempts,
    end_payment,
    find_attempt,
    find_payments_by_code,
    is_open,
    list_lines,
    list_rivals,
    list_short_items,
    lock_payment,
    move_payment,
    write_journal,
)
from backend.storage.unit_of_work import UnitOfWork
from payments.match_codes import find_codes_of_anybody, find_match_codes
from payments.models import Credit, Money, Outcome
from payments.states import (
    CLOSED_PAYMENTS,
    AttemptState,
    Decision,
    HoldReason,
    PaymentState,
    Standing,
    decide,
)

Source = Literal["callback", "query", "statement", "cashier"]
POST_PAYMENT = "his.post_payment"
POSTS_FOR = timedelta(days=60)
"""The money has been taken: this is never given up while anybody may still see to it."""
NEAR = timedelta(hours=12)
"""What one way tells of late in the evening another may date the next day."""


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What became of a credit; `payment_id` None: it belongs to no payment we know."""

    outcome: Outcome
    credit_id: str
    payment_id: str | None


class NotWanted(Exception):
    """A bank that asks first is told no; the transaction is undone."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


def apply_transaction(
    unit: UnitOfWork,
    keys: Keys,
    catalogue: Catalogue,
    credit: Credit,
    *,
    source: Source,
    actor: str,
    asks: bool = False,
) -> Applied:
    """Safe to call again with the same credit, at the same moment, by several ways at once.

    `asks`: the bank takes the money only if all of it is due; otherwise NotWanted is raised and
    nothing is kept. Raises IntegrityError when somebody else takes the same bill at this moment:
    the transaction is to be run again.
    """
    credit_id, is_new = _keep(unit, keys, catalogue, credit, source)
    if not is_new:
        return _repeated(unit, credit_id)
    subject = f"credit:{credit_id}"
    unit.audit(Event.MONEY_RECEIVED, actor=actor, subject=subject, detail={"source": source})
    _write(unit, credit, Cause.RECEIVED, credit.amount, credit_id=credit_id, actor=actor)
    payment_id, attempt = _find_payment(unit, catalogue, credit)
    if payment_id is None:
        if asks:
            raise NotWanted(Outcome.UNKNOWN_ORDER)
        _hold(unit, credit, credit_id, None, HoldReason.UNKNOWN, credit.amount)
        return Applied(outcome=Outcome.UNKNOWN_ORDER, credit_id=credit_id, payment_id=None)
    payment = lock_payment(unit, payment_id)
    shorts = list_short_items(unit, payment_id)
    standing = Standing(
        state=PaymentState(payment.state),
        due=Money(payment.amount_vnd),
        held=Money(sum(item.amount_vnd for item in shorts)),
        free=is_free(unit, payment, actor=actor),
    )
    decision = decide(standing, credit.amount)
    outcome = _name_outcome(decision)
    if asks and (outcome is not Outcome.APPLIED or decision.held.is_positive):
        raise NotWanted(
            Outcome.WRONG_AMOUNT if outcome is Outcome.APPLIED else outcome  # more than is due
        )
    unit.connection.execute(
        update(tables.Credit).where(tables.Credit.id == credit_id).values(payment_id=payment_id)
    )
    _carry_out(unit, credit, credit_id, payment, decision, shorts, attempt, source, actor)
    return Applied(outcome=outcome, credit_id=credit_id, payment_id=payment_id)


def _keep(
    unit: UnitOfWork, keys: Keys, catalogue: Catalogue, credit: Credit, source: Source
) -> tuple[str, bool]:
    """The id of its row, and whether it is new.

    The same money may be told of by a feed and by a statement under ids of their own: then the
    bank's own reference and the amount are the same, and the day, unless it came about midnight.
    One provider that names two ids in the same way, twice in its messages or twice in its
    statements, means two credits.
    """
    same_money = _same_money_keys(keys, catalogue, credit)
    found = _find_same(unit, credit, source, same_money)
    if found is not None:
        return found, False
    for key in dict.fromkeys((*same_money[:1], None)):
        credit_id = _insert(unit, keys, credit, source, same_money_key=key)
        if credit_id is not None:
            return credit_id, True
        # Whoever told of it first is committed by now: that row can be seen.
        found = _find_same(unit, credit, source, same_money)
        if found is not None:
            return found, False
    raise AssertionError("a credit that conflicts with no other")


def _same_money_keys(keys: Keys, catalogue: Catalogue, credit: Credit) -> list[str]:
    """Of its own day, the day before and the day after; none without the bank's reference."""
    if not credit.bank_reference:
        return []
    day = catalogue.today(credit.paid_at)
    what = (credit.account, credit.bank_reference, str(credit.amount))
    return [
        keys.hash("money", *what, (day + timedelta(days=away)).isoformat()) for away in (0, -1, 1)
    ]


def _insert(
    unit: UnitOfWork, keys: Keys, credit: Credit, source: Source, *, same_money_key: str | None
) -> str | None:
    """The id of the new row; None when there is one that stands in its way."""
    credit_id = new_id()
    kept = unit.connection.execute(
        unit.insert_into(tables.Credit)
        .values(
            id=credit_id,
            facility_id=unit.facility_id,
            provider=credit.provider,
            account=credit.account,
            transaction_id=credit.transaction_id,
            bank_reference=credit.bank_reference,
            same_money_key=same_money_key,
            amount_vnd=credit.amount.amount_vnd,
            paid_at=credit.paid_at,
            received_at=unit.now,
            source=source,
            attempt_key=credit.order_key,
            sealed=keys.seal(_private(credit), context=f"credit:{credit_id}"),
        )
        .on_conflict_do_nothing()
    )
    return credit_id if kept.rowcount == 1 else None


def _private(credit: Credit) -> bytes:
    content = {
        "memo": credit.memo,
        "payer_name": credit.payer.name,
        "payer_account": credit.payer.account,
        "payer_bank": credit.payer.bank,
    }
    return json.dumps(content, ensure_ascii=False).encode()


def _find_same(
    unit: UnitOfWork, credit: Credit, source: Source, same_money: list[str]
) -> str | None:
    """Under its own identity; or with all of it but the provider's name the same: then that was
    renamed in the settings, and tells of its day once more; or told in another way.
    """
    row = tables.Credit
    at = (
        row.facility_id == unit.facility_id,
        row.account == credit.account,
        row.transaction_id == credit.transaction_id,
    )
    found = unit.connection.scalar(
        select(row.id)
        .where(
            or_(
                and_(*at, row.provider == credit.provider),
                and_(
                    *at,
                    row.paid_at == credit.paid_at,
                    row.amount_vnd == credit.amount.amount_vnd,
                ),
            )
        )
        .limit(1)
    )
    return found or _find_told(unit, credit, source, same_money)


def _find_told(
    unit: UnitOfWork, credit: Credit, source: Source, same_money: list[str]
) -> str | None:
    if not same_money:
        return None
    row = tables.Credit
    other_way = row.source != "statement" if source == "statement" else row.source == "statement"
    near = row.paid_at.between(credit.paid_at - NEAR, credit.paid_at + NEAR)
    return unit.connection.scalar(
        select(row.id).where(
            or_(
                row.same_money_key == same_money[0],
                and_(row.same_money_key.in_(same_money[1:]), near),
            ),
            or_(row.provider != credit.provider, other_way),
        )
    )


def _repeated(unit: UnitOfWork, credit_id: str) -> Applied:
    payment_id = unit.connection.scalar(
        select(tables.Credit.payment_id).where(tables.Credit.id == credit_id)
    )
    return Applied(outcome=Outcome.REPEATED, credit_id=credit_id, payment_id=payment_id)


def _find_payment(
    unit: UnitOfWork, catalogue: Catalogue, credit: Credit
) -> tuple[str | None, Row[Any] | None]:
    """By the order the provider names, else by the one code in its memo. Two codes are none."""
    if credit.order_key is not None:
        attempt = find_attempt(unit.connection, credit.order_key, facility_id=unit.facility_id)
        if attempt is not None and attempt.provider == credit.provider:
            return attempt.payment_id, attempt
    prefix = catalogue.settings.payment_prefix
    # A hospital that chose other letters is still paid by those of before.
    for codes in (find_match_codes(credit.memo, prefix), find_codes_of_anybody(credit.memo)):
        known = find_payments_by_code(unit.connection, codes, facility_id=unit.facility_id)
        if known:
            return (known[0] if len(known) == 1 else None), None
    return None, None


def is_free(unit: UnitOfWork, payment: Row[Any], *, actor: str) -> bool:
    """Nobody else paid or pays the bills of a payment that had ended. Who was only about to is
    told that they are paid.
    """
    if PaymentState(payment.state) not in CLOSED_PAYMENTS:
        return True
    lines = list_lines(unit.connection, payment.id)
    refs = [line.invoice_ref for line in lines if line.invoice_ref is not None]
    rivals = list_rivals(unit, payment.id, refs)
    # Whoever ended while their row was waited for holds nothing any more.
    rivals = [rival for rival in rivals if PaymentState(rival.state) not in CLOSED_PAYMENTS]
    if any(not is_open(rival) or list_short_items(unit, rival.id) for rival in rivals):
        return False
    for rival in rivals:
        end_payment(
            unit,
            rival,
            PaymentState.CANCELLED,
            cause="time",
            actor=actor,
            reason="paid_elsewhere",
        )
    return True


def _name_outcome(decision: Decision) -> Outcome:
    if decision.reason in {HoldReason.DUPLICATE, HoldReason.LATE}:
        return Outcome.ALREADY_SETTLED
    if decision.reason is HoldReason.SHORT:
        return Outcome.WRONG_AMOUNT
    return Outcome.APPLIED


def _carry_out(
    unit: UnitOfWork,
    credit: Credit,
    credit_id: str,
    payment: Row[Any],
    decision: Decision,
    shorts: Any,
    attempt: Row[Any] | None,
    source: Source,
    actor: str,
) -> None:
    if decision.applied.is_positive:
        _write(
            unit, credit, Cause.APPLIED, decision.applied,
            credit_id=credit_id, payment_id=payment.id, actor=actor,
        )  # fmt: skip
    if decision.reason is not None:
        _hold(unit, credit, credit_id, payment.id, decision.reason, decision.held)
    if not decision.completes:
        move_payment(unit, payment, decision.state, cause=source, actor=actor)
        return
    for item in shorts:
        apply_held(unit, item, payment, actor)
    complete_payment(unit, payment, decision.state, credit.provider, attempt, source, actor)


def apply_held(unit: UnitOfWork, item: Row[Any], payment: Row[Any], actor: str) -> None:
    provider = unit.connection.scalar(
        select(tables.Credit.provider).where(tables.Credit.id == item.credit_id)
    )
    write_journal(
        unit,
        Cause.APPLIED,
        Money(item.amount_vnd),
        provider=str(provider),
        actor=actor,
        credit_id=item.credit_id,
        payment_id=payment.id,
        item_id=item.id,
    )
    unit.connection.execute(
        update(tables.SuspenseItem)
        .where(tables.SuspenseItem.id == item.id)
        .values(
            state="applied",
            settled_at=unit.now,
            settled_by=actor,
            version=tables.SuspenseItem.version + 1,
        )
    )


def complete_payment(
    unit: UnitOfWork,
    payment: Row[Any],
    state: PaymentState,
    provider: str,
    attempt: Row[Any] | None,
    source: Source,
    actor: str,
) -> None:
    """All of it has come: the attempt is paid, the others are closed, the HIS is told."""
    if attempt is not None:
        unit.connection.execute(
            update(tables.PaymentAttempt)
            .where(tables.PaymentAttempt.id == attempt.id)
            .values(state=AttemptState.PAID.value, next_query_at=None, to_cancel=False)
        )
    else:
        _pay_newest_attempt(unit, payment.id, provider)
    close_attempts(unit, payment.id, AttemptState.REPLACED)
    if not is_open(payment):
        # Its bills were free for others; when somebody took one at this moment, all is undone.
        unit.connection.execute(
            update(tables.PaymentLine)
            .where(tables.PaymentLine.payment_id == payment.id)
            .values(is_open=True)
        )
    move_payment(
        unit, payment, state, cause=source, actor=actor,
        paid_at=unit.now, method=provider, reason=None,
    )  # fmt: skip
    tell_his(unit, payment)


def tell_his(unit: UnitOfWork, payment: Row[Any]) -> None:
    """The money is there: the HIS hears of it, however long that takes."""
    unit.enqueue(
        POST_PAYMENT,
        lane=payment.person_id or payment.id,
        visit_id=payment.visit_id,
        payload={"payment_id": payment.id},
        expires_after=POSTS_FOR,
    )


def _pay_newest_attempt(unit: UnitOfWork, payment_id: str, provider: str) -> None:
    attempt = tables.PaymentAttempt
    newest = (
        select(attempt.id)
        .where(attempt.payment_id == payment_id, attempt.provider == provider)
        .order_by(attempt.attempt.desc())
        .limit(1)
        .scalar_subquery()
    )
    unit.connection.execute(
        update(attempt)
        .where(attempt.id == newest)
        .values(state=AttemptState.PAID.value, next_query_at=None, to_cancel=False)
    )


def _hold(
    unit: UnitOfWork,
    credit: Credit,
    credit_id: str,
    payment_id: str | None,
    reason: HoldReason,
    amount: Money,
) -> None:
    item_id = new_id()
    unit.add(
        tables.SuspenseItem,
        id=item_id,
        credit_id=credit_id,
        payment_id=payment_id,
        reason=reason.value,
        state="open",
        amount_vnd=amount.amount_vnd,
        opened_at=unit.now,
    )
    unit.publish(Event.MONEY_HELD, subject=f"suspense_item:{item_id}", detail={})
    unit.audit(
        Event.MONEY_HELD,
        actor=f"provider:{credit.provider}",
        subject=f"suspense_item:{item_id}",
        detail={"reason": reason.value},
    )


def _write(
    unit: UnitOfWork,
    credit: Credit,
    cause: Cause,
    amount: Money,
    *,
    credit_id: str,
    actor: str,
    payment_id: str | None = None,
) -> None:
    write_journal(
        unit,
        cause,
        amount,
        provider=credit.provider,
        actor=actor,
        credit_id=credit_id,
        payment_id=payment_id,
    )
