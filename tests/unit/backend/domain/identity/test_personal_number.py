from __future__ import annotations

import pytest

from backend.domain.identity.codes import ErrorCode, Refused, WarningCode
from backend.domain.identity.models import BirthDate, Gender
from backend.domain.identity.personal_number import (
    century_of,
    check_personal_number,
    doubts,
    is_personal_number,
)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("07908500000", ErrorCode.ID_LENGTH),
        ("0790850000000", ErrorCode.ID_LENGTH),
        ("07908500000O", ErrorCode.ID_CHARSET),
        ("٠٧٩٠٨٥٠٠٠٠٠٠", ErrorCode.ID_CHARSET),
    ],
)
def test_hard_rules(text: str, error: ErrorCode) -> None:
    with pytest.raises(Refused) as refusal:
        check_personal_number(text)
    assert refusal.value.code is error
    assert not is_personal_number(text)


@pytest.mark.parametrize(("digit", "century"), [("0", 1900), ("1", 1900), ("3", 2000), ("9", 2300)])
def test_century(digit: str, century: int) -> None:
    assert century_of(f"079{digit}85000000") == century


@pytest.mark.parametrize(
    ("number", "found"),
    [
        ("079085000000", set()),
        ("079185000000", {WarningCode.ID_SEX_MISMATCH}),
        ("079086000000", {WarningCode.ID_YEAR_MISMATCH}),
        ("079285000000", {WarningCode.ID_YEAR_MISMATCH}),
        ("099085000000", {WarningCode.ID_PROVINCE_UNKNOWN}),
    ],
)
def test_doubts(number: str, found: set[WarningCode]) -> None:
    assert doubts(number, gender=Gender.MALE, birth_date=BirthDate(year=1985)) == found


def test_what_is_unknown_is_not_doubted() -> None:
    assert doubts("079199000000") == set()
