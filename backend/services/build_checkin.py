"""The check-in table of one visit, built from what is known now, and judged by the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from backend.domain.catalogue import Catalogue
from backend.domain.checkin_table.row import (
    NOT_INSURED,
    CardFacts,
    CheckinRow,
    CostKind,
    FirstCost,
)
from backend.domain.checkin_table.rules import (
    Circumstances,
    SentKey,
    Verdict,
    check_document,
    sent_key,
)
from backend.domain.checkin_table.standard import Standard, standard_on
from backend.domain.checkin_table.states import AT_THE_GATEWAY
from backend.domain.checkin_table.xml import parse_checkin, read_rows, write_checkin
from backend.domain.scan import PersonFacts
from backend.domain.visit import StepKind, StepState
from backend.errors import CheckinNotReady, VisitNotFound
from backend.services.resources import Resources
from backend.services.settle_coverage import open_card
from backend.storage.catalogue_tables import Facility
from backend.storage.crypto import Keys
from backend.storage.insurance_tables import CheckinDocument
from backend.storage.queue_tables import StepChange
from backend.storage.repositories import get_person, get_visit
from backend.storage.visit_tables import Person
from his_adapter.models import BirthDate, Gender

_COSTS = frozenset({StepKind.EXAMINATION, StepKind.LABORATORY, StepKind.IMAGING})


@dataclass(frozen=True, kw_only=True, repr=False)
class BuiltCheckin:
    """`key_hash` stands for what the gateway knows the row by."""

    document: bytes
    standard: Standard
    verdict: Verdict
    key_hash: str


def build_checkin(
    resources: Resources, connection: Connection, visit_id: str, *, correction: bool = False
) -> BuiltCheckin:
    """A `correction` may repeat what was sent before. Raises VisitNotFound, CheckinNotReady."""
    catalogue = resources.catalogue.get()
    now = resources.database.clock()
    stored = get_visit(connection, visit_id, facility_id=resources.database.facility_id)
    facility_code = connection.scalar(
        select(Facility.code).where(Facility.id == resources.database.facility_id)
    )
    row = _row(resources, connection, catalogue, stored.visit, stored.steps, facility_code or "")
    standard = standard_on(catalogue.today(row.arrived_at))
    document = write_checkin([row], standard, zone=catalogue.zone)
    (fields,) = read_rows(parse_checkin(document, standard), standard)
    key_hash = hash_sent_key(resources.keys, sent_key(fields))
    was_sent = not correction and _was_sent(connection, key_hash)
    verdict = check_document(
        document,
        standard,
        Circumstances(
            facility_code=facility_code or "",
            now=now,
            zone=catalogue.zone,
            sent_before=frozenset({sent_key(fields)}) if was_sent else frozenset(),
        ),
    )
    return BuiltCheckin(document=document, standard=standard, verdict=verdict, key_hash=key_hash)


def hash_sent_key(keys: Keys, key: SentKey) -> str:
    return keys.hash("checkin", *key)


def _was_sent(connection: Connection, key_hash: str) -> bool:
    found = connection.scalar(
        select(CheckinDocument.id)
        .where(
            CheckinDocument.sent_key_hash == key_hash,
            CheckinDocument.state.in_([state.value for state in AT_THE_GATEWAY]),
        )
        .limit(1)
    )
    return found is not None


def _row(
    resources: Resources,
    connection: Connection,
    catalogue: Catalogue,
    visit: Any,
    steps: Any,
    facility_code: str,
) -> CheckinRow:
    if visit.person_id is None or visit.his_record_code is None:
        raise CheckinNotReady
    try:
        person = get_person(connection, resources.keys, visit.person_id)
    except VisitNotFound as error:
        raise CheckinNotReady from error
    step = next(
        (each for each in steps if each.kind in _COSTS and each.state != StepState.CANCELLED),
        None,
    )
    if step is None:
        raise CheckinNotReady
    service = catalogue.every_service[step.service_id]
    arrived_at: datetime = visit.created_at
    card = open_card(resources.keys, visit.sealed_card, visit.id) if visit.use_insurance else None
    settings = catalogue.settings
    return CheckinRow(
        record_code=visit.his_record_code,
        patient_code=_patient_code(connection, person, visit.person_id),
        full_name=person.full_name,
        id_number=person.numbers.get("id12")
        or person.numbers.get("passport")
        or person.numbers.get("cmnd9"),
        birth_date=BirthDate.from_iso(person.birth_date or f"{arrived_at.year}"),
        gender=Gender(person.gender) if person.gender else Gender.UNKNOWN,
        card=None
        if card is None
        else CardFacts(
            number=card.number,
            facility_code=card.facility_code or "",
            valid_from=_day(card.valid_from),
            valid_to=_day(card.valid_to),
        ),
        patient_category=(visit.category_code or "") if visit.use_insurance else NOT_INSURED,
        care_type=settings.care_types.get(visit.kind, settings.care_types["new"]),
        facility_code=facility_code,
        arrived_at=arrived_at,
        first_cost=FirstCost(kind=CostKind.SERVICE, code=service.code, name=service.name.vi),
        ordered_at=max(arrived_at, _ordered_at(connection, step)),
    )


def _ordered_at(connection: Connection, step: Any) -> datetime:
    """When the service was ordered: its step was made then."""
    first: datetime | None = connection.scalar(
        select(StepChange.at)
        .where(StepChange.step_id == step.id, StepChange.from_state.is_(None))
        .limit(1)
    )
    moment: datetime = step.state_at
    return first or moment


def _patient_code(connection: Connection, person: PersonFacts, person_id: str) -> str:
    """MA_BN: the HIS's number of the patient, or how it refers to them."""
    number = person.numbers.get("mrn")
    if number:
        return number
    known = connection.scalar(select(Person.his_ref).where(Person.id == person_id))
    return known or person.his_ref or ""


def _day(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None
