"""The facility's announcements: listed, added and changed by people, each change in the audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import RowMapping, Select, func, select, update

from backend.domain.announcements import Announcement
from backend.domain.ids import new_id
from backend.errors import AnnouncementChanged, AnnouncementNotFound, TooManyAnnouncements
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.recognise_caller import Caller
from backend.storage.database import Database
from backend.storage.hall_tables import Announcement as AnnouncementRow
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork

MAX_ACTIVE = 200


@dataclass(frozen=True, kw_only=True)
class KeptAnnouncement(Announcement):
    version: int
    changed_at: datetime
    changed_by: str


def list_announcements(database: Database, *, limit: int = 200) -> list[KeptAnnouncement]:
    """Those in use first, the newest first among them. Raises StorageUnavailable."""
    return _select(database, _of(database.facility_id).limit(limit))


def list_active_announcements(database: Database) -> list[KeptAnnouncement]:
    """What boards and voice go by: all in use, MAX_ACTIVE at most. Raises StorageUnavailable."""
    query = _of(database.facility_id).where(AnnouncementRow.active)
    return _select(database, query.limit(MAX_ACTIVE))


def find_announcement(database: Database, announcement_id: str) -> KeptAnnouncement | None:
    table = AnnouncementRow
    found = _select(database, _of(database.facility_id).where(table.id == announcement_id))
    return found[0] if found else None


def _of(facility_id: str) -> Select[tuple[Any, ...]]:
    table = AnnouncementRow
    return (
        select(table.__table__)
        .where(table.facility_id == facility_id)
        .order_by(table.active.desc(), table.id.desc())
    )


def _select(database: Database, query: Select[tuple[Any, ...]]) -> list[KeptAnnouncement]:
    with database.read() as connection:
        return [_kept(row) for row in connection.execute(query).mappings()]


def add_announcement(
    database: Database,
    wish: Announcement,
    *,
    staff: Caller,
    intent: Intent,
    show: Callable[[KeptAnnouncement], str],
) -> Answer:
    """201 with the new one, as `show` writes it, under an id of our own.

    Raises TooManyAnnouncements, IdempotencyKeyReused, StorageUnavailable.
    """

    def add(unit: UnitOfWork) -> Answer:
        _check_count(unit, wish)
        values = _values(wish) | {"id": new_id(), "version": 1}
        values |= {"changed_at": unit.now, "changed_by": staff.name}
        unit.add(AnnouncementRow, **values)
        unit.flush()
        _trace(unit, Event.ANNOUNCEMENT_ADDED, values["id"], staff)
        return Answer(status=201, body=show(_get(unit, values["id"])))

    return answer_once(database, intent, add)


def change_announcement(
    database: Database, wish: Announcement, *, version: int, staff: Caller
) -> KeptAnnouncement:
    """The announcement as it now is. The same change sent twice is refused the second time.

    Raises AnnouncementNotFound, AnnouncementChanged when somebody was faster,
    TooManyAnnouncements, StorageUnavailable.
    """

    def change(unit: UnitOfWork) -> KeptAnnouncement:
        table = AnnouncementRow
        present = _get(unit, wish.id)
        if wish.active and not present.active:
            _check_count(unit, wish)
        changed = unit.connection.execute(
            update(table)
            .where(
                table.id == wish.id,
                table.facility_id == unit.facility_id,
                table.version == version,
            )
            .values(
                **_values(wish),
                version=version + 1,
                changed_at=unit.now,
                changed_by=staff.name,
            )
        )
        if changed.rowcount == 0:
            raise AnnouncementChanged
        _trace(unit, Event.ANNOUNCEMENT_CHANGED, wish.id, staff)
        return _get(unit, wish.id)

    return database.transact(change)


def _trace(unit: UnitOfWork, event: Event, announcement_id: str, staff: Caller) -> None:
    subject = f"announcement:{announcement_id}"
    unit.audit(event, actor=staff.actor, subject=subject)
    unit.publish(event, subject=subject)


def _check_count(unit: UnitOfWork, wish: Announcement) -> None:
    table = AnnouncementRow
    query = select(func.count()).where(table.facility_id == unit.facility_id, table.active)
    if wish.active and (unit.connection.scalar(query) or 0) >= MAX_ACTIVE:
        raise TooManyAnnouncements


def _get(unit: UnitOfWork, announcement_id: str) -> KeptAnnouncement:
    table = AnnouncementRow
    row = (
        unit.connection.execute(
            select(table.__table__).where(
                table.id == announcement_id, table.facility_id == unit.facility_id
            )
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise AnnouncementNotFound
    return _kept(row)


def _values(wish: Announcement) -> dict[str, Any]:
    """The columns a person chooses."""
    values = asdict(wish) | {
        "zones": list(wish.zones),
        "weekdays": list(wish.weekdays),
        "times": [f"{at:%H:%M}" for at in wish.times],
    }
    names = set(Announcement.__dataclass_fields__) - {"id"}
    return {name: value for name, value in values.items() if name in names}


def _kept(row: RowMapping) -> KeptAnnouncement:
    values = {name: value for name, value in row.items() if name != "facility_id"}
    values |= {
        "zones": tuple(row["zones"]),
        "weekdays": tuple(row["weekdays"]),
        "times": tuple(time.fromisoformat(at) for at in row["times"]),
    }
    return KeptAnnouncement(**values)
