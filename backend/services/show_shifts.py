"""Shifts of cashiers as staff see them: the open one, those before, their figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from backend.domain.money_figures import Figures
from backend.errors import ShiftNotFound
from backend.services.count_money import count_figures, not_taken
from backend.storage.cashier_tables import CashierShift
from backend.storage.database import Database

MAX_LISTED = 60


@dataclass(frozen=True, kw_only=True)
class Shift:
    """`figures` of an open one are those of this moment."""

    id: str
    cashier: str
    cashier_name: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    figures: Figures


def find_open_shift(database: Database) -> Shift | None:
    with database.read() as connection:
        row = find_open_row(connection, database.facility_id)
        return _shift(connection, row) if row is not None else None


def get_shift(database: Database, shift_id: str) -> Shift:
    """Raises ShiftNotFound."""
    with database.read() as connection:
        row = connection.execute(
            select(CashierShift.__table__).where(
                CashierShift.id == shift_id, CashierShift.facility_id == database.facility_id
            )
        ).one_or_none()
        if row is None:
            raise ShiftNotFound
        return _shift(connection, row)


def list_shifts(database: Database) -> list[Shift]:
    """The newest first."""
    with database.read() as connection:
        rows = connection.execute(
            select(CashierShift.__table__)
            .where(CashierShift.facility_id == database.facility_id)
            .order_by(CashierShift.opened_at.desc())
            .limit(MAX_LISTED)
        ).all()
        return [_shift(connection, row) for row in rows]


def find_open_row(connection: Connection, facility_id: str) -> Row[Any] | None:
    return connection.execute(
        select(CashierShift.__table__).where(
            CashierShift.facility_id == facility_id, CashierShift.closed_at.is_(None)
        )
    ).one_or_none()


def _shift(connection: Connection, row: Row[Any]) -> Shift:
    if row.figures is not None:
        figures = Figures.from_json(row.figures)
    else:
        figures = count_figures(connection, not_taken(connection, row.facility_id))
    return Shift(
        id=row.id,
        cashier=row.cashier,
        cashier_name=row.cashier_name,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        figures=figures,
    )
