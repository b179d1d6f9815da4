"""Whose number is printed and called: a choice of the hospital, changed by whoever runs the server."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, update

from backend.domain.numbering import find_numbering_fault
from backend.domain.settings import FacilitySettings
from backend.errors import ConfigError
from backend.events import Event
from backend.storage.catalogue_tables import Facility, Service
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork


def choose_numbering(
    database: Database, numbering: str, *, letter: str | None, wait_s: float | None
) -> FacilitySettings:
    """The settings as they now are; servers go by them within seconds. None leaves what was.

    Raises ConfigError when two people could get one number, StorageUnavailable.
    """

    def change(unit: UnitOfWork) -> FacilitySettings:
        document = unit.connection.scalar(
            select(Facility.settings).where(Facility.id == unit.facility_id).with_for_update()
        )
        before = FacilitySettings.from_json(document or {})
        settings = replace(
            before,
            numbering=numbering,
            letter_beside_his=letter or before.letter_beside_his,
            numbering_wait_s=before.numbering_wait_s if wait_s is None else wait_s,
        )
        letters = unit.connection.scalars(
            select(Service.series_letter).where(Service.facility_id == unit.facility_id)
        ).all()
        fault = find_numbering_fault(settings.numbering, settings.letter_beside_his, letters)
        if fault is not None:
            raise ConfigError(fault)
        # The whole document stays as it is: it may hold settings of a newer version.
        changed = dict(document or {}) | {
            "numbering": settings.numbering,
            "letter_beside_his": settings.letter_beside_his,
            "numbering_wait_s": settings.numbering_wait_s,
        }
        unit.connection.execute(
            update(Facility)
            .where(Facility.id == unit.facility_id)
            .values(settings=changed, catalogue_version=Facility.catalogue_version + 1)
        )
        unit.audit(
            Event.NUMBERING_CHOSEN,
            actor="command",
            subject=f"facility:{unit.facility_id}",
            detail={"numbering": settings.numbering, "letter": settings.letter_beside_his},
        )
        return settings

    return database.transact(change)
