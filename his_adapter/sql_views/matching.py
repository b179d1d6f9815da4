"""How sure a candidate is the person who was asked for. Pure; accents are compared here, because
databases compare them each in a way of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from his_adapter.builtin.checks import checked_name, checked_phone
from his_adapter.builtin.names import masked_name, search_key
from his_adapter.errors import InvalidData
from his_adapter.models import (
    BirthDate,
    Gender,
    IdentifierKind,
    MatchGrade,
    Patient,
    PatientMatch,
    PatientQuery,
    Ref,
)

_GRADES = tuple(MatchGrade)


@dataclass(frozen=True, kw_only=True, repr=False)
class Wanted:
    """A query after its texts were checked."""

    name_key: str | None
    birth_date: BirthDate | None
    gender: Gender | None
    phone: str | None


def checked_query(query: PatientQuery) -> Wanted:
    """Raises InvalidData for a query that cannot find anybody in particular."""
    if len(query.identifiers) > len(IdentifierKind):
        raise InvalidData("identifiers", "Quá nhiều số giấy tờ.")
    name_key = None if query.full_name is None else search_key(checked_name(query.full_name))
    if not query.identifiers and (name_key is None or query.birth_date is None):
        raise InvalidData("query", "Cần số giấy tờ, hoặc họ tên và ngày sinh.")
    return Wanted(
        name_key=name_key,
        birth_date=query.birth_date,
        gender=query.gender,
        phone=query.phone and checked_phone(query.phone),
    )


def by_number(patient: Patient, kind: IdentifierKind, wanted: Wanted) -> MatchGrade | None:
    """An old identity card number was sometimes issued twice: it proves nothing alone."""
    contradicted = _contradicted(patient, wanted)
    if kind is IdentifierKind.CMND9:
        proven = wanted.name_key is not None and wanted.birth_date is not None
        if contradicted:
            return None
        return MatchGrade.CERTAIN if proven else MatchGrade.POSSIBLE
    return MatchGrade.POSSIBLE if contradicted else MatchGrade.CERTAIN


def by_name(patient: Patient, wanted: Wanted) -> MatchGrade | None:
    """Same name and a birth date that can be the same: probable for a full date."""
    known, asked = patient.birth_date, wanted.birth_date
    if known is None or asked is None or not known.agrees_with(asked):
        return None
    if search_key(patient.full_name) != wanted.name_key:
        return None
    if wanted.gender and patient.gender not in {wanted.gender, Gender.UNKNOWN}:
        return None
    if wanted.phone and patient.phone not in {None, wanted.phone}:
        return None
    whole = known.day is not None and asked.day is not None
    return MatchGrade.PROBABLE if whole else MatchGrade.POSSIBLE


def ranked(found: Iterable[tuple[Patient, MatchGrade]]) -> list[PatientMatch]:
    """Each person once, the surest first."""
    surest: dict[Ref, tuple[Patient, MatchGrade]] = {}
    for patient, grade in sorted(found, key=lambda item: (_GRADES.index(item[1]), item[0].ref)):
        surest.setdefault(patient.ref, (patient, grade))
    return [
        PatientMatch(
            ref=patient.ref,
            grade=grade,
            masked_name=masked_name(patient.full_name),
            birth_year=patient.birth_date.year if patient.birth_date else None,
        )
        for patient, grade in surest.values()
    ]


def _contradicted(patient: Patient, wanted: Wanted) -> bool:
    known = patient.birth_date
    other_name = wanted.name_key not in {None, search_key(patient.full_name)}
    other_birth = bool(known and wanted.birth_date and not known.agrees_with(wanted.birth_date))
    return other_name or other_birth
