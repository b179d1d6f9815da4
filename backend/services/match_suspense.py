"""A cashier says which payment held money is for. From there it goes as if it had come for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError

from backend.errors import ChangedMeanwhile, MatchNotAllowed
from backend.events import Event
from backend.services.apply_transaction import apply_held, complete_payment, is_free
from backend.services.recognise_caller import Caller
from backend.storage.database import Database
from backend.storage.held_money import change_item, check_free, check_left, lock_item, split_item
from backend.storage.payment_tables import Credit, SuspenseItem
from backend.storage.payments import list_short_items, lock_payment, move_payment
from backend.storage.unit_of_work import UnitOfWork
from payments.models import Money
from payments.states import Decision, HoldReason, PaymentState, Standing, decide


def match_suspense(
    database: Database, item_id: str, *, version: int, payment_id: str, staff: Caller
) -> None:
    """What is due there is applied and the HIS is told; what is more stays held. Less than is due
    waits there for the rest, as long as somebody may still pay it. By the same person to the same
    payment again nothing happens.

    Raises HeldMoneyNotFound, PaymentNotFound, ChangedMeanwhile, StillBeingPaid, MatchNotAllowed,
    StorageUnavailable.
    """
    try:
        database.transact(
            lambda unit: match_within(
                unit, item_id, version=version, payment_id=payment_id, staff=staff
            )
        )
    except IntegrityError as error:
        # Another payment took one of its bills at this moment.
        raise ChangedMeanwhile from error


def match_within(
    unit: UnitOfWork, item_id: str, *, version: int, payment_id: str, staff: Caller
) -> None:
    """The same within a transaction. Raises IntegrityError as well: another payment takes one of
    its bills at this moment.
    """
    payments = _lock_payments(unit, item_id, payment_id)
    payment = payments[payment_id]
    item = lock_item(unit, item_id)
    if (item.state, item.payment_id, item.settled_by) == ("applied", payment_id, staff.actor):
        return
    check_free(item, version)
    if item.payment_id != payment_id:
        check_left(payments.get(item.payment_id))
    shorts = [each for each in list_short_items(unit, payment_id) if each.id != item_id]
    decision = _decide(unit, item, payment, shorts, actor=staff.actor)
    if decision.completes:
        _apply(unit, item, payment, decision, shorts, actor=staff.actor)
    else:
        change_item(unit, item, reason=HoldReason.SHORT.value, payment_id=payment_id)
        move_payment(unit, payment, decision.state, cause="cashier", actor=staff.actor)
    if item.credit_payment is None:
        unit.connection.execute(
            update(Credit).where(Credit.id == item.credit_id).values(payment_id=payment_id)
        )
    unit.audit(
        Event.PAYMENT_MATCHED,
        actor=staff.actor,
        subject=f"suspense_item:{item_id}",
        detail={"payment": payment_id, "applied_vnd": decision.applied.amount_vnd},
    )
    unit.publish(Event.PAYMENT_MATCHED, subject=f"suspense_item:{item_id}")


def _lock_payments(unit: UnitOfWork, item_id: str, payment_id: str) -> dict[str, Row[Any]]:
    """The one it is to go to and the one it came for: always in the same order."""
    came_for = unit.connection.scalar(
        select(SuspenseItem.payment_id).where(
            SuspenseItem.id == item_id, SuspenseItem.facility_id == unit.facility_id
        )
    )
    wanted = sorted({payment_id, came_for or payment_id})
    return {each: lock_payment(unit, each) for each in wanted}


def _decide(
    unit: UnitOfWork, item: Row[Any], payment: Row[Any], shorts: list[Row[Any]], *, actor: str
) -> Decision:
    """Raises MatchNotAllowed."""
    free = is_free(unit, payment, actor=actor)
    standing = Standing(
        state=PaymentState(payment.state),
        due=Money(payment.amount_vnd),
        held=Money(sum(each.amount_vnd for each in shorts)),
        free=free,
    )
    decision = decide(standing, Money(item.amount_vnd))
    if decision.reason is HoldReason.DUPLICATE:
        raise MatchNotAllowed("paid")
    if decision.reason is HoldReason.LATE:
        raise MatchNotAllowed("amount" if free else "taken")
    is_there = item.reason == HoldReason.SHORT.value and item.payment_id == payment.id
    if decision.reason is HoldReason.SHORT and is_there:
        raise MatchNotAllowed("amount")
    return decision


def _apply(
    unit: UnitOfWork,
    item: Row[Any],
    payment: Row[Any],
    decision: Decision,
    shorts: list[Row[Any]],
    *,
    actor: str,
) -> None:
    if decision.held.is_positive:
        rest = {"payment_id": payment.id, "reason": HoldReason.OVER.value}
        split_item(unit, item, decision.applied.amount_vnd, **rest)
    change_item(unit, item, payment_id=payment.id)
    for each in (lock_item(unit, item.id), *shorts):
        apply_held(unit, each, payment, actor)
    complete_payment(unit, payment, decision.state, item.provider, None, "cashier", actor)
