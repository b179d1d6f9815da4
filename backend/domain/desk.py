"""What the desk still has to look at, and what a search text means. Pure decisions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from backend.domain.identity.codes import Kind
from backend.domain.identity.names import search_key
from backend.domain.identity.parser import check_typed_number, parse
from backend.domain.identity.phones import phone_key
from backend.domain.ticket import NOTES, Note
from backend.domain.visit import OPEN_STATES, StepState

MAX_SEARCH_CHARS = 1_000
LEAST_NAME_LETTERS = 2


class Need(StrEnum):
    """Why a visit stands in the desk's list."""

    NAME = "name"
    """A number that a kiosk gave without the server: nobody knows yet whose it is."""
    COVERAGE = "coverage"
    """The insurance could not be asked, or the card is still to be looked at."""
    IDENTITY = "identity"
    """The number was typed: no papers were seen yet."""
    PRIORITY = "priority"
    """The patient said so; papers are still to be seen."""
    PRINT = "print"
    """The ticket did not surely come out."""
    MISSED = "missed"
    """Missed the turn, or was put on hold by staff."""


NOT_PRINTED = frozenset({"failed", "unknown", "unconfirmed"})


def list_needs(
    *,
    nameless: bool,
    provisional: bool,
    verified: bool,
    priority_declared: bool,
    print_state: str,
    states: Sequence[str],
) -> list[Need]:
    """Of a visit that is over nothing is left to do."""
    if not any(state in OPEN_STATES for state in states):
        return []
    found = {
        Need.NAME: nameless,
        Need.MISSED: StepState.MISSED in states,
        Need.PRIORITY: priority_declared,
        Need.IDENTITY: not verified,
        Need.COVERAGE: provisional,
        Need.PRINT: print_state in NOT_PRINTED,
    }
    return [need for need, is_there in found.items() if is_there]


class PriorityReason(StrEnum):
    """Why staff let a declared priority stand, or not (QU-03)."""

    PAPERS_SEEN = "papers_seen"
    PLAIN_TO_SEE = "plain_to_see"
    NO_PAPERS = "no_papers"
    NOT_ELIGIBLE = "not_eligible"
    PATIENT_WITHDREW = "patient_withdrew"
    MISTAKE = "mistake"


LETS_STAND = frozenset({PriorityReason.PAPERS_SEEN, PriorityReason.PLAIN_TO_SEE})


class IdentityReason(StrEnum):
    """What staff saw."""

    ID_CARD = "id_card"
    VNEID = "vneid"
    PASSPORT = "passport"
    BIRTH_CERTIFICATE = "birth_certificate"
    OTHER_PAPERS = "other_papers"
    KNOWN_TO_STAFF = "known_to_staff"


class CoverageDecision(StrEnum):
    """What the card and the look-up by hand said."""

    VALID = "valid"
    NOT_VALID = "not_valid"
    PATIENT_PAYS = "patient_pays"


class CategoryReason(StrEnum):
    """Why the category of an insured visit is what staff chose."""

    AS_PROPOSED = "as_proposed"
    SLIP_SEEN = "slip_seen"
    NO_SLIP = "no_slip"
    LISTED_DISEASE = "listed_disease"
    EMERGENCY = "emergency"
    RESIDENCE = "residence"
    CARD_SEEN = "card_seen"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, repr=False)
class Contact:
    """How somebody is reached, as the desk corrects it; None leaves a field as it is.

    `phone` is as dialled inside Vietnam.
    """

    phone: str | None = None
    address: str | None = None

    @property
    def corrected(self) -> dict[str, str]:
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True, repr=False)
class History:
    """What a patient says about their own health, in their words; None: not asked."""

    allergies: str | None = None
    illnesses: str | None = None
    medicines: str | None = None
    language: str = "vi"

    @property
    def answers(self) -> dict[str, str]:
        """By the names of the questions of the form."""
        said = {
            "allergies": self.allergies,
            "illnesses": self.illnesses,
            "medicines": self.medicines,
        }
        return {name: text for name, text in said.items() if text}


def drop_note(content: Mapping[str, Any], note: Note) -> dict[str, Any]:
    """The ticket without that sentence, for the next time it is printed."""
    words = {NOTES[note].vi, NOTES[note].en}

    def without(texts: Mapping[str, Any]) -> dict[str, Any]:
        return {**texts, "notes": [each for each in texts["notes"] if each not in words]}

    vi = content.get("vi")
    return {**without(content), "vi": without(vi) if vi else vi}


@dataclass(frozen=True, kw_only=True, repr=False)
class SearchWish:
    """What was typed or scanned; several ways may be meant at once.

    `number` is a queue number without its letter when only digits were typed. `person_numbers`
    are pairs of kind and number, `name` is a search key, `token` that of a ticket.
    """

    letter: str | None = None
    number: int | None = None
    person_numbers: tuple[tuple[str, str], ...] = ()
    phone: str | None = None
    name: str | None = None
    token: str | None = None

    @property
    def is_empty(self) -> bool:
        return self == SearchWish()


_QUEUE_NUMBER = re.compile(r"([A-Za-z]{1,4})? ?-?0*([0-9]{1,5})")
_PERSON_KINDS = {
    Kind.ID12: ("id12",),
    Kind.CMND9: ("cmnd9",),
    Kind.BHYT15: ("bhyt15",),
    Kind.AMBIGUOUS: ("bhxh10", "mrn"),
    Kind.MRN: ("mrn",),
}


def read_search(untrusted_text: str, *, today: date) -> SearchWish:
    """Nothing is raised: what means nothing is an empty wish."""
    text = " ".join(untrusted_text.split())[:MAX_SEARCH_CHARS]
    queue_number = _QUEUE_NUMBER.fullmatch(text)
    if queue_number is not None:
        letter, count = queue_number.groups()
        return SearchWish(letter=letter.upper() if letter else None, number=int(count))
    scanned = parse(text, today=today)
    if scanned.error is None and scanned.kind is Kind.TICKET:
        return SearchWish(token=scanned.reference)
    if scanned.error is None and scanned.identity is not None and scanned.identity.full_name:
        identity = scanned.identity
        named = {
            "id12": identity.id_number,
            "bhyt15": identity.bhyt_number,
            "bhxh10": identity.bhxh_number,
            "passport": identity.passport_number,
        }
        return SearchWish(person_numbers=tuple((k, n) for k, n in named.items() if n))
    phone = phone_key(text)
    typed = check_typed_number(text)
    numbers: tuple[tuple[str, str], ...] = ()
    if typed.error is None:
        number = typed.reference or "".join(text.split())
        numbers = tuple((kind, number) for kind in _PERSON_KINDS.get(typed.kind, ()))
        if typed.kind is Kind.BHYT15 and typed.identity and typed.identity.bhyt_number:
            numbers = (("bhyt15", typed.identity.bhyt_number),)
    elif re.fullmatch(r"[A-Za-z][0-9]{7,8}", text):
        numbers = (("passport", text.upper()),)
    if phone or numbers:
        return SearchWish(person_numbers=numbers, phone=phone)
    name = search_key(text)
    letters = sum(letter.isalpha() for letter in name)
    return SearchWish(name=name) if letters >= LEAST_NAME_LETTERS else SearchWish()


def matches_name(name_key: str, wanted: str) -> bool:
    """Every word wanted begins a word of the name, each word of the name used once."""
    left = name_key.split()
    for word in wanted.split():
        found = next((each for each in left if each == word), None) or next(
            (each for each in left if each.startswith(word)), None
        )
        if found is None:
            return False
        left.remove(found)
    return True
