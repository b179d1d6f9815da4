"""What a display shows now: a snapshot, so that a page that was away for an hour catches up at once.

Numbers and rooms only. Where staff turned names on they are masked here, on the server, and never
for a sensitive service: a full name does not leave for a screen in the hall.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row

from backend.domain.announcements import (
    EXPIRES_AFTER,
    Announcement,
    due_announcements,
    shown_announcements,
)
from backend.domain.calling_settings import CallingSettings
from backend.domain.catalogue import Catalogue
from backend.domain.displays import DisplayKind, is_counter, is_sensitive_room, room_name
from backend.domain.identity.masking import masked_name
from backend.domain.queueing import Lane, Waiting, calls_that_matter, order_calls, replay_run
from backend.domain.rooms import RoomToday, list_room_queues
from backend.domain.settings import Words
from backend.domain.visit import StepState
from backend.services.list_spoken_notices import SpokenNotice, list_spoken_notices
from backend.services.manage_displays import KnownDisplay
from backend.services.resources import Resources
from backend.storage.boards import list_heads, list_last_calls, list_queue_calls
from backend.storage.queues import find_rooms_today
from backend.storage.repositories import find_people

NEXT_SHOWN = 5
CALLS_SHOWN = 20
NOTICES_SHOWN = 20
_IN_ROOM = frozenset({StepState.CALLED.value, StepState.SERVING.value})
_CAME = _IN_ROOM | {StepState.DONE.value}
"""Whoever missed the turn, left or was put back is not announced any more."""


@dataclass(frozen=True, kw_only=True)
class ShownCall:
    """`id` is the call's, the same for every page. `waits` is false once the patient is in."""

    id: str
    room_id: str
    number: str
    attempt: int
    at: datetime
    waits: bool
    name: str | None


@dataclass(frozen=True, kw_only=True)
class ShownRoom:
    """`current` are those called here and not done yet, the newest first."""

    id: str
    code: str
    name: Words
    counter: bool
    today: RoomToday
    doctor: str | None
    current: Sequence[ShownCall]
    next: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What an idle display shows."""

    id: str
    text: Words


@dataclass(frozen=True, kw_only=True)
class DueSound:
    """An announcement whose time has come: played once, known by its `key`."""

    key: str
    announcement_id: str
    expires_at: datetime
    languages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DisplayState:
    display: KnownDisplay
    now: datetime
    facility: Words
    timezone: str
    rooms: Sequence[ShownRoom]
    calls: Sequence[ShownCall]
    notices: Sequence[Notice]
    due: Sequence[DueSound]
    spoken: Sequence[SpokenNotice]
    calling: CallingSettings


def show_display(
    resources: Resources,
    connection: Connection,
    display: KnownDisplay,
    *,
    announcements: Sequence[Announcement] = (),
    now: datetime,
) -> DisplayState:
    """The display as it stands now; rooms that left the catalogue are left out.

    `announcements` are the facility's, all that are in use.
    """
    catalogue = resources.catalogue.get()
    day = catalogue.today(now)
    rooms = [room_id for room_id in display.room_ids if room_id in catalogue.rooms]
    rows = list_last_calls(connection, rooms, day=day)
    names = _names(resources, connection, catalogue, display, rows)
    calls = [_call(row, names) for row in rows if _stands(row)]
    calls.sort(key=lambda call: (call.at, call.id), reverse=True)
    in_room = {row.id for row in rows if row.state in _IN_ROOM}
    today = find_rooms_today(connection, rooms, day=day)
    following = _next_numbers(connection, catalogue, rooms, day=day, now=now)
    return DisplayState(
        display=display,
        now=now,
        facility=catalogue.facility_name,
        timezone=catalogue.zone.key,
        rooms=[
            _room(
                catalogue,
                display,
                room_id,
                today=today.get(room_id, RoomToday()),
                calls=[call for call in calls if call.id in in_room and call.room_id == room_id],
                following=following[room_id],
            )
            for room_id in rooms
        ],
        calls=calls[:CALLS_SHOWN],
        notices=[
            Notice(id=each.id, text=Words(vi=each.text_vi, en=each.text_en))
            for each in shown_announcements(
                announcements, now=now, zone_info=catalogue.zone, zone=display.zone or None
            )
        ][:NOTICES_SHOWN],
        due=_due(display, announcements, catalogue, now=now) if display.speaks else (),
        spoken=list_spoken_notices(connection, catalogue, display, now=now),
        calling=catalogue.settings.calling,
    )


def _due(
    display: KnownDisplay,
    announcements: Sequence[Announcement],
    catalogue: Catalogue,
    *,
    now: datetime,
) -> list[DueSound]:
    """All that may still be played: the page knows which it has played."""
    due = due_announcements(
        announcements,
        since=now - EXPIRES_AFTER,
        now=now,
        zone_info=catalogue.zone,
        zone=display.zone or None,
    )
    return [
        DueSound(
            key=each.key,
            announcement_id=each.announcement.id,
            expires_at=each.expires_at,
            languages=("vi", "en") if display.english and each.announcement.text_en else ("vi",),
        )
        for each in due
    ]


def _stands(row: Row[Any]) -> bool:
    return row.state in _CAME and row.step_room_id == row.room_id


def _call(row: Row[Any], names: Mapping[str, str]) -> ShownCall:
    return ShownCall(
        id=row.id,
        room_id=row.room_id,
        number=row.number,
        attempt=row.attempt,
        at=row.called_at,
        waits=row.state == StepState.CALLED.value,
        name=names.get(row.id) or None,
    )


def _room(
    catalogue: Catalogue,
    display: KnownDisplay,
    room_id: str,
    *,
    today: RoomToday,
    calls: Iterable[ShownCall],
    following: Sequence[str],
) -> ShownRoom:
    """Each patient once, by their newest call. Who works in a sensitive room says what it is."""
    newest: dict[str, ShownCall] = {}
    for call in calls:
        newest.setdefault(call.number, call)
    at_door = display.kind is not DisplayKind.HALL and not is_sensitive_room(catalogue, room_id)
    doctor = catalogue.practitioners.get(today.practitioner_id or "") if at_door else None
    return ShownRoom(
        id=room_id,
        code=catalogue.rooms[room_id].code,
        name=room_name(catalogue, room_id),
        counter=is_counter(catalogue, room_id),
        today=today,
        doctor=doctor.titled_name if doctor else None,
        current=list(newest.values()),
        next=following,
    )


def _names(
    resources: Resources,
    connection: Connection,
    catalogue: Catalogue,
    display: KnownDisplay,
    rows: Sequence[Row[Any]],
) -> dict[str, str]:
    """Masked names by call, where the display shows names and nothing about the call is sensitive."""
    if not display.show_names:
        return {}
    wanted = {
        row.id: row.person_id
        for row in rows
        if row.person_id
        and row.state in _IN_ROOM
        and not is_sensitive_room(catalogue, row.room_id)
        and not _is_sensitive_service(catalogue, row.service_id)
    }
    people = find_people(connection, resources.keys, wanted.values())
    return {
        call_id: masked_name(people[person_id].full_name)
        for call_id, person_id in wanted.items()
        if person_id in people
    }


def _is_sensitive_service(catalogue: Catalogue, service_id: str) -> bool:
    service = catalogue.every_service.get(service_id)
    return service is None or service.sensitive


def _next_numbers(
    connection: Connection,
    catalogue: Catalogue,
    rooms: Sequence[str],
    *,
    day: date,
    now: datetime,
) -> dict[str, list[str]]:
    """Those who would be called next to each room, if nobody else came."""
    settings = catalogue.settings
    queues = {room_id: list_room_queues(catalogue, room_id) for room_id in rooms}
    every = sorted({queue for each in queues.values() for queue in each})
    waiting: dict[str, list[Waiting]] = defaultdict(list)
    for row in list_heads(connection, every, day=day, limit=NEXT_SHOWN):
        waiting[row.queue_id].append(
            Waiting(id=row.id, number=row.number, lane=Lane(row.lane), key_at=row.queue_key_at)
        )
    past: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in list_queue_calls(connection, every, day=day, limit=calls_that_matter(settings)):
        past[row.queue_id].append(row)
    numbers: dict[str, list[str]] = {}
    for room_id, own in queues.items():
        before = sorted(
            (row for queue in own for row in past[queue]), key=lambda row: (row.called_at, row.id)
        )[-calls_that_matter(settings) :]
        order = order_calls(
            [ticket for queue in own for ticket in waiting[queue]],
            replay_run((Lane(row.lane), row.by_guard) for row in before),
            now=now,
            settings=settings,
            limit=NEXT_SHOWN,
        )
        numbers[room_id] = [str(call.ticket.number) for call in order]
    return numbers


# --- as JSON -------------------------------------------------------------------------------------


def display_to_json(state: DisplayState) -> dict[str, Any]:
    display = state.display
    return {
        "display": {
            "id": display.id,
            "kind": display.kind.value,
            "english": display.english,
            "speaks": display.speaks,
            "distance_m": display.distance_m,
            "screen_in": display.screen_in,
            "gap_s": state.calling.gap_s,
            "volume": state.calling.volume_of(display.zone),
            "drop_calls_after_s": state.calling.drop_calls_after_s,
        },
        "now": state.now.isoformat(),
        "timezone": state.timezone,
        "facility": _words(state.facility),
        "rooms": [
            {
                "id": room.id,
                "code": room.code,
                "name": _words(room.name),
                "counter": room.counter,
                "state": room.today.state.value,
                "until": room.today.until.isoformat() if room.today.until else None,
                "doctor": room.doctor,
                "current": [_call_to_json(call) for call in room.current],
                "next": list(room.next),
            }
            for room in state.rooms
        ],
        "calls": [_call_to_json(call) for call in state.calls],
        "due": [
            {
                "key": sound.key,
                "announcement": sound.announcement_id,
                "expires_at": sound.expires_at.isoformat(),
                "languages": list(sound.languages),
            }
            for sound in state.due
        ],
        "spoken": [
            {
                "id": notice.id,
                "expires_at": notice.expires_at.isoformat(),
                "languages": ["vi", "en"] if display.english else ["vi"],
            }
            for notice in state.spoken
        ],
        "notices": [{"id": notice.id, "text": _words(notice.text)} for notice in state.notices],
    }


def _call_to_json(call: ShownCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "room": call.room_id,
        "number": call.number,
        "attempt": call.attempt,
        "at": call.at.isoformat(),
        "waits": call.waits,
        "name": call.name,
    }


def _words(words: Words) -> dict[str, str]:
    return {"vi": words.vi, "en": words.en}
