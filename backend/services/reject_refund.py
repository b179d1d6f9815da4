"""The finance office says no, or the cashier takes the wish back: the money is held as before."""

from __future__ import annotations

from sqlalchemy import update

from backend.errors import ChangedMeanwhile, ReasonMissing
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.services.request_refund import MAX_REASON_CHARS
from backend.storage.database import Database
from backend.storage.held_money import change_item, lock_item, lock_refund
from backend.storage.payment_tables import PaymentRefund
from backend.storage.unit_of_work import UnitOfWork


def reject_refund(database: Database, refund_id: str, *, reason: str, staff: Caller) -> None:
    """Only before it is approved. Raises ReasonMissing, RefundNotFound, ChangedMeanwhile,
    StorageUnavailable.
    """
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON_CHARS:
        raise ReasonMissing

    def reject(unit: UnitOfWork) -> None:
        refund = lock_refund(unit, refund_id)
        if refund.state == "rejected":
            return
        if refund.state != "requested":
            raise ChangedMeanwhile
        unit.connection.execute(
            update(PaymentRefund)
            .where(PaymentRefund.id == refund_id)
            .values(state="rejected", failure=reason, done_at=unit.now)
        )
        change_item(unit, lock_item(unit, refund.item_id), state="open")
        unit.audit(
            Event.PAYMENT_REFUND_REJECTED,
            actor=staff.actor,
            subject=f"refund:{refund_id}",
            detail={"item": refund.item_id},
        )
        unit.publish(Event.PAYMENT_REFUND_REJECTED, subject=f"suspense_item:{refund.item_id}")

    database.transact(reject)
