"""How many people and machines a change of settings would meet right now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from backend.storage.database import Database
from backend.storage.kiosk_tables import Kiosk
from backend.storage.number_tables import Number
from backend.storage.queue_tables import Step


@dataclass(frozen=True, kw_only=True)
class Touched:
    """`waiting` people, `numbers` given out today, and `kiosks` in use."""

    waiting: int
    numbers: int
    kiosks: int


def count_touched(database: Database, *, today: date) -> Touched:
    """Raises StorageUnavailable."""
    mine = database.facility_id
    waiting = select(func.count()).where(
        Step.facility_id == mine, Step.day == today, Step.state == "waiting"
    )
    numbers = select(func.count()).where(Number.facility_id == mine, Number.day == today)
    kiosks = select(func.count()).where(
        Kiosk.facility_id == mine, Kiosk.kind == "kiosk", Kiosk.revoked_at.is_(None)
    )
    with database.read() as connection:
        return Touched(
            waiting=connection.scalar(waiting) or 0,
            numbers=connection.scalar(numbers) or 0,
            kiosks=connection.scalar(kiosks) or 0,
        )
