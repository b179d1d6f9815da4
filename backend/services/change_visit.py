"""Another service after all: once, soon after the number was taken, before being called."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import update

from backend.domain.placement import list_queues
from backend.domain.queueing import Lane
from backend.domain.ticket import Language, Note, TicketFacts, compose_ticket
from backend.domain.visit import PrintState, StepState
from backend.errors import ChangeNotAllowed
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.find_own_visit import lock_own_visit
from backend.services.go_on import check_free
from backend.services.move_step import move_step
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_visit import (
    find_change_deadline,
    load_visit,
    show_stored,
    visit_to_text,
)
from backend.services.start_visit import (
    Standing,
    check_service,
    get_slot_start,
    insert_steps,
    take_service,
)
from backend.storage.number_tables import Ticket
from backend.storage.repositories import Answer, Intent, StoredVisit, count_waiting, get_person
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit


@dataclass(frozen=True, kw_only=True)
class ChangeWish:
    scan_id: str
    service_id: str
    practitioner_id: str | None = None
    slot_id: str | None = None
    language: Language = "vi"


def change_visit(
    resources: Resources, visit_id: str, wish: ChangeWish, *, kiosk: Caller, intent: Intent
) -> Answer:
    """The visit with its new step; number, lane and phone page stay the same.

    Raises what `start_visit` raises for a service, and VisitNotFound, ChangeNotAllowed.
    """
    catalogue = resources.catalogue.get()

    def change(unit: UnitOfWork) -> Answer:
        stored, _ = lock_own_visit(
            resources, catalogue, visit_id, scan_id=wish.scan_id, kiosk=kiosk, unit=unit
        )
        visit = stored.visit
        shown = show_stored(unit.connection, catalogue, stored, existing=True)
        service = catalogue.get_service(wish.service_id)
        if (
            find_change_deadline(shown, catalogue, now=unit.now) is None
            or visit.person_id is None
            or service.id == stored.steps[0].service_id
        ):
            raise ChangeNotAllowed
        check_free(unit, stored.steps[0], [service.id])
        person = get_person(unit.connection, resources.keys, visit.person_id)
        check_service(service, person, visit_kind=visit.kind, today=visit.day)
        if wish.slot_id is not None:
            get_slot_start(catalogue, slot_id=wish.slot_id, service_id=service.id, unit=unit)
        (old,) = stored.steps
        # Whoever changes their mind goes to the end of the other queue, in their own lane.
        standing = Standing(
            lane=Lane(visit.lane),
            key_at=unit.now,
            group=visit.priority_group,
            declared=visit.priority_declared,
            ask_age=False,
        )
        loads = count_waiting(
            unit.connection, list_queues(service), day=visit.day, key_at=standing.key_at
        )
        taken = take_service(
            catalogue,
            service,
            loads,
            standing,
            unit=unit,
            practitioner_id=wish.practitioner_id,
            room_id=None,
            slot_id=wish.slot_id,
        )
        move_step(unit, old, StepState.CANCELLED, source="kiosk")
        (new,) = insert_steps(
            unit,
            [taken],
            visit_id=visit_id,
            person_id=visit.person_id,
            standing=standing,
            day=visit.day,
            slot_id=wish.slot_id,
            position=old.position + 1,
        )
        facts = TicketFacts(
            number=visit.number,
            issued_at=unit.now,
            places=[taken.place],
            wait_min=taken.wait_min,
            notes=_list_notes(stored),
            token=visit.token,
            language=wish.language,
        )
        content = compose_ticket(facts, catalogue, public_base=resources.config.public_base)
        unit.connection.execute(
            update(Ticket)
            .where(Ticket.visit_id == visit_id)
            .values(content=content, print_state=PrintState.PENDING.value)
        )
        unit.connection.execute(
            update(Visit).where(Visit.id == visit_id).values(changes=Visit.changes + 1)
        )
        subject = f"visit:{visit_id}"
        unit.audit(Event.VISIT_CHANGED, actor=kiosk.actor, subject=subject)
        unit.publish(
            Event.VISIT_CHANGED,
            subject=subject,
            detail={"queues": [old.queue_id, taken.place.queue_id]},
        )
        for kind, step in (("his.cancel_visit", old), ("his.check_in", new)):
            unit.enqueue(kind, lane=stored.lane, visit_id=visit_id, payload={"steps": [step.id]})
        unit.flush()
        changed = load_visit(unit.connection, catalogue, visit_id, existing=True)
        return Answer(status=200, body=visit_to_text(changed, catalogue, now=unit.now))

    return answer_once(resources.database, intent, change)


def _list_notes(stored: StoredVisit) -> list[Note]:
    visit = stored.visit
    notes = {
        Note.CHECK_CARD: visit.provisional,
        Note.NOT_SYNCED: not visit.known_to_his,
        Note.SHOW_PAPERS: visit.priority_declared,
        Note.SHOW_IDENTITY: not visit.verified,
    }
    return [note for note, wanted in notes.items() if wanted]
