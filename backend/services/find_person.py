"""Who somebody is in the HIS, and what they have booked there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from backend.domain.identity import names
from backend.domain.identity.codes import Kind
from backend.domain.identity.models import BirthDate, Identity, Precision
from backend.domain.scan import PersonFacts
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from his_adapter.errors import HisError, MultipleMatches, NotSupported
from his_adapter.models import (
    Appointment,
    Gender,
    Identifier,
    IdentifierKind,
    MatchGrade,
    Patient,
    PatientMatch,
    PatientQuery,
)
from his_adapter.models import BirthDate as HisBirthDate

BOOKED_BEFORE = timedelta(days=1)
BOOKED_AHEAD = timedelta(days=14)
MAX_APPOINTMENTS = 10
MAX_CANDIDATES = 5

NUMBER_KINDS: dict[Kind, tuple[IdentifierKind, ...]] = {
    Kind.ID12: (IdentifierKind.ID12,),
    Kind.CMND9: (IdentifierKind.CMND9,),
    Kind.BHYT15: (IdentifierKind.BHYT15, IdentifierKind.BHXH10),
    Kind.AMBIGUOUS: (IdentifierKind.BHXH10, IdentifierKind.MRN),
    Kind.MRN: (IdentifierKind.MRN,),
    Kind.APPOINTMENT: (IdentifierKind.APPOINTMENT,),
}
"""What a bare number may be, in the order it is tried. Ten digits need no question: the birth
date decides whose they are."""


class RecordInDoubt(Exception):
    """Several records, or one under this number that is of somebody else: a person looks."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """`his_answered` False: the card's data stand alone."""

    facts: PersonFacts
    his_answered: bool
    appointments: tuple[Appointment, ...] = ()


def facts_of_card(identity: Identity) -> PersonFacts:
    """What a card says; the identity has a name."""
    numbers = {
        IdentifierKind.ID12: identity.id_number,
        IdentifierKind.CMND9: identity.old_id_number,
        IdentifierKind.BHYT15: identity.bhyt_number,
        IdentifierKind.BHXH10: identity.bhxh_number,
        IdentifierKind.PASSPORT: identity.passport_number,
    }
    full_name = identity.full_name or ""
    return PersonFacts(
        full_name=full_name,
        name_key=names.search_key(full_name),
        birth_date=identity.birth_date.isoformat() if identity.birth_date else None,
        gender=identity.gender.value if identity.gender else None,
        numbers={kind.value: number for kind, number in numbers.items() if number},
        address=identity.address,
    )


def find_by_card(resources: Resources, facts: PersonFacts, *, within_s: float) -> Found:
    """The card's data, completed by the HIS as far as it answers in time.

    Raises RecordInDoubt.
    """
    try:
        answer = resources.his_party.ask(lambda: _look_up_card(resources, facts)).wait(within_s)
    except (MultipleMatches, RecordInDoubt) as error:
        raise RecordInDoubt from error
    except (NoAnswer, HisError):
        return Found(facts=facts, his_answered=False)
    if answer is None:
        return Found(facts=facts, his_answered=True)
    patient, appointments = answer
    return Found(facts=_complete(facts, patient), his_answered=True, appointments=appointments)


def find_by_number(
    resources: Resources, identifiers: tuple[Identifier, ...], typed: BirthDate, *, within_s: float
) -> Found | None:
    """The one person with this number and birth date.

    None for all else alike: unknown, other birth date, several, HIS away. A typed date must be
    as precise as the one the HIS has, or a year would open a record.
    """
    question = resources.his_party.ask(lambda: _look_up_number(resources, identifiers, typed))
    try:
        answer = question.wait(within_s)
    except (NoAnswer, HisError):
        return None
    if answer is None:
        return None
    patient, appointments = answer
    return Found(facts=_facts_of(patient), his_answered=True, appointments=appointments)


def _look_up_card(
    resources: Resources, facts: PersonFacts
) -> tuple[Patient, tuple[Appointment, ...]] | None:
    his = resources.his
    # The old nine-digit number is not unique: alone it may lead to somebody else.
    identifiers = tuple(
        Identifier(kind=IdentifierKind(kind), value=number)
        for kind, number in facts.numbers.items()
        if kind != IdentifierKind.CMND9
    )
    certain: list[PatientMatch] = []
    if identifiers:
        certain = _certain(his.find_patients(PatientQuery(identifiers=identifiers)).items)
    if not certain and facts.birth_date:
        query = PatientQuery(
            full_name=facts.full_name,
            birth_date=HisBirthDate.from_iso(facts.birth_date),
            gender=Gender(facts.gender) if facts.gender else None,
        )
        certain = _certain(his.find_patients(query).items)
    if not certain:
        return None
    if len(certain) > 1:
        raise RecordInDoubt
    patient = his.read_patient(certain[0].ref)
    if _is_somebody_else(patient, facts):
        raise RecordInDoubt
    return patient, _appointments(resources, patient)


def _certain(matches: tuple[PatientMatch, ...]) -> list[PatientMatch]:
    return [match for match in matches if match.grade is MatchGrade.CERTAIN]


def _is_somebody_else(patient: Patient, facts: PersonFacts) -> bool:
    """Neither the name nor the birth date is that of the card."""
    if names.search_key(patient.full_name) == facts.name_key:
        return False
    if patient.birth_date is None or facts.birth_date is None:
        return True
    return not patient.birth_date.agrees_with(HisBirthDate.from_iso(facts.birth_date))


def _look_up_number(
    resources: Resources, identifiers: tuple[Identifier, ...], typed: BirthDate
) -> tuple[Patient, tuple[Appointment, ...]] | None:
    matches = resources.his.find_patients(PatientQuery(identifiers=identifiers)).items
    patients = [resources.his.read_patient(match.ref) for match in matches[:MAX_CANDIDATES]]
    same = [patient for patient in patients if _is_born_on(patient, typed)]
    if len(same) != 1:
        return None
    return same[0], _appointments(resources, same[0])


def _is_born_on(patient: Patient, typed: BirthDate) -> bool:
    if patient.birth_date is None:
        return False
    known = BirthDate.from_iso(patient.birth_date.isoformat())
    order = (Precision.YEAR, Precision.MONTH, Precision.DAY)
    return order.index(typed.precision) >= order.index(known.precision) and typed.agrees_with(known)


def _appointments(resources: Resources, patient: Patient) -> tuple[Appointment, ...]:
    now: datetime = resources.database.clock()
    try:
        page = resources.his.find_appointments(
            patient.ref, now - BOOKED_BEFORE, now + BOOKED_AHEAD, limit=MAX_APPOINTMENTS
        )
    except NotSupported:
        return ()
    return page.items


def _facts_of(patient: Patient) -> PersonFacts:
    gender: Literal["male", "female"] | None = None
    if patient.gender is Gender.MALE:
        gender = "male"
    elif patient.gender is Gender.FEMALE:
        gender = "female"
    return PersonFacts(
        full_name=patient.full_name,
        name_key=names.search_key(patient.full_name),
        birth_date=patient.birth_date.isoformat() if patient.birth_date else None,
        gender=gender,
        numbers={identifier.kind.value: identifier.value for identifier in patient.identifiers},
        his_ref=patient.ref,
        address=patient.address,
        phone=patient.phone,
    )


def _complete(card: PersonFacts, patient: Patient) -> PersonFacts:
    """The card is newer than the record: what it says stands, the record fills the gaps."""
    record = _facts_of(patient)
    return replace(
        card,
        birth_date=card.birth_date or record.birth_date,
        gender=card.gender or record.gender,
        numbers=record.numbers | card.numbers,
        his_ref=record.his_ref,
        address=card.address or record.address,
        phone=card.phone or record.phone,
    )
