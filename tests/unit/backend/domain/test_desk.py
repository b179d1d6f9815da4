from __future__ import annotations

from datetime import date

import pytest

from backend.domain.desk import Need, SearchWish, drop_note, list_needs, matches_name, read_search
from backend.domain.identity.phones import phone_key
from backend.domain.ticket import NOTES, Note
from tests.factories.identity_payloads import cccd2021

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("A012", SearchWish(letter="A", number=12)),
        (" a 12 ", SearchWish(letter="A", number=12)),
        ("012", SearchWish(number=12)),
        ("079185000001", SearchWish(person_numbers=(("id12", "079185000001"),))),
        ("012345678", SearchWish(person_numbers=(("cmnd9", "012345678"),), phone="012345678")),
        ("B1234567", SearchWish(person_numbers=(("passport", "B1234567"),))),
        ("nguyễn văn AN", SearchWish(name="nguyen van an")),
        ("", SearchWish()),
        ("?", SearchWish()),
        ("x", SearchWish()),
        ("'; DROP TABLE visit; --", SearchWish(name="; drop table visit;")),
    ],
)
def test_what_a_search_means(text: str, wish: SearchWish) -> None:
    assert read_search(text, today=TODAY) == wish


def test_ten_digits_may_be_a_phone_or_a_number() -> None:
    wish = read_search("0912 345 678", today=TODAY)
    assert wish.phone == "0912345678"
    assert {kind for kind, _ in wish.person_numbers} == {"bhxh10", "mrn"}


def test_a_scanned_card_is_looked_for_by_its_number() -> None:
    wish = read_search(cccd2021().decode(), today=TODAY)
    assert [kind for kind, _ in wish.person_numbers] == ["id12"]
    assert wish.name is None


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("0912345678", "0912345678"),
        ("+84 912 345 678", "0912345678"),
        ("84912345678", "0912345678"),
        ("0912.345.678", "0912345678"),
        ("12", None),
        ("abc", None),
        ("0912345678; --", None),
    ],
)
def test_phones_have_one_form(written: str, key: str | None) -> None:
    assert phone_key(written) == key


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("an", True), ("nguyen an", True), ("an nguyen", True), ("ngu v", True), ("an an", False),
     ("anh", False), ("van van", False)],
)  # fmt: skip
def test_names_are_found_by_the_beginnings_of_words(wanted: str, found: bool) -> None:
    assert matches_name("nguyen van an", wanted) is found


def test_nothing_is_needed_of_a_visit_that_is_over() -> None:
    facts = {
        "nameless": True,
        "provisional": True,
        "verified": False,
        "priority_declared": True,
        "print_state": "failed",
    }
    assert list_needs(**facts, states=["done", "cancelled"]) == []  # type: ignore[arg-type]
    assert list_needs(**facts, states=["missed"]) == [  # type: ignore[arg-type]
        Need.NAME, Need.MISSED, Need.PRIORITY, Need.IDENTITY, Need.COVERAGE, Need.PRINT,
    ]  # fmt: skip


def test_a_note_goes_in_both_languages() -> None:
    words = NOTES[Note.SHOW_PAPERS]
    content = {"notes": [words.en, "x"], "vi": {"notes": [words.vi]}, "number": "U001"}
    assert drop_note(content, Note.SHOW_PAPERS) == {
        "notes": ["x"],
        "vi": {"notes": []},
        "number": "U001",
    }
    assert drop_note({"notes": [], "vi": None}, Note.SHOW_PAPERS) == {"notes": [], "vi": None}
