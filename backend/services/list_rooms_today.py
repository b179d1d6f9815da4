"""Rooms as they work today, with who waits there: what the desk tells people and changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from backend.domain.catalogue import Practitioner, Room
from backend.domain.rooms import RoomState, RoomToday, list_room_queues
from backend.services.resources import Resources
from backend.storage.account_tables import UserAccount
from backend.storage.queue_tables import RoomDay, Step

MAX_ROOMS = 200


@dataclass(frozen=True, kw_only=True)
class DeskRoom:
    """`changed_by` is the name of who last changed it today; `waiting` counts its own queue,
    `shared` those of pooled services that it calls from too.
    """

    room: Room
    today: RoomToday
    doctor: Practitioner | None
    waiting: int
    shared: int
    in_session: bool
    changed_by: str | None
    changed_at: datetime | None


def list_rooms_today(resources: Resources) -> list[DeskRoom]:
    """By code."""
    catalogue = resources.catalogue.get()
    now = resources.database.clock()
    day = catalogue.today(now)
    facility_id = resources.database.facility_id
    with resources.database.read() as connection:
        waiting = dict(
            connection.execute(
                select(Step.queue_id, func.count())
                .where(Step.facility_id == facility_id, Step.day == day, Step.state == "waiting")
                .group_by(Step.queue_id)
            ).all()
        )
        changed = {
            row.room_id: row
            for row in connection.execute(
                select(RoomDay.__table__, UserAccount.display_name)
                .outerjoin(UserAccount, ("staff:" + UserAccount.id) == RoomDay.changed_by)
                .where(RoomDay.facility_id == facility_id, RoomDay.day == day)
            )
        }
    rooms = []
    for room in sorted(catalogue.rooms.values(), key=lambda each: each.code)[:MAX_ROOMS]:
        row = changed.get(room.id)
        today = _today(row)
        shared = [queue for queue in list_room_queues(catalogue, room.id) if queue != room.id]
        rooms.append(
            DeskRoom(
                room=room,
                today=today,
                doctor=catalogue.practitioners.get(today.practitioner_id or ""),
                waiting=waiting.get(room.id, 0),
                shared=sum(waiting.get(queue, 0) for queue in shared),
                in_session=catalogue.find_open_session(room.id, now=now) is not None,
                changed_by=row.display_name if row else None,
                changed_at=row.changed_at if row else None,
            )
        )
    return rooms


def _today(row: Any) -> RoomToday:
    if row is None:
        return RoomToday()
    return RoomToday(
        state=RoomState(row.state),
        reason=row.reason,
        until=row.until,
        practitioner_id=row.practitioner_id,
    )
