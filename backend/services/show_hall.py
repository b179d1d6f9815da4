"""All rooms of a department as its head sees them: who waits, how long, what is too much."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from backend.domain.catalogue import Catalogue, Room, Service
from backend.domain.halls import (
    Alarm,
    Line,
    LoadLevel,
    find_alarms,
    forecast_end,
    judge_load,
    rank_alarms,
)
from backend.domain.queueing import Lane
from backend.domain.rooms import RoomState, RoomToday, list_queue_rooms, list_room_queues
from backend.domain.waits import find_room_minutes
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.halls import (
    AwayCount,
    LineCount,
    RoomCount,
    count_away,
    count_help_calls,
    count_lines,
    count_returns,
    count_rooms,
    find_numbers,
    list_acts,
    sum_away,
)
from backend.storage.queues import find_rooms_today

_NOBODY = LineCount()


@dataclass(frozen=True, kw_only=True)
class HallRoom:
    """`waiting` counts every line the room calls from, `own_waiting` its own one only: those
    can be moved, a pooled line is shared already.
    """

    room: Room
    today: RoomToday
    has_session: bool
    doctor: str | None
    doctor_choices: Sequence[str]
    waiting: int
    own_waiting: int
    by_lane: Mapping[Lane, int]
    longest_wait: timedelta
    in_room: int
    seen: int
    level: LoadLevel
    away: AwayCount
    minutes_each: float | None
    ends_at: datetime | None
    alarms: Sequence[Alarm]
    move_to: Sequence[str]
    """Rooms with a service in common, the fewest people first."""


@dataclass(frozen=True, kw_only=True)
class HallUndo:
    id: str
    kind: str
    room_id: str
    number: str | None
    people: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class ShownHall:
    now: datetime
    rooms: Sequence[HallRoom]
    waiting: int
    longest_wait: timedelta
    in_room: int
    seen: int
    away: AwayCount
    returns: int
    help_calls: int
    undo: HallUndo | None
    catalogue: Catalogue


def load_hall(
    resources: Resources,
    connection: Connection,
    *,
    caller: Caller,
    now: datetime,
    department_id: str | None = None,
) -> ShownHall:
    """Rooms where something is done for patients, the ones that need somebody first.

    Eight statements, whatever waits: everybody is counted by the database, nobody is listed.
    """
    catalogue = resources.catalogue.get()
    day = catalogue.today(now)
    rooms = _list_rooms(catalogue, department_id)
    queues = {queue for room in rooms for queue in list_room_queues(catalogue, room.id)}
    ids = [room.id for room in rooms]
    lines = count_lines(connection, queues, day=day)
    counts = count_rooms(connection, ids, day=day)
    away = count_away(connection, queues, day=day)
    today = find_rooms_today(connection, ids, day=day)
    view = _View(catalogue=catalogue, now=now, lines=lines, counts=counts, away=away, today=today)
    shown = [view.show(room) for room in rooms]
    firsts = [line.first_at for line in lines.values() if line.first_at is not None]
    return ShownHall(
        now=now,
        rooms=sorted(
            shown,
            key=lambda each: (rank_alarms(each.alarms), each.room.code),
        ),
        waiting=sum(line.people for line in lines.values()),
        longest_wait=max([now - first for first in firsts], default=timedelta(0)),
        in_room=sum(count.in_room for count in counts.values()),
        seen=sum(count.seen for count in counts.values()),
        away=sum_away(away, queues),
        returns=count_returns(connection, catalogue.facility_id, day=day),
        help_calls=count_help_calls(connection, catalogue.facility_id),
        undo=_find_undo(connection, catalogue, caller, now=now),
        catalogue=catalogue,
    )


def _list_rooms(catalogue: Catalogue, department_id: str | None) -> list[Room]:
    used = {room for service in catalogue.services.values() for room in service.room_ids}
    return sorted(
        (
            room
            for room in catalogue.rooms.values()
            if room.id in used and department_id in {None, room.department_id}
        ),
        key=lambda room: room.code,
    )


@dataclass(frozen=True, kw_only=True)
class _View:
    """One moment of all rooms."""

    catalogue: Catalogue
    now: datetime
    lines: Mapping[str, LineCount]
    counts: Mapping[str, RoomCount]
    away: Mapping[str, AwayCount]
    today: Mapping[str, RoomToday]

    def show(self, room: Room) -> HallRoom:
        catalogue, now = self.catalogue, self.now
        queues = list_room_queues(catalogue, room.id)
        today = self.today.get(room.id, RoomToday())
        services = [each for each in catalogue.services.values() if room.id in each.room_ids]
        by_lane = {
            lane: sum(self.line(queue).by_lane.get(lane, 0) for queue in queues) for lane in Lane
        }
        firsts = [first for queue in queues if (first := self.line(queue).first_at) is not None]
        # A booked person may have come before their time: nobody waits less than nothing.
        longest = max([now - first for first in firsts], default=timedelta(0))
        longest = max(longest, timedelta(0))
        own = self.line(room.id).people
        count = self.counts.get(room.id, RoomCount())
        level = judge_load(count.seen, catalogue.settings.load_aims)
        minutes_each = find_room_minutes(catalogue, room.id, services, now=now)
        calls = today.state is RoomState.OPEN
        return HallRoom(
            room=room,
            today=today,
            has_session=catalogue.find_open_session(room.id, now=now) is not None,
            doctor=today.practitioner_id or self._find_usual_doctor(room.id),
            doctor_choices=self._list_doctors(services),
            waiting=sum(by_lane.values()),
            own_waiting=own,
            by_lane={lane: people for lane, people in by_lane.items() if people},
            longest_wait=longest,
            in_room=count.in_room,
            seen=count.seen,
            level=level,
            away=sum_away(self.away, queues),
            minutes_each=minutes_each,
            ends_at=forecast_end(
                [self._share(queue) for queue in queues], minutes_each, now=now
            )
            if calls and any(by_lane.values())
            else None,
            alarms=find_alarms(
                level=level, longest_wait=longest, own_waiting=own, state=today.state,
                wait_limit_min=catalogue.settings.wait_limit_min,
            ),
            move_to=self._list_targets(room.id, services),
        )  # fmt: skip

    def line(self, queue: str) -> LineCount:
        return self.lines.get(queue, _NOBODY)

    def _share(self, queue: str) -> Line:
        calling = [room for room in list_queue_rooms(self.catalogue, queue) if self._calls(room)]
        return Line(waiting=self.line(queue).people, rooms=len(calling))

    def _calls(self, room_id: str) -> bool:
        today = self.today.get(room_id)
        is_open = today is None or today.state is RoomState.OPEN
        return is_open and self.catalogue.find_open_session(room_id, now=self.now) is not None

    def _find_usual_doctor(self, room_id: str) -> str | None:
        """Whose only fixed place this is; None when two share it."""
        fixed = [
            each.id
            for each in self.catalogue.practitioners.values()
            if room_id in each.rooms.values()
        ]
        return fixed[0] if len(fixed) == 1 else None

    def _list_doctors(self, services: Sequence[Service]) -> list[str]:
        offered = {service.id for service in services}
        found = [
            each
            for each in self.catalogue.practitioners.values()
            if not offered.isdisjoint(each.rooms)
        ]
        return [each.id for each in sorted(found, key=lambda each: each.name)]

    def _list_targets(self, room_id: str, services: Sequence[Service]) -> list[str]:
        others = {
            each
            for service in services
            for each in service.room_ids
            if each != room_id and self._is_usable(each)
        }
        return sorted(
            others,
            key=lambda each: (self.line(each).people, self.catalogue.rooms[each].code),
        )

    def _is_usable(self, room_id: str) -> bool:
        today = self.today.get(room_id)
        is_closed = today is not None and today.state is RoomState.CLOSED
        return not is_closed and self.catalogue.find_open_session(room_id, now=self.now) is not None


def _find_undo(
    connection: Connection, catalogue: Catalogue, caller: Caller, *, now: datetime
) -> HallUndo | None:
    """The newest act of this member of staff, while it may be taken back."""
    span = timedelta(seconds=catalogue.settings.undo_within_s)
    acts = list_acts(
        connection, catalogue.facility_id, since=now - span, actor=caller.actor, limit=1
    )
    if not acts or acts[0].undone_at is not None or acts[0].room_id is None:
        return None
    act = acts[0]
    number = None
    if len(act.steps) == 1:
        number = find_numbers(connection, [act.steps[0]["id"]]).get(act.steps[0]["id"])
    return HallUndo(
        id=act.id, kind=act.kind, room_id=act.room_id, number=number, people=len(act.steps),
        until=act.at + span,
    )  # fmt: skip


# --- as JSON -------------------------------------------------------------------------------------


def hall_to_json(hall: ShownHall) -> dict[str, Any]:
    """`HallReply` of the OpenAPI description."""
    settings = hall.catalogue.settings
    return {
        "now": hall.now.isoformat(),
        "load_aims": list(settings.load_aims),
        "wait_limit_min": settings.wait_limit_min,
        "waiting": hall.waiting,
        "longest_wait_s": _seconds(hall.longest_wait),
        "in_room": hall.in_room,
        "seen": hall.seen,
        "held": hall.away.held,
        "missed": hall.away.missed,
        "returned": hall.returns,
        "left": hall.away.left,
        "help_calls": hall.help_calls,
        "rooms": [_room_to_json(each, hall.catalogue) for each in hall.rooms],
        "doctors": _doctors_to_json(hall),
        "undo": None
        if hall.undo is None
        else {
            "id": hall.undo.id,
            "kind": hall.undo.kind,
            "room_id": hall.undo.room_id,
            "number": hall.undo.number,
            "people": hall.undo.people,
            "until": hall.undo.until.isoformat(),
        },
    }


def hall_to_text(hall: ShownHall) -> str:
    return json.dumps(hall_to_json(hall), ensure_ascii=False)


def _doctors_to_json(hall: ShownHall) -> dict[str, str]:
    ids = {doctor for each in hall.rooms for doctor in (*each.doctor_choices, each.doctor)}
    found = hall.catalogue.practitioners
    return {id_: found[id_].titled_name for id_ in sorted(filter(None, ids)) if id_ in found}


def _room_to_json(each: HallRoom, catalogue: Catalogue) -> dict[str, Any]:
    room, department = each.room, catalogue.departments.get(each.room.department_id or "")
    until = each.today.until
    return {
        "id": room.id,
        "code": room.code,
        "name": {"vi": room.name.vi, "en": room.name.en},
        "floor": room.floor,
        "department": {
            "vi": department.name.vi if department else "",
            "en": department.name.en if department else "",
        },
        "state": each.today.state.value,
        "reason": each.today.reason,
        "until": until.isoformat() if until else None,
        "has_session": each.has_session,
        "doctor_id": each.doctor,
        "doctor_ids": list(each.doctor_choices),
        "waiting": each.waiting,
        "own_waiting": each.own_waiting,
        "by_lane": {lane.value: people for lane, people in each.by_lane.items()},
        "longest_wait_s": _seconds(each.longest_wait),
        "in_room": each.in_room,
        "seen": each.seen,
        "level": each.level.value,
        "held": each.away.held,
        "missed": each.away.missed,
        "minutes_each": None if each.minutes_each is None else round(each.minutes_each, 1),
        "ends_at": each.ends_at.isoformat() if each.ends_at else None,
        "alarms": [alarm.value for alarm in each.alarms],
        "move_to": list(each.move_to),
    }


def _seconds(span: timedelta) -> int:
    return max(int(span.total_seconds()), 0)


def day_start(catalogue: Catalogue, day: date) -> datetime:
    """The first moment of a day in the facility's zone."""
    return datetime.combine(day, datetime.min.time(), tzinfo=catalogue.zone)
