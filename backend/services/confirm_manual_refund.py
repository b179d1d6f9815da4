"""A cashier gave money back by hand, by transfer or at the desk: the proof is noted."""

from __future__ import annotations

from sqlalchemy import update

from backend.domain.ledger import Cause
from backend.errors import ChangedMeanwhile, ReasonMissing
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.storage.database import Database
from backend.storage.held_money import lock_item, lock_refund, settle_item
from backend.storage.payment_tables import PaymentRefund
from backend.storage.payments import write_journal
from backend.storage.unit_of_work import UnitOfWork
from payments.models import Money

MAX_PROOF_CHARS = 200


def confirm_manual_refund(database: Database, refund_id: str, *, proof: str, staff: Caller) -> None:
    """`proof` is the number of the transfer or of the paper the payer signed. With the same proof
    again nothing happens.

    Raises ReasonMissing, RefundNotFound, ChangedMeanwhile (not approved, or not by hand),
    StorageUnavailable.
    """
    proof = proof.strip()
    if not proof or len(proof) > MAX_PROOF_CHARS:
        raise ReasonMissing

    def confirm(unit: UnitOfWork) -> None:
        refund = lock_refund(unit, refund_id)
        if refund.state == "done" and refund.provider_ref == proof:
            return
        if refund.state != "approved" or refund.by_provider:
            raise ChangedMeanwhile
        item = lock_item(unit, refund.item_id)
        unit.connection.execute(
            update(PaymentRefund)
            .where(PaymentRefund.id == refund_id)
            .values(state="done", provider_ref=proof, done_at=unit.now)
        )
        settle_item(unit, item, "refunded", actor=staff.actor)
        write_journal(
            unit,
            Cause.REFUNDED,
            Money(refund.amount_vnd),
            provider=refund.provider,
            actor=staff.actor,
            credit_id=refund.credit_id,
            item_id=refund.item_id,
            refund_id=refund_id,
        )
        unit.audit(
            Event.PAYMENT_REFUND_PAID_OUT,
            actor=staff.actor,
            subject=f"refund:{refund_id}",
            detail={"item": refund.item_id, "amount_vnd": refund.amount_vnd},
        )
        unit.publish(Event.PAYMENT_REFUND_PAID_OUT, subject=f"suspense_item:{refund.item_id}")

    database.transact(confirm)
