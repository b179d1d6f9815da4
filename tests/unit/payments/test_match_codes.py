from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.match_codes import (
    ALPHABET,
    check_character,
    find_match_codes,
    is_match_code,
    new_match_code,
)


def test_the_check_character_is_that_of_the_published_example() -> None:
    # The Global Release Identifier standard prints A1-2425G-ABC1234002-M.
    assert check_character("A12425GABC1234002") == "M"


@given(st.integers(min_value=0))
def test_a_new_code_is_valid_and_any_changed_sign_is_not(seed: int) -> None:
    code = new_match_code("VP")
    place = seed % len(code)
    for sign in ALPHABET:
        changed = code[:place] + sign + code[place + 1 :]
        assert is_match_code(changed) == (sign == code[place])


def test_two_neighbours_that_changed_places_are_found_out() -> None:
    code = "VP" + "3A7K9M"
    code += check_character(code)
    for at in range(2, 8):
        swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
        assert is_match_code(swapped) == (swapped == code)


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "MBVCB.123456.{}.CT tu 0011 toi 1200",
        "thanh toán viện phí {} cảm ơn",
        "CK-{}-FT26330",
        "QR - {}",
    ],
)
def test_a_code_is_found_whatever_a_bank_writes_around_it(around: str) -> None:
    code = new_match_code("VP")
    assert find_match_codes(around.format(code), "VP") == (code,)
    assert find_match_codes(around.format(code.lower()), "VP") == (code,)
    spaced = f"{code[:4]} {code[4:7]}.{code[7:]}"
    assert find_match_codes(around.format(spaced), "VP") == (code,)


def test_a_cut_or_mistyped_code_and_one_of_another_hospital_are_not_found() -> None:
    code = new_match_code("VP")
    assert find_match_codes(code[:-1], "VP") == ()
    assert find_match_codes(code, "XN") == ()
    assert find_match_codes("", "VP") == ()


def test_two_codes_are_both_found_and_a_repeated_one_once() -> None:
    one, two = new_match_code("VP"), new_match_code("VP")
    assert find_match_codes(f"{one} {two} {one}", "VP") == (one, two)


@given(st.text(max_size=2_000))
def test_any_memo_gives_only_valid_codes(memo: str) -> None:
    assert all(is_match_code(code) for code in find_match_codes(memo, "VP"))


@pytest.mark.parametrize("prefix", ["", "V", "VPX", "v1", "12", "ĐP"])
def test_a_prefix_is_two_letters(prefix: str) -> None:
    with pytest.raises(ValueError, match="two letters"):
        new_match_code(prefix)
