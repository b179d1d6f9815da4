"""Visits: start, show, change, cancel, print again, and what the printer said."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any, TypeAlias

from flask import Response, request
from pydantic import BaseModel

from backend.services.start_visit import VisitWish, start_visit
from backend.storage.repositories import Answer, Intent
from backend.web import schemas
from backend.web.api import (
    IDEMPOTENT,
    allow,
    api_blueprint,
    caller,
    get_idempotency_key,
    resources,
)

blueprint = api_blueprint("visits", "One person, one day: steps, queue number, ticket.")

Responses: TypeAlias = dict[str | int | HTTPStatus, type[BaseModel] | dict[Any, Any] | None]
VISIT: Responses = {200: schemas.VisitReply}
NEW_VISIT: Responses = {201: schemas.VisitReply, 200: schemas.VisitReply}


@blueprint.post("/visits", responses=NEW_VISIT, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def start(body: schemas.VisitRequest) -> Response:
    """Take a queue number; 200 with the same ticket for who is registered already"""
    wish = VisitWish(
        scan_id=body.scan_id,
        visit_kind=body.visit_kind,
        service_id=body.service_id,
        also_service_id=body.also_service_id,
        practitioner_id=body.doctor_id,
        room_id=body.room_id,
        slot_id=body.slot_id,
        appointment_ref=body.appointment_id,
        priority_group=body.priority_group,
        use_insurance=body.use_insurance,
        papers=body.papers.model_dump(exclude_none=True),
        language=body.language,
    )
    return _reply(start_visit(resources(), wish, kiosk=caller(), intent=_intent()))


def _intent() -> Intent:
    """The wish behind this request: method and address belong to it, the body word for word."""
    wish = f"{request.method} {request.path}\n".encode() + request.get_data(cache=True)
    return Intent(
        caller=caller().actor,
        key=get_idempotency_key(),
        body_hash=hashlib.sha256(wish).hexdigest(),
    )


def _reply(answer: Answer) -> Response:
    return Response(answer.body, status=answer.status, content_type="application/json")
