"""A cashier hands their shift in: its figures are counted, kept and never change again."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, literal, select, update

from backend.errors import NotAllowed, ShiftNotFound
from backend.events import Event
from backend.services.count_money import count_figures, not_taken, of_shift
from backend.services.recognise_caller import Caller
from backend.storage.cashier_tables import CashierShift, ShiftEntry
from backend.storage.database import Database
from backend.storage.payment_tables import JournalEntry
from backend.storage.unit_of_work import UnitOfWork


def close_shift(database: Database, shift_id: str, *, staff: Caller) -> None:
    """Their own shift; one that is closed already stays as it is.

    Raises ShiftNotFound, NotAllowed, StorageUnavailable.
    """

    def close(unit: UnitOfWork) -> None:
        row = lock_shift(unit, shift_id)
        if row.closed_at is not None:
            return
        if row.cashier != staff.actor:
            raise NotAllowed
        end_shift(unit, row, actor=staff.actor)

    database.transact(close)


def lock_shift(unit: UnitOfWork, shift_id: str) -> Row[Any]:
    """Raises ShiftNotFound."""
    row = unit.connection.execute(
        select(CashierShift.__table__)
        .where(CashierShift.id == shift_id, CashierShift.facility_id == unit.facility_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise ShiftNotFound
    unit.take_time()
    return row


def end_shift(unit: UnitOfWork, shift: Row[Any], *, actor: str) -> None:
    """Takes over all that nobody answers for yet, then counts just that. A movement that is
    committed at this moment and is not seen here falls to the next shift: none is lost, none
    counts twice.
    """
    found = select(JournalEntry.id, literal(unit.facility_id), literal(shift.id)).where(
        not_taken(unit.connection, unit.facility_id)
    )
    unit.connection.execute(
        insert(ShiftEntry).from_select(["entry_id", "facility_id", "shift_id"], found)
    )
    figures = count_figures(unit.connection, of_shift(shift.id))
    unit.connection.execute(
        update(CashierShift)
        .where(CashierShift.id == shift.id)
        .values(closed_at=unit.now, closed_by=actor, figures=figures.to_json())
    )
    subject = f"shift:{shift.id}"
    detail = {"received_vnd": figures.received.amount_vnd, "count": figures.received.count}
    unit.audit(Event.PAYMENT_SHIFT_CLOSED, actor=actor, subject=subject, detail=detail)
    unit.publish(Event.PAYMENT_SHIFT_CLOSED, subject=subject)
