from __future__ import annotations

import pytest

from backend.domain.identity.bhyt_number import read_bhyt_number
from backend.domain.identity.codes import ErrorCode, Refused, WarningCode


def test_ten_digits_are_the_bhxh_number_alone() -> None:
    number = read_bhyt_number("7900000000")

    assert (number.bhxh_number, number.card_number) == ("7900000000", None)
    assert number.benefit_level is None
    assert number.doubts() == set()


def test_fifteen_characters_hold_both() -> None:
    number = read_bhyt_number("dn4797900000000")

    assert (number.bhxh_number, number.card_number) == ("7900000000", "DN4797900000000")
    assert number.benefit_level == 4
    assert number.doubts() == set()


def test_an_unknown_group_warns() -> None:
    for number in ("QQ4797900000000", "AD4797900000000"):
        assert read_bhyt_number(number).doubts() == {WarningCode.BHYT_GROUP_UNKNOWN}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("DN479790000000", ErrorCode.BHYT_NUMBER),
        ("D44797900000000", ErrorCode.BHYT_NUMBER),
        ("790000000", ErrorCode.BHYT_NUMBER),
        ("DN47979000000001", ErrorCode.BHYT_NUMBER),
        ("", ErrorCode.BHYT_NUMBER),
        ("DN0797900000000", ErrorCode.BHYT_LEVEL),
        ("DN6797900000000", ErrorCode.BHYT_LEVEL),
    ],
)
def test_refused(text: str, error: ErrorCode) -> None:
    with pytest.raises(Refused) as refusal:
        read_bhyt_number(text)
    assert refusal.value.code is error
