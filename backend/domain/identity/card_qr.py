"""QR of the CCCD chip card (2021) and the Căn cước card (from 01/07/2024).

`id|cmnd|name|birth|sex|address|issued`, the newer card with four more fields. Content by Thông tư
06/2021/TT-BCA and 16/2024/TT-BCA; the order of the last four was never published, so they are
told apart by what they look like. VNeID shows the same text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from backend.domain.identity.codes import ErrorCode, Kind, Refused, WarningCode
from backend.domain.identity.dates import find_compact_date, read_compact_birth_date
from backend.domain.identity.models import Gender, Identity
from backend.domain.identity.names import normal_form
from backend.domain.identity.personal_number import doubts

_FIELDS_2021 = 7
# Two cards in one buffer have at least this many; no single card does.
_FIELDS_OF_TWO = 17
_NEW_CARD_SINCE = date(2024, 7, 1)
_MAX_PARENTS = 2

_OLD_NUMBER = re.compile(r"(?!0+$)(?:[0-9]{9}|[0-9]{12})")
_GLUED = re.compile(r"[0-9]{9}")  # an issue date with the next card's number behind it
_LETTER = re.compile(r"[^\W\d_]")
_GENDERS = {"nam": Gender.MALE, "nữ": Gender.FEMALE}


def find_kind(fields: Sequence[str]) -> Kind:
    """An empty CMND field says nothing about the generation: many older cards have one."""
    last_of_2021 = "".join(fields[6:7])
    issued_on = find_compact_date(last_of_2021[:8])
    is_longer = len(fields) > _FIELDS_2021 and not _GLUED.match(last_of_2021)
    is_new = is_longer or (issued_on is not None and issued_on >= _NEW_CARD_SINCE)
    return Kind.CAN_CUOC2024 if is_new else Kind.CCCD2021


def read_card(
    fields: Sequence[str], *, today: date, lenient: bool
) -> tuple[Identity, set[WarningCode]]:
    """`fields[0]` is 12 digits already. `lenient` lets a missing issue date pass.

    Raises Refused.
    """
    id_number = fields[0]
    if (
        _GLUED.match("".join(fields[6:7]))
        or any(field.endswith(id_number) for field in fields[6:])
        or len(fields) >= _FIELDS_OF_TWO
    ):
        raise Refused(ErrorCode.DOUBLE_SCAN)
    if len(fields) < _FIELDS_2021 - lenient:
        raise Refused(ErrorCode.FIELD_COUNT)

    birth_date = read_compact_birth_date(fields[3], today=today)
    issued_on = find_compact_date(fields[6]) if len(fields) >= _FIELDS_2021 else None
    if issued_on is not None and issued_on < birth_date.earliest:
        raise Refused(ErrorCode.ISSUE_BEFORE_BIRTH)

    gender = _GENDERS.get(fields[4].casefold())
    full_name = normal_form(fields[2]) or None
    warnings = doubts(id_number, gender=gender, birth_date=birth_date)
    if issued_on is None:
        warnings.add(WarningCode.ISSUE_DATE_MISSING)
    if gender is None or full_name is None:
        warnings.add(WarningCode.FIELDS_MISSING)

    extras = fields[_FIELDS_2021:]
    return (
        Identity(
            id_number=id_number,
            old_id_number=fields[1] if _OLD_NUMBER.fullmatch(fields[1]) else None,
            full_name=full_name,
            birth_date=birth_date,
            gender=gender,
            address=displayed_address(fields[5]) or None,
            raw_address=fields[5] or None,
            issued_on=issued_on,
            cancelled_ids=tuple(extra for extra in extras if _OLD_NUMBER.fullmatch(extra)),
            parents=tuple(normal_form(extra) for extra in extras if _LETTER.search(extra))[
                :_MAX_PARENTS
            ],
        ),
        warnings,
    )


def displayed_address(raw_address: str) -> str:
    """Without the doubled, leading and trailing commas that cards have."""
    parts = (" ".join(part.split()) for part in raw_address.split(","))
    return ", ".join(part for part in parts if part)
