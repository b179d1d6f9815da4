"""An invented insurer: answers with result codes as the real look-up does."""

from __future__ import annotations

import time
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from his_adapter.builtin.names import search_key
from his_adapter.coverage_codes import outcome_of
from his_adapter.demo.faults import Sleep, read_faults
from his_adapter.demo.hospital import FACILITY, OTHER_FACILITY
from his_adapter.demo.people import CoverageCase, InventedPerson
from his_adapter.errors import InvalidData, Unavailable
from his_adapter.models import (
    BirthDate,
    Coverage,
    CoverageOutcome,
    CoverageQuery,
    Identifier,
    IdentifierKind,
    Patient,
)

_CODES = {
    CoverageCase.VALID_HERE: "000",
    CoverageCase.VALID_ELSEWHERE: "000",
    CoverageCase.ARMY: "001",
    CoverageCase.POLICE: "002",
    CoverageCase.RENEWED: "003",
    CoverageCase.REPLACED: "004",
    CoverageCase.EXPIRED: "010",
    CoverageCase.NOT_FOUND: "050",
    CoverageCase.STAFF_NOT_REGISTERED: "054",
    CoverageCase.STAFF_NAME_WRONG: "055",
    CoverageCase.WRONG_NAME: "060",
    CoverageCase.WRONG_INITIALS_RIGHT: "061",
    CoverageCase.WRONG_BIRTH_DATE: "070",
    CoverageCase.SERVER_ERROR: "101",
    CoverageCase.WITHDRAWN: "110",
    CoverageCase.REDUCED: "120",
    CoverageCase.CHILD_WITHOUT_CARD: "130",
    CoverageCase.LOGIN_FAILED: "401",
}
_KEPT_ELSEWHERE = {CoverageCase.VALID_ELSEWHERE, CoverageCase.REDUCED}
_NUMBERS = {IdentifierKind.ID12, IdentifierKind.BHYT15, IdentifierKind.BHXH10}
_VALID = {CoverageOutcome.OK, CoverageOutcome.OK_DESK_NOTE, CoverageOutcome.USE_NEW}


@dataclass(frozen=True, kw_only=True)
class _Asked:
    numbers: tuple[Identifier, ...]
    full_name: str
    birth_date: BirthDate | None


def result_code_of(case: CoverageCase) -> str | None:
    """What a right question about such a person is answered with; None for silence."""
    return _CODES.get(case)


class DemoInsurance:
    """Knows the invented people; everybody else is not found (050)."""

    def __init__(
        self,
        people: Iterable[InventedPerson],
        folder: Path,
        *,
        clock: Callable[[], datetime],
        sleep: Sleep = time.sleep,
    ) -> None:
        self._people = {
            number: person
            for person in people
            for number in person.identifiers
            if number.kind in _NUMBERS
        }
        self._folder = folder
        self._clock = clock
        self._sleep = sleep

    def check(
        self, query: CoverageQuery, patient: Patient | None, *, on: date, timeout_s: float
    ) -> Coverage:
        """Raises Unavailable after `timeout_s` of silence, InvalidData without a name."""
        faults = read_faults(self._folder)
        asked = _asked(query, patient)
        person = next(
            (self._people[number] for number in asked.numbers if number in self._people), None
        )
        silent_s = faults.coverage_silent_s
        if person is not None and person.coverage is CoverageCase.SILENT:
            silent_s = timeout_s
        self._sleep(min(silent_s, timeout_s))
        if faults.down or silent_s >= timeout_s > 0:
            raise Unavailable("the insurer did not answer in time")
        code = faults.coverage_code or _result_code(person, asked)
        return self._answer(code, person, on)

    def _answer(self, code: str, person: InventedPerson | None, on: date) -> Coverage:
        outcome = outcome_of(code)
        if (
            person is None
            or person.bhyt_number is None
            or outcome
            not in {
                *_VALID,
                CoverageOutcome.NONE,
            }
        ):
            return Coverage(outcome=outcome, code=code, checked_at=self._clock())
        facility = OTHER_FACILITY if person.coverage in _KEPT_ELSEWHERE else FACILITY
        start, end = _validity(person.coverage, on)
        number = person.bhyt_number
        if outcome is CoverageOutcome.USE_NEW:
            number = f"DN4{number[3:]}"
        return Coverage(
            outcome=outcome,
            code=code,
            valid_from=start,
            valid_to=end,
            facility_code=facility.code,
            registered_here=facility is FACILITY,
            benefit_level=int(number[2]),
            card_number=number if outcome in _VALID else None,
            checked_at=self._clock(),
        )


def _asked(query: CoverageQuery, patient: Patient | None) -> _Asked:
    numbers = query.identifiers + (patient.identifiers if patient else ())
    full_name = query.full_name or (patient.full_name if patient else None)
    if full_name is None:
        raise InvalidData("query", "Cần họ tên để tra cứu thẻ.")
    return _Asked(
        numbers=numbers,
        full_name=full_name,
        birth_date=query.birth_date or (patient.birth_date if patient else None),
    )


def _result_code(person: InventedPerson | None, asked: _Asked) -> str:
    """The insurer compares name and birth date before it says anything about a card."""
    if person is None or person.coverage is CoverageCase.SILENT:
        return "050"
    asked_key, known_key = search_key(asked.full_name), search_key(person.full_name)
    if asked_key != known_key:
        return "061" if _initials(asked_key) == _initials(known_key) else "060"
    if asked.birth_date is not None and not asked.birth_date.agrees_with(person.birth_date):
        return "070"
    return _CODES[person.coverage]


def _initials(name_key: str) -> str:
    return "".join(word[0] for word in name_key.split())


def _validity(case: CoverageCase, on: date) -> tuple[date, date]:
    """The calendar year; a renewed card began this month, an expired one ended last month."""
    month_start = on.replace(day=1)
    if case is CoverageCase.EXPIRED:
        year, month = (on.year, on.month - 1) if on.month > 1 else (on.year - 1, 12)
        return date(year, 1, 1), date(year, month, monthrange(year, month)[1])
    if case is CoverageCase.RENEWED:
        return month_start, date(on.year + 1, on.month, 1)
    return date(on.year, 1, 1), date(on.year, 12, 31)
