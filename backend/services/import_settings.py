"""Settings of the facility leave as one file and come back as one: checked, shown, kept, undone."""

from __future__ import annotations

from sqlalchemy import Connection

from backend.domain.settings_file import (
    Change,
    State,
    compose_file,
    fingerprint,
    list_changes,
    parse_file,
)
from backend.errors import ChangedMeanwhile, SettingsFileRefused
from backend.services.keep_settings import (
    COMMAND,
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
from backend.storage.unit_of_work import UnitOfWork


def export_settings(database: Database) -> str:
    """The file. The same settings give the same bytes. Raises StorageUnavailable."""
    with database.read() as connection:
        return compose_file(load_state(connection, database.facility_id))


def preview_import(database: Database, untrusted_text: str) -> Preview:
    """Changes nothing. Raises SettingsFileRefused with all that is wrong, StorageUnavailable."""
    with database.read() as connection:
        present = load_state(connection, database.facility_id)
        wanted = _read(connection, database.facility_id, present, untrusted_text)
    return Preview(changes=list_changes(present, wanted), seen=fingerprint(present))


def import_settings(
    database: Database, untrusted_text: str, *, seen: str, by: Author = COMMAND
) -> tuple[Change, ...]:
    """All of the file or nothing; what it leaves out stays. Nothing to change leaves no trace.

    Raises SettingsFileRefused, ChangedMeanwhile when somebody changed anything since the preview
    that gave `seen`, StorageUnavailable.
    """

    def change(unit: UnitOfWork) -> Kept:
        present = _lock(unit, seen)
        wanted = _read(unit.connection, unit.facility_id, present, untrusted_text)
        changes = list_changes(present, wanted)
        return keep_changes(unit, present, changes, origin=Origin.FILE, by=by)

    return transact(database, change).changes


def preview_undo(database: Database) -> Preview:
    """What taking the newest change back would change. Raises as `undo_import`."""
    with database.read() as connection:
        present = load_state(connection, database.facility_id)
        changes = find_way_back(connection, database.facility_id, present)
    return Preview(changes=changes, seen=fingerprint(present))


def undo_import(database: Database, *, seen: str) -> tuple[Change, ...]:
    """As an import of its own: undone again, it stands as before.

    Raises UndoOver without an import, ChangedMeanwhile when what it changed was changed again or
    anything since the preview, SettingsFileRefused when what stood before can no longer stand.
    """

    def undo(unit: UnitOfWork) -> Kept:
        present = _lock(unit, seen)
        changes = find_way_back(unit.connection, unit.facility_id, present)
        return keep_changes(unit, present, changes, origin=Origin.UNDO, by=COMMAND)

    return transact(database, undo).changes


def _lock(unit: UnitOfWork, seen: str) -> State:
    present = lock_state(unit)
    if fingerprint(present) != seen:
        raise ChangedMeanwhile
    return present


def _read(connection: Connection, facility_id: str, present: State, text: str) -> State:
    """The state the file wants. Raises SettingsFileRefused."""
    said = parse_file(text)
    if not isinstance(said, dict):
        raise SettingsFileRefused(said)
    return read_wish(connection, facility_id, present, said)
