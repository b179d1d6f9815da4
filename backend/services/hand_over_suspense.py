"""Held money goes to the HIS by hand: entered there as an advance, or booked by the finance
office. With a note that tells where it can be found again.
"""

from __future__ import annotations

from backend.domain.ledger import Cause
from backend.errors import ReasonMissing
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.storage.database import Database
from backend.storage.held_money import check_free, check_left, lock_with_payment, settle_item
from backend.storage.payments import write_journal
from backend.storage.unit_of_work import UnitOfWork
from payments.models import Money

MAX_NOTE_CHARS = 200


def hand_over_suspense(
    database: Database, item_id: str, *, version: int, note: str, staff: Caller
) -> None:
    """All of the item. By the same person with the same note again nothing happens.

    Raises ReasonMissing, HeldMoneyNotFound, ChangedMeanwhile, StillBeingPaid, StorageUnavailable.
    """
    note = note.strip()
    if not note or len(note) > MAX_NOTE_CHARS:
        raise ReasonMissing

    def hand_over(unit: UnitOfWork) -> None:
        item, payment = lock_with_payment(unit, item_id)
        done = (item.state, item.settled_by, item.note)
        if done == ("handed_over", staff.actor, note):
            return
        check_free(item, version)
        check_left(payment)
        settle_item(unit, item, "handed_over", actor=staff.actor, note=note)
        write_journal(
            unit,
            Cause.HANDED_OVER,
            Money(item.amount_vnd),
            provider=item.provider,
            actor=staff.actor,
            credit_id=item.credit_id,
            payment_id=item.payment_id,
            item_id=item_id,
        )
        unit.audit(
            Event.PAYMENT_HANDED_OVER,
            actor=staff.actor,
            subject=f"suspense_item:{item_id}",
            detail={"amount_vnd": item.amount_vnd},
        )
        unit.publish(Event.PAYMENT_HANDED_OVER, subject=f"suspense_item:{item_id}")

    database.transact(hand_over)
