"""How much money waits for somebody, in a few figures."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from backend.storage import payment_tables as tables
from backend.storage.database import Database
from payments.states import TO_POST


@dataclass(frozen=True, kw_only=True)
class WaitingMoney:
    held_items: int
    held_vnd: int
    unposted: int
    unposted_vnd: int
    refunds_open: int


def look_at_money(database: Database) -> WaitingMoney:
    """Raises StorageUnavailable."""
    item, payment, refund = tables.SuspenseItem, tables.Payment, tables.PaymentRefund
    held = select(func.count(), func.coalesce(func.sum(item.amount_vnd), 0)).where(
        item.facility_id == database.facility_id, item.state.in_(("open", "refunding"))
    )
    unposted = select(func.count(), func.coalesce(func.sum(payment.amount_vnd), 0)).where(
        payment.facility_id == database.facility_id,
        payment.state.in_(sorted(state.value for state in TO_POST)),
    )
    refunds = select(func.count()).where(
        refund.facility_id == database.facility_id,
        refund.state.in_(("requested", "approved", "processing")),
    )
    with database.read() as connection:
        held_items, held_vnd = connection.execute(held).one()
        count, sum_vnd = connection.execute(unposted).one()
        return WaitingMoney(
            held_items=held_items,
            held_vnd=int(held_vnd),
            unposted=count,
            unposted_vnd=int(sum_vnd),
            refunds_open=connection.scalar(refunds) or 0,
        )
