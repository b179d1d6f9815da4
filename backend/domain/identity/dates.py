"""Dates as cards print them. Nothing here guesses: unreadable is None or Refused."""

from __future__ import annotations

import re
from datetime import date

from backend.domain.identity.codes import ErrorCode, Refused
from backend.domain.identity.models import BirthDate

# Cards without full date carry MMyyyy or yyyy.
_COMPACT = re.compile(r"(?:(?:([0-9]{2}))?([0-9]{2}))?([0-9]{4})")
_SLASHED = re.compile(r"(?:(?:([0-9]{1,2})/)?([0-9]{1,2})/)?([0-9]{4})")


def read_compact_birth_date(untrusted_text: str, *, today: date) -> BirthDate:
    """`ddMMyyyy`, `MMyyyy` or `yyyy` of a CCCD. Raises Refused."""
    return _birth_date(_COMPACT.fullmatch(untrusted_text), today)


def read_slashed_birth_date(untrusted_text: str, *, today: date) -> BirthDate:
    """`d/M/yyyy`, `M/yyyy` or `yyyy` of a BHYT card. Raises Refused."""
    return _birth_date(_SLASHED.fullmatch(untrusted_text), today)


def find_compact_date(untrusted_text: str) -> date | None:
    return _full_date(_COMPACT.fullmatch(untrusted_text))


def find_slashed_date(untrusted_text: str) -> date | None:
    return _full_date(_SLASHED.fullmatch(untrusted_text))


def check_not_future(birth_date: BirthDate, today: date) -> BirthDate:
    """The same date. Raises Refused when every day it can mean is still to come."""
    if birth_date.earliest > today:
        raise Refused(ErrorCode.DOB_FUTURE)
    return birth_date


def _birth_date(match: re.Match[str] | None, today: date) -> BirthDate:
    if match is None:
        raise Refused(ErrorCode.DOB_INVALID)
    day, month, year = match.groups()
    try:
        birth_date = BirthDate.from_digits(year, month, day)
    except ValueError:
        raise Refused(ErrorCode.DOB_INVALID) from None
    return check_not_future(birth_date, today)


def _full_date(match: re.Match[str] | None) -> date | None:
    if match is None or match[1] is None:
        return None
    try:
        return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        return None
