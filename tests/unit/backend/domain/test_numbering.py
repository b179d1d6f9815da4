from __future__ import annotations

import pytest

from backend.domain.numbering import HisNumber, WhyOurs, find_numbering_fault, judge_his_number


def test_a_number_with_a_letter_of_the_his_is_printed() -> None:
    assert judge_his_number("k", 12, our_letter="Z") == HisNumber(letter="K", number=12)


@pytest.mark.parametrize(
    ("prefix", "number", "why"),
    [
        ("", 12, WhyOurs.PREFIX),
        ("K1", 12, WhyOurs.PREFIX),
        ("QUAY", 12, WhyOurs.PREFIX),
        ("Đ", 12, WhyOurs.PREFIX),
        ("Z", 12, WhyOurs.OUR_LETTER),
        ("K", 0, WhyOurs.RANGE),
        ("K", 123_456, WhyOurs.RANGE),
    ],
)
def test_anything_else_is_not(prefix: str, number: int, why: WhyOurs) -> None:
    assert judge_his_number(prefix, number, our_letter="Z") is why


def test_settings_that_could_give_one_number_twice_are_found() -> None:
    assert find_numbering_fault("own", "A", ["A"]) is None
    assert find_numbering_fault("his", "Z", ["A", None]) is None
    assert find_numbering_fault("his", "A", ["A", None]) is not None
    assert find_numbering_fault("his", "", []) is not None
    assert find_numbering_fault("theirs", "Z", []) is not None
