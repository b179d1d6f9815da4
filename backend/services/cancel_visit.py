"""The patient goes home: every open step ends, places are given back, the HIS is told."""

from __future__ import annotations

from backend.domain.rooms import list_queue_rooms
from backend.domain.visit import OPEN_STATES, StepState
from backend.errors import ChangeNotAllowed
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.find_own_visit import lock_own_visit
from backend.services.move_step import move_step
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_visit import can_cancel, load_visit, show_stored, visit_to_text
from backend.storage.repositories import Answer, Intent
from backend.storage.unit_of_work import UnitOfWork


def cancel_visit(
    resources: Resources, visit_id: str, *, scan_id: str, kiosk: Caller, intent: Intent
) -> Answer:
    """The cancelled visit. The number stays given: it is never handed to somebody else.

    Raises ScanExpired, VisitNotFound, ChangeNotAllowed once somebody was called.
    """
    catalogue = resources.catalogue.get()

    def cancel(unit: UnitOfWork) -> Answer:
        stored, _ = lock_own_visit(
            resources, catalogue, visit_id, scan_id=scan_id, kiosk=kiosk, unit=unit
        )
        shown = show_stored(unit.connection, catalogue, stored, existing=True)
        if not can_cancel(shown):
            raise ChangeNotAllowed
        open_steps = [step for step in stored.steps if step.state in OPEN_STATES]
        for step in open_steps:
            move_step(unit, step, StepState.CANCELLED, source="kiosk")
        subject = f"visit:{visit_id}"
        unit.audit(Event.VISIT_CANCELLED, actor=kiosk.actor, subject=subject)
        queues = sorted({step.queue_id for step in open_steps})
        rooms = {room for queue in queues for room in list_queue_rooms(catalogue, queue)}
        unit.publish(
            Event.VISIT_CANCELLED,
            subject=subject,
            detail={"queues": queues, "rooms": sorted(rooms), "visits": [visit_id]},
        )
        steps = [step.id for step in open_steps]
        unit.enqueue(
            "his.cancel_visit", lane=stored.lane, visit_id=visit_id, payload={"steps": steps}
        )
        unit.flush()
        visit = load_visit(unit.connection, catalogue, visit_id, existing=True)
        return Answer(status=200, body=visit_to_text(visit, catalogue, now=unit.now))

    return answer_once(resources.database, intent, cancel)
