"""Numbers that kiosks give without the server: the right to, their arrival, their names."""

from __future__ import annotations

from flask import Response

from backend.domain.roles import StaffRole
from backend.domain.visit import PrintState
from backend.services.grant_offline_numbers import grant_offline_numbers
from backend.services.hand_in_offline_numbers import OfflineNumber, hand_in_offline_numbers
from backend.services.name_visit import name_visit
from backend.web import offline_schemas, visit_schemas
from backend.web.api import (
    IDEMPOTENT,
    allow,
    answer_reply,
    api_blueprint,
    caller,
    get_intent,
    json_reply,
    resources,
)
from backend.web.visits import VISIT, read_wish

blueprint = api_blueprint("offline-numbers", "Numbers given while the server was away.")


@blueprint.post("/kiosks/offline-grant", responses={200: offline_schemas.OfflineGrantReply})
@allow("kiosk")
def grant(body: offline_schemas.OfflineGrantRequest) -> Response:
    """The letter of this journal's own numbers, and the words of their tickets"""
    granted = grant_offline_numbers(resources(), journal_id=body.journal_id, kiosk=caller())
    reply = offline_schemas.OfflineGrantReply(
        grant=offline_schemas.OfflineGrant(
            letter=granted.letter,
            per_hour=granted.per_hour,
            tickets=offline_schemas.OfflineTickets.model_validate(granted.tickets),
        )
        if granted
        else None
    )
    return json_reply(reply)


@blueprint.post("/kiosks/offline-numbers", responses={200: offline_schemas.OfflineNumbersReply})
@allow("kiosk")
def hand_in(body: offline_schemas.OfflineNumbersRequest) -> Response:
    """Hand in what was given meanwhile; again and again until every key is answered"""
    numbers = [
        OfflineNumber(
            key=each.key,
            number=each.number,
            taken_at=each.taken_at,
            priority=each.priority,
            language=each.language,
            print_state=PrintState(each.print_state),
        )
        for each in body.numbers
    ]
    safe = hand_in_offline_numbers(
        resources(), journal_id=body.journal_id, numbers=numbers, kiosk=caller()
    )
    return json_reply(offline_schemas.OfflineNumbersReply(safe=safe))


@blueprint.post("/visits/<visit_id>/name", responses=VISIT, openapi_extensions=IDEMPOTENT)
@allow(StaffRole.RECEPTION)
def name(path: visit_schemas.VisitPath, body: offline_schemas.NameVisitRequest) -> Response:
    """Who a nameless number belongs to: it stays that number, with a place in a queue"""
    answer = name_visit(
        resources(),
        path.visit_id,
        read_wish(body),
        seen=body.version,
        staff=caller(),
        intent=get_intent(),
    )
    return answer_reply(answer)
