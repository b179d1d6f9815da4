"""The finance office approves what a cashier asked for. Two people, by the database as well."""

from __future__ import annotations

from sqlalchemy import update

from backend.domain.ledger import Cause
from backend.errors import ChangedMeanwhile, SecondPersonNeeded
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.storage.database import Database
from backend.storage.held_money import lock_refund
from backend.storage.payment_tables import PaymentRefund
from backend.storage.payments import write_journal
from backend.storage.unit_of_work import UnitOfWork
from payments.models import Money


def approve_refund(database: Database, refund_id: str, *, staff: Caller) -> None:
    """The money is owed to the payer from here on: the provider is asked to give it back, or a
    cashier transfers it and notes the proof. Approved twice by one person is approved once.

    Raises RefundNotFound, SecondPersonNeeded, ChangedMeanwhile, StorageUnavailable.
    """

    def approve(unit: UnitOfWork) -> None:
        refund = lock_refund(unit, refund_id)
        if refund.approved_by == staff.actor and refund.state != "rejected":
            return
        if refund.requested_by == staff.actor:
            raise SecondPersonNeeded
        if refund.state != "requested":
            raise ChangedMeanwhile
        unit.connection.execute(
            update(PaymentRefund)
            .where(PaymentRefund.id == refund_id)
            .values(
                state="approved",
                approved_by=staff.actor,
                approved_at=unit.now,
                next_try_at=unit.now if refund.by_provider else None,
            )
        )
        write_journal(
            unit,
            Cause.REFUND_APPROVED,
            Money(refund.amount_vnd),
            provider=refund.provider,
            actor=staff.actor,
            credit_id=refund.credit_id,
            item_id=refund.item_id,
            refund_id=refund_id,
        )
        unit.audit(
            Event.PAYMENT_REFUND_APPROVED,
            actor=staff.actor,
            subject=f"refund:{refund_id}",
            detail={"item": refund.item_id, "amount_vnd": refund.amount_vnd},
        )
        unit.publish(Event.PAYMENT_REFUND_APPROVED, subject=f"suspense_item:{refund.item_id}")

    database.transact(approve)
