"""A cashier takes charge of QR money. One person at a time: so every đồng has one who answers."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from backend.domain.ids import new_id
from backend.errors import ShiftTaken
from backend.events import Event
from backend.services.close_shift import end_shift, lock_shift
from backend.services.recognise_caller import Caller
from backend.services.show_shifts import find_open_row
from backend.storage.cashier_tables import CashierShift
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork


def open_shift(database: Database, *, staff: Caller, taking_over: str | None = None) -> str:
    """The id of their shift; the one they are in already stays.

    `taking_over` is the shift of somebody else that ends at this moment, as they saw it. Raises
    ShiftTaken while another person is in charge, ShiftNotFound, StorageUnavailable.
    """

    def open_one(unit: UnitOfWork) -> str:
        here = find_open_row(unit.connection, unit.facility_id)
        if here is not None and here.cashier == staff.actor:
            return str(here.id)
        if here is not None:
            if here.id != taking_over:
                raise ShiftTaken
            row = lock_shift(unit, here.id)
            if row.closed_at is None:
                end_shift(unit, row, actor=staff.actor)
        shift_id = new_id()
        unit.connection.execute(
            insert(CashierShift).values(
                id=shift_id,
                facility_id=unit.facility_id,
                cashier=staff.actor,
                cashier_name=staff.name,
                opened_at=unit.now,
            )
        )
        subject = f"shift:{shift_id}"
        unit.audit(
            Event.PAYMENT_SHIFT_OPENED,
            actor=staff.actor,
            subject=subject,
            detail={"after": here.id if here is not None else None},
        )
        unit.publish(Event.PAYMENT_SHIFT_OPENED, subject=subject)
        return shift_id

    try:
        return database.transact(open_one)
    except IntegrityError as error:
        # Two at once: the first one is in charge.
        raise ShiftTaken from error
