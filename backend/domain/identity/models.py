"""What a reading gives. Personal values stay out of `repr`, so that no log can catch them."""

from __future__ import annotations

import calendar
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from backend.domain.identity.codes import ErrorCode, Kind, WarningCode

_ISO = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
# The first century that personal numbers can name (its digit 0/1).
_FIRST_YEAR = 1900


class Gender(StrEnum):
    MALE = "male"
    FEMALE = "female"


class Precision(StrEnum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, kw_only=True, repr=False)
class BirthDate:
    """A birth date as far as papers know it: many older people have a year only.

    Raises ValueError when there is no such day, or before 1900.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.month is None and self.day is not None:
            raise ValueError("a day needs its month")
        if self.year < _FIRST_YEAR:
            raise ValueError("before 1900")
        try:
            _ = self.earliest
        except ValueError:
            # Python's own words would repeat the date.
            raise ValueError("no such day") from None

    @classmethod
    def from_iso(cls, untrusted_text: str) -> BirthDate:
        """`YYYY`, `YYYY-MM` or `YYYY-MM-DD`; raises ValueError for anything else."""
        match = _ISO.fullmatch(untrusted_text)
        if match is None:
            raise ValueError("not a birth date")
        year, month, day = match.groups()
        return cls.from_digits(year, month, day)

    @classmethod
    def from_digits(cls, year: str, month: str | None, day: str | None) -> BirthDate:
        return cls(
            year=int(year),
            month=None if month is None else int(month),
            day=None if day is None else int(day),
        )

    @property
    def precision(self) -> Precision:
        if self.month is None:
            return Precision.YEAR
        return Precision.MONTH if self.day is None else Precision.DAY

    @property
    def earliest(self) -> date:
        return date(
            self.year,
            1 if self.month is None else self.month,
            1 if self.day is None else self.day,
        )

    @property
    def latest(self) -> date:
        month = self.month or 12
        return date(self.year, month, self.day or calendar.monthrange(self.year, month)[1])

    def isoformat(self) -> str:
        return self.earliest.isoformat()[: {"year": 4, "month": 7, "day": 10}[self.precision]]

    def agrees_with(self, other: BirthDate) -> bool:
        """True when both can be the same day: 1950 agrees with 1950-03-04."""
        return self.earliest <= other.latest and other.earliest <= self.latest


@dataclass(frozen=True, kw_only=True, repr=False)
class Identity:
    """What one payload says about a person; `None` and empty mean that it does not say."""

    id_number: str | None = None
    """Personal identification number, 12 digits."""
    old_id_number: str | None = None
    """CMND number: not unique, a search key together with name and birth year only."""
    passport_number: str | None = None
    full_name: str | None = None
    """NFC, single spaces; upper-case ASCII from an MRZ."""
    birth_date: BirthDate | None = None
    gender: Gender | None = None
    address: str | None = None
    """For display."""
    raw_address: str | None = None
    """As the card has it."""
    issued_on: date | None = None
    cancelled_ids: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    bhyt_number: str | None = None
    """15 characters."""
    bhxh_number: str | None = None
    """10 digits, for life."""
    facility_code: str | None = None
    """Where the insured person is registered for first contact: 5 characters."""
    valid_from: date | None = None
    valid_to: date | None = None
    five_year_from: date | None = None
    benefit_level: int | None = None


@dataclass(frozen=True, kw_only=True)
class ParseResult:
    """Either an error, or an identity, or a reference to look up."""

    kind: Kind
    error: ErrorCode | None = None
    warnings: AbstractSet[WarningCode] = frozenset()
    identity: Identity | None = field(default=None, repr=False)
    reference: str | None = field(default=None, repr=False)
    """Token of a ticket, code of an appointment, patient number, or the ten ambiguous digits."""
