"""Staff want a ticket on paper: an agent is asked, the number stays the one that was given.

Two members of staff who ask for the same ticket at the same agent within seconds get one paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from backend.domain.ids import new_id
from backend.domain.kiosk_health import SILENT_AFTER
from backend.domain.visit import OPEN_STATES, PrintState
from backend.errors import (
    AgentAway,
    ChangedMeanwhile,
    ChangeNotAllowed,
    PrintRequestNotFound,
)
from backend.events import Event
from backend.services.decide_at_desk import lock_visit_of_today
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.storage.kiosk_tables import DeviceEvent, Heartbeat, Kiosk
from backend.storage.number_tables import PrintRequest, Ticket
from backend.storage.unit_of_work import UnitOfWork

SAME_REQUEST = timedelta(seconds=30)
MAX_AGENTS = 50


@dataclass(frozen=True, kw_only=True)
class Agent:
    """`printer` is the last state the agent told, None when it has not told any."""

    id: str
    name: str
    answers: bool
    printer: str | None


def list_agents(database: Database) -> list[Agent]:
    """By name; those that were revoked are left out."""
    with database.read() as connection:
        return _agents(connection, database.facility_id, database.clock())


def _agents(connection: Connection, facility_id: str, now: datetime) -> list[Agent]:
    newest = (
        select(
            DeviceEvent.kiosk_id,
            DeviceEvent.state,
            func.row_number()
            .over(
                partition_by=DeviceEvent.kiosk_id,
                order_by=(DeviceEvent.at.desc(), DeviceEvent.id.desc()),
            )
            .label("age"),
        )
        .where(DeviceEvent.facility_id == facility_id, DeviceEvent.device == "printer")
        .subquery()
    )
    rows = connection.execute(
        select(Kiosk.id, Kiosk.name, Heartbeat.at, newest.c.state)
        .outerjoin(Heartbeat, Heartbeat.kiosk_id == Kiosk.id)
        .outerjoin(newest, (newest.c.kiosk_id == Kiosk.id) & (newest.c.age == 1))
        .where(Kiosk.facility_id == facility_id, Kiosk.kind == "agent", Kiosk.revoked_at.is_(None))
        .order_by(Kiosk.name, Kiosk.id)
        .limit(MAX_AGENTS)
    )
    return [
        Agent(
            id=row.id,
            name=row.name,
            answers=row.at is not None and now - row.at <= SILENT_AFTER,
            printer=row.state,
        )
        for row in rows
    ]


def request_print(
    unit: UnitOfWork, resources: Resources, visit_id: str, agent_id: str, *, staff: Caller
) -> str:
    """The id of the request: a new one, or the one that stands since a moment ago.

    Raises VisitNotFound, ChangeNotAllowed when the visit is over, AgentAway.
    """
    stored = lock_visit_of_today(unit, resources.catalogue.get(), visit_id)
    if not any(step.state in OPEN_STATES for step in stored.steps):
        raise ChangeNotAllowed
    agents = _agents(unit.connection, unit.facility_id, unit.now)
    if not any(agent.id == agent_id and agent.answers for agent in agents):
        raise AgentAway
    standing = unit.connection.scalar(
        select(PrintRequest.id).where(
            PrintRequest.visit_id == visit_id,
            PrintRequest.agent_id == agent_id,
            PrintRequest.requested_at > unit.now - SAME_REQUEST,
            PrintRequest.state.in_(("pending", "taken")),
        )
    )
    if standing is not None:
        return standing
    request_id = new_id()
    unit.add(
        PrintRequest,
        id=request_id,
        visit_id=visit_id,
        agent_id=agent_id,
        state="pending",
        requested_by=staff.actor,
        requested_at=unit.now,
    )
    unit.connection.execute(
        update(Ticket)
        .where(Ticket.visit_id == visit_id)
        .values(print_state=PrintState.PENDING.value)
    )
    subject = f"visit:{visit_id}"
    detail = {"agent": agent_id, "request": request_id}
    unit.audit(Event.PRINT_REQUESTED, actor=staff.actor, subject=subject, detail=detail)
    unit.publish(
        Event.PRINT_REQUESTED, subject=subject, detail={"visits": [visit_id], "agent": agent_id}
    )
    return request_id


def cancel_print(unit: UnitOfWork, visit_id: str, request_id: str, *, staff: Caller) -> None:
    """Before an agent took it. Raises PrintRequestNotFound, ChangedMeanwhile."""
    mine = (
        PrintRequest.id == request_id,
        PrintRequest.visit_id == visit_id,
        PrintRequest.facility_id == unit.facility_id,
    )
    cancelled = unit.connection.execute(
        update(PrintRequest)
        .where(*mine, PrintRequest.state == "pending")
        .values(state="failed", reason="cancelled", done_at=unit.now)
    ).rowcount
    if not cancelled:
        if unit.connection.scalar(select(PrintRequest.id).where(*mine)) is None:
            raise PrintRequestNotFound
        raise ChangedMeanwhile
    unit.connection.execute(
        update(Ticket)
        .where(
            Ticket.visit_id == visit_id,
            Ticket.print_state == PrintState.PENDING.value,
        )
        .values(print_state=PrintState.FAILED.value)
    )
    subject = f"visit:{visit_id}"
    unit.audit(
        Event.PRINT_CANCELLED, actor=staff.actor, subject=subject, detail={"request": request_id}
    )
    unit.publish(Event.PRINT_CANCELLED, subject=subject, detail={"visits": [visit_id]})
