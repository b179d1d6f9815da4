"""A number that belongs to nobody yet gets its person at the desk, and keeps being that number."""

from __future__ import annotations

from sqlalchemy import update

from backend.domain.catalogue import Catalogue
from backend.domain.ticket import TicketFacts, compose_ticket
from backend.domain.visit import OPEN_STATES, StepKind, StepState
from backend.errors import NothingToConfirm, PersonNeedsStaff
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.decide_at_desk import (
    check_seen,
    lock_visit_of_today,
    raise_version,
    where_visit_is,
)
from backend.services.keep_act import Act
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.show_visit import load_visit, visit_to_text
from backend.services.start_visit import (
    FOUND,
    VisitWish,
    get_services,
    insert_steps,
    is_provisional,
    judge_standing,
    list_notes,
    take_places,
)
from backend.storage.number_tables import Ticket
from backend.storage.queue_tables import Step
from backend.storage.queues import get_steps, lock_queues
from backend.storage.repositories import (
    Answer,
    Intent,
    StoredVisit,
    find_person,
    get_scan,
    hash_phone,
    save_person,
)
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit


def name_visit(
    resources: Resources,
    visit_id: str,
    wish: VisitWish,
    *,
    seen: int,
    staff: Caller,
    intent: Intent,
) -> Answer:
    """200 with the visit under its old number, or with the one this person already has for the
    service today (then the nameless number is left as it is, for staff to end).

    Raises VisitNotFound, ChangedMeanwhile, NothingToConfirm for a visit that has a person, and
    what `start_visit` raises.
    """
    catalogue = resources.catalogue.get()

    def work(unit: UnitOfWork) -> Answer:
        stored = lock_visit_of_today(unit, catalogue, visit_id)
        if stored.visit.person_id is not None:
            raise NothingToConfirm
        check_seen(stored, seen)
        return _name(resources, catalogue, stored, wish, staff=staff, unit=unit)

    return answer_once(resources.database, intent, work)


def _name(
    resources: Resources,
    catalogue: Catalogue,
    stored: StoredVisit,
    wish: VisitWish,
    *,
    staff: Caller,
    unit: UnitOfWork,
) -> Answer:
    connection, keys, visit = unit.connection, resources.keys, stored.visit
    scan = get_scan(connection, keys, wish.scan_id, kiosk_id=staff.id, now=unit.now)
    if scan.person is None:
        raise PersonNeedsStaff
    person = find_person(connection, keys, scan.person, facility_id=unit.facility_id, day=visit.day)
    services = get_services(catalogue, wish, scan.person, visit.day)
    for service in services:
        if service.id in person.open_visits:
            there = load_visit(connection, catalogue, person.open_visits[service.id], existing=True)
            return Answer(status=FOUND, body=visit_to_text(there, catalogue, now=unit.now))

    standing = judge_standing(catalogue, wish, scan, unit=unit)
    taken = take_places(catalogue, wish, services, standing, unit=unit)
    person_id = save_person(unit, keys, person, scan.person)
    unit.flush()
    provisional = is_provisional(scan, use_insurance=wish.use_insurance)
    connection.execute(
        update(Visit)
        .where(Visit.id == visit.id)
        .values(
            person_id=person_id,
            kind=wish.visit_kind,
            lane=standing.lane.value,
            priority_group=standing.group,
            priority_declared=standing.declared,
            provisional=provisional,
            verified=scan.verified,
            known_to_his=scan.known_to_his,
            use_insurance=wish.use_insurance,
            coverage_outcome=scan.coverage.outcome if scan.coverage else None,
            coverage_code=scan.coverage.code if scan.coverage else None,
            papers=wish.papers,
            appointment_ref=wish.appointment_ref,
            phone_hash=hash_phone(keys, scan),
        )
    )
    _end_reception(unit, catalogue, stored, person_id, staff)
    steps = insert_steps(
        unit, taken, visit_id=visit.id, person_id=person_id, standing=standing, day=visit.day,
        slot_id=wish.slot_id, position=len(stored.steps), source="reception",
    )  # fmt: skip
    facts = TicketFacts(
        number=visit.number,
        issued_at=visit.created_at,
        places=[each.place for each in taken],
        wait_min=taken[0].wait_min,
        notes=list_notes(scan, standing, use_insurance=wish.use_insurance),
        token=visit.token,
        language=wish.language,
    )
    connection.execute(
        update(Ticket)
        .where(Ticket.visit_id == visit.id)
        .values(content=compose_ticket(facts, catalogue, public_base=resources.config.public_base))
    )
    step_ids = [step.id for step in steps]
    subject = f"visit:{visit.id}"
    where = where_visit_is(catalogue, stored)
    where["queues"] = sorted({*where["queues"], *(each.place.queue_id for each in taken)})
    unit.audit(Event.VISIT_NAMED, actor=staff.actor, subject=subject)
    unit.publish(Event.VISIT_NAMED, subject=subject, detail=where)
    unit.enqueue("his.check_in", lane=person_id, visit_id=visit.id, payload={"steps": step_ids})
    raise_version(unit, stored)
    unit.flush()
    named = load_visit(connection, catalogue, visit.id, existing=False)
    return Answer(status=FOUND, body=visit_to_text(named, catalogue, now=unit.now))


def _end_reception(
    unit: UnitOfWork, catalogue: Catalogue, stored: StoredVisit, person_id: str, staff: Caller
) -> None:
    """Who was at the desk is done there; who was only named in the hall need not be called."""
    unit.connection.execute(
        update(Step).where(Step.visit_id == stored.visit.id).values(person_id=person_id)
    )
    lock_queues(unit, sorted({step.queue_id for step in stored.steps}))
    steps = get_steps(
        unit.connection,
        [step.id for step in stored.steps],
        facility_id=unit.facility_id,
        day=stored.visit.day,
    )
    act = Act(
        unit, catalogue, kind="named", caller=staff, room_id=None, reason="named",
        source="reception",
    )  # fmt: skip
    for step in steps.values():
        if step.kind != StepKind.RECEPTION or StepState(step.state) not in OPEN_STATES:
            continue
        if step.state == StepState.SERVING:
            act.move(step, StepState.DONE)
        elif step.state == StepState.CALLED:
            act.move(step, StepState.DONE, through=StepState.SERVING)
        else:
            act.move(step, StepState.CANCELLED)
    act.close(subject=f"visit:{stored.visit.id}")
