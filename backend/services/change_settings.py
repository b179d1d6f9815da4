"""One setting of the facility gets another value, checked against its kind, on record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from backend.domain.settings import FacilitySettings, SettingRefused, changed_document
from backend.errors import ConfigError
from backend.events import Event
from backend.storage.catalogue_tables import Facility
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork


def read_settings(database: Database) -> dict[str, Any]:
    """All settings as they hold now, defaults included. Raises StorageUnavailable."""
    with database.read() as connection:
        document = connection.scalar(
            select(Facility.settings).where(Facility.id == database.facility_id)
        )
    return FacilitySettings.from_json(document or {}).to_json()


def change_setting(database: Database, name: str, value: Any) -> Any:
    """The value before. `name` may lead into a group with a dot; servers see it within seconds.

    Raises ConfigError for a name nobody knows or a value of another kind, StorageUnavailable.
    """

    def change(unit: UnitOfWork) -> Any:
        document = unit.connection.scalar(
            select(Facility.settings).where(Facility.id == unit.facility_id).with_for_update()
        )
        try:
            changed, before = changed_document(document or {}, name, value)
        except SettingRefused as error:
            raise ConfigError(str(error)) from error
        unit.connection.execute(
            update(Facility)
            .where(Facility.id == unit.facility_id)
            .values(settings=changed, catalogue_version=Facility.catalogue_version + 1)
        )
        unit.audit(
            Event.SETTING_CHANGED,
            actor="command",
            subject=f"facility:{unit.facility_id}",
            detail={"name": name, "before": before, "after": value},
        )
        return before

    return database.transact(change)
