"""Tells the HIS what happened here: one outbox message, outside any transaction.

Every write carries a key made of the message's id, so a message that is sent again after a crash
or a lost reply changes nothing there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from backend.domain.scan import PersonFacts
from backend.domain.visit import StepState
from backend.errors import VisitNotFound
from backend.services.resources import Resources
from backend.storage import tables
from backend.storage.repositories import StoredVisit, get_person, get_visit
from his_adapter.errors import Duplicate, InvalidData, MultipleMatches, NotSupported, SlotTaken
from his_adapter.models import (
    BirthDate,
    CheckIn,
    Gender,
    Identifier,
    IdentifierKind,
    MatchGrade,
    PatientDraft,
    PatientQuery,
    Ref,
    Visit,
    WriteKey,
)


@dataclass(frozen=True, kw_only=True)
class Message:
    id: str
    kind: str
    visit_id: str
    payload: dict[str, Any]
    attempts: int
    """How often it was tried before."""


def deliver_message(resources: Resources, message: Message) -> None:
    """Raises HisError (see `retryable`), StorageUnavailable."""
    with resources.database.read() as connection:
        stored = get_visit(connection, message.visit_id, facility_id=resources.database.facility_id)
    wanted = [step for step in stored.steps if step.id in message.payload["steps"]]
    if message.kind == "his.cancel_visit":
        for step in wanted:
            _cancel(resources, message, step)
        return
    for step in wanted:
        # Cancelled before the HIS heard of it: there is nothing to say.
        if step.state != StepState.CANCELLED and step.his_ref is None:
            _check_in(resources, message, stored, step)


def _cancel(resources: Resources, message: Message, step: Any) -> None:
    if step.his_ref is None:
        return
    key = WriteKey(f"{message.id}.{step.position}")
    try:
        resources.his.cancel_visit(Ref(step.his_ref), reason="kiosk", key=key)
    except NotSupported:
        return


def _check_in(resources: Resources, message: Message, stored: StoredVisit, step: Any) -> None:
    key = WriteKey(f"{message.id}.{step.position}")
    written = resources.his.find_by_key(key) if message.attempts else None
    if not isinstance(written, Visit):
        patient, draft = _get_patient(resources, message, stored)
        request = _make_check_in(resources, message, stored, step, patient, draft)
        try:
            written = resources.his.check_in(request, key=key)
        except Duplicate as error:
            _save_step(resources, step, Ref(error.existing), None)
            return
    _save_step(resources, step, written.ref, written)


def _make_check_in(
    resources: Resources,
    message: Message,
    stored: StoredVisit,
    step: Any,
    patient: Ref,
    draft: PatientDraft,
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
    )


def _book(
    resources: Resources, message: Message, step: Any, patient: Ref, service: Ref
) -> Ref | None:
    """The booking of the hour the patient took here; None when the HIS gave it to another.

    The patient holds a number and is received either way.
    """
    with resources.database.read() as connection:
        slot = connection.scalar(select(tables.Slot.his_ref).where(tables.Slot.id == step.slot_id))
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
) -> tuple[Ref, PatientDraft]:
    """Who this is in the HIS; somebody it does not know is created, or comes with the visit.

    Raises MultipleMatches: a person at the desk has to decide.
    """
    if stored.visit.person_id is None:
        raise InvalidData("patient", "Không còn thông tin người bệnh.")
    with resources.database.read() as connection:
        try:
            person = get_person(connection, resources.keys, stored.visit.person_id)
        except VisitNotFound as error:
            raise InvalidData("patient", "Không còn thông tin người bệnh.") from error
    draft = _draft_of(person)
    if person.his_ref:
        return Ref(person.his_ref), draft
    found = _find_patient(resources, person)
    return found or _create_patient(resources, message, draft), draft


def _draft_of(person: PersonFacts) -> PatientDraft:
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


def _find_patient(resources: Resources, person: PersonFacts) -> Ref | None:
    birth_date = BirthDate.from_iso(person.birth_date) if person.birth_date else None
    matches = resources.his.find_patients(
        PatientQuery(
            identifiers=_identifiers(person),
            full_name=person.full_name,
            birth_date=birth_date,
            gender=Gender(person.gender) if person.gender else None,
        )
    ).items
    certain = [match for match in matches if match.grade is MatchGrade.CERTAIN]
    if len(certain) > 1:
        raise MultipleMatches
    return certain[0].ref if certain else None


def _create_patient(resources: Resources, message: Message, draft: PatientDraft) -> Ref:
    """Nothing yet where the HIS takes new people with their first visit only."""
    try:
        return resources.his.create_patient(draft, key=WriteKey(f"{message.id}.patient")).ref
    except NotSupported:
        return Ref("")
    except Duplicate as error:
        return Ref(error.existing)


def _save_step(resources: Resources, step: Any, ref: Ref, written: Visit | None) -> None:
    """Remembers the HIS's own references, and that the visit is no longer only ours."""
    with resources.database.write() as unit:
        unit.connection.execute(
            update(tables.Step).where(tables.Step.id == step.id).values(his_ref=ref)
        )
        values: dict[str, Any] = {"known_to_his": True}
        if written is not None and step.position == 0:
            values["his_number"] = f"{written.ticket.prefix}{written.ticket.number}"
            values["his_record_code"] = written.record_code
        unit.connection.execute(
            update(tables.Visit).where(tables.Visit.id == step.visit_id).values(**values)
        )
