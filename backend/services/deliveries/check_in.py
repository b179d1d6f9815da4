"""Tells the HIS of a visit: who it is, the hour that was taken, the check-in itself.

Every write carries a key made of the message's id. What a write left behind is remembered before
the next one goes, so that a try after a crash goes on where the last one stopped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, case, select, update

from backend.domain.scan import PersonFacts
from backend.domain.visit import StepState
from backend.errors import VisitNotFound
from backend.services.deliveries.message import (
    RECORD_GONE,
    Change,
    Delivered,
    Message,
    NeedsStaff,
    asking,
    find_written,
    save_all,
)
from backend.services.deliveries.steps import read_visit
from backend.services.queue_checkin import queue_checkin
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Slot
from backend.storage.queue_tables import Step
from backend.storage.repositories import StoredVisit, get_person
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Person
from backend.storage.visit_tables import Visit as VisitRow
from his_adapter.errors import Duplicate, KeyReused, MultipleMatches, NotSupported, SlotTaken
from his_adapter.models import (
    BirthDate,
    CheckIn,
    Gender,
    Identifier,
    IdentifierKind,
    MatchGrade,
    Patient,
    PatientDraft,
    PatientQuery,
    Ref,
    Visit,
    WriteKey,
)


def deliver(resources: Resources, message: Message) -> Delivered | None:
    """Raises MultipleMatches: a person at the desk has to say which record of the HIS it is."""
    stored, steps = read_visit(resources, message)
    done: Delivered | None = None
    for step in steps:
        if step.his_ref is not None:
            continue
        if done is not None:
            with resources.database.write() as unit:
                save_all(unit, [done])
        asked = _asked_key(message, stored, step)
        if asked is not None:
            done = _reconcile(resources, message, stored, step, asked)
        elif step.state == StepState.CANCELLED:
            done = _settle_cancelled(resources, message, stored, step)
        else:
            done = _check_in(resources, message, stored, step)
    return done


def _settle_cancelled(
    resources: Resources, message: Message, stored: StoredVisit, step: Any
) -> Delivered | None:
    """Cancelled before the HIS heard of it: there is nothing to say. An earlier try may have
    arrived all the same: then the message that cancels it has to know what to cancel.

    A try without an answer may even arrive later than this. It is made again with the same key,
    so that there is one visit to cancel whichever comes first.
    """
    if message.uncertain:
        return _check_in(resources, message, stored, step)
    written = find_written(resources, message, WriteKey(f"{message.id}.{step.position}"))
    if not isinstance(written, Visit):
        return None
    return _keep(resources, step, written.ref, written)


def _asked_key(message: Message, stored: StoredVisit, step: Any) -> WriteKey | None:
    """The key this step's check-in was asked for with before the number was given."""
    asked = stored.visit.his_key is not None and message.payload.get("asked") == step.id
    return WriteKey(stored.visit.his_key) if asked else None


def _reconcile(
    resources: Resources, message: Message, stored: StoredVisit, step: Any, key: WriteKey
) -> Delivered | None:
    """What became of the check-in that was asked for; done now if nothing did.

    None when nothing did and the patient has cancelled.
    """
    written = _find_asked(resources, key)
    if written is None and step.state == StepState.CANCELLED:
        return None
    if written is None:
        patient, draft = _get_patient(resources, message, stored)
        request = _make_check_in(resources, message, stored, step, patient, draft)
        try:
            written = resources.his.check_in(request, key=key)
        except KeyReused:
            # It arrived after all, a moment ago. The same words again give the same visit.
            early = replace(request, number=None, room=None, provisional=False, arrived_at=None)
            written = _find_asked(resources, key) or resources.his.check_in(early, key=key)
        except Duplicate as error:
            ref = Ref(error.existing)
            return _keep(resources, step, ref, None)
    return _keep(resources, step, written.ref, written)


def _find_asked(resources: Resources, key: WriteKey) -> Visit | None:
    try:
        with asking():
            written = resources.his.find_by_key(key)
    except NotSupported:
        return None
    return written if isinstance(written, Visit) else None


def _check_in(resources: Resources, message: Message, stored: StoredVisit, step: Any) -> Delivered:
    key = WriteKey(f"{message.id}.{step.position}")
    written = find_written(resources, message, key)
    if not isinstance(written, Visit):
        patient, draft = _get_patient(resources, message, stored)
        request = _make_check_in(resources, message, stored, step, patient, draft)
        try:
            written = resources.his.check_in(request, key=key)
        except Duplicate as error:
            ref = Ref(error.existing)
            return _keep(resources, step, ref, None)
    return _keep(resources, step, written.ref, written)


def _make_check_in(
    resources: Resources,
    message: Message,
    stored: StoredVisit,
    step: Any,
    patient: Ref,
    draft: PatientDraft | None,
) -> CheckIn:
    catalogue, visit = resources.catalogue.get(), stored.visit
    service = catalogue.every_service[step.service_id]
    practitioner = catalogue.practitioners.get(step.practitioner_id)
    room = catalogue.rooms.get(step.room_id)
    first = step.position == 0
    appointment = Ref(visit.appointment_ref) if visit.appointment_ref and first else None
    if step.slot_id is not None:
        appointment = _book(resources, message, step, patient, Ref(service.his_ref))
    return CheckIn(
        patient=patient,
        person=draft,
        appointment=appointment,
        service=Ref(service.his_ref),
        practitioner=Ref(practitioner.his_ref) if practitioner else None,
        room=Ref(room.his_ref) if room else None,
        visit_kind=visit.kind,
        number=visit.number,
        provisional=visit.provisional,
        arrived_at=visit.created_at,
    )


def _book(
    resources: Resources, message: Message, step: Any, patient: Ref, service: Ref
) -> Ref | None:
    """The booking of the hour the patient took here; None when the HIS gave it to another.

    The patient holds a number and is received either way.
    """
    with resources.database.read() as connection:
        slot = connection.scalar(select(Slot.his_ref).where(Slot.id == step.slot_id))
    if slot is None:
        return None
    try:
        booked = resources.his.book_appointment(
            patient, Ref(slot), service, key=WriteKey(f"{message.id}.slot")
        )
    except (SlotTaken, NotSupported):
        return None
    except Duplicate as error:
        return Ref(error.existing)
    return booked.ref


def _get_patient(
    resources: Resources, message: Message, stored: StoredVisit
) -> tuple[Ref, PatientDraft | None]:
    """Who this is in the HIS; somebody it does not know is created, or comes with the visit.

    Whom it knows is not unsealed, unless it wants to be told all the same. Raises
    MultipleMatches: a person at the desk has to decide; NeedsStaff when the link to the person is
    gone.
    """
    person_id = stored.visit.person_id
    if person_id is None:
        raise NeedsStaff(RECORD_GONE)
    with resources.database.read() as connection:
        known = connection.execute(_FIND_REF, {"person_id": person_id}).one_or_none()
        if known is not None and known.his_ref and not resources.his_wants_person:
            return Ref(known.his_ref), None
        try:
            person = get_person(connection, resources.keys, person_id)
        except VisitNotFound as error:
            raise NeedsStaff(RECORD_GONE) from error
    draft = make_draft(person)
    ref = Ref((known and known.his_ref) or person.his_ref or "")
    if ref:
        return ref, draft if resources.his_wants_person else None
    ref = find_patient(resources, person) or _create_patient(resources, message, draft)
    if ref:
        with resources.database.write() as unit:
            unit.connection.execute(
                update(Person).where(Person.id == person_id).values(his_ref=ref)
            )
    return ref, draft


_FIND_REF = select(Person.his_ref).where(Person.id == bindparam("person_id"))


def make_draft(person: PersonFacts) -> PatientDraft:
    """Somebody the HIS does not know, as it is told of them."""
    return PatientDraft(
        full_name=person.full_name,
        birth_date=BirthDate.from_iso(person.birth_date) if person.birth_date else None,
        gender=Gender(person.gender) if person.gender else Gender.UNKNOWN,
        identifiers=_identifiers(person),
        address=person.address,
    )


def _identifiers(person: PersonFacts) -> tuple[Identifier, ...]:
    return tuple(
        Identifier(kind=IdentifierKind(kind), value=value)
        for kind, value in sorted(person.numbers.items())
    )


def make_query(person: PersonFacts) -> PatientQuery:
    """How the HIS is asked for somebody who came here."""
    return PatientQuery(
        identifiers=_identifiers(person),
        full_name=person.full_name,
        birth_date=BirthDate.from_iso(person.birth_date) if person.birth_date else None,
        gender=Gender(person.gender) if person.gender else None,
    )


def find_patient(resources: Resources, person: PersonFacts) -> Ref | None:
    """Raises MultipleMatches when the HIS is certain of more than one."""
    with asking():
        matches = resources.his.find_patients(make_query(person)).items
    certain = [match for match in matches if match.grade is MatchGrade.CERTAIN]
    if len(certain) > 1:
        raise MultipleMatches
    return certain[0].ref if certain else None


def _create_patient(resources: Resources, message: Message, draft: PatientDraft) -> Ref:
    """Nothing yet where the HIS takes new people with their first visit only."""
    key = WriteKey(f"{message.id}.patient")
    written = find_written(resources, message, key)
    if isinstance(written, Patient):
        return written.ref
    try:
        return resources.his.create_patient(draft, key=key).ref
    except NotSupported:
        return Ref("")
    except Duplicate as error:
        return Ref(error.existing)


def _keep(resources: Resources, step: Any, ref: Ref, written: Visit | None) -> Delivered:
    """Remembers the HIS's own references, and that the visit is no longer only ours."""
    changes: list[Change] = [(_SET_STEP, {"step_id": step.id, "ref": ref})]
    if written is None:
        changes.append((_SET_KNOWN, {"visit": step.visit_id}))
        return Delivered(his_ref=ref, changes=tuple(changes))
    values = {
        "visit": step.visit_id,
        "number": f"{written.ticket.prefix}{written.ticket.number}",
        "record_code": written.record_code,
    }
    changes.append((_SET_RECORD, values))

    def save(unit: UnitOfWork) -> None:
        queue_checkin(unit, resources.catalogue.get(), step.visit_id)

    return Delivered(his_ref=ref, changes=tuple(changes), save=save)


_SET_STEP = update(Step).where(Step.id == bindparam("step_id")).values(his_ref=bindparam("ref"))
_SET_KNOWN = update(VisitRow).where(VisitRow.id == bindparam("visit")).values(known_to_his=True)
_IS_FIRST = VisitRow.his_record_code.is_(None)
# The first registration of a visit gives it its number and record there.
_SET_RECORD = _SET_KNOWN.values(
    his_number=case((_IS_FIRST, bindparam("number")), else_=VisitRow.his_number),
    his_record_code=case((_IS_FIRST, bindparam("record_code")), else_=VisitRow.his_record_code),
)
