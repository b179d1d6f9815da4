"""From a chosen service to a queue number, in one transaction and without a remote call.

Order of the transaction: what was asked before → who it is → what they already have → where they
wait → the rows of the visit and its traces → the number. The number's series is locked until the
commit, so everything that does not need the number is written before it is taken.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from backend.domain.appointments import ArrivalState, judge_arrival, may_arrive
from backend.domain.catalogue import Catalogue, Service
from backend.domain.coverage_evidence import pause_before
from backend.domain.identity.models import BirthDate
from backend.domain.ids import new_id, new_token
from backend.domain.numbering import HisNumber, Numbering, WhyOurs, judge_his_number
from backend.domain.placement import Limit, Place, list_places, list_queues
from backend.domain.priority import AgeVerdict, find_declared, judge_age
from backend.domain.queueing import (
    Lane,
    arrival_key,
    count_ahead,
    find_wait_range_min,
    format_number,
    get_letter,
)
from backend.domain.reports.counting import find_age_band
from backend.domain.scan import PersonFacts, ScanContent
from backend.domain.ticket import Language, Note, TicketFacts, compose_ticket
from backend.domain.visit import HoldReason, PrintState, StepKind, StepState, find_mark
from backend.domain.waits import find_minutes_each
from backend.errors import (
    AppointmentNotDue,
    NotForThisPerson,
    PersonNeedsStaff,
    ServiceClosed,
    ServiceFull,
    ServiceNotFound,
    SlotTaken,
    ValidationFailed,
)
from backend.events import Event
from backend.services.answer_once import answer_once
from backend.services.keep_evidence import hand_over_evidence
from backend.services.propose_category import propose_for, read_slips
from backend.services.queue_checkin import queue_checkin
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.services.settle_coverage import seal_card
from backend.services.show_visit import ShownStep, ShownVisit, load_visit, visit_to_text
from backend.storage.catalogue_tables import Slot
from backend.storage.his_numbers import add_number, claim_number, keep_his_visit
from backend.storage.insurance_tables import CoverageRecheck
from backend.storage.number_tables import Ticket
from backend.storage.payments import has_advance
from backend.storage.queue_tables import Step, StepChange
from backend.storage.repositories import (
    EMPTY_QUEUE,
    Answer,
    Intent,
    QueueLoad,
    count_waiting,
    find_person,
    get_scan,
    hash_phone,
    save_person,
    take_number,
    take_place,
)
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit
from his_adapter.models import CoverageOutcome
from his_adapter.models import Visit as HisVisit

CREATED, FOUND = 201, 200

_SOURCES = {"kiosk": "kiosk", "partner": "partner"}


@dataclass(frozen=True, kw_only=True)
class VisitWish:
    """What the patient chose. Ids are ours, `appointment_ref` is the HIS's."""

    scan_id: str
    visit_kind: str
    service_id: str
    also_service_id: str | None = None
    practitioner_id: str | None = None
    room_id: str | None = None
    slot_id: str | None = None
    appointment_ref: str | None = None
    priority_group: str | None = None
    use_insurance: bool = True
    papers: dict[str, Any]
    language: Language = "vi"
    since_touch_ms: int | None = None
    """On the kiosk's own clock, from the first touch on: for reports."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """In which lane somebody waits, since when it counts, and why."""

    lane: Lane
    key_at: datetime
    group: str | None
    declared: bool
    ask_age: bool


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A place that is held, with the people before it."""

    place: Place
    scopes: list[str]
    ahead: int
    minutes_each: float | None

    @property
    def expected_min(self) -> float:
        return self.ahead * (self.minutes_each or 0)

    @property
    def wait_min(self) -> tuple[int, int] | None:
        """What the patient is told."""
        return find_wait_range_min(self.ahead, self.minutes_each)


@dataclass(frozen=True, kw_only=True)
class HisCheckIn:
    """A check-in the HIS was asked for beforehand. `visit` is None while it did not answer."""

    key: str
    visit: HisVisit | None


def start_visit(
    resources: Resources,
    wish: VisitWish,
    *,
    kiosk: Caller,
    intent: Intent,
    asked: HisCheckIn | None = None,
) -> Answer:
    """201 with the new visit, or 200 with the one this person already has for the service today.

    `asked` brings the number of the HIS, where that is the one that counts (`number_visit`).
    Raises ScanExpired, PersonNeedsStaff, ServiceNotFound, NotForThisPerson, ServiceClosed,
    ServiceFull, SlotTaken, AppointmentNotDue, ValidationFailed, IdempotencyKeyReused,
    CatalogueUnavailable, StorageUnavailable.
    """
    catalogue = resources.catalogue.get()
    return answer_once(
        resources.database,
        intent,
        lambda unit: _start(resources, catalogue, wish, asked, kiosk=kiosk, unit=unit),
    )


def check_wish(
    catalogue: Catalogue, wish: VisitWish, person: PersonFacts, *, now: datetime
) -> None:
    """Nothing is in the way of this wish now, or raises what `start_visit` raises."""
    services = get_services(catalogue, wish, person, catalogue.today(now))
    practitioner = wish.practitioner_id
    for service in services:
        mine = service.id == wish.service_id
        list_places(
            catalogue,
            service,
            now=now,
            waiting={},
            practitioner=catalogue.get_practitioner(practitioner)
            if practitioner and mine
            else None,
            room_id=wish.room_id if mine else None,
        )


def _start(
    resources: Resources,
    catalogue: Catalogue,
    wish: VisitWish,
    asked: HisCheckIn | None,
    *,
    kiosk: Caller,
    unit: UnitOfWork,
) -> Answer:
    connection, keys = unit.connection, resources.keys
    scan = get_scan(connection, keys, wish.scan_id, kiosk_id=kiosk.id, now=unit.now)
    if scan.person is None:
        raise PersonNeedsStaff
    today = catalogue.today(unit.now)
    person = find_person(connection, keys, scan.person, facility_id=unit.facility_id, day=today)
    services = get_services(catalogue, wish, scan.person, today)
    for service in services:
        if service.id in person.open_visits:
            visit = load_visit(connection, catalogue, person.open_visits[service.id], existing=True)
            return Answer(status=FOUND, body=visit_to_text(visit, catalogue, now=unit.now))

    if asked is None and _pays_first(catalogue, wish, scan, scan.person.his_ref, unit):
        services = [*_open_cashiers(catalogue, now=unit.now), *services]
    standing = judge_standing(catalogue, wish, scan, unit=unit)
    taken = _take_places_where(catalogue, wish, services, standing, asked, unit=unit)
    person_id = save_person(unit, keys, person, scan.person)
    notes = list_notes(scan, standing, use_insurance=wish.use_insurance)
    visit_id = new_id()
    _insert_visit(
        resources, catalogue, wish, scan, standing, unit, kiosk, visit_id, person_id, today, asked
    )
    steps = insert_steps(
        unit, taken, visit_id=visit_id, person_id=person_id, standing=standing, day=today,
        slot_id=wish.slot_id, source=_SOURCES.get(kiosk.role, "reception"),
    )  # fmt: skip
    if is_provisional(scan, use_insurance=wish.use_insurance):
        hand_over_evidence(unit, scan_id=wish.scan_id, visit_id=visit_id)
        if scan.coverage is not None and scan.coverage.outcome == CoverageOutcome.LATER.value:
            _plan_recheck(unit, visit_id, speed=resources.config.speed)
    subject = f"visit:{visit_id}"
    detail = {"steps": [step.id for step in steps], "queues": [t.place.queue_id for t in taken]}
    unit.audit(Event.VISIT_STARTED, actor=kiosk.actor, subject=subject)
    unit.publish(Event.VISIT_STARTED, subject=subject, detail=detail)
    # Who only pays there is no patient of that counter to the HIS.
    payload: dict[str, Any] = {
        "steps": [step.id for step in steps if step.kind != StepKind.CASHIER]
        or [step.id for step in steps]
    }
    asked_step = None
    if asked is not None:
        asked_step = next(step.id for step in steps if step.service.id == wish.service_id)
        payload["asked"] = asked_step
    unit.enqueue("his.check_in", lane=person_id, visit_id=visit_id, payload=payload)
    unit.flush()

    letter, number = _number(
        unit, catalogue, standing, services[0], asked, visit_id=visit_id, step_id=asked_step
    )
    ticket = TicketFacts(
        number=format_number(letter, number),
        issued_at=unit.now,
        places=[each.place for each in taken],
        wait_min=taken[0].wait_min,
        notes=notes,
        token=new_token(),
        language=wish.language,
    )
    content = compose_ticket(ticket, catalogue, public_base=resources.config.public_base)
    insert_ticket(unit, visit_id, ticket, content, day=today)
    if asked is not None and asked.visit is not None:
        queue_checkin(unit, catalogue, visit_id)
    shown = ShownVisit(
        id=visit_id,
        existing=False,
        visit_kind=wish.visit_kind,
        number=ticket.number,
        lane=standing.lane.value,
        priority_group=standing.group,
        provisional=is_provisional(scan, use_insurance=wish.use_insurance),
        verified=scan.verified,
        changes=0,
        created_at=unit.now,
        print_state=PrintState.PENDING.value,
        steps=steps,
        ticket=content,
    )
    return Answer(status=CREATED, body=visit_to_text(shown, catalogue, now=unit.now))


def _plan_recheck(unit: UnitOfWork, visit_id: str, *, speed: float) -> None:
    unit.add(
        CoverageRecheck,
        visit_id=visit_id,
        state="pending",
        attempts=0,
        next_at=unit.now + pause_before(0) / speed,
        settled_at=None,
    )


def _number(
    unit: UnitOfWork,
    catalogue: Catalogue,
    standing: Standing,
    service: Service,
    asked: HisCheckIn | None,
    *,
    visit_id: str,
    step_id: str | None,
) -> tuple[str, int]:
    """The number this visit is called by: letter and count."""
    day, settings = catalogue.today(unit.now), catalogue.settings
    if asked is not None and asked.visit is not None and step_id is not None:
        theirs = keep_his_visit(unit, asked.visit, visit_id=visit_id, step_id=step_id)
        judged = judge_his_number(
            theirs.prefix, theirs.number, our_letter=settings.letter_beside_his
        )
        if isinstance(judged, HisNumber):
            if claim_number(unit, judged.letter, judged.number, day=day, visit_id=visit_id):
                return judged.letter, judged.number
            judged = WhyOurs.TAKEN
        subject, detail = f"visit:{visit_id}", {"why": judged.value}
        unit.audit(Event.HIS_NUMBER_REFUSED, actor="server", subject=subject, detail=detail)
        unit.publish(Event.HIS_NUMBER_REFUSED, subject=subject, detail=detail)
    if settings.numbering == Numbering.HIS:
        letter = settings.letter_beside_his
    else:
        letter = get_letter(
            standing.lane,
            service_letter=service.series_letter,
            settings=settings,
            practice=catalogue.practice,
        )
    number = take_number(unit, letter, day=day)
    add_number(unit, letter, number, day=day, visit_id=visit_id)
    return letter, number


def _take_places_where(
    catalogue: Catalogue,
    wish: VisitWish,
    services: Sequence[Service],
    standing: Standing,
    asked: HisCheckIn | None,
    *,
    unit: UnitOfWork,
) -> list[Taken]:
    """In the room the HIS has chosen, if it chose one that takes people now."""
    room = None
    if asked is not None and asked.visit is not None:
        room = catalogue.find_room_by_ref(asked.visit.ticket.room)
    service = services[0]
    free = not (wish.room_id or wish.practitioner_id or service.pooled)
    if room is not None and free and room.id in service.room_ids:
        try:
            there = replace(wish, room_id=room.id)
            return take_places(catalogue, there, services, standing, unit=unit)
        except (ServiceClosed, ServiceFull):
            pass
    return take_places(catalogue, wish, services, standing, unit=unit)


def _pays_first(
    catalogue: Catalogue,
    wish: VisitWish,
    scan: ScanContent,
    patient_ref: str | None,
    unit: UnitOfWork,
) -> bool:
    """Self-payers see the cashier first where the hospital wants it, unless they paid an advance
    today.
    """
    if not catalogue.settings.payment_cash_first:
        return False
    insured = scan.coverage is not None and scan.coverage.outcome != CoverageOutcome.NONE.value
    if wish.use_insurance and insured:
        return False
    if catalogue.get_service(wish.service_id).kind == StepKind.CASHIER:
        return False
    return patient_ref is None or not has_advance(
        unit.connection, patient_ref, day=catalogue.today(unit.now), zone=catalogue.zone
    )


def _open_cashiers(catalogue: Catalogue, *, now: datetime) -> list[Service]:
    """The cashier's service, if its counter takes people now."""
    cashier = next(
        (each for each in catalogue.services.values() if each.kind == StepKind.CASHIER), None
    )
    if cashier is None:
        return []
    try:
        list_places(catalogue, cashier, now=now, waiting={})
    except ServiceClosed:
        return []
    return [cashier]


# --- what may be had -----------------------------------------------------------------------------


def get_services(
    catalogue: Catalogue, wish: VisitWish, person: PersonFacts, today: date
) -> list[Service]:
    if wish.visit_kind not in {kind.code for kind in catalogue.settings.visit_kinds}:
        raise ValidationFailed("visit_kind is not one of this facility's")
    ids = dict.fromkeys(filter(None, (wish.service_id, wish.also_service_id)))
    services = [catalogue.get_service(service_id) for service_id in ids]
    for service in services:
        check_service(service, person, visit_kind=wish.visit_kind, today=today)
    return services


def check_service(service: Service, person: PersonFacts, *, visit_kind: str, today: date) -> None:
    """Raises NotForThisPerson: other sex, other age, or not offered for this kind of visit."""
    offered = not service.visit_kinds or visit_kind in service.visit_kinds
    if not offered or not service.takes(person.gender, read_birth_date(person), on=today):
        raise NotForThisPerson


def read_birth_date(person: PersonFacts) -> BirthDate | None:
    return BirthDate.from_iso(person.birth_date) if person.birth_date else None


def is_provisional(scan: ScanContent, *, use_insurance: bool) -> bool:
    """Something about the insurance is still to be looked at by a person."""
    return use_insurance and (scan.coverage is None or scan.coverage.provisional)


def list_notes(scan: ScanContent, standing: Standing, *, use_insurance: bool) -> list[Note]:
    notes = {
        Note.CHECK_CARD: is_provisional(scan, use_insurance=use_insurance),
        Note.NOT_SYNCED: not scan.known_to_his,
        Note.SHOW_PAPERS: standing.declared,
        Note.SHOW_IDENTITY: not scan.verified,
        Note.ASK_AGE: standing.ask_age,
    }
    return [note for note, wanted in notes.items() if wanted]


# --- lane, place ---------------------------------------------------------------------------------


def judge_standing(
    catalogue: Catalogue, wish: VisitWish, scan: ScanContent, *, unit: UnitOfWork
) -> Standing:
    """The lane: priority by age or by own word, results, booked and on time, or normal."""
    today = catalogue.today(unit.now)
    person = scan.person
    age = (
        judge_age(read_birth_date(person), catalogue.priority_groups, on=today)
        if person is not None
        else AgeVerdict(group=None, ask_staff=True)
    )
    declared = None
    if wish.priority_group and (age.group is None or wish.priority_group != age.group.code):
        declared = find_declared(wish.priority_group, catalogue.priority_groups, on=today)
        if declared is None:
            raise ValidationFailed("priority_group is not one a patient may declare")
    group = min(
        (each for each in (age.group, declared) if each), key=lambda g: g.rank, default=None
    )
    slot_start = _find_booked_start(catalogue, wish, scan, unit=unit)
    if group is not None:
        lane = Lane.PRIORITY
    elif wish.visit_kind == "results":
        lane = Lane.RESULTS
    else:
        lane = Lane.BOOKED if slot_start is not None else Lane.NORMAL
    return Standing(
        lane=lane,
        key_at=arrival_key(lane, now=unit.now, slot_start=slot_start, settings=catalogue.settings),
        group=group.code if group else None,
        declared=group is not None and group is declared,
        ask_age=age.ask_staff and group is None,
    )


def _find_booked_start(
    catalogue: Catalogue, wish: VisitWish, scan: ScanContent, *, unit: UnitOfWork
) -> datetime | None:
    """The hour that counts as booked: of a slot taken now, or of a booking met in time."""
    if wish.slot_id is not None:
        return get_slot_start(
            catalogue, slot_id=wish.slot_id, service_id=wish.service_id, unit=unit
        )
    if wish.appointment_ref is None:
        return None
    booking = next((a for a in scan.appointments if a.ref == wish.appointment_ref), None)
    service = catalogue.get_service(wish.service_id)
    if booking is None or booking.service_ref != service.his_ref:
        raise AppointmentNotDue
    start = datetime.fromisoformat(booking.start)
    state = judge_arrival(
        start,
        now=unit.now,
        zone=catalogue.zone,
        is_here=booking.state != ArrivalState.OTHER_FACILITY,
        settings=catalogue.settings,
    )
    if not may_arrive(state):
        raise AppointmentNotDue
    return start if state is ArrivalState.ON_TIME else None


def get_slot_start(
    catalogue: Catalogue, *, slot_id: str, service_id: str, unit: UnitOfWork
) -> datetime:
    """Raises ServiceNotFound, AppointmentNotDue when the hour is over or on another day."""
    slot = unit.connection.execute(
        select(Slot.service_id, Slot.starts_at, Slot.ends_at).where(
            Slot.id == slot_id, Slot.facility_id == unit.facility_id
        )
    ).one_or_none()
    if slot is None or slot.service_id != service_id:
        raise ServiceNotFound
    if slot.ends_at <= unit.now or catalogue.today(slot.starts_at) != catalogue.today(unit.now):
        raise AppointmentNotDue
    starts_at: datetime = slot.starts_at
    return starts_at


def take_places(
    catalogue: Catalogue,
    wish: VisitWish,
    services: Sequence[Service],
    standing: Standing,
    *,
    unit: UnitOfWork,
) -> list[Taken]:
    """A place for each service; the shorter wait comes first, so that waits do not collide."""
    loads = count_waiting(
        unit.connection,
        [queue for service in services for queue in list_queues(service)],
        day=catalogue.today(unit.now),
        key_at=standing.key_at,
    )
    taken = [
        take_service(
            catalogue,
            service,
            loads,
            standing,
            unit=unit,
            practitioner_id=wish.practitioner_id if service.id == wish.service_id else None,
            room_id=wish.room_id if service.id == wish.service_id else None,
            slot_id=wish.slot_id if service.id == wish.service_id else None,
        )
        # Counters are taken in one order by everybody, or two people could wait for each other.
        for service in sorted(services, key=lambda each: each.id)
    ]
    return sorted(taken, key=lambda each: (each.expected_min, services.index(each.place.service)))


def take_service(
    catalogue: Catalogue,
    service: Service,
    loads: dict[str, QueueLoad],
    standing: Standing,
    *,
    unit: UnitOfWork,
    practitioner_id: str | None,
    room_id: str | None,
    slot_id: str | None,
) -> Taken:
    """Holds one place for the service. Raises ServiceClosed, ServiceFull, SlotTaken."""
    today = catalogue.today(unit.now)
    places = list_places(
        catalogue,
        service,
        now=unit.now,
        waiting={queue: load.people for queue, load in loads.items()},
        practitioner=catalogue.get_practitioner(practitioner_id) if practitioner_id else None,
        room_id=room_id,
    )
    scopes = []
    if slot_id is not None:
        capacity = unit.connection.scalar(select(Slot.capacity).where(Slot.id == slot_id))
        limit = Limit(scope=f"slot:{slot_id}", capacity=capacity or 0)
        if not take_place(unit, limit, day=today):
            raise SlotTaken
        scopes.append(limit.scope)
    for place in places:
        held = _take_limits(unit, place.limits, today)
        if held is not None:
            load = loads.get(place.queue_id, EMPTY_QUEUE)
            ahead = count_ahead(standing.lane, load.ahead_of(standing.lane), catalogue.settings)
            minutes_each = find_minutes_each(catalogue, service, place.room, now=unit.now)
            return Taken(
                place=place, scopes=[*scopes, *held], ahead=ahead, minutes_each=minutes_each
            )
    raise ServiceFull


def _take_limits(unit: UnitOfWork, limits: Sequence[Limit], day: date) -> list[str] | None:
    """The scopes held, or None (and nothing held) when one of them is full."""
    if not limits:
        return []
    savepoint = unit.connection.begin_nested()
    for limit in limits:
        if not take_place(unit, limit, day=day):
            savepoint.rollback()
            return None
    savepoint.commit()
    return [limit.scope for limit in limits]


# --- rows ----------------------------------------------------------------------------------------


def _insert_visit(
    resources: Resources,
    catalogue: Catalogue,
    wish: VisitWish,
    scan: ScanContent,
    standing: Standing,
    unit: UnitOfWork,
    kiosk: Caller,
    visit_id: str,
    person_id: str,
    day: date,
    asked: HisCheckIn | None,
) -> None:
    slips = read_slips(resources.keys, wish.papers, appointment_ref=wish.appointment_ref)
    outcome = scan.coverage.outcome if scan.coverage else None
    registered_here = scan.coverage.registered_here if scan.coverage else None
    proposal = propose_for(
        unit,
        catalogue,
        kind=wish.visit_kind,
        slips=slips,
        use_insurance=wish.use_insurance,
        outcome=outcome,
        registered_here=registered_here,
        visit_id=visit_id,
    )
    on_behalf = None
    if scan.on_behalf is not None:
        text = json.dumps(vars(scan.on_behalf), ensure_ascii=False)
        on_behalf = resources.keys.seal(text.encode(), context=f"visit:{visit_id}")
    unit.add(
        Visit,
        id=visit_id,
        person_id=person_id,
        day=day,
        kind=wish.visit_kind,
        lane=standing.lane.value,
        priority_group=standing.group,
        priority_declared=standing.declared,
        provisional=is_provisional(scan, use_insurance=wish.use_insurance),
        verified=scan.verified,
        known_to_his=scan.known_to_his,
        use_insurance=wish.use_insurance,
        coverage_outcome=outcome,
        coverage_code=scan.coverage.code if scan.coverage else None,
        papers=slips.papers,
        sealed_slips=slips.sealed_numbers(resources.keys, visit_id),
        revisit_hash=slips.revisit_hash,
        registered_here=registered_here,
        sealed_card=seal_card(resources.keys, scan.card, visit_id) if wish.use_insurance else None,
        category_code=proposal.code,
        category_reason=proposal.why.value,
        category_confirmed=False,
        sealed_on_behalf=on_behalf,
        language=wish.language,
        kiosk_id=kiosk.id if kiosk.role == "kiosk" else None,
        scan_id=wish.scan_id,
        appointment_ref=wish.appointment_ref,
        his_key=asked.key if asked else None,
        changes=0,
        phone_hash=hash_phone(resources.keys, scan),
        age_band=find_age_band(read_birth_date(scan.person) if scan.person else None, on=day),
        since_touch_ms=wish.since_touch_ms,
        created_at=unit.now,
    )


def insert_steps(
    unit: UnitOfWork,
    taken: Sequence[Taken],
    *,
    visit_id: str,
    person_id: str,
    standing: Standing,
    day: date,
    slot_id: str | None,
    position: int = 0,
    source: str = "kiosk",
) -> list[ShownStep]:
    """One step per place; the first waits, the others are held until it is done.

    When this person gets an open step for one of the services meanwhile the flush fails.
    """
    shown = []
    for offset, each in enumerate(taken):
        step_id, place = new_id(), each.place
        state = StepState.HOLD if offset else StepState.WAITING
        wait = None if offset else each.wait_min
        unit.add(
            Step,
            id=step_id,
            visit_id=visit_id,
            person_id=person_id,
            day=day,
            position=position + offset,
            kind=place.service.kind,
            service_id=place.service.id,
            room_id=place.room.id if place.room else None,
            practitioner_id=place.practitioner.id if place.practitioner else None,
            slot_id=slot_id if f"slot:{slot_id}" in each.scopes else None,
            queue_id=place.queue_id,
            lane=standing.lane.value,
            queue_key_at=standing.key_at,
            quota_scopes=each.scopes,
            state=state.value,
            hold_reason=HoldReason.EARLIER_STEP.value if offset else None,
            state_at=unit.now,
            wait_low_min=wait[0] if wait else None,
            wait_high_min=wait[1] if wait else None,
        )
        unit.add(
            StepChange,
            id=new_id(),
            visit_id=visit_id,
            step_id=step_id,
            mark=find_mark(place.service.kind, None, state, first=position + offset == 0),
            from_state=None,
            to_state=state.value,
            at=unit.now,
            source=source,
            reason=None,
            room_id=place.room.id if place.room else None,
        )
        shown.append(
            ShownStep(
                id=step_id,
                state=state,
                service=place.service,
                room=place.room,
                people_ahead=0 if offset else each.ahead,
                kind=place.service.kind,
                queue_id=place.queue_id,
                hold_reason=HoldReason.EARLIER_STEP.value if offset else None,
                state_at=unit.now,
            )
        )
    return shown


def insert_ticket(
    unit: UnitOfWork,
    visit_id: str,
    ticket: TicketFacts,
    content: dict[str, Any],
    *,
    day: date,
) -> None:
    unit.add(
        Ticket,
        id=new_id(),
        visit_id=visit_id,
        day=day,
        number=ticket.number,
        token=ticket.token,
        content=content,
        print_state=PrintState.PENDING.value,
        issued_at=unit.now,
    )
