"""Settings changed on a page: some of them at a time, shown before, taken back with one press."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from backend.domain.settings_file import (
    ABSENT,
    Change,
    Path,
    State,
    fingerprint,
    list_changes,
)
from backend.errors import ChangedMeanwhile
from backend.services.keep_settings import (
    Author,
    Kept,
    Origin,
    Preview,
    find_way_back,
    keep_changes,
    lock_state,
    read_wish,
    transact,
)
from backend.storage.database import Database
from backend.storage.settings_state import load_state
from backend.storage.settings_tables import SettingsImport
from backend.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Version:
    """Settings somebody changed at once."""

    number: int
    origin: Origin
    changes: tuple[Change, ...]
    changed_at: datetime
    changed_by: str


def get_state(database: Database) -> State:
    """Raises CatalogueUnavailable before the first set-up, StorageUnavailable."""
    with database.read() as connection:
        return load_state(connection, database.facility_id)


def seen_of(state: State, paths: Iterable[Path]) -> str:
    """Tells whether somebody changed any of these leaves, or made a row of theirs, since."""
    chosen = {path: state[path] for path in paths if state.get(path, ABSENT) is not ABSENT}
    return fingerprint(chosen)


def preview_edit(database: Database, wish: State) -> Preview:
    """Changes nothing. `seen` is of the leaves of `wish` alone.

    Raises SettingsFileRefused with all that is wrong, StorageUnavailable.
    """
    with database.read() as connection:
        present = load_state(connection, database.facility_id)
        wanted = read_wish(connection, database.facility_id, present, wish)
    return Preview(changes=list_changes(present, wanted), seen=seen_of(present, wish))


def edit_settings(
    database: Database,
    wish: State,
    *,
    seen: str,
    by: Author,
    origin: Origin = Origin.PAGE,
) -> Kept:
    """All of the wish or nothing.

    Raises SettingsFileRefused, ChangedMeanwhile when somebody changed one of these settings since
    `seen`, StorageUnavailable.
    """

    def change(unit: UnitOfWork) -> Kept:
        present = lock_state(unit)
        if seen_of(present, wish) != seen:
            raise ChangedMeanwhile
        wanted = read_wish(unit.connection, unit.facility_id, present, wish)
        return keep_changes(unit, present, list_changes(present, wanted), origin=origin, by=by)

    return transact(database, change)


def undo_version(database: Database, version: int, *, by: Author) -> Kept:
    """Takes a change back as a change of its own, while it is the newest and stands untouched.

    Raises UndoOver, ChangedMeanwhile, SettingsFileRefused, StorageUnavailable.
    """

    def undo(unit: UnitOfWork) -> Kept:
        present = lock_state(unit)
        changes = find_way_back(unit.connection, unit.facility_id, present, version=version)
        return keep_changes(unit, present, changes, origin=Origin.UNDO, by=by)

    return transact(database, undo)


def list_versions(database: Database) -> list[Version]:
    """Newest first, as many as are kept."""
    with database.read() as connection:
        rows = connection.execute(
            select(SettingsImport.__table__)
            .where(SettingsImport.facility_id == database.facility_id)
            .order_by(SettingsImport.version.desc())
        ).all()
    return [
        Version(
            number=row.version,
            origin=Origin(row.origin),
            changes=tuple(Change.from_json(each) for each in row.changes),
            changed_at=row.changed_at,
            changed_by=row.changed_by,
        )
        for row in rows
    ]
