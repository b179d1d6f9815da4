"""The head of the examination department: all rooms at once, what was done and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response

from backend.domain.catalogue import Catalogue
from backend.domain.roles import StaffRole
from backend.domain.waits import Accuracy
from backend.errors import ValidationFailed
from backend.services.list_acts import ActFilter, ListedAct, list_todays_acts
from backend.services.measure_waits import measure_waits
from backend.services.show_hall import hall_to_text, load_hall
from backend.storage.repositories import Answer
from backend.web import department_schemas as schemas
from backend.web.api import (
    Responses,
    allow,
    answer_reply,
    api_blueprint,
    caller,
    json_reply,
    resources,
)

MAX_DAYS_BACK = 31

blueprint = api_blueprint("departments", "The head of the department sees all rooms at once.")
HALL: Responses = {200: schemas.HallReply}


@blueprint.get("/departments/overview", responses=HALL)
@allow(StaffRole.HEAD)
def overview(query: schemas.HallQuery) -> Response:
    """All rooms now: who waits, how long, load of the day, what is over its limit"""
    work = resources()
    with work.database.read() as connection:
        hall = load_hall(
            work,
            connection,
            caller=caller(),
            now=work.database.clock(),
            department_id=query.department_id,
        )
    return answer_reply(Answer(status=200, body=hall_to_text(hall)))


@blueprint.get("/departments/acts", responses={200: schemas.ActList})
@allow(StaffRole.HEAD, StaffRole.QUALITY, StaffRole.AUDITOR)
def acts(query: schemas.ActQuery) -> Response:
    """What staff did today, by whom and why, the newest first"""
    work = resources()
    catalogue = work.catalogue.get()
    if (query.before is None) != (query.before_id is None):
        raise ValidationFailed("before and before_id come together")
    wish = ActFilter(
        room_id=query.room_id,
        kinds=[query.kind] if query.kind else [],
        with_reason=query.with_reason,
        before=(query.before, query.before_id) if query.before and query.before_id else None,
        limit=query.limit,
    )
    with work.database.read() as connection:
        found, complete = list_todays_acts(connection, catalogue, wish, now=work.database.clock())
    items = [schemas.ListedAct(**act_to_json(each, catalogue)) for each in found]
    return json_reply(schemas.ActList(items=items, complete=complete))


@blueprint.get("/departments/waits", responses={200: schemas.WaitsReply})
@allow(StaffRole.HEAD, StaffRole.QUALITY)
def waits(query: schemas.WaitsQuery) -> Response:
    """Whether the wait ranges held that patients were told: per room, today or on a past day"""
    work = resources()
    catalogue = work.catalogue.get()
    today = catalogue.today(work.database.clock())
    day = query.day or today
    if not today - timedelta(days=MAX_DAYS_BACK) <= day <= today:
        raise ValidationFailed(f"day lies within the last {MAX_DAYS_BACK} days")
    with work.database.read() as connection:
        measured = measure_waits(
            connection, work.database.facility_id, list(catalogue.rooms), day=day
        )
    rooms = sorted(measured.by_room, key=lambda room: catalogue.rooms[room].code)
    reply = schemas.WaitsReply(
        day=day,
        whole=_accuracy(measured.whole) if measured.whole else None,
        rooms=[
            schemas.RoomWaits(
                room_id=room,
                room=catalogue.rooms[room].code,
                accuracy=_accuracy(measured.by_room[room]),
            )
            for room in rooms
        ],
    )
    return json_reply(reply)


def act_to_json(act: ListedAct, catalogue: Catalogue) -> dict[str, Any]:
    room = catalogue.rooms.get(act.room_id or "")
    values = {name: value for name, value in vars(act).items() if name != "room_id"}
    return values | {"room": room.code if room else None}


def _accuracy(accuracy: Accuracy) -> schemas.WaitAccuracy:
    return schemas.WaitAccuracy(
        cases=accuracy.cases,
        kept=accuracy.kept,
        share_kept=round(accuracy.share_kept, 3),
        mean_error_min=round(accuracy.mean_error_min, 1),
        median_error_min=round(accuracy.median_error_min, 1),
    )
