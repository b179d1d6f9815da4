"""All that a hospital decided about its facility, out of its tables and back into them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, select, update

from backend.domain.ids import new_id
from backend.domain.settings import FacilitySettings
from backend.domain.settings_file import GROUPS, Change, State, flatten, nest
from backend.errors import CatalogueUnavailable
from backend.storage.catalogue_tables import Facility, PriorityGroup, Room
from backend.storage.hall_tables import Display
from backend.storage.kiosk_tables import Kiosk
from backend.storage.unit_of_work import UnitOfWork

_FACILITY = ("code", "name_vi", "name_en", "hotline", "timezone")
_GROUP = (
    "label_vi", "label_en", "rank", "age_from_years", "age_below_years", "self_declared",
    "legal_basis", "valid_from", "valid_to",
)  # fmt: skip
_DISPLAY = ("kind", "zone", "speaks", "show_names", "distance_m", "screen_in")
_DAYS = frozenset({"valid_from", "valid_to"})


def load_state(connection: Connection, facility_id: str, *, lock: bool = False) -> State:
    """Without any key or credential. `lock` makes whoever else changes a row of it wait.

    Raises CatalogueUnavailable before the first set-up.
    """

    def rows(table: Any, *conditions: Any) -> Iterable[Any]:
        # The columns, not the class: a row of them is no object that is looked after.
        statement = select(table.__table__).where(*conditions)
        return connection.execute(statement.with_for_update() if lock else statement)

    facility = next(iter(rows(Facility, Facility.id == facility_id)), None)
    if facility is None:
        raise CatalogueUnavailable
    refs: dict[str, str] = {
        row.id: row.his_ref
        for row in connection.execute(
            select(Room.id, Room.his_ref).where(Room.facility_id == facility_id)
        )
    }
    sections = {
        "facility": {name: getattr(facility, name) for name in _FACILITY},
        "settings": FacilitySettings.from_json(facility.settings).to_json(),
        "priority_groups": {
            row.code: {name: getattr(row, name) for name in _GROUP}
            for row in rows(PriorityGroup, PriorityGroup.facility_id == facility_id)
        },
        "displays": {
            row.name: {name: getattr(row, name) for name in _DISPLAY}
            | {
                "english": row.languages == "vi+en",
                "rooms": [refs[room_id] for room_id in row.room_ids],
            }
            for row in rows(
                Display, Display.facility_id == facility_id, Display.revoked_at.is_(None)
            )
        },
        "kiosks": {
            row.id: {"name": row.name}
            for row in rows(Kiosk, Kiosk.facility_id == facility_id, Kiosk.revoked_at.is_(None))
        },
    }
    return flatten(json.loads(json.dumps(sections, default=date.isoformat)))


def write_changes(
    unit: UnitOfWork, present: State, wanted: State, changes: Sequence[Change]
) -> None:
    """`changes` lead from `present`, locked, to `wanted`, which was checked.

    Raises IntegrityError when a display or group was added meanwhile that does not fit.
    """
    touched = {change.path[:2] for change in changes}
    before, after = nest(present), nest(wanted)
    for section, write in _WRITERS.items():
        names = sorted(name for each, name in touched if each == section)
        if names:
            write(unit, names, before[section], after[section])
    values = {name: after["facility"][name] for name in _FACILITY}
    unit.connection.execute(
        update(Facility)
        .where(Facility.id == unit.facility_id)
        .values(catalogue_version=Facility.catalogue_version + 1, **values)
    )


def _write_settings(unit: UnitOfWork, names: list[str], _before: Any, after: Any) -> None:
    """What the stored document holds besides, perhaps of a newer version, stays."""
    mine = Facility.id == unit.facility_id
    document = dict(unit.connection.scalar(select(Facility.settings).where(mine)) or {})
    for name in names:
        kept = document.get(name) or {} if name in GROUPS else None
        document[name] = after[name] if kept is None else {**kept, **after[name]}
    unit.connection.execute(update(Facility).where(mine).values(settings=document))


def _write_groups(unit: UnitOfWork, codes: list[str], before: Any, after: Any) -> None:
    mine = PriorityGroup.facility_id == unit.facility_id
    for code in codes:
        if code not in after:
            unit.connection.execute(delete(PriorityGroup).where(mine, PriorityGroup.code == code))
            continue
        values = {
            name: date.fromisoformat(value) if name in _DAYS and value is not None else value
            for name, value in after[code].items()
        }
        if code in before:
            unit.connection.execute(
                update(PriorityGroup).where(mine, PriorityGroup.code == code).values(values)
            )
        else:
            unit.add(PriorityGroup, id=new_id(), code=code, **values)


def _write_displays(unit: UnitOfWork, names: list[str], _before: Any, after: Any) -> None:
    mine = (Display.facility_id == unit.facility_id, Display.revoked_at.is_(None))
    ids: dict[str, str] = {
        row.his_ref: row.id
        for row in unit.connection.execute(
            select(Room.id, Room.his_ref).where(Room.facility_id == unit.facility_id)
        )
    }
    # A voice that moves from one display to another is silent in between: a zone has one only.
    unit.connection.execute(
        update(Display).where(*mine, Display.name.in_(names)).values(speaks=False)
    )
    for name in names:
        row = after[name]
        values = {column: row[column] for column in _DISPLAY} | {
            "languages": "vi+en" if row["english"] else "vi",
            "room_ids": [ids[ref] for ref in row["rooms"]],
        }
        unit.connection.execute(update(Display).where(*mine, Display.name == name).values(values))


def _write_kiosks(unit: UnitOfWork, ids: list[str], _before: Any, after: Any) -> None:
    for kiosk_id in ids:
        unit.connection.execute(
            update(Kiosk)
            .where(Kiosk.facility_id == unit.facility_id, Kiosk.id == kiosk_id)
            .values(name=after[kiosk_id]["name"])
        )


_WRITERS: dict[str, Callable[[UnitOfWork, list[str], Any, Any], None]] = {
    "settings": _write_settings,
    "priority_groups": _write_groups,
    "displays": _write_displays,
    "kiosks": _write_kiosks,
}
