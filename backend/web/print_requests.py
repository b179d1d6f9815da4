"""Printing for staff: they ask, an agent takes and reports. The server opens no device."""

from __future__ import annotations

from flask import Response

from backend.domain.roles import StaffRole
from backend.domain.visit import PrintState
from backend.services.answer_once import answer_once
from backend.services.report_print_state import PrintReport
from backend.services.request_print import cancel_print, list_agents, request_print
from backend.services.work_print_requests import settle_request, take_requests
from backend.storage.repositories import Answer
from backend.storage.unit_of_work import UnitOfWork
from backend.web import desk_schemas, visit_schemas
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

blueprint = api_blueprint("print requests", "Tickets that staff want on paper.")
PRINTERS = (StaffRole.RECEPTION, StaffRole.CASHIER)


@blueprint.get("/print-agents", responses={200: desk_schemas.AgentList})
@allow(*PRINTERS)
def agents() -> Response:
    """Where staff may print, and whether it answers"""
    reply = desk_schemas.AgentList(
        items=[
            desk_schemas.AgentReply.model_validate(each, from_attributes=True)
            for each in list_agents(resources().database)
        ]
    )
    return json_reply(reply)


@blueprint.post(
    "/visits/<visit_id>/print-requests",
    responses={201: desk_schemas.PrintRequestReply},
    openapi_extensions=IDEMPOTENT,
)
@allow(*PRINTERS)
def create(path: visit_schemas.VisitPath, body: desk_schemas.PrintRequestRequest) -> Response:
    """Print the ticket of this visit once more; the number stays the same

    Within half a minute the same ticket at the same agent is one request.
    """
    server, staff = resources(), caller()

    def work(unit: UnitOfWork) -> Answer:
        request_id = request_print(unit, server, path.visit_id, body.agent_id, staff=staff)
        unit.flush()
        reply = desk_schemas.PrintRequestReply(id=request_id)
        return Answer(status=201, body=reply.model_dump_json())

    return answer_reply(answer_once(server.database, get_intent(), work))


@blueprint.post(
    "/visits/<visit_id>/print-requests/<print_request_id>/cancel",
    responses={200: desk_schemas.PrintRequestReply},
    openapi_extensions=IDEMPOTENT,
)
@allow(*PRINTERS)
def cancel(path: desk_schemas.VisitPrintPath) -> Response:
    """Give a request up before an agent took it"""
    staff = caller()

    def work(unit: UnitOfWork) -> Answer:
        cancel_print(unit, path.visit_id, path.print_request_id, staff=staff)
        reply = desk_schemas.PrintRequestReply(id=path.print_request_id)
        return Answer(status=200, body=reply.model_dump_json())

    return answer_reply(answer_once(resources().database, get_intent(), work))


@blueprint.post("/print-requests/take", responses={200: desk_schemas.TakenPrintList})
@allow("agent")
def take() -> Response:
    """What this agent is to print now: first what it took before and said nothing of"""
    reply = desk_schemas.TakenPrintList(
        items=[
            desk_schemas.TakenPrint(
                id=each.id,
                visit_id=each.visit_id,
                again=each.again,
                ticket=visit_schemas.Ticket.model_validate(each.ticket),
            )
            for each in take_requests(resources().database, agent=caller())
        ]
    )
    return json_reply(reply)


@blueprint.post("/print-requests/<print_request_id>/state", responses={204: None})
@allow("agent")
def settle(path: desk_schemas.PrintRequestPath, body: desk_schemas.PrintEndRequest) -> Response:
    """What the printer said; the same report again changes nothing"""
    report = PrintReport(
        job_id=path.print_request_id,
        state=PrintState(body.state),
        reason=body.reason,
        elapsed_ms=body.elapsed_ms,
    )
    settle_request(resources().database, path.print_request_id, report, agent=caller())
    return Response(status=204)
