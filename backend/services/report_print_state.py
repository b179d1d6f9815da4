"""What the printer said about a ticket. It never changes the number."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from backend.domain.visit import PrintState, check_print_move
from backend.errors import VisitNotFound
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_visit import show_stored, visit_to_text
from backend.storage.number_tables import PrintJob, Ticket
from backend.storage.repositories import Answer, Intent, get_visit, lock_visit
from backend.storage.unit_of_work import UnitOfWork

TROUBLE = frozenset({PrintState.FAILED, PrintState.UNKNOWN, PrintState.UNCONFIRMED})


@dataclass(frozen=True, kw_only=True)
class PrintReport:
    job_id: str
    state: PrintState
    reason: str | None
    elapsed_ms: int | None


def report_print_state(
    resources: Resources, visit_id: str, report: PrintReport, *, kiosk: Caller, intent: Intent
) -> Answer:
    """The visit with its print state. Anything but `printed` is shown to staff at once.

    A job moves along PRINT_MOVES; the ticket takes the state of the latest report, except that a
    late answer about an older job does not take back a proof of printing.
    Raises VisitNotFound (also for a job of another visit or kiosk), MoveNotAllowed.
    """
    catalogue = resources.catalogue.get()

    def write(unit: UnitOfWork) -> Answer:
        keep_print_report(unit, visit_id, report, kiosk=kiosk)
        stored = get_visit(unit.connection, visit_id, facility_id=unit.facility_id)
        visit = show_stored(unit.connection, catalogue, stored, existing=True)
        return Answer(status=200, body=visit_to_text(visit, catalogue, now=unit.now))

    return answer_once(resources.database, intent, write)


def keep_print_report(
    unit: UnitOfWork, visit_id: str, report: PrintReport, *, kiosk: Caller
) -> None:
    """Raises VisitNotFound, MoveNotAllowed."""
    stored = lock_visit(unit, visit_id)
    if not _save_job(unit, visit_id, report, kiosk):
        return
    known = PrintState(stored.visit.print_state)
    if not (known is PrintState.PRINTED and report.state in TROUBLE):
        unit.connection.execute(
            update(Ticket).where(Ticket.visit_id == visit_id).values(print_state=report.state.value)
        )
    is_trouble = report.state in TROUBLE
    event = Event.TICKET_PRINT_TROUBLE if is_trouble else Event.TICKET_PRINT_REPORTED
    detail = {"state": report.state.value, "kiosk": kiosk.id, "job": report.job_id}
    subject = f"visit:{visit_id}"
    unit.audit(event, actor=kiosk.actor, subject=subject, detail=detail)
    unit.publish(event, subject=subject, detail=detail | {"visits": [visit_id]})


def _save_job(unit: UnitOfWork, visit_id: str, report: PrintReport, kiosk: Caller) -> bool:
    """True when this says something new about the job."""
    job = unit.connection.execute(
        select(PrintJob.__table__).where(PrintJob.id == report.job_id)
    ).one_or_none()
    values = {
        "state": report.state.value,
        "reason": report.reason,
        "elapsed_ms": report.elapsed_ms,
        "reported_at": unit.now,
    }
    if job is None:
        unit.connection.execute(
            insert(PrintJob).values(
                id=report.job_id,
                facility_id=unit.facility_id,
                visit_id=visit_id,
                kiosk_id=kiosk.id,
                **values,
            )
        )
        return True
    if (job.visit_id, job.kiosk_id) != (visit_id, kiosk.id):
        raise VisitNotFound
    check_print_move(PrintState(job.state), report.state)
    if job.state == report.state.value:
        return False
    unit.connection.execute(update(PrintJob).where(PrintJob.id == report.job_id).values(**values))
    return True
