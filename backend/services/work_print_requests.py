"""A print agent takes what staff asked for, and says what became of it.

A request is handed out to its agent again and again until the agent has said how it ended: the
agent's own journal, under the id of the request, keeps it from printing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from backend.domain.visit import PrintState
from backend.errors import MoveNotAllowed, PrintRequestNotFound
from backend.events import Event
from backend.services.recognise_caller import Caller
from backend.services.report_print_state import PrintReport, keep_print_report
from backend.storage.database import Database
from backend.storage.number_tables import PrintRequest, Ticket
from backend.storage.unit_of_work import UnitOfWork

TOO_OLD = timedelta(minutes=10)
"""A ticket asked for this long ago would come out when nobody waits for it any more."""
MAX_TAKEN = 10
_UNSETTLED = ("taken", "unknown")


@dataclass(frozen=True, kw_only=True)
class TakenRequest:
    """`again`: it was handed out before, and its end has not been told."""

    id: str
    visit_id: str
    again: bool
    ticket: dict[str, Any]


def take_requests(database: Database, *, agent: Caller) -> Sequence[TakenRequest]:
    """What was handed out and not settled, the oldest first; else the oldest that waits."""

    def take(unit: UnitOfWork) -> Sequence[TakenRequest]:
        _give_up_old(unit, agent)
        begun = _list(unit, agent, "taken", limit=MAX_TAKEN)
        if begun:
            return [_taken(row, again=True) for row in begun]
        waiting = _list(unit, agent, "pending", limit=1)
        taken = [row for row in waiting if _take(unit, row.id)]
        for row in taken:
            _tell(unit, Event.PRINT_TAKEN, agent, row.id, row.visit_id, "taken")
        return [_taken(row, again=False) for row in taken]

    return database.transact(take)


def _list(unit: UnitOfWork, agent: Caller, state: str, *, limit: int) -> Sequence[Any]:
    return unit.connection.execute(
        select(PrintRequest.id, PrintRequest.visit_id, Ticket.content)
        .join(Ticket, Ticket.visit_id == PrintRequest.visit_id)
        .where(
            PrintRequest.agent_id == agent.id,
            PrintRequest.facility_id == unit.facility_id,
            PrintRequest.state == state,
        )
        .order_by(PrintRequest.requested_at, PrintRequest.id)
        .limit(limit)
    ).all()


def _take(unit: UnitOfWork, request_id: str) -> bool:
    """False when it was cancelled in this very moment."""
    taken = unit.connection.execute(
        update(PrintRequest)
        .where(PrintRequest.id == request_id, PrintRequest.state == "pending")
        .values(state="taken", taken_at=unit.now)
    )
    return bool(taken.rowcount)


def _taken(row: Any, *, again: bool) -> TakenRequest:
    return TakenRequest(id=row.id, visit_id=row.visit_id, again=again, ticket=row.content)


def _give_up_old(unit: UnitOfWork, agent: Caller) -> None:
    old = unit.connection.execute(
        update(PrintRequest)
        .where(
            PrintRequest.agent_id == agent.id,
            PrintRequest.facility_id == unit.facility_id,
            PrintRequest.state == "pending",
            PrintRequest.requested_at < unit.now - TOO_OLD,
        )
        .values(state="failed", reason="too_old", done_at=unit.now)
        .returning(PrintRequest.id, PrintRequest.visit_id)
    ).all()
    for row in old:
        unit.connection.execute(
            update(Ticket)
            .where(Ticket.visit_id == row.visit_id, Ticket.print_state == PrintState.PENDING.value)
            .values(print_state=PrintState.FAILED.value)
        )
        _tell(unit, Event.PRINT_SETTLED, agent, row.id, row.visit_id, "failed")


def settle_request(
    database: Database, request_id: str, report: PrintReport, *, agent: Caller
) -> None:
    """The same report again changes nothing; an unknown end may still become a known one.

    Raises PrintRequestNotFound (also for another agent's), MoveNotAllowed for one that was never
    taken.
    """

    def settle(unit: UnitOfWork) -> None:
        row = unit.connection.execute(
            select(PrintRequest.__table__)
            .where(
                PrintRequest.id == request_id,
                PrintRequest.agent_id == agent.id,
                PrintRequest.facility_id == unit.facility_id,
            )
            .with_for_update()
        ).one_or_none()
        if row is None:
            raise PrintRequestNotFound
        if row.state == report.state.value:
            return
        if row.state not in (*_UNSETTLED, "unconfirmed"):
            raise MoveNotAllowed(f"a print request cannot go from {row.state}")
        keep_print_report(unit, row.visit_id, report, kiosk=agent)
        unit.connection.execute(
            update(PrintRequest)
            .where(PrintRequest.id == request_id)
            .values(state=report.state.value, reason=report.reason, done_at=unit.now)
        )
        _tell(unit, Event.PRINT_SETTLED, agent, request_id, row.visit_id, report.state.value)

    database.transact(settle)


def _tell(
    unit: UnitOfWork, event: str, agent: Caller, request_id: str, visit_id: str, state: str
) -> None:
    subject = f"visit:{visit_id}"
    detail = {"request": request_id, "state": state}
    unit.audit(event, actor=agent.actor, subject=subject, detail=detail)
    unit.publish(event, subject=subject, detail=detail | {"visits": [visit_id]})
