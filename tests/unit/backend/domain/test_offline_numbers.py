"""Letters for kiosks that stand alone."""

from __future__ import annotations

from backend.domain.offline_numbers import find_free_letter, list_letters
from backend.domain.reading import MAX_SPELLED_LETTERS
from backend.domain.settings import FacilitySettings


def test_letters_are_many_and_distinct_and_can_be_called() -> None:
    letters = list(list_letters())
    assert len(letters) == len(set(letters)) == 64
    assert {len(letter) for letter in letters} == {MAX_SPELLED_LETTERS}


def test_none_of_them_is_a_letter_of_the_hospital() -> None:
    assert not set(list_letters()) & set(FacilitySettings().letters.values())


def test_the_first_free_one_is_given_until_there_is_none() -> None:
    assert find_free_letter(set()) == "ZA"
    assert find_free_letter({"ZA", "ZC"}) == "ZD"
    assert find_free_letter(set(list_letters())) is None
