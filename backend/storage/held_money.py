"""Rows of held money: found, locked, split, settled. An item leaves as a whole: a part of it is
made an item of its own first.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select, update

from backend.domain.ids import new_id
from backend.errors import ChangedMeanwhile, HeldMoneyNotFound, RefundNotFound, StillBeingPaid
from backend.storage.payment_tables import Credit, PaymentRefund, SuspenseItem
from backend.storage.payments import is_open, lock_payment
from backend.storage.unit_of_work import UnitOfWork

SETTLED = ("applied", "refunded", "handed_over")


def lock_item(unit: UnitOfWork, item_id: str) -> Row[Any]:
    """With `provider` and `attempt_key` of its credit. Nobody else changes it until the transaction ends.

    Raises HeldMoneyNotFound.
    """
    found = unit.connection.execute(
        select(
            SuspenseItem.__table__,
            Credit.provider,
            Credit.attempt_key,
            Credit.payment_id.label("credit_payment"),
        )
        .join(Credit, Credit.id == SuspenseItem.credit_id)
        .where(SuspenseItem.id == item_id, SuspenseItem.facility_id == unit.facility_id)
        .with_for_update(of=SuspenseItem)
    ).one_or_none()
    if found is None:
        raise HeldMoneyNotFound
    unit.take_time()
    return found


def lock_with_payment(unit: UnitOfWork, item_id: str) -> tuple[Row[Any], Row[Any] | None]:
    """The item and the payment it came for, in the order in which whatever applies money locks
    them. Raises HeldMoneyNotFound.
    """
    payment_id = unit.connection.scalar(
        select(SuspenseItem.payment_id).where(
            SuspenseItem.id == item_id, SuspenseItem.facility_id == unit.facility_id
        )
    )
    payment = lock_payment(unit, payment_id) if payment_id is not None else None
    return lock_item(unit, item_id), payment


def lock_refund(unit: UnitOfWork, refund_id: str) -> Row[Any]:
    """Raises RefundNotFound."""
    found = unit.connection.execute(
        select(PaymentRefund.__table__, Credit.provider)
        .join(Credit, Credit.id == PaymentRefund.credit_id)
        .where(PaymentRefund.id == refund_id, PaymentRefund.facility_id == unit.facility_id)
        .with_for_update(of=PaymentRefund)
    ).one_or_none()
    if found is None:
        raise RefundNotFound
    unit.take_time()
    return found


def check_free(item: Row[Any], version: int) -> None:
    """Raises ChangedMeanwhile: somebody else deals with it, or did."""
    if item.state != "open" or item.version != version:
        raise ChangedMeanwhile


def check_left(payment: Row[Any] | None) -> None:
    """Raises StillBeingPaid: a part that waits for the rest stays where it is."""
    if payment is not None and is_open(payment):
        raise StillBeingPaid


def change_item(unit: UnitOfWork, item: Row[Any], **values: Any) -> None:
    """The item is locked."""
    unit.connection.execute(
        update(SuspenseItem)
        .where(SuspenseItem.id == item.id)
        .values(version=SuspenseItem.version + 1, **values)
    )


def settle_item(unit: UnitOfWork, item: Row[Any], state: str, *, actor: str, **values: Any) -> None:
    """It left, all of it; `state` says how."""
    change_item(unit, item, state=state, settled_at=unit.now, settled_by=actor, **values)


def split_item(unit: UnitOfWork, item: Row[Any], amount_vnd: int, **values: Any) -> str:
    """Leaves `amount_vnd` in the item and makes another one of the rest; its id.

    The two together are what the one was. `values` differ in the other one.
    """
    rest = item.amount_vnd - amount_vnd
    if not 0 < amount_vnd < item.amount_vnd:
        raise ValueError("a part is more than nothing and less than all")
    other_id = new_id()
    unit.add(
        SuspenseItem,
        **{
            "id": other_id,
            "credit_id": item.credit_id,
            "payment_id": item.payment_id,
            "line_id": item.line_id,
            "reason": item.reason,
            "state": "open",
            "amount_vnd": rest,
            "opened_at": item.opened_at,
        }
        | values,
    )
    change_item(unit, item, amount_vnd=amount_vnd)
    return other_id
