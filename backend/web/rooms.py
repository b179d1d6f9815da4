"""Rooms and counters: who is next, what became of them, how the room works today."""

from __future__ import annotations

from flask import Response

from backend.domain.roles import StaffRole
from backend.domain.rooms import RoomReason, RoomState
from backend.domain.settings import Words
from backend.services.act_on_step import ActWish, StepAct, StepReason, act_on_step
from backend.services.call_next import NextWish, SeenStep, call_next, get_room
from backend.services.list_destinations import list_destinations
from backend.services.list_rooms import list_rooms
from backend.services.merge_offline_calls import MergeWish, OfflineCall, merge_offline_calls
from backend.services.note_room_reads import note_room_reads
from backend.services.run_room import MoveWish, RoomWish, change_room, move_people
from backend.services.send_on import (
    Destination,
    SendOnWish,
    TransferWish,
    send_on,
    transfer_step,
)
from backend.services.show_room import load_room, room_to_text
from backend.services.undo_act import undo_act
from backend.storage.repositories import Answer
from backend.web import room_schemas as schemas
from backend.web.api import (
    IDEMPOTENT,
    Responses,
    allow,
    answer_reply,
    api_blueprint,
    caller,
    get_intent,
    json_reply,
    resources,
)
from backend.web.wire import Label

CALLERS = (StaffRole.ROOM_CALLER, StaffRole.CASHIER, StaffRole.RECEPTION, StaffRole.HEAD)

blueprint = api_blueprint("rooms", "Rooms and counters call numbers.")
ROOM: Responses = {200: schemas.RoomNowReply}


@blueprint.get("/rooms", responses={200: schemas.ListedRoomsReply})
@allow(*CALLERS)
def list_() -> Response:
    """The rooms the caller may open, with how they stand now"""
    listed = list_rooms(resources(), caller=caller())
    reply = schemas.ListedRoomsReply(
        rooms=[
            schemas.ListedRoom(
                id=each.room.id,
                code=each.room.code,
                name=_label(each.room.name),
                floor=each.room.floor,
                state=each.today.state.value,
                until=each.today.until,
                doctor=each.practitioner,
                waiting=each.waiting,
                inside=each.inside,
            )
            for each in listed
        ]
    )
    return json_reply(reply)


@blueprint.get("/rooms/<room_id>", responses=ROOM)
@allow(*CALLERS)
def get(path: schemas.RoomPath) -> Response:
    """A room as its staff see it"""
    work = resources()
    get_room(work.catalogue.get(), path.room_id, caller())
    with work.database.read() as connection:
        room = load_room(work, connection, path.room_id, now=work.database.clock())
    note_room_reads(work.database, room, actor=caller().actor)
    return answer_reply(Answer(status=200, body=room_to_text(room)))


@blueprint.get("/rooms/<room_id>/destinations", responses={200: schemas.DestinationsReply})
@allow(*CALLERS)
def destinations(path: schemas.RoomPath) -> Response:
    """Services and rooms a patient can be sent to from here, and doctors who can sit here"""
    found = list_destinations(resources(), path.room_id, caller=caller())
    reply = schemas.DestinationsReply(
        services=[
            schemas.DestinationService(
                id=each.service.id,
                name=_label(each.service.name),
                kind=each.service.kind,
                pooled=each.service.pooled,
                rooms=[
                    schemas.DestinationRoom(
                        id=place.room.id,
                        code=place.room.code,
                        name=_label(place.room.name),
                        floor=place.room.floor,
                        state=place.state.value,
                        waiting=place.waiting,
                    )
                    for place in each.rooms
                ],
            )
            for each in found.services
        ],
        doctors=[schemas.ListedDoctor(id=each.id, name=each.titled_name) for each in found.doctors],
    )
    return json_reply(reply)


@blueprint.post("/rooms/<room_id>/next", responses=ROOM, openapi_extensions=IDEMPOTENT)
@allow(*CALLERS)
def next_(path: schemas.RoomPath, body: schemas.NextRequest) -> Response:
    """Finish who is here and call the next number

    `after_call` is the last call the page knows: a press from an old page answers
    `changed_meanwhile` and calls nobody.
    """
    wish = NextWish(
        finish=[SeenStep(step_id=each.step_id, version=each.version) for each in body.finish],
        after_call=body.after_call,
        check_call="after_call" in body.model_fields_set,
    )
    return answer_reply(
        call_next(resources(), path.room_id, wish, caller=caller(), intent=get_intent())
    )


@blueprint.post(
    "/rooms/<room_id>/steps/<step_id>/<act>", responses=ROOM, openapi_extensions=IDEMPOTENT
)
@allow(*CALLERS)
def act(path: schemas.StepActPath, body: schemas.StepActRequest) -> Response:
    """Call again, in, out, hold, missed, back in line, out of turn, emergency, results, gone"""
    wish = ActWish(
        kind=StepAct(path.act),
        version=body.version,
        reason=StepReason(body.reason) if body.reason else None,
    )
    return answer_reply(
        act_on_step(
            resources(), path.room_id, path.step_id, wish, caller=caller(), intent=get_intent()
        )
    )


@blueprint.post(
    "/rooms/<room_id>/steps/<step_id>/send-on", responses=ROOM, openapi_extensions=IDEMPOTENT
)
@allow(*CALLERS)
def send(path: schemas.RoomStepPath, body: schemas.SendOnRequest) -> Response:
    """On to tests, another service, the cashier; with a test in it, back here with results"""
    wish = SendOnWish(
        to=[Destination(service_id=each.service_id, room_id=each.room_id) for each in body.to],
        version=body.version,
        come_back=body.come_back,
    )
    return answer_reply(
        send_on(resources(), path.room_id, path.step_id, wish, caller=caller(), intent=get_intent())
    )


@blueprint.post(
    "/rooms/<room_id>/steps/<step_id>/transfer", responses=ROOM, openapi_extensions=IDEMPOTENT
)
@allow(*CALLERS)
def transfer(path: schemas.RoomStepPath, body: schemas.TransferRequest) -> Response:
    """To another room or service with the same place in line"""
    wish = TransferWish(
        room_id=body.room_id,
        service_id=body.service_id,
        version=body.version,
        reason=StepReason(body.reason) if body.reason else None,
    )
    return answer_reply(
        transfer_step(
            resources(), path.room_id, path.step_id, wish, caller=caller(), intent=get_intent()
        )
    )


@blueprint.post(
    "/rooms/<room_id>/acts/<act_id>/undo", responses=ROOM, openapi_extensions=IDEMPOTENT
)
@allow(*CALLERS)
def undo(path: schemas.ActPath) -> Response:
    """Take back what was done here a moment ago"""
    return answer_reply(
        undo_act(resources(), path.room_id, path.act_id, caller=caller(), intent=get_intent())
    )


@blueprint.post("/rooms/<room_id>/state", responses=ROOM, openapi_extensions=IDEMPOTENT)
@allow(*CALLERS)
def state(path: schemas.RoomPath, body: schemas.RoomStateRequest) -> Response:
    """Pause, open or close the room; who sees patients there today"""
    wish = RoomWish(
        state=RoomState(body.state) if body.state else None,
        reason=RoomReason(body.reason) if body.reason else None,
        until=body.until,
        practitioner_id=body.doctor_id,
    )
    return answer_reply(
        change_room(resources(), path.room_id, wish, caller=caller(), intent=get_intent())
    )


@blueprint.post("/rooms/<room_id>/move", responses=ROOM, openapi_extensions=IDEMPOTENT)
@allow(*CALLERS)
def move(path: schemas.RoomPath, body: schemas.MoveRequest) -> Response:
    """Move those who wait here to another room; numbers and places in line stay"""
    wish = MoveWish(
        reason=RoomReason(body.reason) if body.reason else None,
        to_room_id=body.to_room_id,
        count=body.count,
    )
    return answer_reply(
        move_people(resources(), path.room_id, wish, caller=caller(), intent=get_intent())
    )


@blueprint.post(
    "/rooms/<room_id>/offline-calls",
    responses={200: schemas.MergedCallsReply},
    openapi_extensions=IDEMPOTENT,
)
@allow(*CALLERS)
def offline_calls(path: schemas.RoomPath, body: schemas.OfflineCallsRequest) -> Response:
    """Hand in what was called from the last list while the server was away

    Each call is answered for itself: `applied`, or `conflict` with the reason.
    """
    wish = MergeWish(
        list_at=body.list_at,
        calls=[
            OfflineCall(
                step_id=each.step_id,
                called_at=each.called_at,
                finished_at=each.finished_at,
                missed=bool(each.missed),
            )
            for each in body.calls
        ],
    )
    return answer_reply(
        merge_offline_calls(resources(), path.room_id, wish, caller=caller(), intent=get_intent())
    )


def _label(words: Words) -> Label:
    return Label(vi=words.vi, en=words.en)
