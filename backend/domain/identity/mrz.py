"""Machine readable zones of ICAO Doc 9303: the back of a CCCD (TD1), a passport (TD3).

On the CCCD, line 1 carries the last nine digits as document number and all twelve as optional
data, with a check digit of their own at its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from backend.domain.identity.codes import ErrorCode, Refused, WarningCode
from backend.domain.identity.dates import check_not_future
from backend.domain.identity.models import BirthDate, Gender, Identity
from backend.domain.identity.personal_number import (
    century_of,
    check_personal_number,
    doubts,
    is_personal_number,
)

_START = re.compile(r"[IAC][A-Z<]VNM|P[A-Z<][A-Z<]{3}[A-Z<]*<<")
_LINE = re.compile(r"[A-Z0-9<]+")
_BREAKS = re.compile(r"[\r\n]+")
_TD1_CHARS, _TD1_LINES = 30, 3
_TD3_CHARS, _TD3_LINES = 44, 2
_WEIGHTS = (7, 3, 1)
_GENDERS = {"M": Gender.MALE, "F": Gender.FEMALE}


def looks_like_mrz(text: str) -> bool:
    return _START.match(text) is not None


def read_mrz(text: str, *, today: date) -> tuple[Identity, set[WarningCode]]:
    """Lines with or without breaks between them. Raises Refused."""
    zone = "".join(line.strip() for line in _BREAKS.split(text))
    if not _LINE.fullmatch(zone):
        raise Refused(ErrorCode.CHARSET_GARBLED)
    if zone.startswith("P"):
        return _read_passport(_lines(zone, _TD3_CHARS, _TD3_LINES), today)
    return _read_card(_lines(zone, _TD1_CHARS, _TD1_LINES), today)


def _lines(zone: str, width: int, count: int) -> list[str]:
    if len(zone) < width * count:
        raise Refused(ErrorCode.TRUNCATED)
    if len(zone) > width * count:
        raise Refused(ErrorCode.FIELD_COUNT)
    return [zone[start : start + width] for start in range(0, len(zone), width)]


def _read_card(lines: Sequence[str], today: date) -> tuple[Identity, set[WarningCode]]:
    first, second, names = lines
    _check(first[5:14], first[14])
    _check(first[15:29], first[29])
    _check(second[0:6], second[6])
    _check(second[8:14], second[14])
    _check(first[5:30] + second[0:7] + second[8:15] + second[18:29], second[29])
    id_number = check_personal_number(first[15:27])
    return _identity(
        names, second[0:6], second[7], second[8:14], id_number=id_number, passport=None, today=today
    )


def _read_passport(lines: Sequence[str], today: date) -> tuple[Identity, set[WarningCode]]:
    first, second = lines
    _check(second[0:9], second[9])
    _check(second[13:19], second[19])
    _check(second[21:27], second[27])
    # Doc 9303-4: the digit of an empty personal number may be a filler.
    if second[28:43].strip("<"):
        _check(second[28:42], second[42])
    _check(second[0:10] + second[13:20] + second[21:43], second[43])
    personal = second[28:42].rstrip("<")
    is_vietnamese = first[2:5] == "VNM" and is_personal_number(personal)
    return _identity(
        first[5:],
        second[13:19],
        second[20],
        second[21:27],
        id_number=personal if is_vietnamese else None,
        passport=second[0:9].rstrip("<") or None,
        today=today,
    )


def _identity(
    names: str,
    birth: str,
    gender: str,
    expiry: str,
    *,
    id_number: str | None,
    passport: str | None,
    today: date,
) -> tuple[Identity, set[WarningCode]]:
    birth_date = _birth_date(birth, id_number, today)
    identity = Identity(
        id_number=id_number,
        passport_number=passport,
        full_name=" ".join(names.replace("<", " ").split()) or None,
        birth_date=birth_date,
        gender=_GENDERS.get(gender),
        valid_to=_find_expiry(expiry),
    )
    if id_number is None:
        return identity, set()
    return identity, doubts(id_number, gender=identity.gender, birth_date=birth_date)


def _birth_date(yymmdd: str, id_number: str | None, today: date) -> BirthDate:
    """Two-digit years: the century of the personal number, else the latest one not to come."""
    year, month, day = (_two_digits(yymmdd[start : start + 2]) for start in (0, 2, 4))
    if year is None:
        raise Refused(ErrorCode.DOB_INVALID)
    if id_number is not None:
        century = century_of(id_number)
    else:
        century = 2000 if 2000 + year <= today.year else 1900
    try:
        birth_date = BirthDate(year=century + year, month=month, day=day)
    except ValueError:
        raise Refused(ErrorCode.DOB_INVALID) from None
    return check_not_future(birth_date, today)


def _two_digits(text: str) -> int | None:
    if text == "<<":
        return None
    if not text.isdecimal():
        raise Refused(ErrorCode.DOB_INVALID)
    return int(text)


def _find_expiry(yymmdd: str) -> date | None:
    """None also for cards without end."""
    try:
        return date(2000 + int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:]))
    except ValueError:
        return None


def _check(covered: str, digit: str) -> None:
    if digit != str(check_digit(covered)):
        raise Refused(ErrorCode.MRZ_CHECK_DIGIT)


def check_digit(covered: str) -> int:
    """Digits count as they are, letters from A = 10, `<` as 0."""
    return (
        sum(
            (0 if letter == "<" else int(letter, 36)) * _WEIGHTS[index % 3]
            for index, letter in enumerate(covered)
        )
        % 10
    )
