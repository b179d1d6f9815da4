"""Help and emergency: pressed at a kiosk, answered by staff."""

from __future__ import annotations

from flask import Response, request

from backend.domain.roles import StaffRole
from backend.services.call_for_help import (
    HelpWish,
    StandingCall,
    acknowledge_help_call,
    call_for_help,
    get_help_call,
    list_help_calls,
)
from backend.web import help_schemas as schemas
from backend.web.api import (
    allow,
    answer_reply,
    api_blueprint,
    caller,
    get_intent,
    json_reply,
    resources,
)

HELPERS = (StaffRole.RECEPTION, StaffRole.ROOM_CALLER, StaffRole.HEAD, StaffRole.IT)

blueprint = api_blueprint("help calls", "A person at a kiosk asks for staff.")


@blueprint.post("/help-calls", responses={201: schemas.HelpCallReply, 200: schemas.HelpCallReply})
@allow("kiosk")
def create(body: schemas.HelpCallRequest) -> Response:
    """Call staff to this kiosk

    An Idempotency-Key is kept when there is one, but not asked for: a call for help is not refused
    for what it lacks. Pressing again within half a minute gives the call that stands (200).
    """
    chosen = body.chosen.model_dump(exclude_none=True) if body.chosen else None
    wish = HelpWish(
        kind=body.kind,
        screen=body.screen,
        visit_id=body.visit_id,
        scan_id=body.scan_id,
        chosen=chosen,
    )
    answer = call_for_help(
        resources().database,
        wish,
        kiosk=caller(),
        intent=get_intent() if "Idempotency-Key" in request.headers else None,
        show=lambda call: _reply(call).model_dump_json(),
    )
    return answer_reply(answer)


@blueprint.get("/help-calls", responses={200: schemas.HelpCallList})
@allow("kiosk", *HELPERS)
def list_all(query: schemas.HelpCallQuery) -> Response:
    """Help calls, emergencies first; a kiosk sees its own"""
    calls = list_help_calls(
        resources().database, caller=caller(), state=query.state, limit=query.limit + 1
    )
    reply = schemas.HelpCallList(
        items=[_reply(call) for call in calls[: query.limit]], complete=len(calls) <= query.limit
    )
    return json_reply(reply)


@blueprint.get("/help-calls/<help_call_id>", responses={200: schemas.HelpCallReply})
@allow("kiosk", *HELPERS)
def get(path: schemas.HelpCallPath) -> Response:
    """One help call: a kiosk asks here whether somebody is coming"""
    call = get_help_call(resources().database, call_id=path.help_call_id, caller=caller())
    return json_reply(_reply(call))


@blueprint.post("/help-calls/<help_call_id>/acknowledge", responses={200: schemas.HelpCallReply})
@allow(*HELPERS)
def acknowledge(path: schemas.HelpCallPath) -> Response:
    """Somebody is on the way; the first answer stands"""
    call = acknowledge_help_call(resources().database, call_id=path.help_call_id, staff=caller())
    return json_reply(_reply(call))


def _reply(call: StandingCall) -> schemas.HelpCallReply:
    return schemas.HelpCallReply.model_validate(call, from_attributes=True)
