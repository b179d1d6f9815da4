"""MA_DOITUONG_KCB of a visit, proposed at check-in; a person confirms it. Pure decisions.

The decision of the Ministry (QĐ 3276/QĐ-BYT) fixes the code after the visit, from the top of its
list. What can be known before is proposed here; nothing about it decides what anybody pays.
"""

from __future__ import annotations

import calendar
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path

from backend.domain.settings import FacilityStanding, Words

TRANSFER_WORKING_DAYS = 10
WITH_TRANSFER, WITH_REVISIT = "1.3", "1.5"
_SATURDAY = 5


class Level(StrEnum):
    """Cấp chuyên môn kỹ thuật of a facility since 2025."""

    FIRST = "first"
    BASIC = "basic"
    SPECIALISED = "specialised"


class OldClass(StrEnum):
    """Tuyến before 01/01/2025."""

    NONE = "none"
    DISTRICT = "district"
    PROVINCE = "province"
    CENTRAL = "central"


class Why(StrEnum):
    """Which question decided."""

    EMERGENCY = "emergency"
    NOT_INSURED = "not_insured"
    MEDICINE_ONLY = "medicine_only"
    OPEN_TO_ALL = "open_to_all"
    REGISTERED_HERE = "registered_here"
    TRANSFER_SLIP = "transfer_slip"
    REVISIT_SLIP = "revisit_slip"
    FACILITY_LEVEL = "facility_level"
    CARD_UNKNOWN = "card_unknown"
    """The insurer has not answered: no proposal yet."""
    FACILITY_UNKNOWN = "facility_unknown"
    """The facility's own level has not been entered: no proposal."""
    DESK = "desk"
    """Chosen by a person."""


@dataclass(frozen=True, kw_only=True)
class Category:
    code: str
    title: Words
    valid_from: date
    valid_to: date | None

    def is_valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, kw_only=True)
class CategoryFacts:
    """What is known at check-in. `insured` None: the insurer has not answered yet.

    The slips are None when nobody was asked, False when there is none or it is no longer valid.
    """

    insured: bool | None
    registered_here: bool | None = None
    emergency: bool = False
    medicine_only: bool = False
    transfer_slip: bool | None = None
    revisit_slip: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """`code` None: nothing can be proposed, `why` says what is missing."""

    code: str | None
    why: Why


def propose_category(facts: CategoryFacts, facility: FacilityStanding) -> Proposal:
    """The first question that fits, in the order of the list."""
    if facts.emergency:
        return Proposal(code="2", why=Why.EMERGENCY)
    if facts.insured is None:
        return Proposal(code=None, why=Why.CARD_UNKNOWN)
    if not facts.insured:
        return Proposal(code="9", why=Why.NOT_INSURED)
    if facts.medicine_only:
        return Proposal(code="10", why=Why.MEDICINE_ONLY)
    if facility.open_to_all:
        return Proposal(code="1.2", why=Why.OPEN_TO_ALL)
    if facts.registered_here:
        return Proposal(code="1.1", why=Why.REGISTERED_HERE)
    if facts.transfer_slip:
        return Proposal(code=WITH_TRANSFER, why=Why.TRANSFER_SLIP)
    if facts.revisit_slip:
        return Proposal(code=WITH_REVISIT, why=Why.REVISIT_SLIP)
    code = _by_level(facility)
    return Proposal(code=code, why=Why.FACILITY_LEVEL if code else Why.FACILITY_UNKNOWN)


_SPECIALISED: Mapping[str, str] = {
    OldClass.PROVINCE: "1.18",
    OldClass.CENTRAL: "3.1",
    OldClass.DISTRICT: "3.3",
}


def _by_level(facility: FacilityStanding) -> str | None:
    """For somebody who came by themselves, as an outpatient."""
    if facility.level == Level.FIRST:
        return "1.11"
    if facility.level == Level.BASIC:
        if facility.old_class in {OldClass.PROVINCE, OldClass.CENTRAL}:
            return "1.14"
        return "1.12" if facility.points is None or facility.points < 50 else "1.13"
    if facility.level == Level.SPECIALISED:
        return _SPECIALISED.get(facility.old_class)
    return None


# --- slips ---------------------------------------------------------------------------------------


def last_day_of_transfer(
    signed_on: date, *, for_a_year: bool, days_off: Collection[date] = ()
) -> date:
    """Ten working days from the signature, or a year for the diseases of annex III.

    The day of the signature itself does not count (TT 01/2025/TT-BYT Điều 12).
    """
    if for_a_year:
        year = signed_on.year + 1
        longest = calendar.monthrange(year, signed_on.month)[1]
        return date(year, signed_on.month, min(signed_on.day, longest))
    day, left = signed_on, TRANSFER_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY and day not in days_off
    return day


def is_transfer_valid(
    signed_on: date, *, on: date, for_a_year: bool, days_off: Collection[date] = ()
) -> bool:
    last_day = last_day_of_transfer(signed_on, for_a_year=for_a_year, days_off=days_off)
    return signed_on <= on <= last_day


# --- the list ------------------------------------------------------------------------------------


@cache
def all_categories() -> tuple[Category, ...]:
    """In the order of the decision."""
    file = Path(__file__).with_name("patient_categories.json")
    document = json.loads(file.read_text(encoding="utf-8"))
    return tuple(
        Category(
            code=entry["code"],
            title=Words(vi=entry["vi"], en=entry["en"]),
            valid_from=date.fromisoformat(entry["valid_from"]),
            valid_to=date.fromisoformat(entry["valid_to"]) if entry["valid_to"] else None,
        )
        for entry in document["categories"]
    )


def categories_on(day: date) -> tuple[Category, ...]:
    return tuple(each for each in all_categories() if each.is_valid_on(day))


def find_category(code: str | None, *, on: date) -> Category | None:
    return next((each for each in categories_on(on) if each.code == code), None)
