"""The finance office signs a business day. What was signed never changes."""

from __future__ import annotations

from datetime import date

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from backend.domain.catalogue import Catalogue
from backend.domain.ids import new_id
from backend.domain.money_figures import is_over, span_of
from backend.errors import BooksNotBalanced, DayClosed, DayNotOver, ReasonMissing
from backend.events import Event
from backend.services.check_books import find_faults
from backend.services.recognise_caller import Caller
from backend.services.show_money_day import count_day
from backend.storage.cashier_tables import DayClose
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork

MAX_NOTE_CHARS = 200


def close_day(
    database: Database, catalogue: Catalogue, day: date, *, note: str = "", staff: Caller
) -> None:
    """What is still open is signed as open, with a note that tells why. Signed twice by the same
    person is signed once.

    Raises DayNotOver, BooksNotBalanced, ReasonMissing (something is open and there is no note),
    DayClosed (by somebody else), StorageUnavailable.
    """
    note = note.strip()
    if len(note) > MAX_NOTE_CHARS:
        raise ReasonMissing

    def close(unit: UnitOfWork) -> None:
        signed = unit.connection.scalar(
            select(DayClose.closed_by).where(
                DayClose.facility_id == unit.facility_id, DayClose.day == day
            )
        )
        if signed == staff.actor:
            return
        if signed is not None:
            raise DayClosed
        if not is_over(day, catalogue.zone, unit.now):
            raise DayNotOver
        if find_faults(unit.connection, unit.facility_id):
            raise BooksNotBalanced
        figures = count_day(unit.connection, unit.facility_id, day, span_of(day, catalogue.zone))
        if figures.list_open() and not note:
            raise ReasonMissing
        unit.connection.execute(
            insert(DayClose).values(
                id=new_id(),
                facility_id=unit.facility_id,
                day=day,
                closed_at=unit.now,
                closed_by=staff.actor,
                closed_name=staff.name,
                figures=figures.to_json(),
                note=note or None,
            )
        )
        subject = f"day:{day.isoformat()}"
        unit.audit(
            Event.PAYMENT_DAY_CLOSED,
            actor=staff.actor,
            subject=subject,
            detail={
                "received_vnd": figures.figures.received.amount_vnd,
                "count": figures.figures.received.count,
            },
        )
        unit.publish(Event.PAYMENT_DAY_CLOSED, subject=subject)

    try:
        database.transact(close)
    except IntegrityError as error:
        # Two at once: the first one has signed.
        raise DayClosed from error
