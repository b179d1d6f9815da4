from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity import Identity, ParseResult, parse
from backend.domain.identity.codes import ErrorCode, Kind, WarningCode
from backend.domain.identity.mrz import check_digit
from tests.factories import identity_payloads as payloads

TODAY = date(2025, 6, 15)
# The specimen of ICAO Doc 9303-4, appendix A.
SPECIMEN = (
    "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\rL898902C36UTO7408122F1204159ZE184226B<<<<<10"
)


def read(payload: bytes | str) -> ParseResult:
    return parse(payload, today=TODAY)


def identity_of(payload: bytes | str) -> Identity:
    identity = read(payload).identity
    assert identity is not None
    return identity


def test_check_digit_of_the_standard() -> None:
    assert check_digit("D23145890734") == 9  # Doc 9303-3, 4.9


def test_specimen_passport() -> None:
    identity = identity_of(SPECIMEN)

    assert read(SPECIMEN).kind is Kind.MRZ
    assert identity.full_name == "ERIKSSON ANNA MARIA"
    assert identity.passport_number == "L898902C3"
    assert identity.id_number is None
    assert identity.birth_date is not None
    assert identity.birth_date.isoformat() == "1974-08-12"
    assert identity.gender == "female"
    assert identity.valid_to == date(2012, 4, 15)


def test_vietnamese_passport_carries_the_personal_number() -> None:
    identity = identity_of(payloads.mrz_passport())

    assert (identity.id_number, identity.passport_number) == ("079085000000", "C00000000")
    assert identity_of(payloads.mrz_passport(personal_number="")).id_number is None


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n", ""])
def test_line_ends_do_not_matter(ending: str) -> None:
    for made in (payloads.mrz_card(), payloads.mrz_passport()):
        text = made.decode().replace("\r", ending) + ending
        assert read(text).error is None


@pytest.mark.parametrize("made", [payloads.mrz_card(), payloads.mrz_passport()])
@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda text: text[:-1], ErrorCode.TRUNCATED),
        (lambda text: text + "<", ErrorCode.FIELD_COUNT),
        (lambda text: text[:-1] + "é", ErrorCode.CHARSET_GARBLED),
        (lambda text: text[:-1] + "a", ErrorCode.CHARSET_GARBLED),
        (lambda text: text[:-1] + "\x07", ErrorCode.CONTROL_CHARS),
    ],
)
def test_spoiled(made: bytes, spoil: object, error: ErrorCode) -> None:
    assert callable(spoil)
    result = read(spoil(made.decode()))

    assert result.error is error


@given(st.data())
def test_one_changed_digit_is_always_noticed(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([payloads.mrz_card(), payloads.mrz_passport()])).decode()
    places = [index for index, letter in enumerate(text) if letter.isdigit()]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != text[place]))

    assert read(text[:place] + digit + text[place + 1 :]).error is ErrorCode.MRZ_CHECK_DIGIT


@pytest.mark.parametrize(
    ("birth", "year"), [("250615", 2025), ("260101", 1926), ("000101", 2000), ("990101", 1999)]
)
def test_century_without_personal_number(birth: str, year: int) -> None:
    identity = identity_of(payloads.mrz_passport(personal_number="", birth=birth))

    assert identity.birth_date is not None
    assert identity.birth_date.year == year


def test_century_of_the_personal_number_wins() -> None:
    old = identity_of(payloads.mrz_card(id_number="079020000000", birth="200101"))

    assert old.birth_date is not None
    assert old.birth_date.isoformat() == "1920-01-01"


@pytest.mark.parametrize(
    ("birth", "iso"), [("85<<<<", "1985"), ("8509<<", "1985-09"), ("850905", "1985-09-05")]
)
def test_unknown_parts_of_a_birth_date(birth: str, iso: str) -> None:
    identity = identity_of(payloads.mrz_card(birth=birth))

    assert identity.birth_date is not None
    assert identity.birth_date.isoformat() == iso


@pytest.mark.parametrize(
    ("birth", "error"),
    [
        ("850231", ErrorCode.DOB_INVALID),
        ("85<<05", ErrorCode.DOB_INVALID),
        ("<<<<<<", ErrorCode.DOB_INVALID),
        ("8A0905", ErrorCode.DOB_INVALID),
    ],
)
def test_no_such_birth_date(birth: str, error: ErrorCode) -> None:
    assert read(payloads.mrz_card(birth=birth)).error is error


def test_born_tomorrow() -> None:
    made = payloads.mrz_card(id_number="079225000000", birth="250616")
    assert read(made).error is ErrorCode.DOB_FUTURE


def test_doubts_of_the_number_are_told() -> None:
    result = read(payloads.mrz_card(id_number="003185000000", birth="840905"))

    assert result.warnings == {
        WarningCode.ID_PROVINCE_UNKNOWN,
        WarningCode.ID_SEX_MISMATCH,
        WarningCode.ID_YEAR_MISMATCH,
    }


def test_a_card_without_end_has_no_end() -> None:
    assert identity_of(payloads.mrz_card(expiry="<<<<<<")).valid_to is None


@pytest.mark.parametrize("text", ["PHONG 12", "PABCDE", "IDVN"])
def test_ordinary_words_are_no_mrz(text: str) -> None:
    assert read(text).kind is not Kind.MRZ
