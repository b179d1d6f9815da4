"""The same ticket once more: paper ran out, the ticket was lost, another kiosk is nearer."""

from __future__ import annotations

from sqlalchemy import update

from backend.domain.visit import OPEN_STATES, PrintState
from backend.errors import ChangeNotAllowed
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.find_own_visit import lock_own_visit
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_visit import get_state, load_visit, show_stored, visit_to_text
from backend.storage.number_tables import Ticket
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork


def reprint_ticket(
    resources: Resources, visit_id: str, *, scan_id: str, kiosk: Caller, intent: Intent
) -> Answer:
    """The visit with the ticket as it was first printed, to be printed again.

    Raises ScanExpired, VisitNotFound, ChangeNotAllowed when the visit is over.
    """
    catalogue = resources.catalogue.get()

    def reprint(unit: UnitOfWork) -> Answer:
        stored, _ = lock_own_visit(
            resources, catalogue, visit_id, scan_id=scan_id, kiosk=kiosk, unit=unit
        )
        shown = show_stored(unit.connection, catalogue, stored, existing=True)
        if get_state(shown.steps) not in OPEN_STATES:
            raise ChangeNotAllowed
        unit.connection.execute(
            update(Ticket)
            .where(Ticket.visit_id == visit_id)
            .values(print_state=PrintState.PENDING.value)
        )
        subject = f"visit:{visit_id}"
        unit.audit(Event.TICKET_REPRINTED, actor=kiosk.actor, subject=subject)
        unit.publish(Event.TICKET_REPRINTED, subject=subject)
        visit = load_visit(unit.connection, catalogue, visit_id, existing=True)
        return Answer(status=200, body=visit_to_text(visit, catalogue, now=unit.now))

    return answer_once(resources.database, intent, reprint)
