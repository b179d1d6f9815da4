"""What the printer said of a receipt. The payment does not depend on it."""

from __future__ import annotations

from sqlalchemy import update

from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.payments import lock_payment
from backend.storage.unit_of_work import UnitOfWork


def report_receipt(resources: Resources, payment_id: str, *, state: str, kiosk: Caller) -> None:
    """Raises PaymentNotFound."""

    def report(unit: UnitOfWork) -> None:
        lock_payment(unit, payment_id)
        unit.connection.execute(
            update(tables.Payment)
            .where(tables.Payment.id == payment_id)
            .values(receipt_print_state=state)
        )
        unit.audit(
            Event.RECEIPT_PRINTED,
            actor=kiosk.actor,
            subject=f"payment:{payment_id}",
            detail={"state": state},
        )

    resources.database.transact(report)
