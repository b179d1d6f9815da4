"""A cashier asks that held money be given back. Nothing leaves before another person approves."""

from __future__ import annotations

from sqlalchemy import func, insert, select

from backend.errors import ReasonMissing, RefundNotAllowed
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.held_money import (
    change_item,
    check_free,
    check_left,
    lock_with_payment,
    split_item,
)
from backend.storage.payment_tables import Credit, PaymentRefund
from backend.storage.unit_of_work import UnitOfWork
from payments.models import Money

MAX_REASON_CHARS = 200


def request_refund(
    resources: Resources,
    item_id: str,
    *,
    refund_id: str,
    version: int,
    amount: Money,
    reason: str,
    staff: Caller,
) -> None:
    """`refund_id` is chosen by the page: a form that is sent twice asks once. Less than is held
    leaves the rest an item of its own.

    It goes back by the provider where that can, else somebody transfers it and notes the proof.
    Raises HeldMoneyNotFound, ChangedMeanwhile, StillBeingPaid, RefundNotAllowed, ReasonMissing,
    StorageUnavailable.
    """
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON_CHARS:
        raise ReasonMissing

    def ask(unit: UnitOfWork) -> None:
        item, payment = lock_with_payment(unit, item_id)
        if _is_known(unit, refund_id, item_id):
            return
        check_free(item, version)
        check_left(payment)
        if not 0 < amount.amount_vnd <= item.amount_vnd:
            raise RefundNotAllowed
        if amount.amount_vnd < item.amount_vnd:
            split_item(unit, item, amount.amount_vnd)
        change_item(unit, item, state="refunding")
        unit.connection.execute(
            insert(PaymentRefund).values(
                id=refund_id,
                facility_id=unit.facility_id,
                item_id=item_id,
                credit_id=item.credit_id,
                serial=_next_serial(unit, item.credit_id),
                amount_vnd=amount.amount_vnd,
                by_provider=item.attempt_key is not None
                and can_give_back(resources, item.provider)
                and not _failed_before(unit, item_id),
                state="requested",
                reason=reason,
                requested_by=staff.actor,
                requested_at=unit.now,
            )
        )
        unit.audit(
            Event.PAYMENT_REFUND_REQUESTED,
            actor=staff.actor,
            subject=f"refund:{refund_id}",
            detail={"item": item_id, "amount_vnd": amount.amount_vnd},
        )
        unit.publish(Event.PAYMENT_REFUND_REQUESTED, subject=f"suspense_item:{item_id}")

    resources.database.transact(ask)


def can_give_back(resources: Resources, provider: str) -> bool:
    """The provider itself returns money to where it came from."""
    known = resources.providers.get(provider)
    return known is not None and known.features().can_refund


def _failed_before(unit: UnitOfWork, item_id: str) -> bool:
    """The provider could not: from then on it is done by hand."""
    failed = select(PaymentRefund.id).where(
        PaymentRefund.item_id == item_id, PaymentRefund.state == "failed"
    )
    return unit.connection.execute(failed.limit(1)).first() is not None


def _is_known(unit: UnitOfWork, refund_id: str, item_id: str) -> bool:
    """The same form was sent before."""
    found = unit.connection.scalar(
        select(PaymentRefund.item_id).where(
            PaymentRefund.id == refund_id, PaymentRefund.facility_id == unit.facility_id
        )
    )
    return found == item_id


def _next_serial(unit: UnitOfWork, credit_id: str) -> int:
    """Two at once, of two parts of one credit, count one after the other."""
    unit.connection.execute(
        select(Credit.id).where(Credit.id == credit_id).with_for_update(key_share=True)
    )
    last = unit.connection.scalar(
        select(func.max(PaymentRefund.serial)).where(PaymentRefund.credit_id == credit_id)
    )
    return int(last or 0) + 1
