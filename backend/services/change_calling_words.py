"""How calls are worded, spoken and how loud, changed by staff; the wording before can come back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from backend.domain.calling_settings import TEMPLATES, CallingSettings, find_faults
from backend.errors import CallingWordsChanged, CallingWordsRefused, CatalogueUnavailable
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.storage.catalogue_tables import Facility
from backend.storage.database import Database
from backend.storage.hall_tables import Announcement, Display
from backend.storage.settings_tables import CallingWordsChange
from backend.storage.unit_of_work import UnitOfWork

CHANGES_KEPT = 50


@dataclass(frozen=True, kw_only=True)
class KeptCallingWords:
    """`version` is 0 until somebody changes them for the first time."""

    words: CallingSettings
    version: int
    changed_at: datetime | None
    changed_by: str | None


def get_calling_words(database: Database) -> KeptCallingWords:
    """As they stand now, not as a process remembers them.

    Raises CatalogueUnavailable before the first set-up, StorageUnavailable.
    """
    with database.read() as connection:
        return _get(connection, database.facility_id)


def change_calling_words(
    database: Database, wish: CallingSettings, *, version: int, staff: Caller
) -> KeptCallingWords:
    """The words as they now are; every process goes by them within two seconds.

    Raises CallingWordsRefused with the names of what cannot be kept, CallingWordsChanged when
    somebody was faster than whoever saw `version`, CatalogueUnavailable, StorageUnavailable.
    """
    faults = find_faults(wish)
    if faults:
        raise CallingWordsRefused(tuple(faults))

    def change(unit: UnitOfWork) -> KeptCallingWords:
        document = _lock(unit)
        _check_version(unit, version)
        return _write(unit, document, wish, version=version + 1, staff=staff)

    return database.transact(change)


def undo_calling_words(database: Database, *, version: int, staff: Caller) -> KeptCallingWords:
    """Takes change `version` back, as a change of its own: undone again, it stands as before.

    Raises CallingWordsChanged when it is not the newest or there is nothing to take back,
    CatalogueUnavailable, StorageUnavailable.
    """

    def undo(unit: UnitOfWork) -> KeptCallingWords:
        document = _lock(unit)
        _check_version(unit, version)
        before = unit.connection.scalar(
            select(CallingWordsChange.before).where(
                CallingWordsChange.facility_id == unit.facility_id,
                CallingWordsChange.version == version,
            )
        )
        if before is None:
            raise CallingWordsChanged
        wish = CallingSettings.from_json(before)
        return _write(unit, document, wish, version=version + 1, staff=staff, undone=version)

    return database.transact(undo)


def list_zones(database: Database) -> list[str]:
    """Zones of displays in use, and those that announcements or loudness name."""
    with database.read() as connection:
        zones = set(_get(connection, database.facility_id).words.volume)
        chosen = select(Announcement.zones).where(
            Announcement.facility_id == database.facility_id, Announcement.active
        )
        zones |= {zone for row in connection.scalars(chosen) for zone in row}
        standing = select(Display.zone).where(
            Display.facility_id == database.facility_id, Display.revoked_at.is_(None)
        )
        zones |= set(connection.scalars(standing))
    return sorted(zones - {""})


def calling_to_json(words: CallingSettings) -> dict[str, Any]:
    """As stored: of the templates only what differs from the usual wording."""
    document = asdict(words)
    document["templates"] = {
        kind: asdict(template)
        for kind, template in words.templates.items()
        if template != TEMPLATES[kind]
    }
    return document


def _get(connection: Connection, facility_id: str) -> KeptCallingWords:
    settings = connection.scalar(select(Facility.settings).where(Facility.id == facility_id))
    if settings is None:
        raise CatalogueUnavailable
    newest = connection.execute(
        select(CallingWordsChange.__table__)
        .where(CallingWordsChange.facility_id == facility_id)
        .order_by(CallingWordsChange.version.desc())
        .limit(1)
    ).one_or_none()
    return KeptCallingWords(
        words=CallingSettings.from_json(settings.get("calling")),
        version=newest.version if newest else 0,
        changed_at=newest.changed_at if newest else None,
        changed_by=newest.changed_by if newest else None,
    )


def _lock(unit: UnitOfWork) -> dict[str, Any]:
    """All settings of the facility; whoever else wants to change them waits."""
    settings = unit.connection.scalar(
        select(Facility.settings).where(Facility.id == unit.facility_id).with_for_update()
    )
    if settings is None:
        raise CatalogueUnavailable
    return dict(settings)


def _check_version(unit: UnitOfWork, seen: int) -> None:
    if _get(unit.connection, unit.facility_id).version != seen:
        raise CallingWordsChanged


def keep_words_before(unit: UnitOfWork, present: CallingSettings, *, changed_by: str) -> None:
    """For whoever changes the words by another way, with the facility's row locked: an open page
    is then told that it is old, and can go back to `present`.
    """
    version = _get(unit.connection, unit.facility_id).version + 1
    _keep(unit, present, version=version, changed_by=changed_by)
    unit.publish(Event.CALLING_WORDS_CHANGED, subject=f"facility:{unit.facility_id}")


def _keep(unit: UnitOfWork, present: CallingSettings, *, version: int, changed_by: str) -> None:
    unit.add(
        CallingWordsChange,
        version=version,
        before=calling_to_json(present),
        changed_at=unit.now,
        changed_by=changed_by,
    )
    unit.connection.execute(
        delete(CallingWordsChange).where(
            CallingWordsChange.facility_id == unit.facility_id,
            CallingWordsChange.version <= version - CHANGES_KEPT,
        )
    )


def _write(
    unit: UnitOfWork,
    document: dict[str, Any],
    wish: CallingSettings,
    *,
    version: int,
    staff: Caller,
    undone: int | None = None,
) -> KeptCallingWords:
    present = CallingSettings.from_json(document.get("calling"))
    _keep(unit, present, version=version, changed_by=staff.name)
    unit.connection.execute(
        update(Facility)
        .where(Facility.id == unit.facility_id)
        .values(
            settings=document | {"calling": calling_to_json(wish)},
            catalogue_version=Facility.catalogue_version + 1,
        )
    )
    subject = f"facility:{unit.facility_id}"
    changed = [
        entry.name
        for entry in fields(wish)
        if getattr(wish, entry.name) != getattr(present, entry.name)
    ]
    detail = {"version": version, "changed": changed} | ({"undone": undone} if undone else {})
    unit.audit(Event.CALLING_WORDS_CHANGED, actor=staff.actor, subject=subject, detail=detail)
    unit.publish(Event.CALLING_WORDS_CHANGED, subject=subject)
    unit.flush()
    return _get(unit.connection, unit.facility_id)
