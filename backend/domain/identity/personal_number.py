"""The 12-digit personal identification number: `PPP G YY NNNNNN`, without check digit.

Digits and length are the only hard rules (Luật Căn cước 26/2023/QH15, Điều 12). The inner
structure (province, sex and century, birth year) is what Thông tư 59/2021/TT-BCA last described;
a number may lawfully disagree with it, so that gives warnings.
"""

from __future__ import annotations

import re

from backend.domain.identity.codes import ErrorCode, Refused, WarningCode
from backend.domain.identity.models import BirthDate, Gender
from backend.domain.identity.provinces import BIRTH_PROVINCES

_NUMBER = re.compile(r"[0-9]{12}")


def is_personal_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def check_personal_number(untrusted_text: str) -> str:
    """The same 12 digits. Raises Refused."""
    if len(untrusted_text) != 12:
        raise Refused(ErrorCode.ID_LENGTH)
    if not is_personal_number(untrusted_text):
        raise Refused(ErrorCode.ID_CHARSET)
    return untrusted_text


def century_of(id_number: str) -> int:
    """First year of the century that the number names: 1900, 2000, …"""
    return 1900 + 100 * (int(id_number[3]) // 2)


def doubts(
    id_number: str, *, gender: Gender | None = None, birth_date: BirthDate | None = None
) -> set[WarningCode]:
    """Where the number disagrees with the rest of the card."""
    found: set[WarningCode] = set()
    if id_number[:3] not in BIRTH_PROVINCES:
        found.add(WarningCode.ID_PROVINCE_UNKNOWN)
    implied_gender = Gender.FEMALE if int(id_number[3]) % 2 else Gender.MALE
    if gender not in {None, implied_gender}:
        found.add(WarningCode.ID_SEX_MISMATCH)
    implied_year = century_of(id_number) + int(id_number[4:6])
    if birth_date is not None and birth_date.year != implied_year:
        found.add(WarningCode.ID_YEAR_MISMATCH)
    return found
