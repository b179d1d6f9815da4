"""What every way of changing settings shares: compared under a lock, checked whole, kept, undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import IntegrityError

from backend.domain.settings import FacilitySettings
from backend.domain.settings_checks import find_joint_faults, find_value_faults, with_kinds_of
from backend.domain.settings_file import (
    Change,
    State,
    is_before,
    list_changes,
    nest,
    show_path,
    with_changes,
)
from backend.errors import ChangedMeanwhile, SettingsFileRefused, UndoOver
from backend.events import Event
from backend.services.change_calling_words import keep_words_before
from backend.services.recognise_caller import Caller
from backend.storage.catalogue import load_catalogue
from backend.storage.database import Database
from backend.storage.hall_tables import Display
from backend.storage.settings_state import load_state, write_changes
from backend.storage.settings_tables import SettingsImport
from backend.storage.unit_of_work import UnitOfWork

VERSIONS_KEPT = 50

Result = TypeVar("Result")


class Origin(StrEnum):
    """How settings came to be changed."""

    FILE = "file"
    PAGE = "page"
    FIRST_SET_UP = "first_set_up"
    UNDO = "undo"


@dataclass(frozen=True, kw_only=True)
class Author:
    """`actor` as audit rows name them; `name` as pages show it."""

    actor: str
    name: str

    @classmethod
    def of(cls, staff: Caller) -> Author:
        return cls(actor=staff.actor, name=staff.name)


COMMAND = Author(actor="command", name="command")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would change, in the order of the file. `seen` says what it was compared with."""

    changes: tuple[Change, ...]
    seen: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """`version` is None when nothing changed: that leaves no trace."""

    changes: tuple[Change, ...]
    version: int | None


def transact(database: Database, work: Callable[[UnitOfWork], Result]) -> Result:
    """Raises ChangedMeanwhile when a row came in between that does not fit."""
    try:
        return database.transact(work)
    except IntegrityError as error:
        # A display that was added in this moment took the voice of a zone.
        raise ChangedMeanwhile from error


def lock_state(unit: UnitOfWork) -> State:
    """Whoever else changes a row of it waits until this transaction is over."""
    present = load_state(unit.connection, unit.facility_id, lock=True)
    unit.take_time()
    return present


def read_wish(connection: Connection, facility_id: str, present: State, wish: State) -> State:
    """All as it shall be; what `wish` leaves out stays. Raises SettingsFileRefused."""
    catalogue = load_catalogue(connection, facility_id)
    wanted = present | with_kinds_of(present, wish)
    changes = list_changes(present, wanted)
    # Whether values fit together can only be asked of values that are right by themselves.
    faults = find_value_faults(changes, catalogue) or find_joint_faults(changes, wanted, catalogue)
    if faults:
        raise SettingsFileRefused(faults)
    return wanted


def find_way_back(
    connection: Connection, facility_id: str, present: State, *, version: int | None = None
) -> tuple[Change, ...]:
    """What takes the newest change back, which has to be `version` where that is given.

    Raises UndoOver, ChangedMeanwhile, SettingsFileRefused.
    """
    newest = connection.execute(
        select(SettingsImport.version, SettingsImport.changes)
        .where(SettingsImport.facility_id == facility_id)
        .order_by(SettingsImport.version.desc())
        .limit(1)
    ).one_or_none()
    if newest is None:
        raise UndoOver("No import of settings is there to be taken back")
    if version not in (None, newest.version):
        raise ChangedMeanwhile("Something newer was changed: it stays")
    changes = tuple(Change.from_json(each).reverse() for each in newest.changes)
    if not is_before(present, changes):
        raise ChangedMeanwhile("What the import changed was changed again: it stays")
    catalogue = load_catalogue(connection, facility_id)
    faults = find_joint_faults(changes, with_changes(present, changes), catalogue)
    if faults:
        raise SettingsFileRefused(faults)
    return changes


def keep_changes(
    unit: UnitOfWork, present: State, changes: Sequence[Change], *, origin: Origin, by: Author
) -> Kept:
    """Writes checked changes that lead away from `present`, locked; on record, to be undone."""
    if not changes:
        return Kept(changes=(), version=None)
    version = _next_version(unit)
    unit.add(
        SettingsImport,
        version=version,
        changes=[change.to_json() for change in changes],
        origin=origin.value,
        changed_at=unit.now,
        changed_by=by.name,
    )
    unit.connection.execute(
        delete(SettingsImport).where(
            SettingsImport.facility_id == unit.facility_id,
            SettingsImport.version <= version - VERSIONS_KEPT,
        )
    )
    if any(change.path[:2] == ("settings", "calling") for change in changes):
        words = FacilitySettings.from_json(nest(present)["settings"]).calling
        keep_words_before(unit, words, changed_by=by.name)
    write_changes(unit, present, with_changes(present, changes), changes)
    _tell_displays(unit, {change.path[1] for change in changes if change.path[0] == "displays"})
    _trace(unit, changes, version, origin, by)
    return Kept(changes=tuple(changes), version=version)


def _next_version(unit: UnitOfWork) -> int:
    newest = unit.connection.scalar(
        select(SettingsImport.version)
        .where(SettingsImport.facility_id == unit.facility_id)
        .order_by(SettingsImport.version.desc())
        .limit(1)
    )
    return (newest or 0) + 1


def _trace(
    unit: UnitOfWork, changes: Sequence[Change], version: int, origin: Origin, by: Author
) -> None:
    """A file and an undo are one row; on a page, each setting is a row as from its command."""
    subject = f"facility:{unit.facility_id}"
    rows = [
        {"name": show_path(change.path)}
        | {name: value for name, value in change.to_json().items() if name != "path"}
        for change in changes
    ]
    if origin in {Origin.PAGE, Origin.FIRST_SET_UP}:
        for row in rows:
            detail = {"version": version} | row
            unit.audit(Event.SETTING_CHANGED, actor=by.actor, subject=subject, detail=detail)
        return
    event = Event.SETTINGS_TAKEN_BACK if origin is Origin.UNDO else Event.SETTINGS_IMPORTED
    all_of_it: dict[str, object] = {"version": version, "changes": rows}
    unit.audit(event, actor=by.actor, subject=subject, detail=all_of_it)


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
