from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity import Identity, ParseResult, parse
from backend.domain.identity.codes import ErrorCode, Kind, WarningCode
from tests.factories import identity_payloads as payloads
from tests.unit.backend.domain.identity.facts import facts
from tests.unit.backend.domain.identity.test_card_qr import names

TODAY = date(2025, 6, 15)
NAME_HEX = "Nguyễn Văn Thử".encode().hex()


def read(payload: bytes | str) -> ParseResult:
    return parse(payload, today=TODAY)


def identity_of(payload: bytes) -> Identity:
    identity = read(payload).identity
    assert identity is not None
    return identity


def with_name(digits: str) -> str:
    return payloads.bhyt().decode().replace(NAME_HEX, digits)


@given(names, st.sampled_from(["7900000000", "DN4797900000000"]), st.sampled_from("12"))
def test_what_a_card_holds_comes_back(name: str, number: str, gender: str) -> None:
    made = payloads.bhyt(number=number, full_name=name, gender=gender, address=name)
    result = read(made)

    assert (result.kind, result.error, result.warnings) == (Kind.BHYT, None, frozenset())
    assert result.identity is not None
    assert result.identity.full_name == name
    assert result.identity.address == name
    assert result.identity.bhxh_number == "7900000000"
    assert result.identity.bhyt_number == (number if len(number) == 15 else None)
    assert result.identity.benefit_level == 4


@given(names)
def test_what_telex_did_is_undone(name: str) -> None:
    typed = name.encode().hex()
    for keys, letter in (("aaf", "ầ"), ("eef", "ề"), ("aa", "â"), ("ee", "ê"), ("dd", "đ")):
        typed = typed.replace(keys, letter)
    for keys, letter in (("af", "à"), ("ef", "è")):
        typed = typed.replace(keys, letter)
    result = read(with_name(typed))

    assert result.identity is not None
    assert result.identity.full_name == name
    was_touched = typed != name.encode().hex()
    assert (WarningCode.IME_REPAIRED in result.warnings) == was_touched


@pytest.mark.parametrize(
    ("digits", "error"),
    [
        ("4e6", ErrorCode.HEX_ODD_LENGTH),
        ("Nguyễn Văn Thử", ErrorCode.HEX_INVALID),
        ("4g", ErrorCode.HEX_INVALID),
        ("ff", ErrorCode.CHARSET_GARBLED),
        ("e8a7bc", ErrorCode.CHARSET_GARBLED),
        ("4e3f6e", ErrorCode.CHARSET_LOSSY),
        ("4e0a4e", ErrorCode.CONTROL_CHARS),
    ],
)
def test_bad_hex(digits: str, error: ErrorCode) -> None:
    result = read(with_name(digits))

    assert (result.kind, result.error, result.identity) == (Kind.BHYT, error, None)


def test_hex_may_be_upper_case() -> None:
    result = read(with_name(NAME_HEX.upper()))

    assert (result.error, result.warnings) == (None, frozenset())


def test_a_bad_address_is_an_error_too() -> None:
    made = payloads.bhyt(address="Đà Nẵng").replace("Đà Nẵng".encode().hex().encode(), b"zz")

    assert read(made).error is ErrorCode.HEX_INVALID


def test_twice_in_one_buffer() -> None:
    assert read(payloads.bhyt() * 2).error is ErrorCode.DOUBLE_SCAN


@pytest.mark.parametrize("cut", range(11, 200, 9))
def test_cut_off(cut: int) -> None:
    assert read(payloads.bhyt()[:cut]).error is ErrorCode.TRUNCATED


@pytest.mark.parametrize(
    ("count", "error", "warnings"),
    [
        (8, ErrorCode.FIELD_COUNT, set()),
        (9, None, {WarningCode.FIELDS_MISSING}),
        (12, None, {WarningCode.FIELDS_MISSING}),
        (13, None, set()),
    ],
)
def test_count_of_fields(count: int, error: ErrorCode | None, warnings: set[WarningCode]) -> None:
    fields = payloads.bhyt().decode().split("|")[: count - 1]
    result = read("|".join([*fields, "$"]))

    assert (result.error, result.warnings) == (error, warnings)
    # The end mark is no value.
    assert result.identity is None or "$" not in facts(result.identity).values()


@pytest.mark.parametrize(
    ("facility", "code"),
    [("79 - 001", "79001"), ("48 – c54", "48C54"), ("79001", "79001"), ("79 001", "79001")]
    + [(bad, None) for bad in ("-", "7 - 001", "79 - 0001", "AB - 001", "")],
)
def test_facility(facility: str, code: str | None) -> None:
    assert identity_of(payloads.bhyt(facility=facility)).facility_code == code


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "warnings"),
    [
        (date(2025, 6, 15), date(2025, 6, 15), set()),
        (date(2025, 6, 16), None, {WarningCode.BHYT_NOT_YET_VALID}),
        (date(2024, 1, 1), date(2025, 6, 14), {WarningCode.BHYT_EXPIRED}),
    ],
)
def test_validity_only_warns(
    valid_from: date, valid_to: date | None, warnings: set[WarningCode]
) -> None:
    result = read(payloads.bhyt(valid_from=valid_from, valid_to=valid_to))

    assert (result.error, result.warnings) == (None, warnings)


def test_unreadable_dates_warn() -> None:
    result = read(payloads.bhyt().replace(b"01/01/2025", b"32/13/2025"))

    assert (result.error, result.warnings) == (None, {WarningCode.FIELDS_MISSING})


@pytest.mark.parametrize(
    ("printed", "iso"), [("5/9/1985", "1985-09-05"), ("9/1985", "1985-09"), ("1985", "1985")]
)
def test_birth_dates(printed: str, iso: str) -> None:
    birth_date = identity_of(payloads.bhyt(birth_date=printed)).birth_date

    assert birth_date is not None
    assert birth_date.isoformat() == iso


@pytest.mark.parametrize(
    ("printed", "error"),
    [
        ("30/02/1985", ErrorCode.DOB_INVALID),
        ("-", ErrorCode.DOB_INVALID),
        ("16/06/2025", ErrorCode.DOB_FUTURE),
    ],
)
def test_bad_birth_dates(printed: str, error: ErrorCode) -> None:
    assert read(payloads.bhyt(birth_date=printed)).error is error


def test_level_of_the_ten_digit_form_may_be_absent() -> None:
    assert identity_of(payloads.bhyt(benefit_level="9")).benefit_level is None
