"""Visits: start, show, change, cancel, print again, and what the printer said."""

from __future__ import annotations

from flask import Response

from backend.domain.roles import StaffRole
from backend.domain.visit import PrintState
from backend.services.cancel_visit import cancel_visit
from backend.services.change_visit import ChangeWish, change_visit
from backend.services.number_visit import number_visit
from backend.services.report_print_state import PrintReport, report_print_state
from backend.services.reprint_ticket import reprint_ticket
from backend.services.return_to_line import return_to_line
from backend.services.show_visit import load_visit, visit_to_text
from backend.services.start_visit import VisitWish
from backend.storage.repositories import Answer
from backend.web import visit_schemas as schemas
from backend.web.api import (
    IDEMPOTENT,
    Responses,
    allow,
    answer_reply,
    api_blueprint,
    caller,
    get_intent,
    resources,
)

blueprint = api_blueprint("visits", "One person, one day: steps, queue number, ticket.")

VISIT: Responses = {200: schemas.VisitReply}
NEW_VISIT: Responses = {201: schemas.VisitReply, 200: schemas.VisitReply}


@blueprint.post("/visits", responses=NEW_VISIT, openapi_extensions=IDEMPOTENT)
@allow("kiosk", StaffRole.RECEPTION)
def start(body: schemas.VisitRequest) -> Response:
    """Take a queue number; 200 with the same ticket for who is registered already"""
    return answer_reply(
        number_visit(resources(), read_wish(body), kiosk=caller(), intent=get_intent())
    )


def read_wish(body: schemas.VisitRequest) -> VisitWish:
    return VisitWish(
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
        papers=body.papers.model_dump(mode="json", exclude_none=True),
        language=body.language,
        since_touch_ms=body.since_touch_ms,
    )


@blueprint.get("/visits/<visit_id>", responses=VISIT)
@allow("kiosk", StaffRole.RECEPTION)
def get(path: schemas.VisitPath) -> Response:
    """A visit as it stands now, with its ticket"""
    work = resources()
    catalogue = work.catalogue.get()
    with work.database.read() as connection:
        visit = load_visit(connection, catalogue, path.visit_id, existing=True)
    text = visit_to_text(visit, catalogue, now=work.database.clock())
    return answer_reply(Answer(status=200, body=text))


@blueprint.post("/visits/<visit_id>/change", responses=VISIT, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def change(path: schemas.VisitPath, body: schemas.ChangeRequest) -> Response:
    """Another service, once, within ten minutes, before being called"""
    wish = ChangeWish(
        scan_id=body.scan_id,
        service_id=body.service_id,
        practitioner_id=body.doctor_id,
        slot_id=body.slot_id,
        language=body.language,
    )
    return answer_reply(
        change_visit(resources(), path.visit_id, wish, kiosk=caller(), intent=get_intent())
    )


@blueprint.post("/visits/<visit_id>/cancel", responses=VISIT, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def cancel(path: schemas.VisitPath, body: schemas.ScanIdRequest) -> Response:
    """Give the number up, any time before being called"""
    return answer_reply(
        cancel_visit(
            resources(), path.visit_id, scan_id=body.scan_id, kiosk=caller(), intent=get_intent()
        )
    )


@blueprint.post("/visits/<visit_id>/return", responses=VISIT, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def return_(path: schemas.VisitPath, body: schemas.ScanIdRequest) -> Response:
    """Back in line after a missed turn, or back with results"""
    return answer_reply(
        return_to_line(
            resources(), path.visit_id, scan_id=body.scan_id, kiosk=caller(), intent=get_intent()
        )
    )


@blueprint.post("/visits/<visit_id>/reprint", responses=VISIT, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def reprint(path: schemas.VisitPath, body: schemas.ScanIdRequest) -> Response:
    """The same ticket once more, at any kiosk"""
    return answer_reply(
        reprint_ticket(
            resources(), path.visit_id, scan_id=body.scan_id, kiosk=caller(), intent=get_intent()
        )
    )


@blueprint.post("/visits/<visit_id>/print-state", responses=VISIT, openapi_extensions=IDEMPOTENT)
@allow("kiosk")
def report_print(path: schemas.VisitPath, body: schemas.PrintStateRequest) -> Response:
    """What the printer said; anything but `printed` is shown to staff"""
    report = PrintReport(
        job_id=body.job_id,
        state=PrintState(body.state),
        reason=body.reason,
        elapsed_ms=body.elapsed_ms,
    )
    return answer_reply(
        report_print_state(resources(), path.visit_id, report, kiosk=caller(), intent=get_intent())
    )
