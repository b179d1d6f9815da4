"""The desk corrects how a person can be reached; the HIS hears of it through the outbox."""

from __future__ import annotations

import json
from dataclasses import replace

from sqlalchemy import select, update

from backend.domain.catalogue import Catalogue
from backend.domain.desk import Contact
from backend.errors import VisitNotFound
from backend.events import Event
from backend.services.decide_at_desk import decide_once, where_visit_is
from backend.services.deliveries import UPDATE_PATIENT
from backend.services.deliveries.update_patient import make_payload
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.repositories import Answer, Intent, StoredVisit, get_person
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Person, Visit


def correct_person(
    resources: Resources,
    visit_id: str,
    contact: Contact,
    *,
    seen: int,
    staff: Caller,
    intent: Intent,
) -> Answer:
    """Told to the HIS also where nothing is new here: it may have something else.

    Raises VisitNotFound also when the link to the person is gone, and as `decide_once` does.
    """
    keys, corrected = resources.keys, contact.corrected

    def decide(unit: UnitOfWork, catalogue: Catalogue, stored: StoredVisit) -> None:
        person_id = stored.visit.person_id
        if person_id is None:
            raise VisitNotFound
        # Held until the end: two desks at two visits of one person correct one after the other.
        unit.connection.execute(select(Person.id).where(Person.id == person_id).with_for_update())
        person = get_person(unit.connection, keys, person_id)
        person = replace(
            person,
            phone=contact.phone or person.phone,
            address=contact.address or person.address,
        )
        text = json.dumps(vars(person), ensure_ascii=False)
        unit.connection.execute(
            update(Person)
            .where(Person.id == person_id)
            .values(sealed=keys.seal(text.encode(), context=f"person:{person_id}"))
        )
        if contact.phone is not None:
            _find_by_phone(unit, stored, keys.hash("phone", contact.phone))
        payload = make_payload(keys, person_id=person_id, corrected=corrected)
        unit.enqueue(UPDATE_PATIENT, lane=person_id, visit_id=visit_id, payload=payload)
        subject = f"visit:{visit_id}"
        detail = {"fields": sorted(corrected)}
        unit.audit(Event.PERSON_CORRECTED, actor=staff.actor, subject=subject, detail=detail)
        where = where_visit_is(catalogue, stored)
        unit.publish(Event.PERSON_CORRECTED, subject=subject, detail=where)

    return decide_once(resources, visit_id, decide, seen=seen, intent=intent)


def _find_by_phone(unit: UnitOfWork, stored: StoredVisit, phone_hash: str) -> None:
    """The person's visits of the day are found by the new number; who was brought by somebody
    stays to be found by that one's.
    """
    visit = Visit
    unit.connection.execute(
        update(visit)
        .where(
            visit.person_id == stored.visit.person_id,
            visit.day == stored.visit.day,
            visit.sealed_on_behalf.is_(None),
        )
        .values(phone_hash=phone_hash)
    )
