"""Settings of the facility leave as one file and come back as one: checked, shown, kept, undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from backend.domain.settings import FacilitySettings
from backend.domain.settings_checks import find_joint_faults, find_value_faults, with_kinds_of
from backend.domain.settings_file import (
    Change,
    Fault,
    State,
    compose_file,
    fingerprint,
    is_before,
    list_changes,
    nest,
    parse_file,
    show_path,
    with_changes,
)
from backend.errors import ChangedMeanwhile, SettingsFileRefused, UndoOver
from backend.events import Event
from backend.services.change_calling_words import keep_words_before
from backend.storage.catalogue import load_catalogue
from backend.storage.database import Database
from backend.storage.settings_state import load_state, write_changes
from backend.storage.tables import Display, SettingsImport
from backend.storage.unit_of_work import UnitOfWork

IMPORTS_KEPT = 50
_ACTOR = "command"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would change, in the order of the file. `seen` says what it was compared with."""

    changes: tuple[Change, ...]
    seen: str


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


def import_settings(database: Database, untrusted_text: str, *, seen: str) -> tuple[Change, ...]:
    """All of the file or nothing; what it leaves out stays. Nothing to change leaves no trace.

    Raises SettingsFileRefused, ChangedMeanwhile when somebody changed anything since the preview
    that gave `seen`, StorageUnavailable.
    """

    def change(unit: UnitOfWork) -> tuple[Change, ...]:
        present = _lock(unit, seen)
        wanted = _read(unit.connection, unit.facility_id, present, untrusted_text)
        changes = list_changes(present, wanted)
        _write(unit, present, wanted, changes, event=Event.SETTINGS_IMPORTED)
        return changes

    return _transact(database, change)


def preview_undo(database: Database) -> Preview:
    """What taking the newest import back would change. Raises as `undo_import`."""
    with database.read() as connection:
        present = load_state(connection, database.facility_id)
        changes = _find_way_back(connection, database.facility_id, present)
    return Preview(changes=changes, seen=fingerprint(present))


def undo_import(database: Database, *, seen: str) -> tuple[Change, ...]:
    """As an import of its own: undone again, it stands as before.

    Raises UndoOver without an import, ChangedMeanwhile when what it changed was changed again or
    anything since the preview, SettingsFileRefused when what stood before can no longer stand.
    """

    def undo(unit: UnitOfWork) -> tuple[Change, ...]:
        present = _lock(unit, seen)
        changes = _find_way_back(unit.connection, unit.facility_id, present)
        wanted = with_changes(present, changes)
        _write(unit, present, wanted, changes, event=Event.SETTINGS_TAKEN_BACK)
        return changes

    return _transact(database, undo)


def _transact(
    database: Database, work: Callable[[UnitOfWork], tuple[Change, ...]]
) -> tuple[Change, ...]:
    try:
        return database.transact(work)
    except IntegrityError as error:
        # A display that was added in this moment took the voice of a zone.
        raise ChangedMeanwhile from error


def _lock(unit: UnitOfWork, seen: str) -> State:
    present = load_state(unit.connection, unit.facility_id, lock=True)
    if fingerprint(present) != seen:
        raise ChangedMeanwhile
    unit.take_time()
    return present


def _read(connection: Connection, facility_id: str, present: State, text: str) -> State:
    """The state the file wants. Raises SettingsFileRefused."""
    said = parse_file(text)
    if not isinstance(said, dict):
        raise _refused(said)
    catalogue = load_catalogue(connection, facility_id)
    wanted = present | with_kinds_of(present, said)
    changes = list_changes(present, wanted)
    # Whether values fit together can only be asked of values that are right by themselves.
    faults = find_value_faults(changes, catalogue) or find_joint_faults(changes, wanted, catalogue)
    if faults:
        raise _refused(faults)
    return wanted


def _find_way_back(connection: Connection, facility_id: str, present: State) -> tuple[Change, ...]:
    stored = connection.scalar(
        select(SettingsImport.changes)
        .where(SettingsImport.facility_id == facility_id)
        .order_by(SettingsImport.version.desc())
        .limit(1)
    )
    if stored is None:
        raise UndoOver("No import of settings is there to be taken back")
    changes = tuple(Change.from_json(each).reverse() for each in stored)
    if not is_before(present, changes):
        raise ChangedMeanwhile("What the import changed was changed again: it stays")
    catalogue = load_catalogue(connection, facility_id)
    faults = find_joint_faults(changes, with_changes(present, changes), catalogue)
    if faults:
        raise _refused(faults)
    return changes


def _refused(faults: Sequence[Fault]) -> SettingsFileRefused:
    return SettingsFileRefused(tuple(str(fault) for fault in faults))


def _write(
    unit: UnitOfWork, present: State, wanted: State, changes: Sequence[Change], *, event: Event
) -> None:
    if not changes:
        return
    newest = unit.connection.scalar(
        select(SettingsImport.version)
        .where(SettingsImport.facility_id == unit.facility_id)
        .order_by(SettingsImport.version.desc())
        .limit(1)
    )
    version = (newest or 0) + 1
    unit.add(
        SettingsImport,
        version=version,
        changes=[change.to_json() for change in changes],
        changed_at=unit.now,
        changed_by=_ACTOR,
    )
    unit.connection.execute(
        delete(SettingsImport).where(
            SettingsImport.facility_id == unit.facility_id,
            SettingsImport.version <= version - IMPORTS_KEPT,
        )
    )
    if any(change.path[:2] == ("settings", "calling") for change in changes):
        words = FacilitySettings.from_json(nest(present)["settings"]).calling
        keep_words_before(unit, words, changed_by=_ACTOR)
    write_changes(unit, present, wanted, changes)
    _tell_displays(unit, {change.path[1] for change in changes if change.path[0] == "displays"})
    unit.audit(
        event,
        actor=_ACTOR,
        subject=f"facility:{unit.facility_id}",
        detail={"version": version, "changes": [_trace(change) for change in changes]},
    )


def _trace(change: Change) -> dict[str, object]:
    """As the audit keeps a single setting that is changed."""
    return {"name": show_path(change.path)} | {
        name: value for name, value in change.to_json().items() if name != "path"
    }


def _tell_displays(unit: UnitOfWork, names: set[str]) -> None:
    ids = unit.connection.scalars(
        select(Display.id).where(
            Display.facility_id == unit.facility_id,
            Display.revoked_at.is_(None),
            Display.name.in_(names),
        )
    )
    for display_id in ids:
        unit.publish(Event.DISPLAY_CHANGED, subject=f"display:{display_id}")
